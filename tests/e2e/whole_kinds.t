#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Catalogs, page hashes and nested signatures by plain curl: judged by programs that are not ours, on record member by
# member, and refused by name where something is wrong with them.
# shellcheck source=tests/tap.sh
. "${srcdir:-.}/tests/tap.sh"
# shellcheck source=tests/e2e/whole_lib.sh
. "$srcdir/tests/e2e/whole_lib.sh"
need osslsigncode

make_files
make_service
# may have PE files signed only
sed -i '/^\[grant two\]/,$ { /^kinds/d }' "$T/etc/keeper.conf"
start_service

post() { # STATUS TITLE - what is in $T/request
	answers "$1" "$2" --data-binary "@$T/request" /v1/signatures
}
refused() { # STATUS TITLE TEXT
	post "$1" "$2"
	body_says "$3"
}

# ---- catalogs ----

# make_cat NAME VERSION FILE... - an unsigned catalog in $T/NAME.cat, its CTL in $T/NAME.ctl
make_cat() {
	cat_name=$1 cat_version=$2
	shift 2
	{
		printf '[CatalogHeader]\r\nName=%s.cat\r\nResultDir=%s\r\n' "$cat_name" "$T"
		printf 'CatalogVersion=%s\r\nHashAlgorithms=%s\r\nPublicVersion=0x1\r\n[CatalogFiles]\r\n' "$cat_version" \
			"$([ "$cat_version" = 1 ] && echo SHA1 || echo SHA256)"
		for cat_file; do
			printf '<HASH>%s=%s\r\n' "${cat_file##*/}" "$cat_file"
		done
	} >"$T/$cat_name.cdf"
	"$client" --quiet catalog "$T/$cat_name.cdf" >"$T/cat.log" 2>&1 || { sed 's/^/# /' "$T/cat.log"; exit 99; }
	cut_ctl "$T/$cat_name.cat" "$T/$cat_name.ctl"
}

cut_ctl() { # CAT CTL
	openssl asn1parse -inform DER -in "$1" >"$T/parsed" || exit 99
	cut_at=$(awk '/1.3.6.1.4.1.311.10.1$/ {seen = 1; next}
		seen && /SEQUENCE/ {split($1, a, ":"); print a[1]; exit}' "$T/parsed")
	openssl asn1parse -inform DER -in "$1" -strparse "$cut_at" -noout -out "$2" >"$T/cut.log" || exit 99
}

# octets FILE - what is in its outermost element, in $T/octets
octets() {
	oct_head=$(openssl asn1parse -inform DER -in "$1" | sed -n '1s/.*hl=\([0-9]*\).*/\1/p')
	tail -c +$((oct_head + 1)) "$1" >"$T/octets"
}

# cat_request ID CTL [JSON-MEMBERS [DIGEST]]
cat_request() {
	[ -n "${4:-}" ] || octets "$2"
	openssl base64 -A -in "$2" >"$T/base64"
	jq -c -n --arg id "$1" --rawfile ctl "$T/base64" --arg size "$(stat -c %s "$2")" \
		--arg digest "${4:-$(sha256sum "$T/octets" | cut -d' ' -f1)}" '{id: $id, items: [{kind: "catalog", name: "hello.cat",
		size: ($size | tonumber), digest_algorithm: "sha256", digest: $digest, ctl: $ctl} + {'"${3:-}"'}]}' >"$T/request"
}

take_cms() { # ITEM FILE
	jq -r ".items[$1].cms" "$T/body" | openssl base64 -d -A >"$2"
}

judge_ctl() { # CMS CTL - openssl over the octets
	octets "$2"
	openssl smime -verify -inform DER -in "$1" -binary -content "$T/octets" -out "$T/verified" \
		-CAfile "$T/ca-root.pem" -purpose any
}

