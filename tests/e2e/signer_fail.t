#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What a vendor's module and a token do wrong, and what kdsign-signer makes of it.
# shellcheck source=tests/tap.sh
. "${srcdir:-.}/tests/tap.sh"
# shellcheck source=tests/e2e/signer_lib.sh
. "$srcdir/tests/e2e/signer_lib.sh"

order() {
	echo "$*" >"$T/mock/control"
}

sign() {
	ask 15 sign code rsa sha256 "$(digest x)" "$T/sig"
}

# field NAME - its number in what the last command said
field() {
	sed -n "s/.*$1=\([0-9]*\).*/\1/p" "$T/out"
}

ok "a token" new_token
ok "a key" new_key code rsa:2048 01
ok "another" new_key other rsa:2048 02
deadline=2s
signer_more='breaker-faults = 16' # signer_fault.t is about the breaker
configure "$mock" code other
run_signer
ok "the token becomes ready" ask 10 state ready
first=$(child_pid)

# A hung C_Sign
order C_Sign hang once
start load "$builddir/tests/e2e/signer_client" "$sock" 20 load code rsa sha256 40 10
ok "40 jobs end though one hangs" wait_for 15 tap_ended "$pid"
cp "$T/load.out" "$T/out"
says out "code=ok count=39"
says out "code=token_timeout count=1 heard=1"
slowest=$(field slowest_ms)
ok "the hung one after the deadline of 2 s, within 0.5 s ($slowest ms)" test "$slowest" -ge 1500 -a "$slowest" -le 2500
ok "the child was replaced" test "$(child_pid)" != "$first"
ok "the hung one's process is gone" test ! -e "/proc/$first"

order C_Sign hang once
fails 1 "one alone" sign
says out "code=token_timeout heard=1"
took=$(field ms)
ok "is answered at 2 s, within 0.5 s ($took ms)" test "$took" -ge 2000 -a "$took" -le 2500
ok "with no signature since the hang before, the breaker opens for a moment" ask 10 state ready
ok "then all is well" sign

# All sessions hang: what waits is not lost, and not signed twice
signed=$(calls C_Sign)
order C_Sign hang
start load "$builddir/tests/e2e/signer_client" "$sock" 20 load code rsa sha256 6 6
ok "both sessions hang" wait_for 5 sh -c "[ \$(grep -cx C_Sign '$T/mock/calls') -ge $((signed + 2)) ]"
rm -f "$T/mock/control"
ok "6 jobs end" wait_for 15 tap_ended "$pid"
cp "$T/load.out" "$T/out"
says out "code=ok count=4 heard=4"
says out "code=token_timeout count=2 heard=2"
ok "each was tried once" test "$(calls C_Sign)" = $((signed + 6))

# A crash
order C_Sign crash once
fails 1 "a crash in C_Sign" sign
says out "code=outcome_unknown heard=1"
ok "the next one is signed" sign
order C_SignInit crash once
start load "$builddir/tests/e2e/signer_client" "$sock" 20 load code rsa sha256 30 10
ok "30 jobs end though the module crashes" wait_for 15 tap_ended "$pid"
cp "$T/load.out" "$T/out"
lost=$(sed -n 's/code=outcome_unknown count=\([0-9]*\).*/\1/p' "$T/out")
ok "at most what the other session was signing is lost (${lost:-0})" test "${lost:-0}" -le 1
ok "the others are signed" grep -q "code=ok count=$((30 - ${lost:-0})) " "$T/load.out"

victim=$(child_pid)
kill -KILL "$victim"
ok "SIGKILL of the child: the next signature comes" sign
took=$(field ms)
ok "within a second ($took ms)" test "$took" -le 1000

# Return codes
order C_SignInit fail 0x30 once
ok "CKR_DEVICE_ERROR of C_SignInit is retried once, in a fresh child" sign
order C_Sign fail 0x30 once
signed=$(calls C_Sign)
fails 1 "of C_Sign it is not: the token may have signed" sign
says out "code=outcome_unknown heard=1 ckr=0x30"
ok "so C_Sign was called once" test "$(calls C_Sign)" = $((signed + 1))
order C_SignInit fail 0x70
fails 1 "CKR_MECHANISM_INVALID is the key's fault" sign
says out "code=key_unusable heard=0 ckr=0x70"
fails 1 "the key is not offered any more" ask 2 state absent
says out "key=code ready=0"
rm -f "$T/mock/control"
kill -KILL "$(child_pid)"
ok "a fresh child looks at the key again" sign
order C_Sign short once
fails 1 "a signature of the wrong length is not handed out" sign
says out "code=hsm_bad_signature heard=1"
says out "C_Sign gave 255 bytes, expected 256"

# The child's own look at the token while nobody signs
child_is_new() {
	[ "$(child_pid)" != "$victim" ] && [ "$(child_pid)" != 0 ]
}
ok "the breaker closes again" ask 10 state ready
fails 1 "the key that gave it is not used again" sign
says out "code=key_unusable heard=0"
says out "in quarantine: C_Sign gave 255 bytes, expected 256"
kill -KILL "$(child_pid)"
fails 1 "by no child" sign
says out "code=key_unusable heard=0"

