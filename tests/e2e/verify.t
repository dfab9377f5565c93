#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2154
# kdsign-client verify and inspect: what osslsigncode signs and a timestamp authority stamps is right, in every
# form; a timestamp that is forged, of nobody we trust, or of no use saves nothing; catalogs and what they list.
. "${srcdir:-.}/tests/tap.sh"
# shellcheck source=/dev/null
. "$srcdir/tests/e2e/client_files.sh"
# shellcheck source=/dev/null
. "$srcdir/tests/e2e/tsa.sh"
need openssl osslsigncode jq

make_files
make_pki
ok "a timestamp authority" start_tsa 600
root=$T/ca-root.pem
later=$(date -u -d '+3 years' +%Y-%m-%d) # the signer's certificate holds for 30 days, the authority's for 10 years

verify() {
	"$client" verify --root "$root" "$@"
}

# rescued FILE NAME - the timestamp of FILE decides once the certificate has expired, and only when it is trusted
rescued() {
	ok "$2: right" verify --tsa-root "$TSA_ROOT" "$1"
	says out "ok      timestamp: $3"
	ok "$2: right when the certificate has expired" verify --tsa-root "$TSA_ROOT" --at "$later" "$1"
	ok "$2: right now without trust in the authority" verify --tsa-root "$T/other.pem" "$1"
	says out "warning timestamp: $3"
	says out "is not trusted: "
	fails 1 "$2: but then it rescues nothing" verify --tsa-root "$T/other.pem" --at "$later" "$1"
	says err "validity: 'Driver Leaf' expired at "
	says err "; the timestamp is not trusted"
}

# RFC 3161 and legacy
sign_file "$T/drv64.sys" "$T/plain.sys"
fails 1 "no timestamp: expired" verify --tsa-root "$TSA_ROOT" --at "$later" "$T/plain.sys"
says err "; there is no timestamp"
sign_file "$T/drv64.sys" "$T/ts.sys" -ts "$TSA_URL"
rescued "$T/ts.sys" "RFC 3161" "RFC 3161, sha256, "
says_not err "FAILED"
sign_file "$T/drv64.sys" "$T/legacy.sys" -t "$TSA_LEGACY_URL"
rescued "$T/legacy.sys" "legacy" "legacy countersignature, sha256, "
sign_file "$T/drv64.sys" "$T/ec.sys" -ts "$TSA_BASE/ec"
rescued "$T/ec.sys" "an ECDSA authority" "RFC 3161, sha256, "
sign_file "$T/drv64.sys" "$T/old.sys" -t "$TSA_BASE/legacy-sha1"
rescued "$T/old.sys" "legacy with SHA-1" "legacy countersignature, sha1, "
ok "without --tsa-root the signers' roots count" "$client" verify --root "$root" --root "$TSA_ROOT" --at "$later" "$T/ts.sys"
mkdir "$T/anchors"
cp "$TSA_ROOT" "$T/anchors/tsa.CRT"
cp "$T/other.pem" "$T/anchors/read.me"
printf 'root = ca-root.pem\ntsa-root-dir = anchors\n' >"$T/client.conf"
ok "a folder of authorities" "$client" --config "$T/client.conf" verify --at "$later" "$T/ts.sys"
mv "$T/anchors/tsa.CRT" "$T/anchors/tsa"
fails 1 "where other names are not read" "$client" --config "$T/client.conf" verify --at "$later" "$T/ts.sys"
printf 'root-dir = nowhere\n' >"$T/client.conf"
fails 3 "a folder that is not there" "$client" --config "$T/client.conf" verify "$T/ts.sys"
says err "'$T/nowhere': folder of trust anchors"
fails 1 "before the timestamp" verify --tsa-root "$TSA_ROOT" --at 2020-01-01 "$T/ts.sys"
says out "is of after the time asked for"
fails 2 "a time that is none" verify --at 2023-02-30 "$T/ts.sys"
says err "'2023-02-30' is no time, expected like 2015-07-29"

