#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154,SC2317
# kdsign-client and the service: every format beside PE and catalog, through sign, verify, timestamp, extract, attach and
# remove, judged by programs that are not ours.
. "${srcdir:-.}/tests/tap.sh"
# shellcheck source=/dev/null
. "$srcdir/tests/e2e/client_files.sh"
need osslsigncode openssl gcab gcc sqlite3
# shellcheck source=/dev/null
. "$srcdir/tests/e2e/client_service.sh"
# shellcheck source=/dev/null
. "$srcdir/tests/e2e/tsa.sh"

make_service
token_key modules rsa:2048 '/CN=Module Key' 03
# "second" gets a certificate for EV code signing, "modules" one as the kernel's own recipe makes it.
printf 'keyUsage=critical,digitalSignature\nextendedKeyUsage=codeSigning\ncertificatePolicies=2.23.140.1.3\n' >"$T/ev.ext"
openssl x509 -new -force_pubkey "$T/second.pub" -subj '/O=Test/CN=EV Key' -CA "$T/middle.pem" -CAkey "$T/middle.key" \
	-CAcreateserial -days 30 -extfile "$T/ev.ext" -out "$T/second.pem" 2>/dev/null || exit 99
printf 'keyUsage=critical,digitalSignature\nbasicConstraints=critical,CA:FALSE\nsubjectKeyIdentifier=hash\n' >"$T/ko.ext"
openssl x509 -new -force_pubkey "$T/modules.pub" -subj '/CN=Module Key' -CA "$T/middle.pem" -CAkey "$T/middle.key" \
	-CAcreateserial -days 30 -extfile "$T/ko.ext" -out "$T/modules.pem" 2>/dev/null || exit 99
sed -i 's/^kinds = pe catalog$/kinds = pe catalog cabinet script msi/' "$T/etc/keeper.conf"
cat >>"$T/etc/keeper.conf" <<END
[key modules]
signer = softhsm
certificates = $T/modules.pem
certificates = $T/middle.pem
[grant modules]
client-sha256 = $(sha256_of "$T/two.pem")
keys = modules
kinds = module
END
printf '[key modules]\nuri = pkcs11:object=modules;type=private\nrelax = rsa-2048\n' >>"$T/etc/signer.conf"
start_service
ok "authorities" start_tsa
export KDSIGN_IDENTITY="$T/two.identity"

key=driver
sign() { "$client" sign --key "$key" "$@"; }
verify() { "$client" verify --root "$T/ca-root.pem" --tsa-root "$TSA_ROOT" "$@"; }
judge() { # FILE
	osslsigncode verify -CAfile "$T/ca-root.pem" -TSA-CAfile "$TSA_ROOT" -in "$1" >"$T/judge" 2>&1
	judge_status=$?
	cat "$T/judge"
	return "$judge_status"
}
# judged TITLE FILE - by osslsigncode, where it knows scripts: since 2.6
judged() {
	if [ "$kind" = script ] && [ -n "$no_scripts" ]; then
		skip "$kind: $1" "this osslsigncode knows no scripts"
	else
		ok "$kind: $1" judge "$2"
	fi
}
no_scripts=
osslsigncode --version | grep -q '^osslsigncode 2\.[0-5][^0-9]' && no_scripts=yes
theirs() { # IN OUT
	rm -f "$2"
	osslsigncode sign -certs "$T/chain.pem" -key "$T/leaf.key" -in "$1" -out "$2"
}

timestamp_judged() {
	if [ "$kind" = script ] && [ -n "$no_scripts" ]; then
		return
	fi
	grep -q 'Timestamp Server Signature verification: ok' "$T/judge"
}

