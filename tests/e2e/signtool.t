#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2154
# Scripts written for signtool.exe and makecat.exe, run here against the real daemons over SoftHSM.
. "${srcdir:-.}/tests/tap.sh"
# shellcheck source=/dev/null
. "$srcdir/tests/e2e/client_files.sh"
need osslsigncode openssl
# shellcheck source=/dev/null
. "$srcdir/tests/e2e/client_service.sh"
# shellcheck source=/dev/null
. "$srcdir/tests/e2e/tsa.sh"

PATH=$builddir:$PATH
export TZ=UTC0

judge() { # FILE: a program that is not ours
	osslsigncode verify -CAfile "$T/kernel-root.pem" -in "$1"
}

signatures() {
	"$client" inspect "$1" | grep -c "signature "
}

make_files
make_service
start_service
openssl x509 -in "$T/cross.pem" -outform DER -out "$T/cross.cer"
thumbprint=$(openssl x509 -in "$T/driver.pem" -noout -fingerprint -sha1 | cut -d= -f2 | tr -d :)
cd "$T" || exit 99
mkdir -p amd64 && cp drv64.sys amd64/vmaudio.sys && cp drv32.sys amd64/Other.SYS

# the guide's first command line
ok "sign /ac /sha1" signtool.exe sign /ac cross.cer /sha1 "$thumbprint" amd64/vmaudio.sys
says out "Done Adding Additional Store"
says out "Successfully signed: amd64/vmaudio.sys"
says out "No /fd option: the file digest is sha256, the service's default."
says_not out "Number of"
says_not err "SignTool"
ok "osslsigncode takes it, through the cross-certificate" judge amd64/vmaudio.sys
ok "/q says nothing" signtool sign -Q -AC CROSS.CER -SHA1 "$thumbprint" -FD sha256 'amd64\VMAUDIO.sys'
silent
ok "two files by a wildcard, another algorithm" signtool sign /v /fd SHA384 /s My /sm /ac cross.cer /n "driver key" \
	/d "Audio" /du http://example.com/x 'amd64\*.sys'
says out "Without meaning here, ignored: /s /sm"
says out "The following certificate was selected:"
says out "    Issued to: Driver Key"
says out "    Issued by: Middle"
says out "    SHA1 hash: $thumbprint"
says out 'Successfully signed: amd64\Other.SYS'
says out 'Successfully signed: amd64\vmaudio.sys'
says out "Number of files successfully Signed: 2"
says out "Number of warnings: 0"
says out "Number of errors: 0"
cp "$T/out" verbose.txt
ok "a time as ctime writes it, in the fifth line" sh -c 'sed -n 5p verbose.txt |
	grep -qx "    Expires:   [A-Z][a-z][a-z] [A-Z][a-z][a-z] [0-9][0-9] ..:..:.. 20[0-9][0-9]"'
for file in amd64/vmaudio.sys amd64/Other.SYS; do
	ok "osslsigncode takes $file" judge "$file"
	ok "$file has what was asked for" "$client" inspect "$file"
	says out "Audio"
	says out "http://example.com/x"
	says out "sha384"
done
ok "/fd certHash" signtool sign /fd certHash /a amd64/vmaudio.sys

# certificates
export KDSIGN_IDENTITY="$T/two.identity"
fails 1 "several certificates" signtool sign /fd sha256 amd64/vmaudio.sys
says err "SignTool Error: Multiple certificates were found that meet all the given"
says err "	criteria. Use the /a option to allow SignTool to choose the best"
says out "The following certificates meet all given criteria:"
says out "    Issued to: Second Key"
says out "Number of errors: 1"
ok "/a takes one" signtool sign /a /fd sha256 amd64/vmaudio.sys
ok "/n takes one, /debug says how" signtool sign /debug /n second /fd sha256 amd64/vmaudio.sys
says out "The following certificates were considered:"
says out "After EKU filter, 2 certs were left."
says out "After Subject Name filter, 1 certs were left."
fails 1 "none" signtool sign /n nobody /fd sha256 amd64/vmaudio.sys
says err "SignTool Error: No certificates were found that met all the given criteria."
ok "/f with a certificate chooses its key" signtool sign /f second.pem /fd sha256 amd64/vmaudio.sys
openssl pkcs12 -export -in leaf.pem -inkey leaf.key -passout pass:x -out leaf.pfx
fails 1 "/f with a PFX" signtool sign /f leaf.pfx /fd sha256 amd64/vmaudio.sys
says err "SignTool Error: The /f option is not available here."
fails 1 "/p" signtool sign /f leaf.pfx /p geheim /fd sha256 amd64/vmaudio.sys
says err "SignTool Error: The /p option is not available here."
says_not out geheim
says_not err geheim
export KDSIGN_IDENTITY="$T/one.identity"

