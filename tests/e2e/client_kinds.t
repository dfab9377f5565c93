#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2154,SC2317
# kdsign-client: catalogs, page hashes, nested signatures, timestamp, extract, attach and remove, against the real daemons.
. "${srcdir:-.}/tests/tap.sh"
# shellcheck source=/dev/null
. "$srcdir/tests/e2e/client_files.sh"
need osslsigncode openssl
# shellcheck source=/dev/null
. "$srcdir/tests/e2e/client_service.sh"
# shellcheck source=/dev/null
. "$srcdir/tests/e2e/tsa.sh"

judge() { # FILE [osslsigncode options]: a program that is not ours
	judge_file=$1
	shift
	osslsigncode verify -CAfile "$T/kernel-root.pem" -TSA-CAfile "$TSA_ROOT" "$@" -in "$judge_file" >"$T/judge" 2>&1
	judge_status=$?
	cat "$T/judge"
	return "$judge_status"
}

verify() {
	"$client" verify --root "$T/kernel-root.pem" --tsa-root "$TSA_ROOT" "$@"
}

sign() {
	"$client" --identity "$T/two.identity" sign --key driver --ac "$T/cross.pem" "$@"
}

# ctl FILE - the list that a catalog is, as openssl finds it: the fourth element down
ctl() {
	ctl_at=$(openssl asn1parse -inform DER -in "$1" |
		awk -F: '/1.3.6.1.4.1.311.10.1$/ { getline; getline; print $1; exit }')
	openssl asn1parse -inform DER -in "$1" -strparse "$((ctl_at))" -out "$2" -noout
}

make_files
make_service
start_service
ok "authorities" start_tsa

# catalogs: the demo's own way, CDF to signed catalog
cp "$T/drv64.sys" "$T/net.sys" && printf '[Version]\r\nCatalogFile=net.cat\r\n' >"$T/net.inf"
printf '[CatalogHeader]\nName=%s\nCatalogVersion=2\nHashAlgorithms=SHA256\n[CatalogFiles]\n<HASH>s=%s\n<HASH>i=%s\n' \
	"$T/net.cat" "$T/net.sys" "$T/net.inf" >"$T/net.cdf"
ok "an unsigned catalog" "$client" catalog "$T/net.cdf"
cp "$T/net.cat" "$T/bare.cat"
ok "is signed" sign --description "Net driver" --timestamp "$TSA_URL" "$T/net.cat"
says out "$T/net.cat: signed with driver (sha256), timestamped"
ok "osslsigncode takes it" judge "$T/net.sys" -catalog "$T/net.cat"
ok "with its timestamp" grep -q 'Timestamp Server Signature verification: ok' "$T/judge"
ok "our verify takes it" verify --catalog "$T/net.cat" "$T/net.sys" "$T/net.inf"
ctl "$T/bare.cat" "$T/bare.ctl"
ctl "$T/net.cat" "$T/net.ctl"
ok "the list has some bytes" test "$(stat -c %s "$T/bare.ctl")" -gt 300
ok "and they are the same in the signed catalog" cmp "$T/bare.ctl" "$T/net.ctl"
ok "signing again replaces" sign --digest sha1 "$T/net.cat"
says out "old signature replaced"
ctl "$T/net.cat" "$T/net.ctl"
ok "the list is still the same" cmp "$T/bare.ctl" "$T/net.ctl"
ok "osslsigncode takes the new one" judge "$T/net.sys" -catalog "$T/net.cat"
ok "a second signature beside it" sign --append --timestamp "$TSA_URL" "$T/net.cat"
says out "beside the signature that was there"
ok "our verify takes both" verify "$T/net.cat"
says out "nested signature 1"
if osslsigncode --version | grep -q '^osslsigncode 2\.[0-6][^0-9]'; then
	skip "osslsigncode still takes the first" "this one crashes over a catalog's nested signature"
else
	ok "osslsigncode still takes the first" judge "$T/net.sys" -catalog "$T/net.cat"
fi
ok "remove takes both" "$client" remove "$T/net.cat"
ok "and the unsigned catalog is left" cmp "$T/bare.cat" "$T/net.cat"
fails 1 "which has no more to remove" "$client" remove "$T/net.cat"
fails 3 "what is no catalog" sign "$T/leaf.key"
openssl crl2pkcs7 -nocrl -certfile "$T/leaf.pem" -outform DER -out "$T/certs.p7"
fails 3 "PKCS#7 of something else" sign "$T/certs.p7"
says err "'$T/certs.p7': "
{ head -c 60 "$T/bare.cat" && head -c 100M /dev/zero; } >"$T/huge.cat"
fails 3 "100 MB of a catalog" sign "$T/huge.cat"
says err "'$T/huge.cat': "
rm "$T/huge.cat"

