# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2154
# tests/e2e/real_lib.sh - sourced by real_*.t after whole_lib.sh and what makes their token: the same whole over each.
#
#	real_suite       every check, against the token that make_token makes

# What a vendor's module leaks is not ours, whatever it is loaded into.
export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0"

real_sign() { # KEY FILE
	cp "$T/drv64.sys" "$T/$2"
	"$client" --timeout 20s --identity "$T/two.identity" sign --key "$1" "$T/$2"
}
real_judged() { # FILE - by others
	osslsigncode verify -CAfile "$T/ca-root.pem" -in "$T/$1" >"$T/judge.log" 2>&1 && cat "$T/judge.log"
}
real_ready() {
	[ "$(api /readyz)" = 200 ]
}

# real_signs TITLE - a file by each key, judged by osslsigncode, its tampered twin refused
real_signs() {
	for real_key in driver second; do
		ok "$1: $real_key signs" real_sign $real_key real.sys
		ok "osslsigncode verifies it" real_judged real.sys
	done
	printf 'X' | dd of="$T/real.sys" bs=1 seek=700 conv=notrunc 2>/dev/null
	ok 'and refuses it changed' sh -c "! osslsigncode verify -CAfile '$T/ca-root.pem' -in '$T/real.sys'"
}

real_killed() { # TIMES - the signing process dies without a word to its module, and the next one signs
	real_time=0
	while [ "$real_time" -lt "$1" ]; do
		real_time=$((real_time + 1))
		real_child=$(process signer-child)
		kill -KILL "$real_child"
		ok "killed for the ${real_time}. time, the next process signs" real_sign driver killed.sys
		ok 'it is another one' test "$(process signer-child)" != "$real_child"
	done
}

real_custody() {
	api /v1/keys/driver >"$T/status" && jq '.custody // .' "$T/body"
}

# 60 items at once: each signature is another, and the service checked each against the certificate.
real_many() {
	many "real-many-request-$1" 60 "$1" >"$T/many.json"
	sed -i 's/{"id"/{"key":"driver","id"/' "$T/many.json"
	answers 200 '60 files in one request' --data-binary "@$T/many.json" /v1/signatures
	ok 'are all signed' jq -e '[.items[] | select(.status == "signed") | .cms] | length == 60 and
		(unique | length == 60)' "$T/body"
}

real_wrong_pin() {
	stop_service
	printf 654321 >"$T/etc/pin"
	launch_service
	real_latched() { api /readyz >"$T/status"; jq -e '.keys[0].code == "pin_latched"' "$T/body"; }
	ok 'a wrong PIN: the service says so' wait_for 30 real_latched
	stop_service
	launch_service
	ok 'and after a restart, without trying again' wait_for 30 real_latched
	ok 'which a login would have told of' sh -c "! grep -q 'no PIN is tried until' '$T/service.err'"
	printf 123456 >"$T/etc/pin"
	ok 'the operator puts the right one in place and unlatches' \
		"$builddir/kdsign-token" pin --config "$T/etc/signer.conf"
	ok 'ready again, by itself' wait_for 30 real_ready
}

# The custodians' side, while nothing else uses the token: every command of kdsign-token, judged by openssl.
real_ceremony() {
	real_token() {
		real_command=$1
		shift
		"$builddir/kdsign-token" "$real_command" --config "$T/etc/signer.conf" "$@"
	}
	ok 'kdsign-token test: throw-away keys of every kind that the token makes' real_token test
	sed 's/^/# /' "$T/out"
	if grep -q 'one key a process' "$T/out"; then
		ok 'of another kind' real_token test --type p256
		sed 's/^/# /' "$T/out"
	fi
	ok 'and leaves none behind' sh -c "'$builddir/kdsign-token' list --config '$T/etc/signer.conf' --json >'$T/list.json'"
	ok 'of its kind' jq -e '[.tokens[0].keys[].label] | all(startswith("kdsign-self-test") | not)' "$T/list.json"
	ok 'kdsign-token generate' real_token generate --label ceremony --person 'Ada Example, custodian'
	sed 's/^/# /' "$T/err"
	ok 'kdsign-token list: the key was born there and never leaves' real_token list --json
	cp "$T/out" "$T/list.json"
	ok 'as its attributes say' jq -e '.tokens[0].keys[] | select(.label == "ceremony") | .custody_good' "$T/list.json"
	jq -c '.tokens[0].keys[] | select(.label == "ceremony") | .attributes' "$T/list.json" | sed 's/^/# /'
	ok 'kdsign-token csr' real_token csr --key ceremony --subject '/O=Example/CN=Ceremony' --out "$T/ceremony.csr"
	ok 'openssl verifies it' openssl req -in "$T/ceremony.csr" -verify -noout
	printf 'keyUsage=critical,digitalSignature\nextendedKeyUsage=codeSigning\n' >"$T/ext"
	openssl x509 -req -in "$T/ceremony.csr" -CA "$T/middle.pem" -CAkey "$T/middle.key" -CAcreateserial -days 30 \
		-extfile "$T/ext" -out "$T/ceremony.pem" 2>/dev/null
	ok 'kdsign-token install' real_token install --key ceremony --certificate "$T/ceremony.pem" \
		--certificate "$T/middle.pem" --out "$T/installed.pem"
	ok 'kdsign-token attest' real_token attest --key ceremony --out "$T/custody.json"
	ok 'openssl verifies it' openssl pkeyutl -verify -rawin -pubin -inkey "$T/custody.json.pub" -in "$T/custody.json" \
		-sigfile "$T/custody.json.sig"
	ok 'kdsign-token destroy' real_token destroy --key ceremony --yes-destroy=ceremony
	ok 'the key and what belongs to it are gone' real_token list
	says_not out "'ceremony'"
	ok 'all of it is on record' real_token transcript --check
}

real_suite() {
	make_files
	make_service
	start_service
	real_signs 'at first'
	real_many 1000
	real_killed 3
	kill -KILL "$(process kdsign-signer)"
	ok 'the signer is killed wholly: ready again' wait_for 30 real_ready
	real_signs 'then'
	stop_service
	start_service
	real_signs 'after a restart'
	real_wrong_pin
	real_signs 'with the right PIN'
	stop_service
	real_ceremony
	done_testing
}
