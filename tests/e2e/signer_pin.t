#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The PIN of kdsign-signer: where it comes from, and that a wrong one is tried once, ever.
# shellcheck source=tests/tap.sh
. "${srcdir:-.}/tests/tap.sh"
# shellcheck source=tests/e2e/signer_lib.sh
. "$srcdir/tests/e2e/signer_lib.sh"

set_pin() { # TEXT
	(umask 077 && printf '%s\n' "$1" >"$T/pin")
}

unlatch() {
	"$builddir/kdsign-token" pin --config "$T/signer.conf"
}

state_says() {
	ask 5 state | grep -qF -e "$1"
}

restart() {
	stop "$signer_pid"
	run_signer
}

ok "a token" new_token
ok "a key" new_key code rsa:2048 01
configure "$mock" code

chmod 0644 "$T/pin"
fails 78 "a PIN file that others can read" "$signer" --config "$T/signer.conf"
says err "0644"
fails 78 "--check says the same" "$signer" --config "$T/signer.conf" --check
chmod 0600 "$T/pin"
sed '/^pin-file/d' "$T/signer.conf" >"$T/nopin.conf"
fails 78 "no PIN at all" "$signer" --config "$T/nopin.conf"
says err "nothing says where to read it"

set_pin 000000
run_signer
ok "a wrong PIN latches" ask 10 state latched
says out "CKR_PIN_INCORRECT"
ok "the latch is there" grep -q "^token-serial " "$T/state/latch"
fails 1 "the latch holds neither PIN" grep -qE "000000|$pin" "$T/state/latch"
ok "C_Login was called once" test "$(calls C_Login)" = 1
fails 1 "a job is refused at once" ask 5 sign code rsa sha256 "$(digest x)" "$T/sig"
says out "code=pin_latched heard=0"
set_pin "$pin"
for i in 1 2 3; do
	restart
	ok "restart $i: still latched, though the PIN is right by now" ask 10 state latched
done
ok "still one C_Login" test "$(calls C_Login)" = 1
initialized=$(calls C_Initialize)
fails 78 "--check says latched" "$signer" --config "$T/signer.conf" --check
says err "the login of"
says err "failed or was cut off: latched, no PIN is tried again"
ok "--check has not touched the token" test "$(calls C_Initialize)" = "$initialized"

fails 64 "kdsign-signer itself unlatches nothing" "$signer" --config "$T/signer.conf" --unlatch
ok "kdsign-token pin" unlatch
says out "the PIN is right: unlatched"
ok "the running signer logs in with the PIN that is there now" ask 15 state ready
ok "with one C_Login, after that of kdsign-token" test "$(calls C_Login)" = 3
ok "and signs" ask 5 sign code rsa sha256 "$(digest x)" "$T/sig"
ok "kdsign-token pin again has nothing to do" unlatch
says out "not latched"

before=$(calls C_Login)
echo "C_Login crash once" >"$T/mock/control"
restart
ok "a crash inside C_Login latches" ask 10 state latched
ok "after one call" test "$(calls C_Login)" = $((before + 1))
restart
ok "and stays so" ask 10 state latched
ok "without another" test "$(calls C_Login)" = $((before + 1))
stop "$signer_pid"
ok "unlatched while nothing runs" unlatch

run_signer
echo "C_Sign fail 0xa3 once" >"$T/mock/control" # CKR_PIN_EXPIRED
ok "ready again" ask 15 state ready
before=$(calls C_Login)
fails 1 "a token that refuses the PIN while it signs" ask 5 sign code rsa sha256 "$(digest x)" "$T/sig"
says out "code=pin_latched heard=1"
ok "latches" ask 10 state latched
ok "durably" test -e "$T/state/latch"
sleep 2 # longer than a replacement takes
ok "and is not asked to log in again" test "$(calls C_Login)" = "$before"
stop "$signer_pid"
ok "until an operator unlatches" unlatch

for flag in 0x20000 0x40000 0x80000; do # FINAL_TRY, LOCKED, TO_BE_CHANGED
	before=$(calls C_Login)
	echo "C_GetTokenInfo flags $flag" >"$T/mock/control"
	run_signer
	ok "token flag $flag refuses" ask 10 state latched
	says out "no login is tried"
	ok "before any login" test "$(calls C_Login)" = "$before"
	ok "and leaves no latch" test ! -e "$T/state/latch"
	stop "$signer_pid"
done
rm -f "$T/mock/control"

echo "C_Login delay 1500 once" >"$T/mock/control"
before=$(calls C_Login)
run_signer
ok "a slow login has begun" wait_for 5 sh -c "[ \$(grep -cx C_Login '$T/mock/calls') -gt $before ]"
stop "$signer_pid"
ok "SIGTERM waits for it" test $? -eq 0
ok "so that it is not taken for a refused one" test ! -e "$T/state/latch"