# page hashes
for alg in sha1 sha256 sha384; do
	cp "$T/drv64.sys" "$T/p.sys"
	ok "page hashes with $alg" sign --digest $alg --page-hashes "$T/p.sys"
	ok "osslsigncode takes them" judge "$T/p.sys"
	sed -n 's/^Page hash  *: //p' "$T/judge" >"$T/pages.file"
	sed -n 's/^Calculated page hash *: //p' "$T/judge" >"$T/pages.right"
	ok "it finds a table" test -s "$T/pages.file"
	ok "which is right" cmp "$T/pages.file" "$T/pages.right"
	ok "our verify takes them" verify "$T/p.sys"
	says out "page hashes: "
done

# Windows 7: SHA-1 with the old kind of timestamp, SHA-256 nested with the new one
cp "$T/drv64.sys" "$T/n.sys"
ok "append to an unsigned file is a first signature" sign --append --digest sha1 \
	--timestamp-legacy "$TSA_LEGACY_URL" "$T/n.sys"
says out "signed with driver (sha1), timestamped"
"$client" extract --output "$T/first.p7" "$T/n.sys" >/dev/null
ok "a second one beside it" sign --append --page-hashes --timestamp "$TSA_URL" "$T/n.sys"
says out "(sha256), beside the signature that was there, timestamped"
ok "osslsigncode takes the file" judge "$T/n.sys"
ok "our verify takes both" verify "$T/n.sys"
says out "nested signature 1: sha256"
ok "a third" sign --append --digest sha384 "$T/n.sys"
ok "all three" verify "$T/n.sys"
says out "nested signature 2: sha384"
flip "$T/n.sys" "$T/broken.sys" 1100
cp "$T/broken.sys" "$T/broken.was"
cp "$T/n.sys" "$T/many.sys"
for i in 4 5 6 7 8 9 10 11 12 13 14 15 16; do
	sign --append "$T/many.sys" >"$T/log" 2>&1
done
cp "$T/many.sys" "$T/many.was"
fails 3 "a seventeenth" sign --append "$T/many.sys"
says err "'$T/many.sys': has 16 signatures, at most 16 are verified"
ok "nothing is written" cmp "$T/many.sys" "$T/many.was"
ok "the sixteen are verified" verify "$T/many.sys"
fails 1 "beside a broken signature" sign --append "$T/broken.sys"
says err "the signature that is there: "
ok "nothing is written" cmp "$T/broken.sys" "$T/broken.was"

# timestamps of what is signed already
cp "$T/drv64.sys" "$T/t.sys"
sign --digest sha1 "$T/t.sys" >"$T/log" && sign --append "$T/t.sys" >"$T/log" && sign "$T/bare.cat" >"$T/log"
ok "timestamp of file and catalog" "$client" timestamp --timestamp "$TSA_URL" "$T/t.sys" "$T/bare.cat"
says out "$T/t.sys: timestamped 20"
says out "(rfc3161)"
ok "osslsigncode takes the file" judge "$T/t.sys"
ok "and the catalog" judge "$T/net.sys" -catalog "$T/bare.cat"
ok "the old kind replaces it" "$client" timestamp --timestamp-legacy "$TSA_LEGACY_URL" "$T/t.sys"
says out ", old timestamp replaced"
ok "osslsigncode takes that" judge "$T/t.sys"
ok "of the nested signature" "$client" timestamp --index 1 --timestamp "$TSA_URL" "$T/t.sys"
ok "both are right" verify "$T/t.sys"
says out "timestamp: legacy"
says out "timestamp: RFC 3161"
fails 1 "there is no third" "$client" timestamp --index 2 --timestamp "$TSA_URL" "$T/t.sys"
says err "'$T/t.sys': has no signature 2: the first is 0, the last 1"
fails 1 "an unsigned file" "$client" timestamp --timestamp "$TSA_URL" "$T/drv64.sys"
fails 1 "a broken signature" "$client" timestamp --timestamp "$TSA_URL" "$T/broken.sys"
fails 2 "no authority" "$client" timestamp "$T/t.sys"
cp "$T/t.sys" "$T/t.was"
fails 5 "an authority that fails" "$client" timestamp --timestamp "$TSA_BASE/fault/nonce" --timestamp-timeout 1s "$T/t.sys"
ok "the file is as it was" cmp "$T/t.sys" "$T/t.was"

