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
