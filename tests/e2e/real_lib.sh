# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2154
# tests/e2e/real_lib.sh - sourced by real_*.t after whole_lib.sh and what makes their token: the same whole over each.
#
#	real_suite       every check, against the token that make_token makes

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
	done_testing
}
