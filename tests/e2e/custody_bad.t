#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Configurations that are not right: one sentence, exit status 78, and nothing was tried on the token.
# shellcheck source=tests/tap.sh
. "${srcdir:-.}/tests/tap.sh"
# shellcheck source=tests/e2e/signer_lib.sh
. "$srcdir/tests/e2e/signer_lib.sh"
mock_real=$(cd "$builddir" && pwd)/tests/mock/mock_pkcs11.so

# refuses TITLE WORDS [COMMAND...] - the signer with $T/bad.conf, or that command
refuses() {
	refuses_title=$1 refuses_words=$2
	shift 2
	[ $# -gt 0 ] || set -- "$signer" --config "$T/bad.conf"
	fails 78 "$refuses_title" timeout 30 "$@"
	grep -qE -e "$refuses_words" "$T/err"
	tap_report $? "$refuses_title: says so"
	[ "$(grep -c 'error:' "$T/err")" = 1 ]
	tap_report $? "$refuses_title: in one sentence"
	[ ! -s "$T/mock/calls" ]
	tap_report $? "$refuses_title: nothing was asked of the token"
}

# bad SED - the configuration with that mistake
bad() {
	sed "$1" "$T/signer.conf" >"$T/bad.conf"
}

ok "a token" new_token
ok "a key" new_key code rsa:2048 01
configure "$mock_real" code
ok "the configuration without a mistake" "$signer" --config "$T/signer.conf" --check

# ---- the module ----

bad "s|^module = .*|module = $T/none.so|"
refuses "a module that is not there" "module: '$T/none.so': cannot open: No such file"
bad "s|^module = .*|module = mock_pkcs11.so|"
refuses "a relative path" "module: 'mock_pkcs11.so': expected an absolute path"
bad "s|^module = .*|module = $T|"
refuses "a folder" "module: '$T': is a directory"
mkdir -m 755 "$T/lib" && cp "$mock_real" "$T/lib/p11.so" && chmod 664 "$T/lib/p11.so"
bad "s|^module = .*|module = $T/lib/p11.so|"
refuses "a file that others can write" "module: '$T/lib/p11.so': mode 0664 lets others write"
chmod 644 "$T/lib/p11.so" && chmod 775 "$T/lib"
refuses "a folder that others can write" "module: '$T/lib/p11.so': its folder '$T/lib' has mode 0775"
ln -s lib/p11.so "$T/link.so"
bad "s|^module = .*|module = $T/link.so|"
refuses "the same behind a link" "its folder '$T/lib' has mode 0775"
chmod 755 "$T/lib"
right=$(openssl dgst -sha256 -r "$T/lib/p11.so" | cut -d' ' -f1)
bad "s|^module = .*|module = $T/link.so\nmodule-sha256 = $right|"
ok "its SHA-256 in the configuration" "$signer" --config "$T/bad.conf" --check
echo >>"$T/lib/p11.so"
refuses "a module that was changed since" "'$T/link.so': SHA-256 is [0-9a-f]{64}, module-sha256 says another one"
bad "s|^module = .*|&\nmodule-sha256 = 1234|"
refuses "a SHA-256 that is none" "module-sha256 '1234': expected 64 hex digits"

echo 'no module at all, but long enough to be the head of one, as long as 64 bytes are' >"$T/lib/text.so"
bad "s|^module = .*|module = $T/lib/text.so|"
refuses "a text" "module: '$T/lib/text.so': is no shared library"
refuses "a text, by --check" "is no shared library" "$signer" --config "$T/bad.conf" --check
refuses "a text, by kdsign-token" "is no shared library" "$builddir/kdsign-token" list --config "$T/bad.conf"
: >"$T/lib/text.so"
refuses "an empty file" "is no shared library"
cp "$mock_real" "$T/lib/foreign.so"
printf '\267' | dd of="$T/lib/foreign.so" bs=1 seek=18 conv=notrunc 2>/dev/null # e_machine: AArch64, or is it
[ "$(uname -m)" != aarch64 ] || printf '\076' | dd of="$T/lib/foreign.so" bs=1 seek=18 conv=notrunc 2>/dev/null
bad "s|^module = .*|module = $T/lib/foreign.so|"
refuses "a library for another machine" "'$T/lib/foreign.so': is for another kind of machine"
head -c 4096 "$mock_real" >"$T/lib/cut.so"
bad "s|^module = .*|module = $T/lib/cut.so|"
refuses "one that was cut off" "'$T/lib/cut.so': is a shared library that was cut off"
printf '\001\000' | dd of="$T/lib/p11.so" bs=1 seek=16 conv=notrunc 2>/dev/null # e_type: relocatable
bad "s|^module = .*|module = $T/lib/p11.so|"
refuses "an object file" "'$T/lib/p11.so': is no shared library, but another ELF file"

# What only loading shows
libz=$(ldconfig -p 2>/dev/null | sed -n 's/.*libz\.so\.1 .*=> //p' | head -n 1)
other_library() { # TITLE WORDS [COMMAND...]
	bad "s|^module = .*|module = $library|"
	refuses "$@"
	ok "$1: nothing is latched" test ! -e "$T/state/latch"
}
if [ -n "$libz" ]; then
	library=$libz
	other_library "a library that is no module" "'$libz': module is no PKCS#11 module: C_GetFunctionList is missing"
	other_library "the same, by kdsign-token" "module is no PKCS#11 module" "$builddir/kdsign-token" list --config "$T/bad.conf"
else
	skip "a library that is no module" "there is no libz.so.1"
fi
LC_ALL=C sed 's/libc\.so\.6/libx.so.6/' "$mock_real" >"$T/lib/lacks.so"
library=$T/lib/lacks.so
other_library "one whose own library is missing" "'$T/lib/lacks.so': module cannot be loaded: .*cannot open shared object"

# ---- token and keys ----

for uri in 'pkcs11:token=kdsign?pin-value=1234' 'pkcs11:token=kdsign;object=code' 'kdsign'; do
	bad "s|^token = .*|token = $uri|"
	refuses "token = $uri" "token '"
done
bad 's|^uri = .*|uri = pkcs11:token=kdsign|'
refuses "a key's URI that names no key" "\[key code\] uri .*names no key"
bad '/^\[key/,$d'
refuses "no key at all" "no key: a section \[key NAME\]"
bad "s|^relax = .*|relax = rsa-1024|"
refuses "a flaw that is none" "\[key code\] relax 'rsa-1024': expected some of"

# ---- the PIN ----

chmod 644 "$T/pin"
bad ''
refuses "a PIN file that others can read" "'$T/pin': mode 0644 lets others at a secret"
chmod 600 "$T/pin" && : >"$T/empty" && chmod 600 "$T/empty"
bad "s|^pin-file = .*|pin-file = $T/empty|"
refuses "an empty PIN file" "'$T/empty': secret is empty"
printf '%s\n# the PIN\n' "$pin" >"$T/empty"
refuses "a PIN file of two lines" "'$T/empty': secret has more than one line"
printf '%s\r\n' "$pin" >"$T/empty"
refuses "one from another system's editor" "'$T/empty': secret has more than one line, or another control"
bad '/^pin-file/d'
refuses "no PIN" "nothing says where to read it"
refuses "a descriptor that is not open" "pin-fd" "$signer" --config "$T/bad.conf" --pin-fd 77
bad 's|^pin-file = .*|pin = 1234|'
refuses "a PIN in the configuration" "unknown key 'pin'"

# ---- words ----

bad 's|^sessions|sesions|'
refuses "an unknown setting of the signer" "line [0-9]+: unknown key 'sesions'; did you mean 'sessions'\?"
bad 's|^relax|relaxed|'
refuses "an unknown setting of a key" "unknown key 'relaxed'; did you mean 'relax'\?"
bad 's|^sessions = .*|sessions = 0|'
refuses "a number out of range" "sessions"
bad '' && chmod 666 "$T/bad.conf"
refuses "a configuration that others can write" "mode 0666 lets others write"
chmod 600 "$T/bad.conf"

# ---- a certificate of another key ----

# spki CERTIFICATE - SHA-256 of its public key
spki() {
	openssl x509 -in "$1" -noout -pubkey | openssl pkey -pubin -outform DER | openssl dgst -sha256 -r | cut -d' ' -f1
}

# certify NAME PUBLIC-KEY - a certificate for it in $T/NAME.pem
certify() {
	openssl req -x509 -key "$T/any.key" -subj "/CN=$1" -days 2 -out "$T/any.pem" &&
		openssl x509 -new -force_pubkey "$2" -CA "$T/any.pem" -CAkey "$T/any.key" -subj "/CN=$1" -days 2 -out "$T/$1.pem"
}

# public NAME FILE - the public half of that key, from the token
public() {
	pkcs11-tool --module "$softhsm" --token-label kdsign --read-object --type pubkey --label "$1" -o "$2.der" &&
		openssl pkey -pubin -inform DER -in "$2.der" -out "$2"
}

# certified CERTIFICATE [SED] - the configuration with that certificate of the key 'code'
certified() {
	bad "s|^uri = .*|&\ncertificate = $1|; ${2:-}"
}

# other_key TITLE CERTIFICATE HAS - 78 with both keys in one sentence, and no login
other_key() {
	rm -f "$T/mock/calls"
	fails 78 "$1" timeout 30 "$signer" --config "$T/bad.conf"
	grep -q "error: key 'code': its certificate is of another key, public key SHA-256 $(spki "$2"); the token has $3\$" "$T/err"
	tap_report $? "$1: names both"
	[ "$(grep -c 'error:' "$T/err")" = 1 ]
	tap_report $? "$1: in one sentence"
	ok "$1: the token was looked at" test "$(calls C_FindObjectsInit)" -gt 0
	ok "$1: no login" test "$(calls C_Login)" = 0
	ok "$1: nothing is latched" test ! -e "$T/state/latch"
}

certified "$T/none.pem"
refuses "the key's certificate is not there" "\[key code\] certificate: '$T/none.pem': cannot open"
certified "$T/pin"
refuses "a file that holds no certificate" "\[key code\] certificate: '$T/pin': expected a certificate, PEM or DER"
refuses "--check sees it" "expected a certificate" "$signer" --config "$T/bad.conf" --check

openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$T/any.key" 2>/dev/null
openssl pkey -in "$T/any.key" -pubout -out "$T/any.pub"
ok "a key on a curve" new_key curve EC:prime256v1 02
for name in code curve; do
	ok "the public half of $name" public "$name" "$T/$name.pub"
	ok "a certificate for $name" certify "$name" "$T/$name.pub"
done
ok "one for neither" certify stranger "$T/any.pub"
certified "$T/stranger.pem"
ok "--check asks no token" "$signer" --config "$T/bad.conf" --check
other_key "a stranger's certificate" "$T/stranger.pem" "$(spki "$T/code.pem")"
certified "$T/curve.pem"
other_key "a neighbour's" "$T/curve.pem" "$(spki "$T/code.pem")"
certified "$T/code.pem" 's|object=code|object=curve|'
other_key "the other way round" "$T/code.pem" "$(spki "$T/curve.pem")"
openssl x509 -in "$T/stranger.pem" -outform DER -out "$T/stranger.der"
certified "$T/stranger.der" 's|object=code|id=%01|'
other_key "by its id, from DER" "$T/stranger.pem" "$(spki "$T/code.pem")"

# Only a certificate shows it.
p11() {
	pkcs11-tool --module "$softhsm" --token-label kdsign --login --pin "$pin" "$@" >/dev/null 2>&1
}
openssl x509 -in "$T/code.pem" -outform DER -out "$T/code.der"
ok "the public key leaves the token" p11 --delete-object --type pubkey --id 01
ok "its certificate comes" p11 --write-object "$T/code.der" --type cert --id 01
other_key "by the certificate that the token has" "$T/stranger.pem" "$(spki "$T/code.pem")"
ok "it leaves as well" p11 --delete-object --type cert --id 01

# Nothing shows it before the login: the key alone is refused, whatever is relaxed.
rm -f "$T/mock/calls"
sed 's|id=%01|object=code|' "$T/bad.conf" >"$T/signer.conf"
printf '[key curve]\nuri = pkcs11:object=curve\ncertificate = %s\nrelax = rsa-2048\n' "$T/curve.pem" >>"$T/signer.conf"
run_signer
ok "a key that shows nothing before the login: the token gets ready" ask 20 state ready
grep -q "^key=code ready=0 .*detail=its certificate is of another key, public key SHA-256 $(spki "$T/stranger.pem"); the token has" \
	"$T/out"
tap_report $? "that key is refused, both named"
grep -q '^key=curve ready=1 ' "$T/out"
tap_report $? "the one with its own certificate is not"
ok "after one login" test "$(calls C_Login)" = 1
stop "$signer_pid"
sed "s|stranger.der|code.der|" "$T/signer.conf" >"$T/right.conf" && mv "$T/right.conf" "$T/signer.conf"
run_signer
ok "with the right certificate, DER" ask 20 state ready
grep -q '^key=code ready=1 ' "$T/out"
tap_report $? "the same key is offered"
stop "$signer_pid"
rm -f "$T/mock/calls"

# The keeper's side: keys without a certificate.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$T/ca.key" -out "$T/ca.pem" -subj /CN=CA \
	-days 2 2>/dev/null
keeper_conf() {
	printf 'socket = %s\nstore = %s\nclient-ca = %s\n[signer one]\nsocket = %s\n[key code]\nsigner = one\n%s\n' \
		"$T/k.sock" "$T/record.db" "$T/ca.pem" "$sock" "$1" >"$T/keeper.conf"
}
keeper_conf ''
refuses "a key without a certificate" "certificates" "$builddir/kdsign-keeper" --config "$T/keeper.conf"
keeper_conf "certificates = $T/none.pem"
refuses "a certificate that is not there" "none.pem': cannot open" "$builddir/kdsign-keeper" --config "$T/keeper.conf"
keeper_conf "certificates = $T/ca.pem"
refuses "a certificate for another purpose" "certificate of 'CN=CA'" "$builddir/kdsign-keeper" --config "$T/keeper.conf"
keeper_conf "certificate = $T/ca.pem"
refuses "an unknown setting of the keeper" "unknown key 'certificate'; did you mean 'certificates'\?" \
	"$builddir/kdsign-keeper" --config "$T/keeper.conf"
done_testing