# what is wrong
cp amd64/vmaudio.sys before.sys
fails 1 "a file that is not there, beside one that is" signtool sign /fd sha256 none.sys amd64/vmaudio.sys
says err "SignTool Error: File not found: none.sys"
says out "Successfully signed: amd64/vmaudio.sys"
says out "Number of files successfully Signed: 1"
says out "Number of errors: 1"
printf 'no driver' >text.txt
fails 1 "no PE file" signtool sign /fd sha256 text.txt
says err "SignTool Error: This file format cannot be signed because it is not recognized."
says err "SignTool Error: An error occurred while attempting to sign: text.txt"
fails 1 "no file" signtool sign /fd sha256
says err "SignTool Error: Missing filename."
fails 1 "a certificate that is not there" signtool sign /ac none.cer /fd sha256 amd64/vmaudio.sys
says err "SignTool Error: File not found: none.cer"
fails 1 "an option that nobody knows" signtool sign /xx amd64/vmaudio.sys
says err "SignTool Error: Invalid option: /xx"
fails 1 "/t and /td" signtool sign /t http://127.0.0.1:1/ /td sha256 amd64/vmaudio.sys
says err "SignTool Error: The /t option is incompatible with the /td option."
fails 1 "/t and /tr" signtool sign /t http://127.0.0.1:1/ /tr http://127.0.0.1:1/ amd64/vmaudio.sys
says err "SignTool Error: The /t option is incompatible with the /tr option."
fails 1 "/td of no algorithm" signtool sign /tr http://127.0.0.1:1/ /td md5 amd64/vmaudio.sys
says err "SignTool Error: Invalid timestamp digest algorithm: md5"
fails 1 "/fd of no algorithm" signtool sign /fd md5 amd64/vmaudio.sys
says err "SignTool Error: Invalid file digest algorithm: md5"
fails 1 "/u of no usage" signtool sign /u nonsense amd64/vmaudio.sys
says err "SignTool Error: Invalid enhanced key usage: nonsense"
fails 1 "/f and /sha1" signtool sign /f driver.pem /sha1 "$thumbprint" amd64/vmaudio.sys
says err "SignTool Error: The /f option is incompatible with the /sha1 option."
fails 1 "an option without its value" signtool sign amd64/vmaudio.sys /ac
says err "SignTool Error: The /ac option requires a parameter, FILE."
fails 1 "no service" env -u KDSIGN_SERVER signtool sign /fd sha256 amd64/vmaudio.sys
says err "SignTool Error: no signing service is named"
fails 1 "no URL" signtool sign /t nowhere amd64/vmaudio.sys
says err "SignTool Error: Invalid Timestamp URL: nowhere"
fails 1 "a digest that is not granted" signtool sign /fd sha1 /a amd64/vmaudio.sys
says err "sha1"
fails 1 "catdb" signtool catdb vmaudio.cat
says err "SignTool Error: There is no catalog database on this system."
fails 1 "no command" signtool
fails 1 "another command" signtool seal
says err "SignTool Error: Invalid command: seal"
ok "help" signtool '/?'
says out "sign "
ok "help of a command" signtool sign '/?'
says out "/ac FILE"
ok "as a command of kdsign-client" "$client" signtool sign /q /fd sha256 amd64/vmaudio.sys

# makecat
printf '[CatalogHeader]\r\nName=vmaudio.cat\r\nCatalogVersion=2\r\nHashAlgorithms=SHA256\r\n' >vmaudio.cdf
printf 'CATATTR1=0x10010001:OSAttr:2:10.0\r\n[CatalogFiles]\r\n<HASH>vmaudio.sys=amd64\\vmaudio.sys\r\n' >>vmaudio.cdf
ok "makecat" makecat vmaudio.cdf
silent
ok "the catalog is there" test -s vmaudio.cat
ok "makecat.exe /v" makecat.exe /v VMAUDIO.CDF
says out "processing: <HASH>vmaudio.sys"
says out "attribute: OSAttr:2:10.0"
says out "Succeeded"
printf 'MZ but no program' >odd.sys
printf '[CatalogHeader]\nName=odd.cat\n[CatalogFiles]\n<HASH>a=odd.sys\n' >odd.cdf
ok "a damaged image is listed all the same" makecat -v odd.cdf
says out "Note: listed as it is, though it begins like a PE image: "
printf '<HASH>gone=gone.sys\r\n<HASH>lost=lost.sys\r\n' >>vmaudio.cdf
rm vmaudio.cat
fails 1 "makecat of files that are missing" makecat -v -n vmaudio.cdf
says err "MakeCat Error: 0x00010004: 'vmaudio.cdf' line 8: 'gone.sys': no such file"
says err "'vmaudio.cdf' line 9: 'lost.sys': no such file"
says out "Failed"
fails 1 "-r stops" makecat -r vmaudio.cdf
says_not err lost
ok "no catalog" test ! -e vmaudio.cat
printf '[CatalogHeader]\nName=x.cat\nCATATTR1=0x10010001:OSAttr\n' >few.cdf
fails 1 "an attribute without a value" makecat few.cdf
says err "MakeCat Error: 0x00020002: 'few.cdf' line 3: "
fails 1 "makecat without a CDF" makecat
fails 1 "makecat of none.cdf" makecat none.cdf
says err "File not found: none.cdf"

