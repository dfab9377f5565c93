#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Wrong signatures, a token that is pulled, a breaker that opens, as clients of the whole see it; judged by what the
# mock wrote into its journal.
# shellcheck source=tests/tap.sh
. "${srcdir:-.}/tests/tap.sh"
# shellcheck source=tests/e2e/whole_lib.sh
. "$srcdir/tests/e2e/whole_lib.sh"

make_service
make_files
use_mock
pkcs11-tool --module "$module" --token-label kdsign-test --login --pin 123456 --keypairgen --key-type rsa:2048 \
	--label twin --id 03 --usage-sign >"$T/keygen.log" 2>&1 || exit 99
set_conf signer.conf 'sign-deadline = 2s' 'sessions = 2'
start_service
signer_pid=$(process kdsign-signer)
number=0

# post STATUS TITLE KEY - a request of its own
post() {
	number=$((number + 1))
	posted=$(printf 'fault-%010d' $number)
	body "$posted" "$(printf %02x $number)" "\"key\":\"$3\"," >"$T/post.json"
	answers "$1" "$2" --data-binary "@$T/post.json" /v1/signatures
}
again() { # STATUS TITLE - the same once more
	answers "$1" "$2" --data-binary "@$T/post.json" /v1/signatures
}
ready() { [ "$(api /readyz)" = 200 ]; }
key_code() { api /readyz >/dev/null; jq -r --arg key "$1" '.keys[] | select(.name == $key) | .code // "ready"' "$T/body"; }
key_is() { [ "$(key_code "$1")" = "$2" ]; }
who=two

# quarantine TITLE - what holds after a wrong signature by key "driver"
quarantine() {
	body_says '"code":"hsm_bad_signature"'
	ok "$1: nothing of it is released" jq -e '[.items[].cms] == [null]' "$T/body"
	signs=$(calls C_Sign)
	again 500 "$1: it is final for its id"
	body_says '"code":"hsm_bad_signature"'
	ok "$1: the key is in quarantine" wait_for 10 key_is driver key_unusable
	ok "$1: and readyz says why" jq -e '.keys[] | select(.name == "driver") | .detail | test("quarantine")' "$T/body"
	ok "$1: the breaker opens and closes" wait_for 10 key_is second ready
	post 500 "$1: the key is not used" driver
	body_says '"code":"key_unusable"'
	ok "$1: not once" test "$(calls C_Sign)" = "$signs"
	post 200 "$1: the other key is" second
	kill -KILL "$(process signer-child)"
	ok "$1: a fresh child" wait_for 10 key_is second ready
	post 500 "$1: changes nothing" driver
	kill -USR1 "$signer_pid"
	ok "$1: an operator does" wait_for 10 ready
	post 200 "$1: it signs again" driver
}
post 200 'all is well' driver
order C_Sign flip 77 once
post 500 'a bit is wrong' driver
quarantine 'a bit is wrong'
order C_SignInit wrongkey once
post 500 'another key signed' driver
quarantine 'another key signed'

# a C_Sign that hangs
order C_Sign hang once
post 504 'a C_Sign that hangs' driver
ok 'has the item as any answer' jq -e --arg id "$posted" '.id == $id and .key == "driver" and
	[.items[] | .status + " " + .error.code] == ["failed token_timeout"]' "$T/body"
ok 'which is no problem document' test "$(header_value Content-Type):$(header_value Retry-After)" = application/json:
signs=$(calls C_Sign)
again 504 'it is final for its id'
ok 'the token is not asked again' test "$(calls C_Sign)" = "$signs"
answers 200 'to read it succeeds' "/v1/signatures/$posted"
body_says '"code":"token_timeout"'
ok 'it is well again' wait_for 10 ready
order C_Sign hang once
cp "$T/drv64.sys" "$T/hung.sys"
fails 5 'kdsign-client does not ask again' "$client" sign --key driver "$T/hung.sys"
says err 'did not answer'
says_not err 'trying again'
ok 'it was told 504' grep -q 'POST /v1/signatures 504' "$T/service.err"
ok 'the file is as it was' cmp "$T/drv64.sys" "$T/hung.sys"
ok 'and well again' wait_for 10 ready