printf '[Version]\r\nSignature="$Windows NT$"\r\n' >"$T/hello.inf"
make_cat hello 2 "$T/drv64.sys" "$T/hello.inf"
cat_request catalog-00000001 "$T/hello.ctl" 'description: "Hello driver"'
post 200 'a catalog'
cp "$T/body" "$T/first"
take_cms 0 "$T/hello-signed.cat"
ok 'openssl smime verifies it over the CTL' judge_ctl "$T/hello-signed.cat" "$T/hello.ctl"
cut_ctl "$T/hello-signed.cat" "$T/again.ctl"
ok 'the CTL is the one that was sent, byte for byte' cmp "$T/hello.ctl" "$T/again.ctl"
by_catalog() { # CAT FILE
	osslsigncode verify -catalog "$1" -CAfile "$T/ca-root.pem" -in "$2"
}
ok 'osslsigncode verifies a driver by it' by_catalog "$T/hello-signed.cat" "$T/drv64.sys"
fails 1 'and not one that it does not list' by_catalog "$T/hello-signed.cat" "$T/drv32.sys"
at=$(grep -abo "$(printf 'd\000r\000v')" "$T/hello-signed.cat" | head -n 1 | cut -d: -f1)
[ -n "$at" ] || at=$(openssl asn1parse -inform DER -in "$T/hello-signed.cat" | sed -n \
	'/UTCTIME/ { s/^ *\([0-9]*\):.*hl=\([0-9]*\).*/\1 \2/p; q; }' | awk '{print $1 + $2}')
flip "$T/hello-signed.cat" "$T/tampered.cat" "$at"
fails 1 'its tampered twin verifies nothing' by_catalog "$T/tampered.cat" "$T/drv64.sys"
cut_ctl "$T/tampered.cat" "$T/tampered.ctl"
fails 4 'and openssl says the same' judge_ctl "$T/tampered.cat" "$T/tampered.ctl"

# the record
sha=$("$client" digest "$T/drv64.sys" | cut -d' ' -f1)
inf=$(sha256sum "$T/hello.inf" | cut -d' ' -f1)
listed() { # HASH - names of the catalogs that list it
	record "SELECT e.json ->> 'name' FROM event e, json_each(e.json, '\$.members') m
		WHERE CASE m.type WHEN 'text' THEN m.value ELSE m.value ->> 'digest' END = '$1'"
}
ok 'the record has the driver among the members' test "$(listed "$sha")" = hello.cat
ok 'and the INF' test "$(listed "$inf")" = hello.cat
ok 'and nothing else but their SHA-1' test "$(record "SELECT $(event member_count), json_array_length(json, '\$.members')
	FROM event WHERE $(event event) = 'intent'")" = '4|4'
ok 'and the SHA-256 of the CTL' test "$(record "SELECT $(event ctl_sha256) FROM event
	WHERE $(event event) = 'intent'")" = "$(sha256sum "$T/hello.ctl" | cut -d' ' -f1)"

make_cat old 1 "$T/drv64.sys" "$T/hello.inf"
cat_request catalog-00000002 "$T/old.ctl"
post 200 'a catalog of version 1'
take_cms 0 "$T/old-signed.cat"
ok 'osslsigncode verifies a driver by it' by_catalog "$T/old-signed.cat" "$T/drv64.sys"
ok 'the record has hashes that were text like those that were bytes' test \
	"$(listed "$(sha1sum "$T/hello.inf" | cut -d' ' -f1)" | wc -l)" = 2
ok 'two of them' test "$(record "SELECT group_concat(length(m.value)) FROM event e, json_each(e.json, '\$.members') m
	WHERE e.seq = (SELECT max(seq) FROM event WHERE $(event event) = 'intent')")" = 40,40

# ---- bad catalogs ----