# extract and attach
ok "extract" "$client" extract "$T/n.sys"
cp "$T/n.sys.p7" "$T/kept.p7"
# As PEM: Debian 12's own version writes DER with the certificate table's header in front.
ok "osslsigncode's is the same" sh -c 'osslsigncode extract-signature -pem -in "$1" -out "$2/theirs.pem" >/dev/null &&
	sed /-----/d "$2/theirs.pem" | openssl base64 -d | cmp "$1.p7" -' - "$T/n.sys" "$T"
ok "extract the nested one" "$client" extract --index 1 --output "$T/nested.p7" "$T/n.sys"
ok "which is PKCS#7" openssl pkcs7 -inform DER -in "$T/nested.p7" -noout -print_certs
fails 1 "of an unsigned file" "$client" extract "$T/drv64.sys"
cp "$T/n.sys" "$T/kept.sys"
fails 2 "not over the file itself" "$client" extract --output "$T/n.sys" "$T/n.sys"
says err "'$T/n.sys' is the file itself, which its signature would replace"
fails 2 "nor the file over its signature" "$client" attach --signature "$T/n.sys.p7" --output "$T/n.sys.p7" "$T/drv64.sys"
says err "'$T/n.sys.p7' is the signature itself, which the signed file would replace"
ok "neither is touched" sh -c 'cmp "$1" "$2" && cmp "$3" "$4"' - "$T/n.sys" "$T/kept.sys" "$T/n.sys.p7" "$T/kept.p7"
ok "attach" "$client" attach --signature "$T/n.sys.p7" --output "$T/again.sys" "$T/drv64.sys"
ok "gives the file that it was taken from" cmp "$T/n.sys" "$T/again.sys"
ok "attach the second alone, page hashes and all" "$client" attach --signature "$T/nested.p7" "$T/again.sys"
says out "old signature replaced"
ok "osslsigncode takes it" judge "$T/again.sys"
cp "$T/drv32.sys" "$T/other.sys"
fails 1 "to another file" "$client" attach --signature "$T/n.sys.p7" "$T/other.sys"
says err "'$T/n.sys.p7' as signature of '$T/other.sys': signature is over another digest than this file's"
ok "nothing is written" cmp "$T/drv32.sys" "$T/other.sys"
fails 3 "no signature at all" "$client" attach --signature "$T/leaf.pem" "$T/other.sys"
fails 2 "none named" "$client" attach "$T/other.sys"
"$client" extract --output "$T/cat.p7" "$T/bare.cat" >/dev/null
ok "a catalog's" "$client" attach --signature "$T/cat.p7" "$T/net.cat"
ok "gives that catalog" cmp "$T/net.cat" "$T/bare.cat"

# cross-certificates
fails 3 "one that does not fit" "$client" sign --ac "$T/other.pem" "$T/other.sys"
says err "'$T/other.pem': 'CN=Other Root' does not continue the chain of key 'driver', which ends at 'CN=Middle,O=Test'"
cp "$T/other.key" "$T/forged.key"
issue forged '/O=Test/CN=CA Root' kernel-root 'basicConstraints=critical,CA:TRUE\n'
fails 3 "one of the right name and another key" "$client" sign --ac "$T/forged.pem" "$T/other.sys"
says err "did not sign"
ok "nothing was signed" cmp "$T/drv32.sys" "$T/other.sys"
cp "$T/ca-root.key" "$T/late.key"
days=-1 issue late '/O=Test/CN=CA Root' kernel-root 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n'
mkdir "$T/ac"
cp "$T/other.pem" "$T/forged.pem" "$T/late.pem" "$T/ca-root.pem" "$T/middle.pem" "$T/drv.c" "$T/ac"
ok "the only one of a folder has expired" "$client" sign --ac-dir "$T/ac" "$T/other.sys" "$T/p.sys"
says err "warning: the certificate 'CN=CA Root,O=Test' by 'CN=Kernel Verification Root' expired"
cp "$T/err" "$T/said"
ok "which is said once" test "$(grep -c expired "$T/said")" = 1
cp "$T/cross.pem" "$T/ac"
ok "of two, the one that is valid longer" "$client" sign --ac-dir "$T/ac" "$T/other.sys"
cp "$T/err" "$T/said"
fails 1 "nothing is said of expiry" grep expired "$T/said"
ok "osslsigncode takes it" judge "$T/other.sys"
rm "$T/ac/late.pem" "$T/ac/cross.pem"
fails 3 "none fits" "$client" sign --ac-dir "$T/ac" "$T/other.sys"
says err "no certificate in '$T/ac' continues the chain of key 'driver'"
ok "no temporary file stays" no_temporary_files
done_testing
