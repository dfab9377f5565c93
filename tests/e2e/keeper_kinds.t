#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The keeper and the kinds of files: each one's content; kernel modules, whose signature is over any digest that comes,
# by keys that serve nothing else.
# shellcheck source=tests/tap.sh
. "${srcdir:-.}/tests/tap.sh"
# shellcheck source=tests/e2e/keeper.sh
. "${srcdir:-.}/tests/e2e/keeper.sh"

make_pki
make_conf
cp "$T/keeper.conf" "$T/pe.conf"
sed 's/^keys = driver/&\nkinds = pe cabinet script msi/' "$T/pe.conf" >"$T/formats.conf"
sed 's/^keys = driver/&\nkinds = module/' "$T/pe.conf" >"$T/module.conf"
start_signer

asks() { # KIND ID BYTE [MORE-OF-THE-ITEM]
	body "$2" "$3" | sed "s|\"kind\":\"pe\"|\"kind\":\"$1\"${4:+,$4}|" | ask host1 sign
}
answers() { # STATUS TITLE cmd...
	status=$1 title=$2
	shift 2
	"$@" >"$T/out" 2>"$T/err"
	cp "$T/out" "$T/answer"
	grep -q "^$status " "$T/out"
	tap_report $? "$title: $status"
}
cms_of() { sed -n 's/.*"cms":"\([^"]*\)".*/\1/p' "$T/answer" | openssl base64 -d -A >"$T/cms.der"; }
content_says() { # OID
	cms_of && openssl asn1parse -inform DER -in "$T/cms.der" | grep -q ":$1\$"
}
has_bytes() { od -An -v -tx1 "$T/cms.der" | tr -d ' \n' | grep -q "$1"; }

cp "$T/formats.conf" "$T/keeper.conf"
ok 'the keeper starts' start_keeper
answers 200 'a cabinet' asks cabinet request-000000001 01 '"sequence":1'
ok 'is signed as one' content_says 1.3.6.1.4.1.311.2.1.25
answers 200 'a script' asks script request-000000002 02
ok 'is signed as one' content_says 1.3.6.1.4.1.311.2.1.30
ok 'with the class of scripts' has_bytes 1fcc3b60594b084eb724d2c6297ef351
answers 200 'an MSI' asks msi request-000000003 03
ok 'is signed as one' content_says 1.3.6.1.4.1.311.2.1.30
ok 'with the class of MSI' has_bytes f1100c0000000000c000000000000046
ok 'the record says each kind' test "$(sql "SELECT group_concat(json_extract(json,'\$.kind')) FROM event WHERE
	json_extract(json,'\$.event')='intent'")" = cabinet,script,msi
answers 403 'a module' asks module request-000000004 04
says out 'kinds = module'
answers 400 'a kind of which there is none' asks jar request-000000005 05
says out 'must be pe, catalog, cabinet, script, msi or module'

# a reload that would let the key do both
sed 's/^kinds = .*/& module/' "$T/formats.conf" >"$T/keeper.conf"
kill -HUP "$keeper_pid"
ok 'a configuration that gives a key more than modules is refused on reload' wait_for 10 grep -q 'stays in force' "$T/keeper.err"
says keeper.err "key 'driver': [grant farm] gives it kind module and [grant farm] kind pe;"
answers 200 'and the old one stays' asks cabinet request-000000006 06
stop "$keeper_pid"

# ---- each item by a grant of its own ----
{ sed 's/^keys = driver/&\nkinds = pe\ndigests = sha256/' "$T/pe.conf" &&
	printf '[grant boxes]\nclient-spki-sha256 = %s\nkeys = driver\nkinds = cabinet\ndigests = sha256\n' \
		"$(spki_sha256 host1)"; } >"$T/keeper.conf"
ok 'a keeper with two grants' start_keeper
mixed() { # ID KIND CLIENT - a PE image, that and a PE image
	printf '{"id":"%s","items":[%s,%s,%s]}' "$1" "$(item 20)" "$(item 21 | sed "s/\"pe\"/\"$2\"/")" "$(item 22)" |
		ask "$3" sign
}
answers 200 'a request with items of both' mixed request-000000020 cabinet host1
ok 'all are signed' test "$(grep -o '"status":"signed"' "$T/answer" | wc -l)" = 3
last_request="(SELECT max(seq) FROM event WHERE json_extract(json,'\$.event')='request')"
ok 'the request is on record with both' test "$(sql "SELECT json_extract(json,'\$.grants') || ifnull(json_extract(json,
	'\$.grant'), '') FROM event WHERE seq = $last_request")" = '["farm","boxes"]'
