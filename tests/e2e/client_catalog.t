#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2154
# kdsign-client catalog: a CDF becomes a catalog that other programs read, sign and verify; what is wrong with
# it is said with file and line, and then nothing is written.
. "${srcdir:-.}/tests/tap.sh"
# shellcheck source=/dev/null
. "$srcdir/tests/e2e/client_files.sh"
need openssl osslsigncode

tool=$builddir/tests/unit/authenticode/cat_tool
make_files
make_pki
mkdir -p "$T/pkg/X64"
cp "$T/drv64.sys" "$T/pkg/X64/Hello.sys"
printf '[Version]\r\nSignature="$Windows NT$"\r\n' >"$T/pkg/hello.inf"

# write_cdf [LINE...] - hello.cdf of version $version with these lines at the end
write_cdf() {
	{
		printf '# what hello.cat lists\n[CatalogHeader]\nName=hello.cat\nResultDir=out\\cat\n'
		[ "$version" = 1 ] || printf 'CatalogVersion=2\nHashAlgorithms=SHA256\n'
		printf 'CATATTR1=0x10010001:OSAttr:2:10.0\nCATATTR2=0x10010001:Maker:Test\n'
		printf '[CatalogFiles]\n<HASH>hello.sys=x64\\hello.sys\n'
		printf '<HASH>hello.sysATTR1=0x10010001:File:hello.sys\n<HASH>inf=hello.inf\n'
		printf '%s\n' "$@"
	} >"$T/pkg/hello.cdf"
}

# sign_catalog IN OUT - by a program that is not ours
sign_catalog() {
	rm -f "$2"
	osslsigncode sign -h sha256 -certs "$T/chain.pem" -key "$T/leaf.key" -in "$1" -out "$2"
}

lists() { # CATALOG FILE
	osslsigncode verify -CAfile "$T/ca-root.pem" -catalog "$1" -in "$2"
}

lists_not() {
	! lists "$1" "$2"
}

reads_as_asn1() {
	openssl asn1parse -inform DER -in "$1" >"$T/asn1" 2>&1 || return 1
	! grep -qi error "$T/asn1" && grep -q 'OBJECT *:pkcs7-signedData' "$T/asn1" &&
		grep -q '1\.3\.6\.1\.4\.1\.311\.10\.1' "$T/asn1"
}

nothing_written() {
	! find "$T/pkg" \( -name '*.cat' -o -name '.*kdsign-*' -o -name out \) | grep .
}

for version in 1 2; do
	write_cdf
	ok "version $version: made from another folder" "$client" catalog --output "$T/v$version.cat" "$T/pkg/hello.cdf"
	says out "$T/v$version.cat: lists 2 files, version $version, not signed yet"
	ok "version $version: openssl reads it" reads_as_asn1 "$T/v$version.cat"
	ok "version $version: its parts" "$tool" "$T/v$version.cat"
	says out "version $version"
	says out "  File 0x10010001 680065006c006c006f002e007300790073000000"
	ok "version $version: the last attribute comes first" \
		sh -c '"$1" "$2" | sed -n 3p | grep -q "^  Maker "' - "$tool" "$T/v$version.cat"
	ok "version $version: osslsigncode signs it" sign_catalog "$T/v$version.cat" "$T/s$version.cat"
	ok "version $version: signing keeps what it lists" sh -c '"$1" "$2" >"$4/a" && "$1" "$3" >"$4/b" && cmp "$4/a" "$4/b"' \
		- "$tool" "$T/v$version.cat" "$T/s$version.cat" "$T"
	ok "version $version: osslsigncode finds the driver" lists "$T/s$version.cat" "$T/drv64.sys"
	flip "$T/drv64.sys" "$T/tampered.sys" 1100
	ok "version $version: but not a tampered one" lists_not "$T/s$version.cat" "$T/tampered.sys"
	ok "version $version: nor another one" lists_not "$T/s$version.cat" "$T/drv32.sys"