# an answer that is lost: the client asks once more under a new id, which names the old
retries() { record "SELECT count(*) FROM event WHERE $(event retry_of) IS NOT NULL"; }
before=$(retries)
order C_Sign crash once
cp "$T/drv32.sys" "$T/crash.sys"
fails 0 'kdsign-client rides through a crash of the module' "$client" sign --key driver "$T/crash.sys"
ok 'it was told 500' grep -q 'POST /v1/signatures 500' "$T/service.err"
ok 'and named the lost one' test "$(retries)" = $((before + 1))

# the signer's parent is frozen: its child, the token and all connections are there
kill -STOP "$signer_pid"
state_is() { api /readyz >/dev/null; jq -e --arg word "$1" '.tokens[0].state == $word' "$T/body" >"$T/jq"; }
ok 'a frozen signer is seen' wait_for 20 state_is 'does not answer'
ok 'and its keys are not ready' key_is driver token_unavailable
post 503 'a request' driver
body_says "signer 'softhsm' does not answer"
ok 'comes with a Retry-After' test "$(header_value Retry-After)" -ge 1
fails 5 'kdsign-client status' "$client" status
says out 'does not answer'
kill -CONT "$signer_pid"
ok 'it goes on, and is ready' wait_for 20 ready
again 200 'and the same request is signed'

# the token is pulled
logins=$(calls C_Login)
echo gone >"$T/mock/token"
ok 'the token is pulled' wait_for 10 key_is driver token_unavailable
post 503 'a request' driver
ok 'comes with a Retry-After of seconds' test "$(header_value Retry-After)" -le 2
rm "$T/mock/token"
ok 'the token is back' wait_for 10 ready
again 200 'and the same request is signed'
ok 'after one login' test "$(calls C_Login)" = $((logins + 1))

# the breaker
# metric NAME{LABELS} VALUE - one check
metric() {
	curl --silent --max-time 20 --unix-socket "$T/status.sock" http://localhost/metrics >"$T/metrics"
	grep -qx -e "$1 $2" "$T/metrics"
	tap_report $? "metrics: $1 $2"
}
# breaker_is WORD - in readyz
breaker_is() { api /readyz >/dev/null; jq -e --arg word "$1" '.tokens[0].breaker == $word' "$T/body" >"$T/jq"; }

stop_service
set_conf kdsignd.conf "status-listen = $T/status.sock"
set_conf signer.conf 'breaker-wait = 15s' 'breaker-wait-max = 15s'
start_service
ok 'a new breaker is closed' breaker_is closed
metric 'kdsign_token_breaker{signer="softhsm",state="closed"}' 1
metric 'kdsign_token_breaker_opened_total{signer="softhsm"}' 0
order C_SignInit fail 0x6
post 503 'a token that fails' driver
post 503 'opens the breaker' driver
ok 'which readyz says' wait_for 10 key_is second token_unavailable
calls_before=$(wc -l <"$T/mock/calls")
for i in 1 2 3 4 5; do
	post 503 "while it is open ($i)" second
done
body_says 'breaker open'
ok 'Retry-After tells how long' test "$(header_value Retry-After)" -ge 3
ok 'readyz shows it open' breaker_is open
metric 'kdsign_token_breaker{signer="softhsm",state="open"}' 1
metric 'kdsign_token_breaker_opened_total{signer="softhsm"}' 1
fails 5 'kdsign-client status' "$client" status
says out ', breaker open (it failed and is left alone for a while)'
fails 5 'kdsign-client --json status' "$client" --json status
ok 'passes it on' jq -e '.tokens[0].breaker == "open"' "$T/out"
ok 'nothing is asked of the module' test "$(wc -l <"$T/mock/calls")" = "$calls_before"
order
ok 'it closes by itself' wait_for 40 ready
ok 'readyz shows it closed' breaker_is closed
ok 'kdsign-client status' "$client" status
says_not out breaker
again 200 'and signs under the id that was refused'

# a C_Sign that answers an error is not made again under its id, but under one that names it
order C_Sign fail 0x30 once
post 500 'an error of C_Sign' driver
body_says '"code":"outcome_unknown"'
signs=$(calls C_Sign)
again 500 'is final for its id'
ok 'the token is not asked again' test "$(calls C_Sign)" = "$signs"
ok 'no call was out of order and no PIN left in memory' test ! -e "$T/mock/violations"
record_hears
done_testing