ok 'and each item with its own' test "$(sql "SELECT group_concat(json_extract(json,'\$.grant')) FROM (SELECT json FROM
	event WHERE json_extract(json,'\$.request') = $last_request AND json_extract(json,'\$.event')='intent'
	ORDER BY seq)")" = farm,boxes,farm
answers 403 'an item of a third kind' mixed request-000000021 msi host1
says out 'items[1]: kind msi with digest algorithm sha256 is not granted'
answers 403 'another client, which has one of the grants' mixed request-000000022 cabinet host2
answers 200 'and what that covers' asks pe request-000000023 23
ok 'is on record as ever' test "$(sql "SELECT json_extract(json,'\$.grant') FROM event WHERE seq = $last_request")" = farm
stop "$keeper_pid"

# ---- modules ----
cp "$T/module.conf" "$T/keeper.conf"
ok 'it starts with a key for modules alone' start_keeper
answers 200 'a module' asks module request-000000011 11
cp "$T/answer" "$T/first"
head -c 32 /dev/zero | tr '\0' '\021' >"$T/digest"
cms_of
tail -c 384 "$T/cms.der" >"$T/sig.bin" # RSA-3072: the last thing in it
openssl x509 -in "$T/leaf.pem" -noout -pubkey >"$T/leaf.pub"
ok 'and is one over the digest that was sent' openssl pkeyutl -verify -pubin -inkey "$T/leaf.pub" -in "$T/digest" \
	-sigfile "$T/sig.bin" -pkeyopt digest:sha256
ok 'it brings no certificate' sh -c "! openssl pkcs7 -inform DER -in '$T/cms.der' -print_certs -noout | grep -q subject"
for member in '"description":"d"' '"url":"http://u"' '"sequence":1'; do
	answers 400 "a module with $member" asks module request-000000012 12 "$member"
	says out 'cannot be said in the signature of a kernel module'
done
answers 403 'a PE image by that key' asks pe request-000000013 13
stop "$keeper_pid"
ok 'it starts again' start_keeper
answers 200 'the same request after that' asks module request-000000011 11
ok 'gets the first answer, byte for byte' cmp "$T/first" "$T/answer"
stop "$keeper_pid"

refuses() { # TITLE TEXT - of $T/bad.conf
	fails 78 "refused: $1" "$builddir/kdsign-keeper" --config "$T/bad.conf" --check
	says err "$2"
}
module_grant() { # NAME KEY
	printf '[grant %s]\nclient-spki-sha256 = %s\nkeys = %s\nkinds = module\n' "$1" "$(spki_sha256 host2)" "$2"
}
{ cat "$T/formats.conf" && module_grant more driver; } >"$T/bad.conf"
refuses 'modules by one grant, cabinets by another' \
	"key 'driver': [grant more] gives it kind module and [grant farm] kind pe;"
fails 78 'and that is what it ends with' "$builddir/kdsign-keeper" --config "$T/bad.conf"
{ cat "$T/formats.conf" && printf '[key twin]\nsigner = one\ncertificates = %s\n' "$T/leaf.pem" &&
	module_grant more twin; } >"$T/bad.conf"
refuses 'the same key under two names' \
	"key 'twin': [grant more] gives it kind module and [grant farm] kind pe by key 'driver', which is the same;"
sed 's/^kinds = .*/kinds = module exe/' "$T/formats.conf" >"$T/bad.conf"
refuses 'a kind of which there is none' "'exe' is none: pe catalog cabinet script msi module"

# The kernel's own recipe for certificates names no extended key usage.
printf 'keyUsage=critical,digitalSignature\n' >"$T/plain.ext"
quietly openssl x509 -req -in "$T/leaf.csr" -CA "$T/code.pem" -CAkey "$T/code.key" -extfile "$T/plain.ext" -days 30 \
	-sha256 -out "$T/plain.pem"
sed "s|$T/leaf.pem|$T/plain.pem|" "$T/module.conf" >"$T/good.conf"
ok 'a certificate without extended key usage does for modules' "$builddir/kdsign-keeper" --config "$T/good.conf" --check
sed "s|$T/leaf.pem|$T/plain.pem|" "$T/pe.conf" >"$T/bad.conf"
refuses 'and for nothing else' 'no codeSigning'
sed "s|$T/leaf.pem|$T/host1.pem|" "$T/module.conf" >"$T/bad.conf"
refuses 'one that is for something else' 'no codeSigning'
done_testing
