#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# front_standalone.t - the supervisor: sockets, users, order, restarts, giving up, stopping.
# shellcheck source=tests/tap.sh
. "${srcdir:-.}/tests/tap.sh"
# shellcheck source=tests/e2e/front_lib.sh
. "${srcdir:-.}/tests/e2e/front_lib.sh"

# Beside a copy of kdsignd stand a keeper and a signer that do what a file tells them. By bash, which
# unlike dash leaves blocked signals blocked.
front_pki
mkdir -p "$T/bin" "$T/conf" "$T/run"
cp "$KDSIGND" "$builddir/tests/unit/front/fake_keeper" "$T/bin"
KDSIGND=$T/bin/kdsignd
for role in keeper signer; do
	cat >"$T/bin/kdsign-$role" <<-END
		#!/bin/bash
		case "\$*" in
		*--print) exec cat "\$2" ;;
		esac
		date +%s%3N >>"$T/run/$role.starts"
		[ ! -e "$T/run/$role.slow" ] || sleep 1
		[ ! -e "$T/run/$role.exit" ] || exit "\$(cat "$T/run/$role.exit")"
		echo \$\$ >"$T/run/$role.pid"
		id -u >"$T/run/$role.uid"
		printf '%s %s\n' "\$LISTEN_FDS" "\$LISTEN_FDNAMES" >"$T/run/$role.passed"
		exec "$T/bin/fake_keeper" passed $role >>"$T/run/$role.out"
	END
	chmod 755 "$T/bin/kdsign-$role"
done
front_conf "stop-deadline = 2s"
mv "$T/kdsignd.conf" "$T/conf/kdsignd.conf"
printf 'socket = %s\n' "$T/keeper.sock" >"$T/conf/keeper.conf"
printf 'socket = %s\n' "$T/signer.sock" >"$T/conf/signer-a.conf"
chmod 777 "$T/run"

supervise() {
	rm -f "$T/port" "$T/pid"
	start front "$KDSIGND" --standalone "$T/conf" --pid-file "$T/pid" --port-file "$T/port"
	front_pid=$pid
	wait_for 20 test -s "$T/port" || return 1
	port=$(cat "$T/port")
}
same() { # FILE TEXT
	[ "$(cat "$T/run/$1" "$T/$1" 2>/dev/null)" = "$2" ]
}
log_says() { grep -q -e "$1" "$T/front.err"; }
starts() { [ "$(wc -l <"$T/run/$1.starts")" -ge "$2" ]; }
mode() { [ "$(stat -c '%a %u' "$1")" = "$2" ]; }
me=$(id -u)

ok "all three start, and the port is told when they are ready" supervise
ok "the pid file names the supervisor" same pid "$front_pid"
ok "the keeper got its socket by name" same keeper.passed "1 keeper"
ok "the signer got its socket by name" same signer.passed "1 signer"
ok "the warning that nothing separates them" log_says 'one user, no separation'
ok "a request goes all the way" wait_for 5 status 200 --data '{}' /v1/signatures
ok "nobody else may connect to the keeper" mode "$T/keeper.sock" "600 $me"
ok "nor to the signer" mode "$T/signer.sock" "600 $me"

kill -KILL "$(cat "$T/run/keeper.pid")"
ok "a keeper that dies is started again" wait_for 5 starts keeper 2
ok "the log says how" log_says "ended (signal 9); again in 100 ms"
ok "and answers" wait_for 5 status 200 --data '{}' /v1/signatures
for _ in 1 2; do
	keeper_was=$(cat "$T/run/keeper.pid")
	kill -KILL "$keeper_was"
	fresh() { [ "$(cat "$T/run/keeper.pid")" != "$keeper_was" ]; }
	ok "and again" wait_for 5 fresh
done
ok "each time later" log_says 'again in 400 ms'
: >"$T/run/keeper.slow"
keeper_starts=$(wc -l <"$T/run/keeper.starts")
kill -KILL "$(cat "$T/run/keeper.pid")"
ok "one that is slow to start" wait_for 5 starts keeper $((keeper_starts + 1))
kill -HUP "$front_pid"
ok "is there in the end" wait_for 5 status 200 --data '{}' /v1/signatures
ok "SIGHUP has not ended it meanwhile" test "$(wc -l <"$T/run/keeper.starts")" -eq $((keeper_starts + 1))
rm "$T/run/keeper.slow"
front_child() { pgrep -P "$front_pid" -f 'kdsignd --config'; }
front_was=$(front_child)
kill -KILL "$front_was"
ok "a front that dies is started again" wait_for 5 status 200 --data '{}' /v1/signatures