# Timestamps that are of no use.
sign_file "$T/drv64.sys" "$T/otherroot.sys" -ts "$TSA_BASE/fault/otherroot"
fails 1 "an authority of another root" verify --tsa-root "$TSA_ROOT" --at "$later" "$T/otherroot.sys"
says err "; the timestamp is not trusted"
sign_file "$T/drv64.sys" "$T/noeku.sys" -ts "$TSA_BASE/fault/noeku"
fails 1 "an authority that is none" verify --tsa-root "$TSA_ROOT" --at "$later" "$T/noeku.sys"
says out "timeStamping"
sign_file "$T/drv64.sys" "$T/expired.sys" -ts "$TSA_BASE/fault/expired"
fails 1 "an authority that has expired" verify --tsa-root "$TSA_ROOT" --at "$later" "$T/expired.sys"
says out "'Expired TSA' expired at 2020-01-01"
sign_file "$T/drv64.sys" "$T/imprint.sys" -ts "$TSA_BASE/fault/imprint"
fails 1 "a timestamp of something else, though nothing has expired" verify --tsa-root "$TSA_ROOT" "$T/imprint.sys"
says err "timestamp: RFC 3161: "
says_not err "not trusted"
# The authority's genTime, and a byte of its signature, which is the last of the file but for padding.
at=$(grep -abo "$(date -u +%Y)[01][0-9][0-3][0-9][0-9]\{6\}Z" "$T/ts.sys" | head -n 1 | cut -d: -f1)
flip "$T/ts.sys" "$T/forged.sys" "$at"
fails 1 "a timestamp whose time was changed" verify --tsa-root "$TSA_ROOT" "$T/forged.sys"
says err "timestamp: RFC 3161: "
fails 1 "forged, it rescues nothing" verify --tsa-root "$TSA_ROOT" --at "$later" "$T/forged.sys"
says out "; the timestamp does not verify"
flip "$T/ts.sys" "$T/forged.sys" $(($(stat -c %s "$T/ts.sys") - 40))
fails 1 "a timestamp whose signature was changed" verify --tsa-root "$TSA_ROOT" --at "$later" "$T/forged.sys"
says err "timestamp: RFC 3161: "
says out "; the timestamp does not verify"
cp "$T/leaf.key" "$T/short.key"
issue short '/O=Test/CN=Lifetime' middle \
	'keyUsage=critical,digitalSignature\nextendedKeyUsage=codeSigning,1.3.6.1.4.1.311.10.3.13\n'
mv "$T/chain.pem" "$T/chain.kept"
cat "$T/short.pem" "$T/middle.pem" >"$T/chain.pem"
sign_file "$T/drv64.sys" "$T/life.sys" -ts "$TSA_URL"
mv "$T/chain.kept" "$T/chain.pem"
ok "lifetime signing: right" verify --tsa-root "$TSA_ROOT" "$T/life.sys"
fails 1 "lifetime signing: dies with the certificate" verify --tsa-root "$TSA_ROOT" --at "$later" "$T/life.sys"
says err "a timestamp does not outlive this certificate (lifetime signing)"

# Page hashes
for alg in sha1 sha256; do
	sign_file "$T/drv64.sys" "$T/ph.sys" -ph -h "$alg"
	ok "page hashes of $alg" verify "$T/ph.sys"
	says out "ok      page hashes: $alg of "
	flip "$T/ph.sys" "$T/bad.sys" 1100
	fails 1 "$alg: a page that was changed" verify "$T/bad.sys"
	says out "failed  page hashes: page at offset 0x400: the table says $alg "
done

# Nested signatures
sign_file "$T/drv64.sys" "$T/one.sys" -h sha1 -t "$TSA_LEGACY_URL"
sign_file "$T/one.sys" "$T/dual.sys" -nest -h sha256 -ts "$TSA_URL"
ok "SHA-1 and SHA-256 nested" verify --tsa-root "$TSA_ROOT" --at "$later" "$T/dual.sys"
says out "  signature 0: sha1, "
says out "  nested signature 1: sha256, "
says out "ok      nested signatures: 1, intact"
"$client" --json verify --root "$root" --tsa-root "$TSA_ROOT" "$T/dual.sys" >"$T/json"
ok "as JSON" jq -e '.ok and (.signatures | length == 2) and .signatures[0].timestamp.kind == "legacy" and
	.signatures[1].is_nested and .signatures[1].index == 1 and .signatures[1].timestamp.kind == "rfc3161" and
	all(.signatures[]; .ok and .timestamp.ok and .timestamp.trusted and (.timestamp.chain | length == 3) and
		.judged_at == .timestamp.time and (.chain | length == 3))' "$T/json"
at=$(grep -abo "Test driver" "$T/dual.sys" | tail -n 1 | cut -d: -f1)
ok "the nested signature's description is in the file" test -n "$at"
flip "$T/dual.sys" "$T/bad.sys" "${at:-0}"
fails 1 "a nested signature that was changed" verify "$T/bad.sys"
says err "nested signatures: signature 1: signature: "
says out "  signature 0: sha1, "
ok "inspect shows both" "$client" inspect "$T/dual.sys"
says out "    timestamp: legacy countersignature, sha256, "
says out "    timestamp: RFC 3161, sha256, "
says out "    timestamp's certificates:"
says_not out "failed"

