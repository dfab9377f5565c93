#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154
# The classic way of an x64 driver, from the first signature to "installs": sign with the cross-certificate, describe,
# timestamp, list in a catalog, sign that, verify as the kernel and the installer would. By our commands, judged at each
# step by programs that are not ours, then by Microsoft's command lines; and what happens when a step is left out.
. "${srcdir:-.}/tests/tap.sh"
# shellcheck source=/dev/null
. "$srcdir/tests/e2e/client_files.sh"
need openssl osslsigncode jq sqlite3 make x86_64-w64-mingw32-gcc
# shellcheck source=/dev/null
. "$srcdir/tests/e2e/client_service.sh"
# shellcheck source=/dev/null
. "$srcdir/tests/e2e/tsa.sh"

make_service
start_service
start_tsa || exit 99
KDSIGN_IDENTITY=$T/two.identity
top=$(cd "$srcdir" && pwd)
bin=$(cd "$builddir" && pwd)
client=$bin/kdsign-client
thumbprint=$(openssl x509 -in "$T/driver.pem" -noout -fingerprint -sha1 | cut -d= -f2 | tr -d :)
later=$(date -u -d '+60 days' +%F)
cat >"$T/trust.conf" <<END
root = $T/kernel-root.pem
kernel-root = $T/kernel-root.pem
tsa-root = $TSA_ROOT
END
export KDSIGN_CONFIG="$T/trust.conf"

make -s -C "$srcdir/examples/hello-driver" OUT="$T/built" >"$T/make.log" 2>&1 || { sed 's/^/# /' "$T/make.log"; exit 99; }
package() { # DIR - as it comes from the build
	mkdir "$T/$1" && cp "$T/built/hello.sys" "$top/examples/hello-driver/hello.inf" "$top/examples/hello-driver/hello.cdf" "$T/$1"
	cd "$T/$1" || exit 99
}
judge() { # FILE [OPTION...]
	judge_file=$1
	shift
	osslsigncode verify -CAfile "$T/kernel-root.pem" -TSA-CAfile "$TSA_ROOT" "$@" -in "$judge_file"
}
sign() {
	"$client" sign --key driver --ac "$T/cross.pem" "$@"
}
verdict() { # [OPTION...] FILE...
	"$client" --json verify --kernel --installer --catalog hello.cat "$@" >"$T/verdict"
}
unchanged() { cmp "$1" "$T/before"; }

# ---- as the guide goes, in our words ----

package guide
cp hello.sys "$T/before"
ok 'the driver: signed with the cross-certificate, described, timestamped' sign --timestamp "$TSA_URL" \
	--description 'Hello driver' --url https://example.com/hello hello.sys
says out 'hello.sys: signed with driver (sha256), timestamped 20'
ok 'verifies' "$client" verify hello.sys
says out "ok      timestamp: RFC 3161, sha256, 20"
says out "ok      chain: from 'Driver Key' to 'Kernel Verification Root', 4 certificates"
says out 'description: Hello driver'
ok 'osslsigncode takes it' judge hello.sys
says out 'Hello driver'
ok 'the catalog: made of the CDF' "$client" catalog -v hello.cdf
says out "$(sha256sum <hello.inf | cut -d' ' -f1)  flat  hello.inf"
says out 'hello.cat: lists 2 files, version 2, not signed yet'
ok 'signed and timestamped like the driver' sign --timestamp "$TSA_URL" --description 'Hello driver' hello.cat
ok 'osslsigncode takes it' judge hello.cat
ok 'and finds the driver in it' judge hello.sys -catalog hello.cat
ok 'the record knows every member of what was signed' test "$(sqlite3 -cmd '.timeout 5000' "$T/state/record.db" \
	"SELECT count(*) FROM event WHERE json LIKE '%$(sha256sum <hello.inf | cut -d' ' -f1)%'")" -gt 0
ok 'both are valid when the certificate is not' "$client" verify --at "$later" hello.sys hello.cat
fails 1 'but not for a timestamp that nobody vouches for' "$client" verify --at "$later" --tsa-root "$T/tsa/otherroot.pem" hello.sys
says err "expired"

ok 'kernel and installer are content' verdict hello.sys
ok 'loads where cross-signed drivers do, refused where they are not' jq -e '[.. | objects | select(has("loads")) | .loads] |
	any and (all | not)' "$T/verdict"
ok 'the table, for people' "$client" verify --kernel --installer --catalog hello.cat hello.sys hello.inf
says out '    loads    Windows 7, Server 2008 R2 with KB3033929'
says out '    refused  Windows 10 1607 to 1803, installed with Secure Boot on'
says out '    refused  Windows 11 24H2+, 2026 driver policy enforced'
says out 'installer: installs: signed by a publisher of unknown trust'
ok 'silently, for a publisher that is trusted' "$client" verify --installer --trusted-publisher "$T/driver.pem" \
	--catalog hello.cat hello.inf
says out 'trusted publisher'

