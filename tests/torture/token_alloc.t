#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Each allocation of kdsign-token fails once, in each of its commands. It says so and ends; the record's chain is whole,
# nothing is latched, and what is on the token is what the exit status says.
# shellcheck source=tests/tap.sh
. "${srcdir:-.}/tests/tap.sh"
# shellcheck source=tests/e2e/signer_lib.sh
. "$srcdir/tests/e2e/signer_lib.sh"
# shellcheck source=tests/torture/torture_lib.sh
. "$srcdir/tests/torture/torture_lib.sh"

[ -z "$sanitized" ] || skip_all 'sanitizers have an allocator of their own'
shim=$(cd "$builddir" && pwd)/tests/torture/alloc_fail.so
[ -e "$shim" ] || skip_all 'tests/torture/alloc_fail.so is not built'
step=37
[ "${TORTURE:-}" != whole ] || step=1
tool=$builddir/kdsign-token

token() { # COMMAND OPTION... - as it is run by people
	token_command=$1
	shift
	"$tool" "$token_command" --module "$softhsm" --token pkcs11:token=kdsign --state "$T/state" --pin-file "$T/pin" "$@"
}
# failing N COMMAND OPTION... - the same, its Nth allocation failing; 0: none, they are counted
failing() {
	arm "$1"
	shift
	(
		export ALLOC_FAIL="$T/numbers" LD_PRELOAD="$shim"
		token_command=$1
		shift
		exec timeout 20 "$tool" "$token_command" --module "$softhsm" --token pkcs11:token=kdsign --state "$T/state" \
			--pin-file "$T/pin" "$@"
	) >"$T/said" 2>"$T/error"
}
private_keys() {
	pkcs11-tool --module "$softhsm" --token-label kdsign --login --pin "$pin" --list-objects --type privkey 2>/dev/null |
		grep -c '^Private Key'
}

new_token && token generate --label old --type p256 >"$T/out" || exit 99
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -keyout "$T/ca.key" -subj /CN=CA -days 10 \
	-addext keyUsage=critical,keyCertSign -out "$T/ca.pem" 2>/dev/null
token csr --key old --subject CN=Old --out "$T/old.csr" >"$T/out" &&
	printf 'extendedKeyUsage=codeSigning\nkeyUsage=digitalSignature\n' >"$T/ext" &&
	openssl x509 -req -in "$T/old.csr" -CA "$T/ca.pem" -CAkey "$T/ca.key" -CAcreateserial -days 5 -extfile "$T/ext" \
		-out "$T/old.pem" 2>/dev/null || exit 99
cp -r "$T/tokens" "$T/tokens.base" && cp -r "$T/state" "$T/state.base"

wrong() { echo "allocation $i: $1; status $status: $(head -c 300 "$T/error")" >>"$T/faults"; }

# each KEYS COMMAND OPTION... - KEYS: private keys on the token when it was done; one when it was not
each() {
	keys=$1
	shift
	: >"$T/faults"
	i=0 n=0 failures=0 refused=0
	while [ "$i" -le "$n" ]; do
		rm -rf "$T/tokens" "$T/state"
		cp -r "$T/tokens.base" "$T/tokens" && cp -r "$T/state.base" "$T/state"
		failing "$i" "$@"
		status=$?
		if [ "$i" = 0 ]; then
			n=$(counted)
			[ "$status" = 0 ] || wrong 'fails with all of its memory'
			i=1
			continue
		fi
		failures=$((failures + 1))
		[ "$status" -lt 124 ] || wrong 'crashed or hung'
		if [ "$status" != 0 ]; then
			refused=$((refused + 1))
			[ -s "$T/error" ] || wrong 'says nothing'
		fi
		[ ! -e "$T/state/latch" ] || wrong 'latched'
		token transcript --check >"$T/checked" 2>&1 || wrong "chain: $(cat "$T/checked")"
		if [ "$status" = 0 ] || grep -q 'itself was done' "$T/error"; then want=$keys; else want=1; fi
		[ "$(private_keys)" = "$want" ] || wrong "$(private_keys) private keys, want $want"
		i=$((i + step))
	done
	cp "$T/faults" "$T/out"
	[ ! -s "$T/faults" ] && [ "$n" -gt 10 ]
	tap_report $? "$1: $n allocations, $failures fail, $refused refused"
	total=$((total + failures))
}
total=0
each 1 list
each 1 list --json
each 2 generate --label new --type p256
each 1 csr --key old --subject CN=x --out "$T/x.csr"
each 1 install --key old --certificate "$T/old.pem" --root "$T/ca.pem" --out "$T/chain.pem"
each 1 attest --key old --out "$T/statement.json"
each 1 test
each 2 rotate --key old --label next --retire 2031-01-01
each 0 destroy --key old --yes-destroy old
each 1 transcript
each 1 pin
echo "# alloc failures=$total"
done_testing