# the guide's five command lines, as they stand there
start_tsa || { echo "Bail out! no timestamp authority"; exit 99; }
printf 'root = %s\nkernel-root = %s\ntsa-root = %s\n' "$T/ca-root.pem" "$T/kernel-root.pem" "$TSA_ROOT" >"$T/no.conf"
mkdir guide && cd guide || exit 99
cp ../drv64.sys vmaudio.sys && cp ../cross.cer mscv-vsclass3.cer
printf '[CatalogHeader]\nName=vmaudio.cat\nPublicVersion=0x0000001\nEncodingType=0x00010001\n' >vmaudio.cdf
printf 'CATATTR1=0x10010001:OSAttr:2:6.0\n[CatalogFiles]\n<hash>File1=vmaudio.sys\n' >>vmaudio.cdf
ok "guide 1" signtool.exe sign /ac mscv-vsclass3.cer /sha1 "$thumbprint" vmaudio.sys
says out "Successfully signed: vmaudio.sys"
ok "guide 2" signtool.exe sign /ac mscv-vsclass3.cer /sha1 "$thumbprint" /t "$TSA_LEGACY_URL" \
	/d "VMWare Audio Driver" vmaudio.sys
says out "Successfully signed: vmaudio.sys"
ok "guide 3" makecat vmaudio.cdf
ok "guide 4" signtool.exe sign /ac mscv-vsclass3.cer /sha1 "$thumbprint" /t "$TSA_LEGACY_URL" \
	/d "VMWare Audio Driver" vmaudio.cat
says out "Successfully signed: vmaudio.cat"
ok "guide 5" signtool verify /kp /v /c vmaudio.cat vmaudio.sys
says out "File is signed in catalog: vmaudio.cat"
says out "The signature is timestamped: "
says out "    Issued to: Kernel Verification Root"
says out "Successfully verified: vmaudio.sys"
ok "the driver's own signature, too" signtool verify /kp /v /d vmaudio.sys
says out "Description: VMWare Audio Driver"
ok "osslsigncode takes the driver" osslsigncode verify -CAfile "$T/kernel-root.pem" -TSA-CAfile "$TSA_ROOT" -in vmaudio.sys
says out "Timestamp"
ok "osslsigncode takes the catalog" osslsigncode verify -CAfile "$T/kernel-root.pem" -TSA-CAfile "$TSA_ROOT" \
	-catalog vmaudio.cat -in vmaudio.sys
cp vmaudio.sys tampered.sys && flip vmaudio.sys tampered.sys 1100
fails 1 "a tampered driver" signtool verify /kp /c vmaudio.cat tampered.sys
says err "SignTool Error: File not valid: tampered.sys"

# timestamps, nested signatures, page hashes
ok "/td before /tr" signtool sign /td sha256 /tr "$TSA_URL" /fd sha256 /ac mscv-vsclass3.cer /ph /v vmaudio.sys
says out "Cross certificate chain (using machine store)"
says out "The following additional certificates will be attached:"
ok "gives both" signtool verify /pa /v vmaudio.sys
says out "The signature is timestamped: "
says out "File has page hashes"
export SIGNTOOL_PAGE_HASHES=1
ok "page hashes by the environment" signtool sign /fd sha256 /ac mscv-vsclass3.cer vmaudio.sys
ok "are there" signtool verify /pa /v vmaudio.sys
says out "File has page hashes"
ok "/nph" signtool sign /nph /fd sha256 /ac mscv-vsclass3.cer vmaudio.sys
unset SIGNTOOL_PAGE_HASHES
ok "has none" signtool verify /pa /v vmaudio.sys
says_not out "File has page hashes"
ok "SHA-1 first" env KDSIGN_IDENTITY="$T/two.identity" signtool sign /fd sha1 /sha1 "$thumbprint" /t "$TSA_LEGACY_URL" \
	/ac mscv-vsclass3.cer vmaudio.sys
ok "/as SHA-256" signtool sign /as /fd sha256 /tr "$TSA_URL" /td sha256 /ac mscv-vsclass3.cer vmaudio.sys
ok "both verify" signtool verify /kp /all vmaudio.sys
says out "0      sha1       Authenticode "
says out "1      sha256     RFC3161      "
ok "osslsigncode finds two" osslsigncode verify -CAfile "$T/kernel-root.pem" -TSA-CAfile "$TSA_ROOT" -in vmaudio.sys
ok "/as of a catalog" signtool sign /as /fd sha256 /ac mscv-vsclass3.cer /tr "$TSA_URL" vmaudio.cat
ok "both verify for the kernel" signtool verify /kp /all vmaudio.cat
says out "0      sha256     Authenticode "
says out "1      sha256     RFC3161      "
ok "the first speaks for the files" signtool verify /kp /all /c vmaudio.cat ../drv64.sys
says_not out "1      "
cp vmaudio.sys before.sys
for option in /t /tr; do
	fails 1 "$option of a server that fails" signtool sign $option "$TSA_BASE/fault/status500" /fd sha256 vmaudio.sys
	says err "SignTool Error: The specified timestamp server either could not be reached"
	says err "SignTool Error: An error occurred while attempting to sign: vmaudio.sys"
	says out "Number of errors: 1"
	ok "the file stays as it was" cmp before.sys vmaudio.sys
done
stop_service
done_testing