# format KIND FILE OFFSET - FILE is an unsigned one; a byte at OFFSET of the signed one belongs to what is signed
format() {
	kind=$1 file=$2 suffix=${2##*.} offset=$3
	plain=$T/plain.$suffix twin=$T/twin.$suffix again=$T/again.$suffix other=$T/other.$suffix
	cp "$file" "$plain"
	ok "$kind: has a digest" "$client" --json digest "$file"
	says out "\"kind\":\"$kind\""
	"$client" digest "$file" | cut -d' ' -f1 >"$T/digest.before"
	fails 1 "$kind: is not signed yet" verify "$file"
	ok "$kind: is signed" sign --description "A $kind" --url https://example.com/ "$file"
	says out "signed with driver (sha256)"
	judged "osslsigncode takes it" "$file"
	ok "$kind: our verify takes it" verify "$file"
	says out "  $kind, "
	says out 'ok      file digest: sha256 '
	says out 'ok      message digest: '
	ok "$kind: and says what it is in JSON" "$client" --json verify --root "$T/ca-root.pem" "$file"
	says out "\"file_format\":{\"format\":\"$kind\""
	ok "$kind: inspect shows it" "$client" inspect "$file"
	says out "description: A $kind"
	ok "$kind: the digest is the same" sh -c "'$client' digest '$file' | grep -q \"^\$(cat '$T/digest.before') \""
	flip "$file" "$twin" "$offset"
	fails 1 "$kind: a twin with another byte is refused" verify "$twin"
	says out 'failed  file digest: '
	ok "$kind: signing again replaces" sign --digest sha384 "$file"
	says out 'old signature replaced'
	judged "osslsigncode takes that" "$file"
	# An MSI holds a digest beside the signature that both are over.
	second=sha256
	[ "$kind" = msi ] && second=sha384
	ok "$kind: a second signature beside it" sign --append --digest $second "$file"
	says out 'beside the signature that was there'
	ok "$kind: our verify takes both" verify "$file"
	says out "nested signature 1: $second"
	judged "osslsigncode still takes it" "$file"
	ok "$kind: a timestamp" "$client" timestamp --timestamp "$TSA_URL" "$file"
	judged "osslsigncode takes it" "$file"
	ok "$kind: with the timestamp" timestamp_judged
	ok "$kind: verify, too" verify "$file"
	says out 'ok      timestamp: RFC 3161'
	ok "$kind: extract" "$client" extract --output "$T/sig.p7" "$file"
	ok "$kind: attach to the unsigned one" "$client" attach --signature "$T/sig.p7" --output "$again" "$plain"
	if [ "$kind" = msi ]; then # its free sectors may differ
		ok "$kind: gives a file as right as that" verify "$again"
	else
		ok "$kind: gives the same file" cmp "$file" "$again"
	fi
	cp "$plain" "$other"
	flip "$plain" "$other" "$((offset < 40 ? offset : offset - (offset > $(stat -c %s "$plain") ? 24 : 0)))"
	fails 1 "$kind: not to another" "$client" attach --signature "$T/sig.p7" "$other"
	ok "$kind: remove" "$client" remove "$file"
	fails 1 "$kind: has none to remove then" "$client" remove "$file"
	ok "$kind: the digest is still the same" sh -c "'$client' digest '$file' | grep -q \"^\$(cat '$T/digest.before') \""
	if [ "$kind" = script ] && [ -n "$no_scripts" ]; then
		cp "$plain" "$again" && sign "$again" >"$T/log" 2>&1
	else
		ok "$kind: what osslsigncode signs" theirs "$plain" "$again"
		ok "$kind: we verify" verify "$again"
	fi
	fails 1 "$kind: nor would it load it" "$client" verify --kernel "$again"
	says err "is no driver"
	printf 'root = %s\n' "$T/ca-root.pem" >"$T/no.conf"
	ok "$kind: signtool sign" "$client" signtool sign /fd sha256 /n "Driver Key" /d "A $kind" "$file"
	judged "osslsigncode takes it" "$file"
	ok "$kind: signtool verify" "$client" signtool verify /pa /v "$file"
	says out 'Hash of file (sha256): '
	ok "$kind: signtool timestamp" "$client" signtool timestamp /tr "$TSA_URL" /td sha256 "$file"
	ok "$kind: signtool remove" "$client" signtool remove /s "$file"
	fails 1 "$kind: signtool verify finds none" "$client" signtool verify /pa "$file"
	: >"$T/no.conf"
}

# ---- cabinets ----
printf 'one\n' >"$T/one.txt" && head -c 3000 /dev/urandom >"$T/two.bin"
(cd "$T" && gcab -c made.cab one.txt two.bin) >"$T/cab.log" 2>&1
format cabinet "$T/made.cab" 200
ok "cabinet: gcab still lists it" gcab -t "$T/made.cab"
key=second
ok "cabinet: signed by the key with an EV certificate" sign "$T/made.cab"
key=driver
ok "cabinet: verify notices that" verify "$T/made.cab"
says out 'ok      EV certificate: policy 2.23.140.1.3'
ok "cabinet: and so does inspect" "$client" inspect "$T/made.cab"
says out '    EV certificate: policy 2.23.140.1.3'
ok "cabinet: signed by another" sign "$T/made.cab"
ok "cabinet: and that another is none" verify "$T/made.cab"
says out 'warning EV certificate: '

# ---- scripts and MSI, told by name and by content ----
printf '# a script\r\nWrite-Host "one"\r\nWrite-Host "two"\r\n' >"$T/made.ps1"
format script "$T/made.ps1" 20
ok "script: remove gives it back, byte for byte" cmp "$T/made.ps1" "$T/plain.ps1"
cp "$srcdir/fuzz/corpus/msi/unsigned" "$T/made.msi"
format msi "$T/made.msi" 5120

# ---- kernel modules ----
printf '%s\n' 'int init_module(void) { return 0; }' \
	'const char license[] __attribute__((section(".modinfo"))) = "license=GPL";' | gcc -x c -c -o "$T/hello.ko" - || exit 99
cp "$T/hello.ko" "$T/plain.ko"
key=modules
cut_module() { # FILE - its module in $T/cut.ko, its signature in $T/cut.p7
	cut_size=$(stat -c %s "$1")
	cut_sig=$(od -An -tu1 -j$((cut_size - 32)) -N4 "$1" | awk '{ print (($1 * 256 + $2) * 256 + $3) * 256 + $4 }')
	head -c $((cut_size - 40 - cut_sig)) "$1" >"$T/cut.ko"
	tail -c $((40 + cut_sig)) "$1" | head -c "$cut_sig" >"$T/cut.p7"
}
openssl_takes() { # FILE
	cut_module "$1"
	openssl cms -verify -binary -inform DER -in "$T/cut.p7" -content "$T/cut.ko" -certfile "$T/modules.pem" \
		-CAfile "$T/modules.pem" -partial_chain -purpose any -out "$T/cut.out"
}
with_signer() { "$client" verify --root "$T/ca-root.pem" --certificate "$T/modules.pem" --certificate "$T/middle.pem" "$@"; }
ok "module: is signed" sign --digest sha512 "$T/hello.ko"
says out 'signed with modules (sha512)'
ok "module: openssl takes it" openssl_takes "$T/hello.ko"
ok "module: the module is as it was" cmp "$T/plain.ko" "$T/cut.ko"
fails 1 "module: nobody knows the signer" "$client" verify --root "$T/ca-root.pem" "$T/hello.ko"
says err "none of those named"
ok "module: with its certificate verify takes it" with_signer "$T/hello.ko"
says out '  module, '
says out "ok      signature: over the file's sha512 "
says out 'ok      extended key usage: '
says out 'and the kernel wants none'
ok "module: the certificate itself may be the root" "$client" verify --root "$T/modules.pem" "$T/hello.ko"
fails 1 "module: naming a signer is not trusting him" "$client" verify --root "$T/other.pem" \
	--certificate "$T/modules.pem" "$T/hello.ko"
says out 'failed  chain: '
flip "$T/hello.ko" "$T/twin.ko" 70
fails 1 "module: a twin with another byte is refused" with_signer "$T/twin.ko"
says out 'failed  signature: '
if command -v modinfo >/dev/null || [ -x /sbin/modinfo ]; then
	ok "module: modinfo shows the signature" sh -c "PATH=\$PATH:/sbin modinfo '$T/hello.ko' >'$T/modinfo' &&
		grep -q 'sig_hashalgo: *sha512' '$T/modinfo' && grep -q 'signer: *Middle' '$T/modinfo'"
else
	skip "module: modinfo shows the signature" "modinfo is not installed"
fi
ok "module: inspect" "$client" inspect "$T/hello.ko"
says out 'certificate not embedded'
fails 2 "module: a description" sign --description x "$T/hello.ko"
says err 'the signature of a kernel module has no place for a description'
fails 2 "module: a URL" sign --url https://example.com/ "$T/hello.ko"
fails 2 "module: a second signature" sign --append "$T/hello.ko"
fails 2 "module: a timestamp" "$client" timestamp --timestamp "$TSA_URL" "$T/hello.ko"
ok "module: an authority for all files is passed over" sign --timestamp "$TSA_URL" "$T/hello.ko"
says out 'old signature replaced'
ok "module: extract" "$client" extract --output "$T/ko.p7" "$T/hello.ko"
fails 1 "module: attach without the signer's certificate" "$client" attach --signature "$T/ko.p7" --output "$T/again.ko" \
	"$T/plain.ko"
ok "module: attach with it" "$client" attach --certificate "$T/modules.pem" --signature "$T/ko.p7" \
	--output "$T/again.ko" "$T/plain.ko"
ok "module: gives the same file" cmp "$T/hello.ko" "$T/again.ko"
ok "module: remove" "$client" remove "$T/hello.ko"
ok "module: gives the module as it was" cmp "$T/plain.ko" "$T/hello.ko"
fails 4 "module: by a key for other files" "$client" sign --key driver "$T/hello.ko"
says err 'kernel modules need a key of their own'
fails 4 "module: nor is another file signed by its key" sign "$T/made.cab"
ok "module: signed by openssl, as sign-file does" openssl cms -sign -binary -noattr -nocerts -outform DER -md sha256 \
	-signer "$T/leaf.pem" -inkey "$T/leaf.key" -in "$T/plain.ko" -out "$T/their.p7"
ok "module: attach takes that" "$client" attach --certificate "$T/leaf.pem" --signature "$T/their.p7" --output "$T/their.ko" \
	"$T/plain.ko"
ok "module: and verify" "$client" verify --root "$T/leaf.pem" "$T/their.ko"
for sign_file in /usr/lib/linux-kbuild-*/scripts/sign-file; do :; done
if [ -x "$sign_file" ]; then
	cp "$T/plain.ko" "$T/kbuild.ko"
	ok "module: signed by the kernel's own sign-file" "$sign_file" sha256 "$T/leaf.key" "$T/leaf.pem" "$T/kbuild.ko"
	ok "module: we verify" "$client" verify --root "$T/leaf.pem" "$T/kbuild.ko"
	ok "module: signing again replaces" sign "$T/kbuild.ko"
	ok "module: openssl takes it" openssl_takes "$T/kbuild.ko"
else
	for part in "signed by the kernel's own sign-file" "we verify" "signing again replaces" "openssl takes it"; do
		skip "module: $part" "linux-kbuild is not installed"
	done
fi
ok "all kinds are on record" sh -c "sqlite3 '$T/state/record.db' \"SELECT DISTINCT json_extract(json,'\$.kind') FROM event
	WHERE json_extract(json,'\$.event')='intent'\" | sort | tr '\n' ' ' | grep -q 'cabinet module msi script'"
ok "no temporary file stays" no_temporary_files
done_testing