bad() { # STATUS TITLE TEXT - the CTL in $T/bad.ctl
	cat_request refused-00000001 "$T/bad.ctl" '' "${4:-$(repeated ab 32)}"
	refused "$1" "$2" "$3"
}
cat_request refused-00000001 "$T/hello.ctl" '' "$(repeated ab 32)"
refused 400 'the digest of another CTL' 'items[0].digest: is not that of the CTL sent, whose content has sha256 '
jq -c 'del(.items[0].ctl)' "$T/request" >"$T/request.new" && mv "$T/request.new" "$T/request"
refused 400 'no CTL' "items[0].ctl: missing, though the kind is 'catalog'"
jq -c '.items[0].ctl = "MIIB_-=="' "$T/request" >"$T/request.new" && mv "$T/request.new" "$T/request"
refused 400 'a CTL that is no base64' 'items[0].ctl: not base64'
cat_request refused-00000001 "$T/hello.ctl" 'page_hashes: "AAAA"'
refused 400 'a catalog with page hashes' "items[0].page_hashes: is for kind 'pe' only"
cat_request refused-00000001 "$T/hello.ctl" 'sequence: 101'
refused 400 'sequence 101' 'items[0].sequence: must be 1 to 100, is 101'
cat_request refused-00000001 "$T/hello.ctl" 'sequence: 0'
refused 400 'sequence 0' 'items[0].sequence: must be 1 to 100, is 0'
printf 'no CTL at all' >"$T/bad.ctl"
bad 400 'what is no DER' 'items[0].ctl: CTL at offset '
openssl x509 -in "$T/driver.pem" -outform DER -out "$T/bad.ctl"
bad 400 'a certificate' 'items[0].ctl: CTL subjectUsage'
cp "$T/hello.cat" "$T/bad.ctl"
bad 400 'the whole catalog' 'items[0].ctl: CTL subjectUsage'
head -c -1 "$T/hello.ctl" >"$T/bad.ctl"
bad 400 'a CTL that is cut' 'items[0].ctl: CTL at offset 0'
{ cat "$T/hello.ctl" && printf x; } >"$T/bad.ctl"
bad 400 'a CTL with more behind it' 'items[0].ctl: CTL has 1 unexpected byte'

# Identifiers of 82 bytes, in order; the first two.
ids=$(openssl asn1parse -inform DER -in "$T/old.ctl" | sed -n \
	's/^ *\([0-9]*\):d=3 *hl=\([0-9]*\) *l= *82 prim: OCTET STRING.*/\1 \2/p' | awk '{print $1 + $2}')
# shellcheck disable=SC2086
set -- $ids
put_id() { # FROM TO - of old.ctl into bad.ctl
	tail -c +$(($1 + 1)) "$T/old.ctl" | head -c 82 | dd of="$T/bad.ctl" bs=1 seek="$2" conv=notrunc 2>/dev/null
}
cp "$T/old.ctl" "$T/bad.ctl"
put_id "$1" "$2"
bad 400 'a member twice' 'items[0].ctl: member 2: has the identifier of the one before'
put_id "$2" "$1"
bad 400 'members out of order' 'items[0].ctl: member 2: its identifier belongs before'
at=$(openssl asn1parse -inform DER -in "$T/hello.ctl" | sed -n \
	's/^ *\([0-9]*\):d=[0-9]* *hl=\([0-9]*\) *l= *32 prim: OCTET STRING.*/\1 \2/p' | awk 'NR == 2 {print $1 + $2}')