# A signer with a latched PIN must not be tried again and again.
echo 78 >"$T/run/signer.exit"
kill -KILL "$(cat "$T/run/signer.pid")"
ok "a signer that gives up is said" wait_for 5 log_says 'gave up with exit status 78; it stays down'
signer_starts=$(wc -l <"$T/run/signer.starts")
ok "the others go on" status 200 --data '{}' /v1/signatures
sleep 1
ok "it stays down" test "$(wc -l <"$T/run/signer.starts")" -eq "$signer_starts"
rm "$T/run/signer.exit"
kill -HUP "$front_pid"
ok "SIGHUP starts it again" wait_for 5 starts signer $((signer_starts + 1))
ok "and is passed on to the front" wait_for 5 log_says 'read again'
wait_for 5 test -s "$T/run/keeper.pid"

keeper_pid=$(cat "$T/run/keeper.pid") signer_pid=$(cat "$T/run/signer.pid")
ok "SIGTERM stops all with 0" front_stop
gone() { ! kill -0 "$1" 2>/dev/null; }
ok "the keeper is gone" gone "$keeper_pid"
ok "the signer is gone" gone "$signer_pid"
ok "and so are the sockets" test ! -e "$T/keeper.sock" -a ! -e "$T/signer.sock"

ok "all start again" supervise
keeper_pid=$(cat "$T/run/keeper.pid")
front_was=$(front_child)
kill -KILL "$front_pid"
ok "when the supervisor is killed, the keeper ends" wait_for 5 gone "$keeper_pid"
ok "and the front too" wait_for 5 gone "$front_was"
stop "$front_pid"

# What only an operator can cure in the keeper ends the service with the same status.
ended() { ! kill -0 "$front_pid" 2>/dev/null || tap_ended "$front_pid"; }
for code in 76 78; do
	echo $code >"$T/run/keeper.exit"
	start front "$KDSIGND" --standalone "$T/conf"
	front_pid=$pid
	ok "a keeper that exits $code ends the service" wait_for 10 ended
	wait "$front_pid"
	ok "with that status" test $? -eq $code
done
rm "$T/run/keeper.exit"

run() { timeout 20 "$KDSIGND" --standalone "$T/conf"; }
sed -i "s|^keeper = .*|keeper = $T/elsewhere.sock|" "$T/conf/kdsignd.conf"
fails 78 "a front that looks for the keeper elsewhere" run
says err "is not the socket of"
sed -i "s|^keeper = .*|keeper = $T/keeper.sock|" "$T/conf/kdsignd.conf"
mv "$T/conf/signer-a.conf" "$T/conf/a.conf"
fails 78 "no signer configuration" run
mv "$T/conf/a.conf" "$T/conf/signer-a.conf"

# Three users, and what separates them. daemon, bin and sys are on every Debian.
if [ "$me" -ne 0 ]; then
	skip "three users" "needs root"
	done_testing
fi
chmod 711 "$T" "$P"
chmod 644 "$P"/*.crt "$P/crl.pem"
rm "$T"/run/*
chown daemon "$P/server.key"
printf 'user = daemon\nkeeper-user = bin\n' >>"$T/conf/kdsignd.conf"
echo "user = bin" >>"$T/conf/keeper.conf"
echo "user = sys" >>"$T/conf/signer-a.conf"
ok "all start under three users" supervise
no_warning() { ! grep -q 'no separation' "$T/front.err"; }
ok "without the warning" no_warning
ok "a request goes all the way" wait_for 5 status 200 --data '{}' /v1/signatures
ok "the keeper is bin" same keeper.uid "$(id -u bin)"
ok "the signer is sys" same signer.uid "$(id -u sys)"
child_user() { [ "$(ps -o user= -p "$(front_child)")" = "$1" ]; }
ok "the front is daemon" child_user daemon
ok "only the front may connect to the keeper" mode "$T/keeper.sock" "600 $(id -u daemon)"
ok "only the keeper may connect to the signer" mode "$T/signer.sock" "600 $(id -u bin)"
kill -HUP "$front_pid"
ok "the front can read its files again as that user" wait_for 5 log_says 'read again'
ok "SIGTERM stops all with 0" front_stop
chown root "$P/server.key"
start front "$KDSIGND" --standalone "$T/conf"
front_pid=$pid
ok "a key that the front's user cannot read ends the service" wait_for 10 ended
wait "$front_pid"
ok "with 78" test $? -eq 78
done_testing
