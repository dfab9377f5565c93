#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A wrong PIN is tried once: whatever is killed, restarted, and however long it takes.
# shellcheck source=tests/tap.sh
. "${srcdir:-.}/tests/tap.sh"
# shellcheck source=tests/e2e/signer_lib.sh
. "$srcdir/tests/e2e/signer_lib.sh"
# shellcheck source=tests/torture/torture_lib.sh
. "$srcdir/tests/torture/torture_lib.sh"

restarts=10 step=12 speed=20000
[ "${TORTURE:-}" != whole ] || restarts=100 step=1
wrong=000000
set_pin() { (umask 077 && printf '%s\n' "$1" >"$T/pin"); }
is() { [ "$(calls C_Login)" = "$1" ]; }
crash() { kill -KILL "$signer_pid" && wait_for 10 tap_ended "$signer_pid"; }
latched() { ask 20 state latched; }

ok 'a token' new_token
ok 'a key' new_key code rsa:2048 01
cp -r "$T/tokens" "$T/tokens.new"
# What the token remembers of wrong PINs would be a second reason to try none: here the latch stands alone.
signer_more='pin-accept-count-low = yes'
configure "$mock" code

# ---- restarts, by SIGTERM and by SIGKILL ----
set_pin $wrong
run_signer
ok 'a wrong PIN latches' latched
ok 'after one C_Login' is 1
bad=0
for i in $(seq "$restarts"); do
	if [ $((i % 2)) = 0 ]; then crash; else stop "$signer_pid"; fi
	run_signer
	latched >"$T/state.out" || bad=$((bad + 1))
done
ok "$restarts restarts: latched each time" test $bad = 0
ok 'still one C_Login' is 1
stop "$signer_pid"

# ---- a day ----
if [ -z "$sanitized" ]; then # which is to be loaded first
	rm -f "$sock"
	start signer env LD_PRELOAD="$(cd "$builddir" && pwd)/tests/torture/fast_clock.so" FAST_CLOCK=$speed \
		"$signer" --config "$T/signer.conf"
	signer_pid=$pid
	wait_for 10 listens
	ok 'a clock that goes faster: latched' latched
	set_pin "$pin" # as an operator who has forgotten the other half
	began=$(date +%s)
	while [ $((($(date +%s) - began) * speed)) -lt 90000 ]; do
		ask 5 sign code rsa sha256 "$(digest x)" "$T/sig" >"$T/day.out" 2>&1
		sleep 0.5
	done
	ok "it is still latched after $((($(date +%s) - began) * speed / 3600)) hours" latched
	ok 'and there was one C_Login' is 1
	stop "$signer_pid"
fi
set_pin "$pin"
ok 'an operator acts' "$builddir/kdsign-token" pin --config "$T/signer.conf"
run_signer
ok 'and it signs' ask 20 state ready

# ---- a PIN that is changed on the token while it is used ----
pkcs11-tool --module "$softhsm" --token-label kdsign --login --pin "$pin" --change-pin --new-pin 8642086420 >"$T/change.log" 2>&1
ok 'the PIN is another' ask 20 sign code rsa sha256 "$(digest x)" "$T/sig"
before=$(calls C_Login)
for i in $(seq "$restarts"); do
	child=$(pgrep -P "$signer_pid") && kill -KILL "$child"
	if [ $((i % 3)) = 0 ]; then
		crash
		run_signer
	fi
	latched >"$T/state.out" || a_fault=yes
done
ok "killed $restarts times, it is latched each time" test -z "${a_fault:-}"
ok 'after one C_Login' is $((before + 1))
stop "$signer_pid"

# ---- SIGKILL of all of it, at each system call between the attempt's record and what came of the login ----
set_pin $wrong
n=0 more=0 before_login=0 after_login=0
: >"$T/faults"
while [ $n -lt 1000 ]; do
	# SoftHSM itself does not survive a kill while it writes to a token's file.
	rm -rf "$T/state" "$T/tokens" "$T/mock/calls" "$T/mock/journal" "$sock"
	cp -r "$T/tokens.new" "$T/tokens" && mkdir -m 700 "$T/state" && : >"$T/mock/calls"
	timeout 60 "$builddir/tests/torture/kill_at" $n "$signer" --config "$T/signer.conf" >"$T/at" 2>"$T/kill.err"
	ended=$?
	[ "$ended" = 0 ] || break
	logins=$(calls C_Login)
	if [ "$logins" = 0 ]; then before_login=$((before_login + 1)); else after_login=$((after_login + 1)); fi
	[ -e "$T/state/latch" ] || [ "$n" = 0 ] || echo "point $n ($(cat "$T/at")): no latch" >>"$T/faults"
	rm -rf "$T/tokens" && cp -r "$T/tokens.new" "$T/tokens"
	for again in 1 2; do
		run_signer
		latched >"$T/state.out" || echo "point $n: not latched" >>"$T/faults"
		crash
	done
	[ "$(calls C_Login)" -le 1 ] || echo "point $n ($(cat "$T/at")): $(calls C_Login) calls of C_Login" >>"$T/faults"
	[ "$n" != 0 ] || is 1 || echo 'point 0: no attempt, and none after it' >>"$T/faults"
	n=$((n + step)) more=$((more + 1))
done
if [ "$ended" = 2 ]; then
	skip 'kills between record and login' 'processes cannot be traced here'
else
	ok "until one ended by itself" test "$ended" = 3
	cp "$T/faults" "$T/out"
	ok "killed at $more points, $before_login of them before C_Login: at most one C_Login" test ! -s "$T/faults"
	sed 's/^/# /' "$T/faults"
	ok 'points on both sides of it' test "$before_login" -gt 0 -a "$after_login" -gt 0
	[ "${TORTURE:-}" != whole ] || ok 'a hundred' test "$more" -ge 100
fi
echo "# pin restarts=$restarts points=$more before_login=$before_login after_login=$after_login"
done_testing
