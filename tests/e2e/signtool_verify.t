#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2154
# signtool verify over files that osslsigncode signed: SignTool's words, streams and exit statuses.
. "${srcdir:-.}/tests/tap.sh"
# shellcheck source=/dev/null
. "$srcdir/tests/e2e/client_files.sh"
need osslsigncode openssl
# shellcheck source=/dev/null
. "$srcdir/tests/e2e/tsa.sh"

PATH=$builddir:$PATH
export TZ=UTC0

thumb() {
	openssl x509 -in "$1" -noout -fingerprint -sha1 | cut -d= -f2 | tr -d :
}

line() { # N TEXT: of the last output
	[ "$(sed -n "$1p" "$T/out")" = "$2" ]
	tap_report $? "line $1: $2"
}

make_files
make_pki
start_tsa || { echo "Bail out! no timestamp authority"; exit 99; }
cd "$T" || exit 99
printf 'root = %s\nkernel-root = %s\ntsa-root = %s\n' "$T/ca-root.pem" "$T/kernel-root.pem" "$TSA_ROOT" >"$T/no.conf"
chmod 600 "$T/no.conf"

sign_file drv64.sys plain.sys
sign_file drv64.sys stamped.sys -h sha256 -ph -ts "$TSA_URL"
sign_file drv64.sys legacy.sys -h sha1 -t "$TSA_LEGACY_URL"
sign_file legacy.sys two.sys -nest -h sha256 -ts "$TSA_URL"
osslsigncode sign -certs chain.pem -key leaf.key -h sha256 -in drv64.sys -out nocross.sys >/dev/null

# the table
ok "/pa" signtool verify /pa plain.sys
line 1 "File: plain.sys"
line 2 "Index  Algorithm  Timestamp    "
line 3 "========================================"
line 4 "0      sha256     None         "
line 5 ""
line 6 "Successfully verified: plain.sys"
says_not out "Number of"
ok "a timestamp of RFC 3161" signtool verify -PA stamped.sys
line 4 "0      sha256     RFC3161      "
ok "a timestamp of Authenticode" signtool verify /pa legacy.sys
line 4 "0      sha1       Authenticode "
ok "the primary signature alone" signtool verify /pa two.sys
line 4 "0      sha1       Authenticode "
line 5 ""
ok "/ds 1" signtool verify /pa /ds 1 two.sys
line 4 "1      sha256     RFC3161      "
ok "/all" signtool verify /v /pa /all two.sys
says out "Signature Index: 0 (Primary Signature)"
says out "Signature Index: 1"
says out "Number of signatures successfully Verified: 2"
sign_file drv64.sys mixed.sys -h sha1
osslsigncode sign -nest -certs chain.pem -key leaf.key -h sha256 -in mixed.sys -out mixed2.sys >/dev/null
osslsigncode sign -certs chain.pem -key leaf.key -h sha1 -in drv64.sys -out mixed3.sys >/dev/null
osslsigncode sign -nest -certs chain.pem -key leaf.key -ac cross.pem -h sha256 -in mixed3.sys -out mixed4.sys >/dev/null
fails 1 "the primary signature decides" signtool verify /kp mixed4.sys
ok "/ms: the nested one will do" signtool verify /kp /ms mixed4.sys
line 4 "1      sha256     None         "
ok "/ms: the primary one where it is right" signtool verify /kp /ms mixed2.sys
line 4 "0      sha1       None         "
fails 1 "/all: both must be right" signtool verify /kp /all mixed4.sys
ok "/q" signtool verify /q /pa plain.sys
silent
ok "several files" signtool verify /pa plain.sys 'stamp*.sys'
says out "Successfully verified: plain.sys"
says out "Successfully verified: stamped.sys"

# the verbose form
ok "/kp /v" signtool verify /kp /v stamped.sys
line 1 ""
line 2 "Verifying: stamped.sys"
line 3 "Signature Index: 0 (Primary Signature)"
says out "Hash of file (sha256): $("$client" digest drv64.sys | cut -d' ' -f1 | tr a-f A-F)"
line 6 "Signing Certificate Chain:"
line 7 "    Issued to: CA Root"
says out "        Issued to: Middle"
says out "            Issued to: Driver Leaf"
says out "            SHA1 hash: $(thumb leaf.pem)"
says out "The signature is timestamped: "
says out "Timestamp Verified by:"
says out "            Issued to: Test TSA"
says out "Cross Certificate Chain:"
says out "    Issued to: Kernel Verification Root"
says out "                Issued to: Driver Leaf"
says out "File has page hashes"
says out "Note: newer Windows asks for more than /kp does"
says out "Successfully verified: stamped.sys"
says out "Number of files successfully Verified: 1"
says out "Number of warnings: 0"
says out "Number of errors: 0"
says_not err SignTool
ok "without a timestamp" signtool verify /pa /v plain.sys
says out "File is not timestamped."
says_not out "Cross Certificate Chain"
says_not out "File has page hashes"
ok "/d" signtool verify /pa /d plain.sys
says out "Description: Test driver"
says out "Description URL: https://example.com/"
ok "/ph" signtool verify /pa /ph stamped.sys
says out "    00000000 "
ok "/r, /sha1, /u" signtool verify /pa /r "ca root" /sha1 "$(thumb leaf.pem)" /u 1.3.6.1.5.5.7.3.3 plain.sys
fails 2 "/tw" signtool verify /pa /tw plain.sys stamped.sys
says err "SignTool Warning: The signature is not timestamped: plain.sys"
says out "Number of files successfully Verified: 2"
says out "Number of warnings: 1"