done
sign_file "$T/padded.sys" "$T/pkg/X64/Hello.sys"
ok "made again when the driver is signed" "$client" catalog --output "$T/again.cat" "$T/pkg/hello.cdf"
ok "lists the same" sh -c '"$1" "$2" >"$4/a" && "$1" "$3" >"$4/b" && cmp "$4/a" "$4/b"' \
	- "$tool" "$T/v2.cat" "$T/again.cat" "$T"
ok "but is another catalog" sh -c '! cmp -s "$1" "$2"' - "$T/v2.cat" "$T/again.cat"

# where it goes, what is said
ok "ResultDir is made" sh -c 'cd "$2" && "$1" catalog hello.cdf' - "$client" "$T/pkg"
ok "written where the CDF says" test -s "$T/pkg/out/cat/hello.cat"
ok "-v lists the files" "$client" catalog -v --output "$T/v.cat" "$T/pkg/hello.cdf"
says out "$("$client" digest "$T/drv64.sys" | cut -d' ' -f1)  pe    $T/pkg/X64/Hello.sys"
says out "$(sha256sum <"$T/pkg/hello.inf" | cut -d' ' -f1)  flat  $T/pkg/hello.inf"
ok "--quiet says nothing" "$client" --quiet catalog --output "$T/v.cat" "$T/pkg/hello.cdf"
silent
if command -v jq >/dev/null; then
	"$client" --json catalog --output "$T/v.cat" "$T/pkg/hello.cdf" >"$T/json"
	ok "JSON" jq -e '.ok and .version == 2 and (.members | length) == 2 and .members[0].subject == "pe" and
		(.members[1].sha256 | length) == 64' "$T/json"
fi
write_cdf '<HASH>twin=HELLO.INF'
ok "the same file twice is one member" "$client" catalog --output "$T/v.cat" "$T/pkg/hello.cdf"
ok "indeed" sh -c 'test "$("$1" "$2" | grep -c ^member)" = 4' - "$tool" "$T/v.cat"
printf 'MZ but no program' >"$T/pkg/odd.sys"
write_cdf '<HASH>odd=odd.sys'
ok "a damaged image is listed flat" "$client" catalog --output "$T/v.cat" "$T/pkg/hello.cdf"
says err "'$T/pkg/odd.sys': listed as it is, though it begins like a PE image"
rm -r "$T/pkg/out"

# page hashes as osslsigncode computes them
printf '[CatalogHeader]\nName=p.cat\nCatalogVersion=2\nHashAlgorithms=SHA256\nPageHashes=true\n[CatalogFiles]\n<HASH>a=%s\n' \
	"$T/drv64.sys" >"$T/pages.cdf"
ok "page hashes" "$client" catalog --output "$T/p.cat" "$T/pages.cdf"
rm -f "$T/ph.sys"
osslsigncode sign -h sha256 -ph -certs "$T/chain.pem" -key "$T/leaf.key" -in "$T/padded.sys" -out "$T/ph.sys" \
	>/dev/null 2>&1
table=$("$tool" "$T/p.cat" | sed -n 's/.* link=pages-sha256 table=\([0-9a-f]*\) .*/\1/p')
ok "are those of osslsigncode" sh -c '[ -n "$2" ] && od -An -v -tx1 "$1" | tr -d " \n" | grep -qF "$2"' - \
	"$T/ph.sys" "$table"

# what is wrong is said with its line, exit 3, and nothing is written
refused() { # TITLE MESSAGE...
	fails 3 "$1" "$client" catalog "$T/pkg/hello.cdf"
	title=$1
	shift
	for message; do
		says err "$message"
	done
	ok "$title: nothing is written" nothing_written
}
cd "$T" || exit 99
write_cdf '<HASH>gone=gone.dll' '<HASH>lost=lost.dll'
refused "missing files" "'$T/pkg/hello.cdf' line 13: 'gone.dll': no such file" \
	"'$T/pkg/hello.cdf' line 14: 'lost.dll': no such file"