if [ "$(id -u)" -eq 0 ] && setpriv --reuid daemon --clear-groups test -r "$mock"; then
	chmod 711 "$T" && chown -R daemon "$T/tokens" "$T/state" "$T/mock" && chmod 644 "$SOFTHSM2_CONF"
	configure "$mock" code
	{ echo "user = daemon" && echo "keeper-user = root" && cat "$T/signer.conf"; } >"$T/user.conf"
	mv "$T/signer.conf" "$T/plain.conf" && mv "$T/user.conf" "$T/signer.conf"
	run_signer
	ok "started as root it becomes its user, with a PIN file of root's" ask 10 state ready
	ok "the parent runs as daemon" grep -q "^Uid:	$(id -u daemon)	$(id -u daemon)	$(id -u daemon)" "/proc/$signer_pid/status"
	ok "and so does the child" grep -q "^Uid:	$(id -u daemon)	$(id -u daemon)	$(id -u daemon)" "/proc/$(child_pid)/status"
	stop "$signer_pid"
	chown -R root "$T/tokens" "$T/state" "$T/mock"
	mv "$T/plain.conf" "$T/signer.conf"
else
	skip "becoming another user" "not root, or daemon cannot read the build folder"
fi

sed '/^pin-file/d' "$T/signer.conf" >"$T/nopin.conf" && mv "$T/nopin.conf" "$T/signer.conf"
exec 9<"$T/pin"
run_signer --pin-fd 9
exec 9<&-
ok "the PIN from a descriptor" ask 10 state ready

# kdsign-token logs in at the moment in which a child is replaced: each waits for the other, and nothing is latched.
list() {
	"$builddir/kdsign-token" list --config "$T/signer.conf" --pin-file "$T/pin"
}
one_login() { # COUNT - that many more than before
	[ "$(calls C_Login)" -ge $((before + $1)) ]
}
before=$(calls C_Login)
rm -f "$T/mock/control.used"
echo "C_Login delay 3000 once" >"$T/mock/control"
start list "$builddir/kdsign-token" list --config "$T/signer.conf" --pin-file "$T/pin"
list_pid=$pid
ok "a custodian logs in, slowly" wait_for 10 test -e "$T/mock/control.used"
kill -KILL "$(child_pid)"
ok "the service has to log in as well, and does afterwards" wait_for 20 one_login 2
ok "it is ready" ask 20 state ready
ok "each has logged in once" test "$(calls C_Login)" = $((before + 2))
ok "the custodian is served" wait_for 20 tap_ended "$list_pid"
fails 1 "nobody took it for a refused PIN" grep -E 'latched|cut off' "$T/signer.err" "$T/list.err"
ok "the log says who was in the way" grep -q "somebody logs in to token serial '.*' at this moment" "$T/signer.err"
before=$(calls C_Login)
rm -f "$T/mock/control.used"
echo "C_Login delay 3000 once" >"$T/mock/control"
kill -KILL "$(child_pid)"
ok "the service logs in, slowly" wait_for 10 test -e "$T/mock/control.used"
fails 70 "a custodian does not meanwhile" list
says err "somebody logs in to token serial '"
fails 70 "nor gives kdsign-token pin its word" "$builddir/kdsign-token" pin --config "$T/signer.conf" --pin-file "$T/pin"
ok "--check sees no latch" "$signer" --config "$T/signer.conf" --check
ok "the service is ready" wait_for 20 ask 5 sign code rsa sha256 "$(digest x)" "$T/sig"
ok "after one login" test "$(calls C_Login)" = $((before + 1))
ok "then the custodian is served" list

# A custodian's login that is cut off is a latch, also for a service whose PIN cannot be read a second time.
rm -f "$T/mock/control.used"
echo "C_Login hang once" >"$T/mock/control"
start list "$builddir/kdsign-token" list --config "$T/signer.conf" --pin-file "$T/pin"
list_pid=$pid
ok "a custodian's login hangs" wait_for 10 test -e "$T/mock/control.used"
kill -KILL "$(child_pid)"
ok "the service waits for it" wait_for 20 sh -c "[ \"\$(grep -c 'somebody logs in' '$T/signer.err')\" -gt 1 ]"
kill -KILL "$list_pid"
ok "it is killed" wait_for 10 tap_ended "$list_pid"
ok "that is a latch" ask 20 state latched
before=$(calls C_Login)
ok "a custodian gives the word" "$builddir/kdsign-token" pin --config "$T/signer.conf" --pin-file "$T/pin"
ok "the PIN that was given once was not the one refused: it is tried" wait_for 20 one_login 2
ok "and right" ask 20 state ready
ok "once" test "$(calls C_Login)" = $((before + 2))
ok "and it signs" ask 5 sign code rsa sha256 "$(digest x)" "$T/sig"
stop "$signer_pid"
(umask 077 && echo 000000 >"$T/wrong")
exec 9<"$T/wrong"
run_signer --pin-fd 9
exec 9<&-
ok "a wrong one that was given once" ask 20 state latched
ok "the right one is given to kdsign-token" "$builddir/kdsign-token" pin --config "$T/signer.conf" --pin-file "$T/pin"
ok "is not tried again" wait_for 20 state_says "unlatched; restart kdsign-signer with the right PIN"
stop "$signer_pid"
mkdir "$T/cred" && cp -p "$T/pin" "$T/cred/pin"
CREDENTIALS_DIRECTORY=$T/cred
export CREDENTIALS_DIRECTORY
run_signer
ok "the PIN from a systemd credential" ask 10 state ready
fails 1 "it is in nobody's arguments or environment" grep -lqs "$pin" \
	"/proc/$signer_pid/cmdline" "/proc/$signer_pid/environ" "/proc/$(child_pid)/cmdline" "/proc/$(child_pid)/environ"
done_testing