# Catalogs
mkdir "$T/pkg"
cp "$T/drv64.sys" "$T/pkg/hello.sys"
cp "$T/drv32.sys" "$T/pkg/tagged.sys"
printf '[Version]\r\nSignature="$Windows NT$"\r\n' >"$T/pkg/hello.inf"
catalog() { # VERSION OUT
	{
		printf '[CatalogHeader]\nName=hello.cat\n'
		[ "$1" = 1 ] || printf 'CatalogVersion=2\nHashAlgorithms=SHA256\n'
		printf 'PageHashes=true\nCATATTR1=0x10010001:OSAttr:2:10.0\n[CatalogFiles]\n<HASH>sys=hello.sys\n'
		printf '<HASH>sysATTR1=0x10010001:File:hello.sys\n<HASH>inf=hello.inf\n'
		printf '<HASH>infATTR1=0x10010001:File:hello.inf\n'
		[ "$1" = 2 ] || printf 'tagged=tagged.sys\n'
	} >"$T/pkg/hello.cdf"
	"$client" catalog --output "$2" "$T/pkg/hello.cdf" >"$T/log" 2>&1 || sed 's/^/# /' "$T/log"
}
sign_catalog() { # IN OUT [options]
	in=$1 out=$2
	shift 2
	rm -f "$out"
	osslsigncode sign -certs "$T/chain.pem" -key "$T/leaf.key" -ac "$T/cross.pem" "$@" -in "$in" -out "$out" \
		>"$T/sign.log" 2>&1 || sed 's/^/# /' "$T/sign.log"
}
for version in 1 2; do
	alg=sha$((version == 1 ? 1 : 256))
	catalog $version "$T/u.cat"
	fails 1 "version $version: not signed" verify "$T/u.cat"
	says err "'$T/u.cat': the catalog is not signed"
	sign_catalog "$T/u.cat" "$T/hello.cat" -h $alg -ts "$TSA_URL"
	ok "version $version: its signature" verify --tsa-root "$TSA_ROOT" --at "$later" "$T/hello.cat"
	says out "  catalog, version $version, "
	says out "ok      message digest: attribute covers the list"
	ok "version $version: lists its files" verify --catalog "$T/hello.cat" "$T/pkg/hello.sys" "$T/pkg/hello.inf"
	says out "$T/pkg/hello.sys: verified"
	says out "  pe, "
	says out "ok      page hashes: $alg of "
	says out "ok      listed: $alg "
	ok "version $version: the driver when it is signed" verify --catalog "$T/hello.cat" "$T/plain.sys"
	printf ' ' | cat "$T/pkg/hello.inf" - >"$T/hello.inf"
	fails 1 "version $version: a file that has changed" verify --catalog "$T/hello.cat" "$T/hello.inf" "$T/pkg/hello.sys"
	says err "'$T/hello.inf': by '$T/hello.cat': listed: the catalog lists 'hello.inf' with $alg "
	says err "it has changed since the catalog was made"
	says err "hint: make the catalog again from the files as they are now, then sign it"
	says out "$T/pkg/hello.sys: verified"
	fails 1 "version $version: a file that it never had" verify --catalog "$T/hello.cat" "$T/sign.log"
	says err "'$T/sign.log': by '$T/hello.cat': listed: none of the catalog's $((version == 1 ? 3 : 4)) members has"
	fails 1 "version $version: of a signer we do not know" \
		"$client" verify --root "$T/other.pem" --catalog "$T/hello.cat" "$T/pkg/hello.sys"
	says err "'$T/pkg/hello.sys': listed, but the signature of '$T/hello.cat' does not verify"
	fails 1 "version $version: before it is signed" verify --catalog "$T/u.cat" "$T/pkg/hello.sys"
	says err "listed, but the signature of '$T/u.cat' does not verify"
	"$client" --json verify --root "$root" --catalog "$T/hello.cat" "$T/pkg/hello.sys" >"$T/json"
	ok "version $version: as JSON" jq -se '.[0].catalog.version == '$version' and .[1].ok and
		(.[1].member | .subject == "pe" and (.listed_by | length == '$version'))' "$T/json"
	at=$(grep -abo 'h.e.l.l.o' "$T/hello.cat" | head -n 1 | cut -d: -f1)
	flip "$T/hello.cat" "$T/bad.cat" "$at"
	fails 1 "version $version: a list that was changed" verify "$T/bad.cat"
	says err "message digest: attribute says "
	[ $version = 2 ] || {
		ok "version 1: a file under a name" verify --catalog "$T/hello.cat" "$T/pkg/tagged.sys"
		says out "ok      listed: under a name, by the digest beside it"
	}
done
ok "inspect lists the members" "$client" inspect "$T/hello.cat"
says out "      File: hello.sys"
says out "  OSAttr: 2:10.0"
sign_catalog "$T/hello.cat" "$T/dual.cat" -nest -h sha1
if "$client" inspect "$T/dual.cat" | grep -q "nested signature 1"; then
	ok "a nested signature of a catalog" verify "$T/dual.cat"
	says out "ok      nested signatures: 1, intact"
else
	skip "a nested signature of a catalog" "this osslsigncode makes none"
fi
fails 3 "a driver is no catalog" verify --catalog "$T/plain.sys" "$T/drv64.sys"
says err "'$T/plain.sys': not a catalog"
fails 3 "nor is a file that is not there" verify --catalog "$T/none.cat" "$T/drv64.sys"
says err "$T/none.cat"

# Many files, told in their order.
for i in 01 02 03 04 05 06 07 08 09 10 11 12; do
	cp "$T/plain.sys" "$T/many$i.sys"
done
flip "$T/plain.sys" "$T/many07.sys" 1100
ls "$T"/many*.sys >"$T/want"
fails 1 "many files" "$client" --json verify --root "$root" --jobs 3 "$T"/many*.sys
cp "$T/out" "$T/json"
ok "in their order" sh -c 'jq -r .file <"$1" | cmp - "$2"' - "$T/json" "$T/want"
ok "one of them wrong" test "$(jq -r 'select(.ok | not) | .file' <"$T/json")" = "$T/many07.sys"
done_testing