# what is wrong
wrong() { # TITLE TEXT ARGUMENT...
	title=$1 text=$2
	shift 2
	fails 1 "$title" signtool verify "$@"
	says err "SignTool Error: $text"
	says out "Number of errors: 1"
	says_not out "Successfully"
}
wrong "no signature" "No signature found." /pa drv64.sys
wrong "no PE file" "This file format cannot be verified because it is not recognized." /pa drv.c
wrong "no such file" "File not found: none.sys" /pa none.sys
wrong "no such signature" "No signature found." /pa /ds 7 plain.sys
wrong "the default policy" "A certificate chain processed, but terminated in a root" plain.sys
says err "	certificate which is not trusted by the trust provider."
wrong "no cross-certificate" "Signing Cert does not chain to a Microsoft Root Cert." /kp nocross.sys
flip plain.sys flipped.sys 1100
wrong "a tampered file" "WinVerifyTrust returned error: 0x80096010" /pa flipped.sys
says err "	The digital signature of the object did not verify."
says err "	image digest: "
wrong "a tampered file, for the kernel" "WinVerifyTrust returned error: 0x80096010" /kp flipped.sys
wrong "another root's name" "The signing certificate chain does not end at the specified root." /pa /r other plain.sys
wrong "another usage" "The signer does not possess the specified EKUs." /pa /uw plain.sys
wrong "another thumbprint" "The signer's certificate does not have the specified SHA1 hash." \
	/pa /sha1 "$(thumb middle.pem)" plain.sys
days=0 issue old '/CN=Old Leaf' middle 'keyUsage=critical,digitalSignature\nextendedKeyUsage=codeSigning\n'
cat old.pem middle.pem >old-chain.pem
osslsigncode sign -certs old-chain.pem -key old.key -ac cross.pem -h sha256 -in drv64.sys -out old.sys >/dev/null
sleep 1
for policy in /pa /kp; do
	wrong "an expired certificate, $policy" "WinVerifyTrust returned error: 0x800B0101" $policy old.sys
done
for option in '/ad' '/as' '/p7'; do
	fails 1 "$option" signtool verify "$option" plain.sys
	says err "SignTool Error: The $option option is not available here."
done
fails 1 "a policy that is unknown" signtool verify /pg '{00000000-0000-0000-0000-000000000000}' plain.sys
says err "is not known here"
ok "the policy of /pa by its GUID" signtool verify /pg '{00AAC56B-CD44-11d0-8CC2-00C04FC295EE}' plain.sys

# catalogs
cp plain.sys vmaudio.sys
printf '[CatalogHeader]\nName=one.cat\nCATATTR1=0x10010001:OSAttr:2:6.1\n[CatalogFiles]\n<HASH>a=vmaudio.sys\n' >one.cdf
printf '[CatalogHeader]\nName=two.cat\nCatalogVersion=2\nHashAlgorithms=SHA256\n[CatalogFiles]\n<HASH>a=vmaudio.sys\n' >two.cdf
for cdf in one two; do
	makecat $cdf.cdf
	osslsigncode sign -certs chain.pem -key leaf.key -ac cross.pem -h sha256 -ts "$TSA_URL" \
		-in $cdf.cat -out $cdf-signed.cat >/dev/null
	ok "$cdf: /kp /v /c" signtool verify /kp /v /c $cdf-signed.cat vmaudio.sys
	says out "File is signed in catalog: $cdf-signed.cat"
	says_not out "Signature Index"
	says out "Hash of file (sha1): $("$client" digest --digest sha1 drv64.sys | cut -d' ' -f1 | tr a-f A-F)"
	says out "Cross Certificate Chain:"
	says out "Successfully verified: vmaudio.sys"
	wrong "$cdf: another file" "WinVerifyTrust returned error: 0x800B0100" /kp /c $cdf-signed.cat drv32.sys
	says err "SignTool Error: File not valid: drv32.sys"
	fails 1 "$cdf: what is not listed" signtool verify /v /pa /c $cdf-signed.cat drv32.sys
	says_not out "File is signed in catalog"
	wrong "$cdf: an unsigned catalog" "No signature found." /kp /c $cdf.cat vmaudio.sys
	says err "SignTool Error: File not valid: vmaudio.sys"
