#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The API of the running whole, asked by plain curl: what signs, what is refused and how, and what a repeat gets.
# shellcheck source=tests/tap.sh
. "${srcdir:-.}/tests/tap.sh"
# shellcheck source=tests/e2e/whole_lib.sh
. "$srcdir/tests/e2e/whole_lib.sh"

front_extra='body-limit = 2M'
make_service
set_conf kdsignd.conf "status-listen = $T/state/status.sock"
start_service

# post STATUS TITLE REQUEST
post() {
	printf %s "$3" >"$T/request"
	answers "$1" "$2" --data-binary "@$T/request" /v1/signatures
}

# refused STATUS TITLE TEXT REQUEST - and the problem says TEXT
refused() {
	post "$1" "$2" "$4"
	body_says "$3"
}

# judge ITEM - openssl over the content's octets, which for these old formats are what is signed
judge() {
	jq -r ".items[$1].cms" "$T/body" | openssl base64 -d -A >"$T/cms.der" &&
		openssl asn1parse -inform DER -in "$T/cms.der" >"$T/parsed" &&
		at=$(awk '/1.3.6.1.4.1.311.2.1.4$/ {seen = 1; next}
			seen && /SEQUENCE/ {split($1, a, ":"); print a[1]; exit}' "$T/parsed") &&
		openssl asn1parse -inform DER -in "$T/cms.der" -strparse "$at" -noout -out "$T/spc.der" >/dev/null &&
		tail -c +3 "$T/spc.der" >"$T/content" &&
		openssl smime -verify -inform DER -in "$T/cms.der" -binary -content "$T/content" -out "$T/verified" \
			-CAfile "$T/ca-root.pem" -purpose any
}
holds_digest() {
	od -An -v -tx1 "$T/spc.der" | tr -d ' \n' | grep -qi "$1"
}

# the example of PROTOCOL.md, and its judges
digest=$(repeated 5A 32)
post 200 'the documented example signs' '{
  "id": "farm7-20261123-000001",
  "key": "driver",
  "items": [{
    "kind": "pe", "name": "hello.sys", "size": 6680,
    "digest_algorithm": "sha256",
    "digest": "'"$digest"'",
    "description": "Hello driver", "url": "https://example.com/"
  }]}'
cp "$T/body" "$T/first"
ok 'openssl smime verifies the ContentInfo over the SPC body' judge 0
ok 'which holds the digest' holds_digest "$digest"
ok 'the certificates of the configuration are in it' sh -c \
	'openssl pkcs7 -inform DER -in "$1" -print_certs | grep -c "^subject" | grep -qx 2' - "$T/cms.der"
sed 's/.$/\x01/' "$T/content" >"$T/forged"
fails 4 'and refuses another body' openssl smime -verify -inform DER -in "$T/cms.der" -binary \
	-content "$T/forged" -out "$T/verified" -CAfile "$T/ca-root.pem" -purpose any
post 200 'a thousand items' "$(many thousand-00000001 1000)"
ok 'are all signed' jq -e '[.items[].status] | length == 1000 and all(. == "signed")' "$T/body"
ok 'in order' judge 999
ok 'the last is the last' holds_digest "$(printf %064x 999)"

# refused by name
good=$(item)
one() { printf '{"id":"refused-00000001","items":[%s]}' "$1"; }
without() { # MEMBER
	one "$(printf %s "$good" | jq -c "del(.$1)")"
}
with() { # JSON-MEMBERS
	one "$(printf %s "$good" | jq -c ". + {$1}")"
}
refused 400 'a digest of wrong length' 'items[2].digest: needs 64 hex digits for sha256, has 62' "$(one \
	"$good,$good,$(printf %s "$good" | jq -c '.digest |= .[2:]')")"
