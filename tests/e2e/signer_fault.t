#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The breaker of kdsign-signer, a token that goes and comes, and what the mock saw of it all.
# shellcheck source=tests/tap.sh
. "${srcdir:-.}/tests/tap.sh"
# shellcheck source=tests/e2e/signer_lib.sh
. "$srcdir/tests/e2e/signer_lib.sh"

order() { # LINE...
	rm -f "$T/mock/control"
	[ $# -eq 0 ] || { printf '%s\n' "$@" >"$T/mock/new" && mv "$T/mock/new" "$T/mock/control"; }
}
token() { # WORDS as in the mock's file "token"
	rm -f "$T/mock/token"
	[ $# -eq 0 ] || { echo "$*" >"$T/mock/new" && mv "$T/mock/new" "$T/mock/token"; }
}
sign() {
	ask 15 sign code rsa sha256 "$(digest x)" "$T/sig"
}
state_says() { ask 5 state | grep -qF -e "$1"; }
total() { wc -l <"$T/mock/calls"; }

ok "a token" new_token
ok "a key" new_key code rsa:2048 01
sessions=4
signer_more='start-deadline = 2s'
configure "$mock" code
run_signer
ok "the token becomes ready" ask 10 state ready
says out "breaker=closed opened=0 retry_ms=0"
ok "it signs" sign
ok "the journal has key and data of it" grep -qE '^sign [0-9]+ [0-9]+ [0-9]+ [0-9]+ 01 3031.*'"$(digest x)" "$T/mock/journal"
ok "and what came of it" grep -qE '^gave [0-9]+ [0-9]+ [0-9]+ 0x0 256$' "$T/mock/journal"

# Three faults
order 'C_SignInit fail 0x5'
fails 1 "a token that fails" sign
says out "code=token_unavailable heard=0 ckr=0x5"
fails 1 "again" sign
says out "breaker open"
ok "the breaker is open" wait_for 10 state_says 'opened=1'
order
ok "it closes by itself" ask 10 state ready
says out "breaker=closed opened=1"
ok "and it signs" sign

# Open, nothing is asked of the token
signer_more='start-deadline = 2s
breaker-wait = 20s
breaker-wait-max = 20s'
stop "$signer_pid"
configure "$mock" code
run_signer
ok "ready with a long wait" ask 10 state ready
order 'C_Sign fail 0x30'
for i in 1 2 3; do
	fails 1 "fault $i" sign
done
ok "open" wait_for 10 state_says 'breaker=open'
before=$(total)
ok "a hundred jobs while it is open" ask 15 load code rsa sha256 100 10
says out "code=token_unavailable count=100 heard=0"
ok "touch nothing of the module" test "$(total)" = "$before"
ok "and the signer says for how long" sh -c "ask=\$(\"$builddir/tests/e2e/signer_client\" \"$sock\" 5 state |
	sed -n 's/.*retry_ms=\([0-9]*\).*/\1/p') && [ \"\$ask\" -gt 1000 ] && [ \"\$ask\" -le 25000 ]"
stop "$signer_pid"
order
signer_more='start-deadline = 2s'
configure "$mock" code
run_signer
ok "a restart closes it" ask 10 state ready

# Sessions closed behind our back
order 'C_SignInit purge once'
ok "sessions that are closed behind our back cost nothing" sign
order 'C_Sign purge once'
fails 1 "between C_SignInit and C_Sign they cost one signature" sign
says out "code=outcome_unknown heard=1 ckr=0xb3"
ok "and no more" sign

# Gone and back
logins=$(calls C_Login)
token gone
ok "a token that is pulled is noticed" wait_for 10 state_says 'token=absent'
fails 1 "and told at once" sign
says out "code=token_unavailable heard=0"
sleep 3 # it is looked for meanwhile
ok "no login is tried without a token" test "$(calls C_Login)" = "$logins"
token
ok "it comes back" ask 10 state ready
ok "with one login" test "$(calls C_Login)" = $((logins + 1))
ok "and signs" sign
token gone
ok "it is pulled again" wait_for 10 state_says 'token=absent'
token slot 7
ok "and comes back in another slot" ask 10 state ready
ok "and signs" sign
ok "absence is no fault" state_says 'breaker=closed'
serial=$(ask 5 state | sed -n 's/.* serial=\([^ ]*\) .*/\1/p')
token gone
ok "another token in its place" wait_for 10 state_says 'token=absent'
logins=$(calls C_Login)
token serial 00000000DEADBEEF
ok "of the same label" wait_for 10 state_says "a token with serial '00000000DEADBEEF' is there, expected '$serial'"
sleep 3
ok "gets no PIN" test "$(calls C_Login)" = "$logins"
token
ok "the right one is taken again" ask 10 state ready
ok "and signs" sign

# A token with few sessions, one that fails while its keys are read, a start that hangs
opened=$(calls C_OpenSession)
order "C_OpenSession fail 0xb1 at $((opened + 3))"
kill -KILL "$(child_pid)"
ok "a token that gives a second session only" wait_for 10 state_says 'sessions=1 '
ok "signs in it" ask 15 load code rsa sha256 20 10
says out "code=ok count=20"
order 'C_GetAttributeValue fail 0x30 once'
kill -KILL "$(child_pid)"
ok "attributes that cannot be read" wait_for 10 test -e "$T/mock/control.used"
ok "are read again" wait_for 10 sign
rm -f "$T/mock/control.used"
order 'C_FindObjects fail 0x30 once'
kill -KILL "$(child_pid)"
ok "a search that fails is made again" wait_for 10 sign
order 'C_Initialize hang once'
kill -KILL "$(child_pid)"
ok "a start that hangs" wait_for 10 test -e "$T/mock/control.used"
ok "ends at start-deadline" wait_for 15 sign

# No attempt can be on the disk, so none is made, and the reason is not lost behind our own SIGKILL
order
mv "$T/state" "$T/elsewhere"
logins=$(calls C_Login)
kill -KILL "$(child_pid)"
ok "a state folder that is away: the breaker opens" wait_for 10 state_says 'breaker=open'
ok "the reason is told" state_says "breaker open: state-dir '$T/state'"
fails 1 "nothing is signed" sign
says out "state-dir '$T/state'"
ok "the PIN is not tried" test "$(calls C_Login)" = "$logins"
mv "$T/elsewhere" "$T/state"
ok "when it is back, it signs" wait_for 10 sign

ok "it was never anything but ours that misbehaved" test ! -e "$T/mock/violations"
ok "the latch never came into it" test ! -e "$T/state/latch"
done_testing
