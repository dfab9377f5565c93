#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# kdsign-signer on SoftHSM: every key type and digest, judged by openssl; what it refuses to do.
# shellcheck source=tests/tap.sh
. "${srcdir:-.}/tests/tap.sh"
# shellcheck source=tests/e2e/signer_lib.sh
. "$srcdir/tests/e2e/signer_lib.sh"

verify() { # KEY MD TEXT
	ask 10 spki "$1" "$T/$1.der" &&
		printf '%s' "$3" | openssl dgst "-$2" -keyform DER -verify "$T/$1.der" -signature "$T/sig"
}

sign() { # KEY MECHANISM MD TEXT
	ask 10 sign "$1" "$2" "$3" "$(digest "$4" "$3")" "$T/sig"
}

ok "a token" new_token
n=1
for key in rsa2048=rsa:2048 rsa3072=rsa:3072 rsa4096=rsa:4096 p256=EC:prime256v1 p384=EC:secp384r1; do
	ok "key ${key%%=*}" new_key "${key%%=*}" "${key#*=}" "0$n"
	n=$((n + 1))
done
ok "a weak key" new_key weak rsa:1024 0a
ok "one of two keys of one name" new_key twin EC:prime256v1 0b
ok "the other" new_key twin EC:prime256v1 0c
configure "$softhsm" rsa2048 rsa3072 rsa4096 p256 p384 weak twin missing
ok "--check accepts the configuration" "$signer" --config "$T/signer.conf" --check
says out "8 keys, not latched"

run_signer
ok "the token becomes ready" ask 10 state ready
says out "key=rsa3072 ready=1 mechanism=1 bits=3072"
says out "key=p384 ready=1 mechanism=2 bits=384"
says out "RSA of 1024 bits, expected 2048 to 4096"
says out "2 private keys match, expected one: object 'twin' id 0"
says out "no private key on token 'kdsign' matches"
ok "a good login leaves no latch" test ! -e "$T/state/latch"

for key in rsa2048 rsa3072 rsa4096; do
	for md in sha1 sha256 sha384 sha512; do
		ok "$key signs $md" sign "$key" rsa "$md" "text of $key"
		ok "openssl accepts it" verify "$key" "$md" "text of $key"
	done
done
for key in p256 p384; do
	for md in sha1 sha256 sha384 sha512; do
		ok "$key signs $md" sign "$key" ecdsa "$md" "text of $key"
		ok "openssl accepts it" verify "$key" "$md" "text of $key"
	done
done
fails 1 "openssl refuses it for another text" verify p384 sha512 "another text"

ok "300 ECDSA signatures in a row, leading zeros among them" ask 30 load p256 ecdsa sha256 300 16
says out "code=ok count=300"
fails 1 "a key that is not configured" sign nobody rsa sha256 x
says out "code=key_unusable heard=0"
fails 1 "an ECDSA key asked for RSA" sign p256 rsa sha256 x
says out "the key is of another type"
fails 1 "a weak key" sign weak rsa sha256 x
says out "code=key_unusable heard=0"
fails 78 "a second signer on the same socket" "$signer" --config "$T/signer.conf"
says err "another process listens there"

stop "$signer_pid"
ok "SIGTERM ends it with status 0" test $? -eq 0
done_testing