flip "$T/hello.ctl" "$T/bad.ctl" "$at"
bad 400 'a hash under the identifier of another' 'its identifier is '
printf 'AAAA%.0s' $(seq 4096) >"$T/16k"
for i in $(seq 1366); do cat "$T/16k"; done >"$T/base64"
large() { # one item with that base64
	printf '{"id":"refused-00000001","items":[{"kind":"catalog","name":"a.cat","size":1,"digest_algorithm":"sha256",'
	printf '"digest":"%s","ctl":"' "$(repeated ab 32)"
	cat
	printf '"}]}'
}
large <"$T/base64" >"$T/request"
refused 413 'a CTL over 16 MiB' 'items[0].ctl: 22380544 characters, at most 22369624 allowed'
head -c 20000000 "$T/base64" | large >"$T/request"
refused 400 'fifteen megabytes of zeros' 'items[0].ctl: CTL at offset 0'
for i in 1 2 3 4 5 6; do cat "$T/base64"; done | large >"$T/request"
before=$(date +%s)
answers 413 'a hundred megabytes' --data-binary "@$T/request" /v1/signatures
body_says too_large
took=$(($(date +%s) - before))
ok "in bounded time ($took s)" test "$took" -lt 30
who=two
cat_request refused-00000001 "$T/hello.ctl"
jq -c '.key = "driver"' "$T/request" >"$T/request.new" && mv "$T/request.new" "$T/request"
refused 403 'a client whose grant is for PE files' 'items[0]: kind catalog with digest algorithm sha256 is not granted'
answers 200 'that client, asking' /v1/keys/driver
ok 'hears what it may have signed' jq -e '.kinds == ["pe"]' "$T/body"
who=one
answers 200 'another' /v1/keys/driver
ok 'hears of both kinds' jq -e '.kinds == ["pe", "catalog"]' "$T/body"

# ---- page hashes ----

# The table that osslsigncode makes: the octet string in the one string that holds a SET.
osslsigncode sign -certs "$T/chain.pem" -key "$T/leaf.key" -h sha256 -ph -in "$T/drv64.sys" -out "$T/ph.sys" \
	>"$T/sign.log" 2>&1 && osslsigncode extract-signature -pem -in "$T/ph.sys" -out "$T/ph.pem" >"$T/sign.log" 2>&1 ||
	exit 99
sed /-----/d "$T/ph.pem" | openssl base64 -d >"$T/ph.der"
at=$(openssl asn1parse -inform DER -in "$T/ph.der" | sed -n '/A6B586D5B4A12466AE05A217DA8E60D6/ { n; s/^ *\([0-9]*\):.*/\1/p; q; }')
openssl asn1parse -inform DER -in "$T/ph.der" -strparse "$at" -noout -out "$T/set.der" >"$T/cut.log" || exit 99
table_at=$(openssl asn1parse -inform DER -in "$T/set.der" | sed -n \
	'/OCTET STRING/ s/^ *\([0-9]*\):.*hl=\([0-9]*\).*/\1 \2/p' | awk '{print $1 + $2}')
tail -c +$((table_at + 1)) "$T/set.der" >"$T/table"
entries=$(($(stat -c %s "$T/table") / 36))

pe_request() { # ID TABLE [JSON-MEMBERS]
	openssl base64 -A -in "$2" >"$T/base64"
	jq -c -n --arg id "$1" --rawfile table "$T/base64" --arg digest "$sha" '{id: $id, items: [{kind: "pe", name: "drv64.sys",
		size: '"$(stat -c %s "$T/drv64.sys")"', digest_algorithm: "sha256", digest: $digest, page_hashes: $table} +
		{'"${3:-}"'}]}' >"$T/request"
}
embed() { # CMS IN OUT [OPTION]; as PEM, since Debian 12's own osslsigncode takes no bare DER
	rm -f "$3"
	{ echo '-----BEGIN PKCS7-----' && openssl base64 -in "$1" && echo '-----END PKCS7-----'; } >"$T/embed.pem"
	osslsigncode attach-signature ${4:+"$4"} -sigin "$T/embed.pem" -CAfile "$T/ca-root.pem" -in "$2" -out "$3"
}
verifies() {
	osslsigncode verify -CAfile "$T/ca-root.pem" -in "$1"
}
pe_request pages-000000000001 "$T/table"
post 200 "a table of $entries page hashes"
take_cms 0 "$T/pages.der"
ok 'osslsigncode puts it into the file' embed "$T/pages.der" "$T/padded.sys" "$T/pages.sys"
ok 'and verifies it' verifies "$T/pages.sys"
says out 'Page hash algorithm  : SHA256'
ok 'page by page' sh -c '! grep -i "mismatch" "$1"' - "$T/out"
ok 'the record has the SHA-256 of the table' test "$(record "SELECT $(event page_hashes_sha256) FROM event
	WHERE $(event page_hashes_sha256) IS NOT NULL")" = "$(sha256sum "$T/table" | cut -d' ' -f1)"