refused 400 'a digest that is no hex' 'items[0].digest' "$(with '"digest":"'"$(repeated zz 32)"'"')"
refused 413 '1001 items' '1001' "$(many refused-00000001 1001)"
refused 400 'no items' 'items' '{"id":"refused-00000001","items":[]}'
refused 400 'an unknown member' 'surprise' "$(body refused-00000001 ab '"surprise":1,')"
refused 400 'an unknown member of an item' 'items[0].pin' "$(with '"pin":"1234"')"
refused 400 'a member twice' 'duplicate object key near ' "$(one '{"size":1,'"${good#?}")"
refused 400 'the id twice' 'duplicate object key near ' '{"id":"refused-00000002",'"$(body refused-00000001 | tail -c +2)"
for member in kind name size digest_algorithm digest; do
	refused 400 "no $member" "$member" "$(without $member)"
done
refused 400 'no id' 'id' "$(body refused-00000001 | jq -c 'del(.id)')"
refused 400 'no item list' 'items' '{"id":"refused-00000001"}'
refused 400 'an id that is too short' 'id' "$(body short)"
refused 400 'an id with a slash' 'id' "$(body refused/00000001)"
refused 400 'a size of 0' 'items[0].size' "$(with '"size":0')"
refused 400 'a size over 4 GiB' 'items[0].size' "$(with '"size":4294967296')"
refused 400 'a size that is text' 'items[0].size' "$(with '"size":"6680"')"
refused 400 'a path as name' 'items[0].name' "$(with '"name":"../hello.sys"')"
refused 400 'an unknown kind' 'items[0].kind' "$(with '"kind":"raw"')"
refused 400 'an unknown algorithm' 'items[0].digest_algorithm' "$(with '"digest_algorithm":"md5"')"
refused 400 'null' 'items[0].description' "$(with '"description":null')"
refused 400 'a URL of another scheme' 'items[0].url' "$(with '"url":"file:///etc/passwd"')"
refused 400 'no JSON' 'line 1 column 5' 'hello'
refused 400 'an empty body' 'the body is empty' ''
refused 400 'half a request' 'premature end of input' "$(body refused-00000001 | head -c 100)"
refused 403 'an algorithm that is not granted' 'sha1' "$(one \
	"$(printf %s "$good" | jq -c '.digest_algorithm = "sha1" | .digest |= .[0:40]')")"
refused 403 'a key that is not granted' "'second'" "$(body refused-00000001 ab '"key":"second",')"
refused 404 'an unknown key' "'third'" "$(body refused-00000001 ab '"key":"third",')"
who=nobody
refused 403 'a client without grant' 'not_granted' "$(body refused-00000001)"
who=two
refused 400 'two keys granted, none named' 'driver, second' "$(body refused-00000001)"
who=one
head -c 2097153 /dev/zero | tr '\0' ' ' >"$T/large"
answers 413 'a body over the limit' --data-binary "@$T/large" /v1/signatures
body_says 'too_large'
body fits-00000000001 | cat - "$T/large" | head -c 2097152 >"$T/fits"
answers 200 'a body of just the limit' --data-binary "@$T/fits" /v1/signatures
ok 'nothing that was refused is a request on record' test "$(record \
	"SELECT count(*) FROM event WHERE $(event event) = 'request' AND $(event id) LIKE 'refused-%'")" = 0
ok 'but each decision against a client is' test "$(record \
	"SELECT group_concat($(event code), ' ') FROM event WHERE $(event event) = 'deny'")" \
	= 'not_granted not_granted key_unknown not_granted'

# what is to be read
answers 200 'the keys' /v1/keys
ok 'are those granted' jq -e '[.keys[].name] == ["driver"]' "$T/body"
answers 200 'one key' /v1/keys/driver
thumb=$(openssl x509 -in "$T/driver.pem" -noout -fingerprint -sha1 | cut -d= -f2 | tr -d : | tr A-F a-f)
ok 'with its thumbprint' grep -q "$thumb" "$T/body"
answers 403 'a key that is not granted' /v1/keys/second
body_says 'not_granted'
answers 404 'a key that is not there' /v1/keys/third
body_says 'key_unknown'
ok 'healthz is text' test "$(api /healthz) $(cat "$T/body") $(header_value Content-Type)" = \
	'200 ok text/plain; charset=utf-8'
ok 'with a request id, too' grep -qiE '^X-Request-Id: [0-9a-f]{32}' "$T/header"
answers 200 'readyz' /readyz
ok 'names each key' jq -e '.ready and ([.keys[] | select(.ready) | .name] == ["driver", "second"])' "$T/body"
local_status() { # PATH - over the status socket, where no certificate is asked for
	curl --silent --fail --unix-socket "$T/state/status.sock" "http://localhost$1"
}
ok 'the status socket has health' local_status /healthz
ok 'and readiness' local_status /readyz
says out '"ready":true'
ok 'and metrics' local_status /metrics
says out 'kdsign_items_signed_total 1002'
fails 22 'but no keys' local_status /v1/keys
answers 200 'an id' '/v1/signatures/farm7-20261123-000001?wait=5'
ok 'is answered as the first time' cmp "$T/first" "$T/body"
answers 404 'an id that nobody used' /v1/signatures/farm7-20261123-000002
who=two
answers 404 "another client's id" /v1/signatures/farm7-20261123-000001
post 404 "another client's id, to sign" "$(body farm7-20261123-000001 ab '"key":"driver",')"
who=one
answers 405 'GET of what takes POST' /v1/signatures
ok 'says what it takes' test "$(header_value Allow)" = POST
answers 405 'POST of what takes GET' --data '{}' /v1/keys
ok 'says that, too' test "$(header_value Allow)" = GET
answers 404 'no such path' /v1/nothing
answers 404 'no path' /
answers 404 'metrics are not for clients' /metrics
answers 400 'a wait that is too long' '/v1/signatures/farm7-20261123-000001?wait=61'
answers 400 'a query that is not understood' '/v1/keys?all=1'

# repeats
same_again='{"items":[{"url":"https://example.com/","description":"Hello driver","digest":"'"$(repeated 5a 32)"'",
	"digest_algorithm":"sha256","size":6680,"name":"hello.sys","kind":"\u0070e"}],"key":"driver","id":"farm7-20261123-000001"}'
post 200 'the same content, spelled differently' "$same_again"
ok 'gets the first answer, byte for byte' cmp "$T/first" "$T/body"
refused 409 'other content' 'id_conflict' "$(body farm7-20261123-000001)"
signed=$(record "SELECT count(*) FROM event WHERE $(event event) = 'intent'")
stop_service
start_service
post 200 'the same after a restart of everything' "$same_again"
ok 'gets the first answer still' cmp "$T/first" "$T/body"
answers 200 'GET of it' /v1/signatures/farm7-20261123-000001
ok 'as well' cmp "$T/first" "$T/body"
refused 409 'other content, still' 'id_conflict' "$(body farm7-20261123-000001)"
ok 'none of it was signed again' test "$(record \
	"SELECT count(*) FROM event WHERE $(event event) = 'intent'")" = "$signed"
done_testing
