# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# tests/e2e/signer_lib.sh - sourced by signer_*.t after tap.sh: a SoftHSM token, kdsign-signer on it, its client.

need softhsm2-util pkcs11-tool openssl
softhsm=
for tap_lib in /usr/lib/softhsm/libsofthsm2.so /usr/lib/*/softhsm/libsofthsm2.so; do
	[ -e "$tap_lib" ] && softhsm=$tap_lib
done
[ -n "$softhsm" ] || skip_all "no SoftHSM module"
signer=$builddir/kdsign-signer
mock=$builddir/tests/mock/mock_pkcs11.so
sock=$T/signer.sock
pin=739218
relax=rsa-2048 # quick to make, quick to sign with
export SOFTHSM2_CONF="$T/softhsm.conf"

# new_token - initialised, with its PIN in $T/pin
new_token() {
	mkdir -p "$T/tokens" "$T/mock" && mkdir -m 700 "$T/state" &&
		echo "directories.tokendir = $T/tokens" >"$SOFTHSM2_CONF" &&
		softhsm2-util --init-token --free --label kdsign --so-pin 87654321 --pin "$pin" >/dev/null &&
		(umask 077 && printf '%s\n' "$pin" >"$T/pin")
}

# new_key NAME TYPE ID
new_key() {
	pkcs11-tool --module "$softhsm" --token-label kdsign --login --pin "$pin" --keypairgen \
		--key-type "$2" --label "$1" --id "$3" >/dev/null 2>&1
}

# configure MODULE NAME... - the keys of those names, with the flaws in $relax let pass
configure() {
	{
		cat <<-END
			socket = $sock
			module = $1
			module-environment = SOFTHSM2_CONF=$SOFTHSM2_CONF
			module-environment = MOCK_MODULE=$softhsm
			module-environment = MOCK_DIR=$T/mock
			token = pkcs11:token=kdsign
			pin-file = $T/pin
			state-dir = $T/state
			sessions = ${sessions:-2}
			sign-deadline = ${deadline:-10s}
			${signer_more:-}
		END
		shift
		for name; do
			printf '[key %s]\nuri = pkcs11:object=%s\n' "$name" "$name"
			[ -z "${relax:-}" ] || printf 'relax = %s\n' "$relax"
		done
	} >"$T/signer.conf"
}

# ask SECONDS COMMAND... - one connection of the keeper's kind
ask() {
	ask_seconds=$1
	shift
	"$builddir/tests/e2e/signer_client" "$sock" "$ask_seconds" "$@"
}

listens() {
	grep -q " 00010000 0001 01 .*$sock\$" /proc/net/unix
}

run_signer() {
	rm -f "$sock" # of the one before, so that nobody connects to it
	start signer "$signer" --config "$T/signer.conf" "$@"
	signer_pid=$pid
	wait_for 10 listens
}

# calls FUNCTION - how often the mock was asked for it
calls() {
	grep -cx "$1" "$T/mock/calls" 2>/dev/null || :
}

# child_pid - never 0, which would be everybody to kill(1): waits until there is a child
child_pid() {
	for tap_try in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		tap_child=$(ask 5 state | sed -n 's/.* pid=\([0-9]*\) .*/\1/p')
		[ "${tap_child:-0}" = 0 ] || break
		sleep 0.1
	done
	[ "${tap_child:-0}" = 0 ] || echo "$tap_child"
}

digest() {
	printf '%s' "$1" | openssl dgst "-${2:-sha256}" -r | cut -d' ' -f1
}