flip "$T/table" "$T/other-table" 40
pe_request pages-000000000002 "$T/other-table"
post 200 'a table with a wrong hash, which only the file can tell'
take_cms 0 "$T/other.der"
embed "$T/other.der" "$T/padded.sys" "$T/other.sys" >"$T/out" 2>&1
fails 1 'is refused by osslsigncode' verifies "$T/other.sys"
head -c -1 "$T/table" >"$T/bad-table"
pe_request refused-00000001 "$T/bad-table"
refused 400 'a table of wrong length' 'items[0].page_hashes: '
head -c 36 "$T/table" >"$T/bad-table"
pe_request refused-00000001 "$T/bad-table"
refused 400 'a table of one entry' 'needs at least 2 entries of 36 bytes for sha256'
{ tail -c +37 "$T/table" | head -c 36 && cat "$T/table"; } >"$T/bad-table"
pe_request refused-00000001 "$T/bad-table"
refused 400 'a table that begins elsewhere' 'items[0].page_hashes: entry 0 is for offset '
pe_request refused-00000001 "$T/table" 'size: 2048'
refused 400 'a table beyond the end of the file' 'items[0].page_hashes: entry '
pe_request refused-00000001 "$T/table" 'ctl: "MAA="'
refused 400 'a PE file with a CTL' "items[0].ctl: is for kind 'catalog' only"

# ---- nested signatures ----

sequence_is() { # CMS NUMBER
	openssl asn1parse -inform DER -in "$1" | grep -A 2 '1.2.840.113549.1.9.25.4$' | grep -q "INTEGER  *:0*$2\$"
}
pe_request nested-00000000001 "$T/table" 'sequence: 1'
post 200 'a nested signature'
take_cms 0 "$T/nested.der"
ok 'has its number' sequence_is "$T/nested.der" 1
ok 'which is on record' test "$(record "SELECT $(event sequence) FROM event WHERE $(event sequence) IS NOT NULL")" = 1
ok 'osslsigncode puts it into a signed file' embed "$T/nested.der" "$T/pages.sys" "$T/both.sys" -nest
ok 'and verifies both' verifies "$T/both.sys"
ok 'which are two' test "$(grep -c '^Signature Index' "$T/out")" = 2
cat_request nested-00000000002 "$T/hello.ctl" 'sequence: 2'
post 200 'a nested signature of a catalog'
take_cms 0 "$T/nested-cat.der"
ok 'has its number' sequence_is "$T/nested-cat.der" 2
ok 'openssl cms verifies it over the whole CTL' openssl cms -verify -inform DER -in "$T/nested-cat.der" -binary \
	-content "$T/hello.ctl" -out "$T/verified" -CAfile "$T/ca-root.pem" -purpose any
fails 4 'and not over another' openssl cms -verify -inform DER -in "$T/nested-cat.der" -binary \
	-content "$T/old.ctl" -out "$T/verified" -CAfile "$T/ca-root.pem" -purpose any
cp "$T/body" "$T/first-nested"

# ---- large ones, repeats ----

mkdir "$T/many"
i=0
while [ $i -lt 3000 ]; do
	echo "$i" >"$T/many/$i.txt"
	i=$((i + 1))