done
ok "/hash SHA256" signtool verify /pa /v /hash SHA256 /c two-signed.cat vmaudio.sys
says out "Hash of file (sha256): $("$client" digest drv64.sys | cut -d' ' -f1 | tr a-f A-F)"
wrong "/hash SHA256 in a catalog of SHA-1" "WinVerifyTrust returned error: 0x800B0100" /pa /hash SHA256 \
	/c one-signed.cat vmaudio.sys
ok "/o within" signtool verify /pa /o 2:6.1.7601 /c one-signed.cat vmaudio.sys
wrong "/o beyond" "The file is not valid for the specified operating system version." /pa /o 10.0 \
	/c one-signed.cat vmaudio.sys
ok "the catalog itself" signtool verify /pa one-signed.cat
flip one-signed.cat flipped.cat 150
wrong "a tampered catalog" "WinVerifyTrust returned error: 0x8" /kp /c flipped.cat vmaudio.sys
mkdir folder.sys
for policy in /pa /kp; do
	wrong "a folder, $policy" "An error occurred while attempting to verify the file." $policy folder.sys
	wrong "a folder by a catalog, $policy" "An error occurred while attempting to verify the file." $policy \
		/c two-signed.cat folder.sys
done
fails 1 "no catalog" signtool verify /kp /c none.cat vmaudio.sys
says err "SignTool Error: File not found: none.cat"
fails 1 "a catalog that is none" signtool verify /kp /c drv.c vmaudio.sys

# timestamps put in afterwards
cp plain.sys late.sys
ok "timestamp /tr" signtool timestamp /tr "$TSA_URL" /td sha256 late.sys
says out "Successfully timestamped: late.sys"
ok "verifies" signtool verify /pa late.sys
line 4 "0      sha256     RFC3161      "
ok "timestamp /t replaces it" signtool timestamp -V -T "$TSA_LEGACY_URL" late.sys
says out "Number of files successfully Timestamped: 1"
ok "verifies, too" signtool verify /pa late.sys
line 4 "0      sha256     Authenticode "
cp two.sys late.sys
ok "remove both" signtool remove /u late.sys
osslsigncode sign -nest -certs chain.pem -key leaf.key -ac cross.pem -h sha384 -in late.sys -out nested.sys >/dev/null
ok "timestamp /tp 1" signtool timestamp /q /tr "$TSA_URL" /tp 1 nested.sys
silent
ok "is on the nested one" signtool verify /pa /all nested.sys
line 4 "0      sha1       None         "
line 5 "1      sha384     RFC3161      "
cp one.cat late.cat
osslsigncode sign -certs chain.pem -key leaf.key -ac cross.pem -h sha256 -in one.cat -out late-signed.cat >/dev/null
ok "timestamp of a catalog" signtool timestamp /tr "$TSA_URL" /td sha256 late-signed.cat
ok "verifies with its files" signtool verify /pa /v /c late-signed.cat vmaudio.sys
says out "The signature is timestamped: "
fails 1 "timestamp without a server" signtool timestamp late.sys
says err "SignTool Error: A required parameter is missing: /t or /tr with a URL."
fails 1 "timestamp of what is not signed" signtool timestamp /tr "$TSA_URL" drv64.sys
says err "SignTool Error: An error occurred while attempting to timestamp: drv64.sys"
cp late.sys before.sys
fails 1 "a server that fails" signtool timestamp /t "$TSA_BASE/fault/garbage" late.sys
says err "SignTool Error: The specified timestamp server either could not be reached"
says out "Number of errors: 1"
ok "the file stays as it was" cmp before.sys late.sys

# signatures taken out
for file in stamped.sys one-signed.cat; do
	cp $file less
	ok "remove /u of $file" signtool remove /v /u less
	says out "Successfully removed: less"
	says out "Number of files successfully Removed: 1"
	ok "its timestamp is gone" signtool verify /pa /v less
	says out "File is not timestamped."
	ok "remove /c of $file" signtool remove /c less
	fails 1 "nothing leads to the root" signtool verify /pa less
	says err "certificate which is not trusted by the trust provider."
	ok "what was signed still is" sh -c '"$1" verify "$2" | grep -q "signature .*ok\|ok *signature"' - "$client" less
	ok "remove /s of $file" signtool remove /q /s less
	silent
	fails 1 "no signature is left" signtool verify /pa less
	says err "SignTool Error: No signature found."
	fails 1 "to remove nothing" signtool remove /s less
	says err "SignTool Error: An error occurred while attempting to remove the signature: less"
done
cp two.sys less
ok "remove /u of a nested signature" signtool remove /u less
ok "one is left" signtool verify /pa /all less
says_not out "RFC3161"
fails 1 "remove without saying what" signtool remove less
fails 1 "remove /s /u" signtool remove /s /u less
says err "is incompatible"
ok "the file stays" signtool verify /pa less
done_testing