# ---- Windows 7 without its update: SHA-1 first, SHA-256 nested, page hashes, both kinds of timestamps ----

ok 'SHA-1, for old systems' sign --digest sha1 --timestamp-legacy "$TSA_LEGACY_URL" --page-hashes --output dual.sys hello.sys
ok 'and SHA-256 beside it' sign --append --page-hashes --timestamp "$TSA_URL" dual.sys
ok 'osslsigncode takes both' judge dual.sys
says out 'Signature Index: 1'
ok 'what old systems think of it' "$client" verify --kernel dual.sys
says out "this Windows does not know SHA-2, with which 'Driver Key' is signed"
says out '    loads    Windows 7, Server 2008 R2 with KB3033929'
ok 'the catalog lists it still' "$client" verify --catalog hello.cat dual.sys

# ---- a signature that is stamped, taken out and put back later ----

ok 'signed without a timestamp' sign --output bare.sys "$T/before"
ok 'timestamped later' "$client" timestamp --timestamp "$TSA_URL" bare.sys
ok 'the signature taken out' "$client" extract --output bare.p7 bare.sys
ok 'put into the file as it was built' "$client" attach --signature bare.p7 --output again.sys "$T/before"
ok 'gives the same file' cmp bare.sys again.sys
ok 'osslsigncode takes it after the certificate' judge again.sys
ok 'taken off again' "$client" remove again.sys
fails 1 'nothing is left to verify' "$client" verify again.sys

# ---- the same by the guide's own command lines ----

package words
cp "$T/cross.pem" mscv-vsclass3.cer
PATH=$bin:$PATH
ok 'signtool sign' signtool.exe sign /ac mscv-vsclass3.cer /sha1 "$thumbprint" hello.sys
says out 'Successfully signed: hello.sys'
ok 'signtool sign again, with description and timestamp' signtool.exe sign /ac mscv-vsclass3.cer /sha1 "$thumbprint" \
	/t "$TSA_LEGACY_URL" /d 'Hello driver' hello.sys
says out 'Successfully signed: hello.sys'
ok 'makecat' makecat hello.cdf
ok 'signtool sign, the catalog' signtool.exe sign /ac mscv-vsclass3.cer /sha1 "$thumbprint" /t "$TSA_LEGACY_URL" \
	/d 'Hello driver' hello.cat
says out 'Successfully signed: hello.cat'
ok 'signtool verify /kp' signtool verify /kp /v /c hello.cat hello.sys
says out 'Successfully verified: hello.sys'
says out 'Kernel Verification Root'
ok 'osslsigncode takes the driver' judge hello.sys
says out 'Hello driver'
ok 'and the catalog with the driver in it' judge hello.sys -catalog hello.cat
ok 'installs' "$client" verify --installer --catalog hello.cat hello.sys hello.inf

# ---- a step left out, or done wrong ----

package wrong
cp hello.sys "$T/before"
ok 'no cross-certificate: signed all the same' "$client" sign --key driver --timestamp "$TSA_URL" --output bare.sys hello.sys
fails 1 'but no kernel loads it' "$client" verify --kernel bare.sys
says out 'refused'
fails 3 'a cross-certificate that does not fit' "$client" sign --key driver --ac "$T/other.pem" hello.sys
says err "other.pem"
ok 'changed nothing' unchanged hello.sys
for fault in error garbage nonce expired; do
	fails 5 "an authority with a fault ($fault)" sign --timestamp "$TSA_BASE/fault/$fault" hello.sys
	says err "$TSA_BASE/fault/$fault"
	ok 'changed nothing' unchanged hello.sys
done
ok 'a second authority is asked when the first fails' sign --timestamp "$TSA_BASE/fault/error" --timestamp "$TSA_URL" \
	--output stamped.sys hello.sys
says out 'timestamped'
ok 'a catalog' "$client" --quiet catalog hello.cdf
fails 1 'not signed: the installer calls the package unsigned' "$client" verify --installer --catalog hello.cat hello.inf
says out 'unsigned'
ok 'signed' sign hello.cat
ok 'lists the INF' "$client" verify --catalog hello.cat hello.inf
tr -d '\r' <hello.inf >turned && mv turned hello.inf
fails 1 'but not after its line ends were turned' "$client" verify --catalog hello.cat hello.inf
says err "the file has $(sha256sum <hello.inf | cut -d' ' -f1): it has changed since the catalog was made"
fails 1 'the installer says altered' "$client" verify --installer --catalog hello.cat hello.inf
ok 'the driver stays listed when it is signed' sign hello.sys
ok 'indeed' "$client" verify --catalog hello.cat hello.sys
cp hello.cat "$T/before"
printf '<HASH>gone=gone.dll\r\n' >>hello.cdf
fails 3 'a CDF that names a file that is not there' "$client" catalog hello.cdf
says err "'hello.cdf' line 18: 'gone.dll': no such file"
ok 'changed nothing' unchanged hello.cat
ok 'no temporary file stays' no_temporary_files
done_testing