done
make_cat many 2 "$T"/many/*.txt
cat_request catalog-00000003 "$T/many.ctl"
ok 'a request that is large' test "$(stat -c %s "$T/request")" -gt 500000
cp "$T/request" "$T/many.request"
post 200 'a catalog of 3000 files'
cp "$T/body" "$T/first-many"
take_cms 0 "$T/many-signed.cat"
ok 'openssl smime verifies it' judge_ctl "$T/many-signed.cat" "$T/many.ctl"
ok 'each file is on record' test "$(record "SELECT count(*) FROM event e, json_each(e.json, '\$.members') m
	WHERE length(m.value) = 64 AND e.json ->> 'member_count' = 6000")" = 3000
ok 'that of one file' test "$(listed "$(echo 1234 | sha256sum | cut -d' ' -f1)")" = hello.cat
intents=$(record "SELECT count(*) FROM event WHERE $(event event) = 'intent'")
stop_service
ok 'the record can be read to its end' test "$(record 'SELECT count(*) = max(seq) FROM event')" = 1
start_service
cat_request catalog-00000001 "$T/hello.ctl" 'description: "Hello driver"'
post 200 'the first catalog again, after a restart'
ok 'is the first answer, byte for byte' cmp "$T/first" "$T/body"
cat_request nested-00000000002 "$T/hello.ctl" 'sequence: 2'
post 200 'the nested one again'
ok 'is the first answer, byte for byte' cmp "$T/first-nested" "$T/body"
cp "$T/many.request" "$T/request"
post 200 'the large one again'
ok 'is the first answer, byte for byte' cmp "$T/first-many" "$T/body"
answers 200 'and by its id' '/v1/signatures/catalog-00000003?wait=5'
ok 'is the first answer, byte for byte' cmp "$T/first-many" "$T/body"
got_by_all() { # PIDS - each of eight who ask at the same time
	for pid; do
		wait "$pid" || return 1
	done
	for i in 1 2 3 4 5 6 7 8; do
		cmp "$T/first-many" "$T/together.$i" || return 1
	done
}
pids=
for i in 1 2 3 4 5 6 7 8; do
	start "together$i" curl --silent --max-time 60 --cacert "$T/client-ca.pem" --cert "$T/one.identity" \
		--output "$T/together.$i" "$KDSIGN_SERVER/v1/signatures/catalog-00000003"
	pids="$pids $pid"
done
# shellcheck disable=SC2086
ok 'eight who ask for it together all get it' got_by_all $pids
ok 'nothing was signed twice' test "$(record "SELECT count(*) FROM event WHERE $(event event) = 'intent'")" = "$intents"
cat_request catalog-00000001 "$T/old.ctl" 'description: "Hello driver"'
refused 409 'the id with another CTL' id_conflict
cat_request nested-00000000002 "$T/hello.ctl" 'sequence: 3'
refused 409 'with another sequence' id_conflict
pe_request pages-000000000001 "$T/other-table"
refused 409 'with another table' id_conflict

# ---- what large requests take is bounded ----

stop_service
use_mock
set_conf keeper.conf 'frame-limit = 1M' 'bytes-in-flight = 1000000'
fails 78 'less room than for one request' "$builddir/kdsign-keeper" --config "$T/etc/keeper.conf" --check
says err 'bytes-in-flight 1000000: must be at least frame-limit 1048576'
set_conf keeper.conf '# room for one of them' && sed -i 's/^bytes-in-flight.*/bytes-in-flight = 1M/' "$T/etc/keeper.conf"
start_service
order C_Sign delay 6000
jq -c '.id = "slow-00000000001"' "$T/many.request" >"$T/slow"
start slow curl --silent --max-time 60 --cacert "$T/client-ca.pem" --cert "$T/one.identity" --data-binary "@$T/slow" \
	"$KDSIGN_SERVER/v1/signatures"
slow=$pid
ok 'a large request is with a slow token' wait_for 20 grep -qx C_Sign "$T/mock/calls"
jq -c '.id = "busy-00000000001"' "$T/many.request" >"$T/request"
refused 503 'another large one' 'bytes of large requests are under way, at most 1048576 allowed'
ok 'with Retry-After' grep -qi '^Retry-After: [1-9]' "$T/header"
answers 200 'meanwhile others are answered' /v1/keys
wait "$slow"
ok 'the first one is signed' grep -q '"status":"signed"' "$T/slow.out"
order
post 200 'and then the other one'
done_testing