"$client" catalog -r "$T/pkg/hello.cdf" 2>"$T/first"
ok "-r stops" test $? = 3
ok "and says the first alone" sh -c 'test "$(grep "no such file" "$1" | grep -c "line 13")" = 1 &&
	! grep "line 14" "$1"' - "$T/first"
write_cdf '<HASH>folder=X64'
refused "a folder" "line 13: '$T/pkg/X64': is a directory"
write_cdf '[CatalogFiles]'
refused "a section again" "line 13: section [CatalogFiles] again; it began at line 9"
write_cdf
sed -i 's/^ResultDir=/ResultDri=/' "$T/pkg/hello.cdf"
refused "an unknown key" "'$T/pkg/hello.cdf' line 4: unknown key 'ResultDri' in [CatalogHeader]" \
	"did you mean 'ResultDir'?"
write_cdf
sed -i 's/^ResultDir=.*/ResultDir=C:\\out/' "$T/pkg/hello.cdf"
refused "a drive of Windows" "'$T/pkg/hello.cdf': the catalog's place is on a drive of Windows, 'C:/out'"
write_cdf '<HASH>cab=signed.cab'
printf 'MSCF\0\0\0\0\144\0\0\0%18s\4\0%68s' '' '' >"$T/pkg/signed.cab"
refused "a cabinet with a reserved area" "line 13: '$T/pkg/signed.cab': a cabinet with a reserved area"
write_cdf
sed -i "s|^ResultDir=.*|ResultDir=$T/pkg|; s/^Name=.*/Name=hello.inf/" "$T/pkg/hello.cdf"
refused "a catalog in the place of what it lists" \
	"'$T/pkg/hello.cdf' line 12: lists '$T/pkg/hello.inf', which the catalog would replace"
ok "that is still there" grep -q Signature "$T/pkg/hello.inf"
write_cdf
fails 3 "a catalog in the place of its CDF" "$client" catalog --output "$T/pkg/hello.cdf" "$T/pkg/hello.cdf"
says err "'$T/pkg/hello.cdf' is the CDF, which the catalog would replace"
fails 3 "a CDF that is not there" "$client" catalog "$T/none.cdf"
says err "'$T/none.cdf': "
fails 3 "a CDF of zeros" "$client" catalog /dev/zero
says err "not a regular file"
fails 3 "a folder in the catalog's place" "$client" catalog --output "$T/pkg" "$T/pkg/hello.cdf"
fails 2 "two CDFs" "$client" catalog "$T/pkg/hello.cdf" "$T/pkg/hello.cdf"
fails 2 "no CDF" "$client" catalog
printf 'old' >"$T/old.cat"
write_cdf '<HASH>gone=gone.dll'
fails 3 "a failure" "$client" catalog --output "$T/old.cat" "$T/pkg/hello.cdf"
ok "leaves the old catalog" grep -qx old "$T/old.cat"

# ten thousand
mkdir "$T/many"
{
	printf '[CatalogHeader]\nName=many.cat\nCatalogVersion=2\nHashAlgorithms=SHA256\n[CatalogFiles]\n'
	i=0
	while [ $i -lt 10000 ]; do
		echo "file $i" >"$T/many/f$i.dat"
		printf '<HASH>f%d=many\\f%d.dat\n<HASH>f%dATTR1=0x10010001:File:f%d.dat\n' $i $i $i $i
		i=$((i + 1))
	done
} >"$T/many.cdf"
ok "10,000 files in less than 20 seconds" timeout 20 "$client" catalog --output "$T/many.cat" "$T/many.cdf"
says out "lists 10000 files"
ok "20,000 members" sh -c 'test "$("$1" "$2" | grep -c ^member)" = 20000' - "$tool" "$T/many.cat"
ok "openssl reads them" reads_as_asn1 "$T/many.cat"
ok "no temporary file stays" no_temporary_files
done_testing