# A child that is replaced by an operator's wish, and not by fault, ends what it has begun.
order C_Sign delay 1000 once
signed=$(calls C_Sign)
start slow "$builddir/tests/e2e/signer_client" "$sock" 20 sign other rsa sha256 "$(digest x)" "$T/slow.sig"
ok "another key signs, slowly" wait_for 10 sh -c "[ \$(grep -cx C_Sign '$T/mock/calls') -gt $signed ]"
kill -USR1 "$signer_pid"
ok "until an operator says so" wait_for 10 sign
ok "which ends" wait_for 15 tap_ended "$pid"
cp "$T/slow.out" "$T/out"
says out "code=ok heard=1"
# While the next child tells of its keys: it has said of the first one that it is in quarantine
printf '%s\n' 'C_Sign short once' >"$T/mock/control"
fails 1 "a second wrong signature" sign
says out "code=hsm_bad_signature heard=1"
ok "the next child" ask 20 state ready
searches=$(calls C_FindObjectsInit)
kill -KILL "$(child_pid)"
ok "and the one after it" wait_for 20 ask 5 sign other rsa sha256 "$(digest x)" "$T/sig"
per_start=$(($(calls C_FindObjectsInit) - searches))
searches=$(calls C_FindObjectsInit)
order C_FindObjectsInit delay 700
kill -KILL "$(child_pid)"
ok "a child looks for the keys, slowly" wait_for 20 sh -c "[ \$(grep -cx C_FindObjectsInit '$T/mock/calls') -ge $((searches + per_start)) ]"
kill -USR1 "$signer_pid"
rm -f "$T/mock/control"
ok "an operator's word comes meanwhile" wait_for 20 sign
# A slow token: what another session has begun when one fails is not lost
order C_Sign delay 700
for i in 1 2 3 4; do
	ok "slow signature $i" ask 15 sign other rsa sha256 "$(digest x)" "$T/sig"
done
signed=$(calls C_Sign)
start slow "$builddir/tests/e2e/signer_client" "$sock" 20 sign other rsa sha256 "$(digest x)" "$T/slow.sig"
ok "one more is begun" wait_for 10 sh -c "[ \$(grep -cx C_Sign '$T/mock/calls') -gt $signed ]"
order C_SignInit fail 0x30 once
ok "the other session fails, and the next child signs" sign
ok "what was begun ends" wait_for 15 tap_ended "$pid"
cp "$T/slow.out" "$T/out"
says out "code=ok heard=1"
# A child that stands still outside of any call, as one does whose library waits for itself
victim=$(child_pid)
kill -STOP "$victim"
ok "a child that stands still: the next one signs" sign
took=$(field ms)
ok "after the deadline of 2 s ($took ms)" test "$took" -ge 1900 -a "$took" -le 5000
ok "it is another one" child_is_new
ok "with no more delay" sign
victim=$(child_pid)
kill -STOP "$victim"
ask 1 sign code rsa sha256 "$(digest late)" "$T/sig" >/dev/null 2>&1
ok "also when jobs expire before that" wait_for 20 sign
ok "it is another one again" child_is_new
victim=$(child_pid)
order C_GetTokenInfo hang once
ok "a look at the token that hangs costs the child" wait_for 15 child_is_new
ok "and nothing else" sign
ok "SIGTERM" stop "$signer_pid"

# The start
order C_Initialize hang once
run_signer
ok "it answers while the module hangs at the start" ask 5 state starting
stop "$signer_pid"
ok "and ends when told to" test $? -eq 0
rm -f "$T/mock/control"

configure "$softhsm" code
run_signer
ok "a token that took the PIN" ask 20 state ready
stop "$signer_pid"
mv "$T/tokens" "$T/away" && mkdir "$T/tokens"
run_signer
ok "is away at the next start" ask 10 state absent
says out "token not found"
fails 1 "a job is refused at once" sign
says out "code=token_unavailable heard=0"
took=$(field ms)
ok "in no time ($took ms)" test "$took" -le 500
rmdir "$T/tokens" && mv "$T/away" "$T/tokens"
ok "the token comes" ask 20 state ready
ok "and signs" sign
mv "$T/tokens" "$T/away" && mkdir "$T/tokens"
fails 1 "the token goes away" wait_for 5 sign
ok "which is noticed" ask 20 state absent
rmdir "$T/tokens" && mv "$T/away" "$T/tokens"
ok "it comes back" ask 40 state ready
ok "and signs again" sign
ok "no try of the PIN was burned" test ! -e "$T/state/latch"
stop "$signer_pid"

# The module is loaded anew for each child
cp "$mock" "$T/pinned.so" && chmod 0755 "$T/pinned.so"
(umask 022 && cat "$mock" - >"$T/other.so" <<-END
	x
END
)
signer_more="module-sha256 = $(openssl dgst -sha256 -r "$T/pinned.so" | cut -d' ' -f1)"
configure "$T/pinned.so" code
run_signer
ok "a module of the SHA-256 that is wanted" ask 10 state ready
mv "$T/pinned.so" "$T/right.so" && mv "$T/other.so" "$T/pinned.so"
kill -KILL "$(child_pid)"
ok "exchanged since, it is not loaded" ask 20 state failed
says out "SHA-256 is"
mv "$T/right.so" "$T/pinned.so"
ok "put back, it is" ask 20 state ready
ok "and signs" sign
stop "$signer_pid"
signer_more=

echo "keeper-user = daemon" >>"$T/head.conf"
cat "$T/signer.conf" >>"$T/head.conf" && mv "$T/head.conf" "$T/signer.conf"
run_signer
fails 1 "another user than the keeper's is refused" ask 5 state
says err "closed the connection"
ok "and it is logged" grep -q "connection refused" "$T/signer.err"
done_testing
