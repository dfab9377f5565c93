#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# front_keeper.t - the keeper goes and comes; the front stops while requests are in flight.
# shellcheck source=tests/tap.sh
. "${srcdir:-.}/tests/tap.sh"
# shellcheck source=tests/e2e/front_lib.sh
. "${srcdir:-.}/tests/e2e/front_lib.sh"

front_pki
front_conf "stop-deadline = 2s"
ok "the front starts" front_start

sleeper() { # NAME BODY: a request in the background; its status goes to $T/NAME.out
	start "$1" curl --silent --max-time 15 --cacert "$P/ca.crt" --cert "$P/good.pem" --data "$2" \
		--output /dev/null --write-out '%{http_code}\n' "https://127.0.0.1:$port/v1/signatures"
}
got() { [ "$(cat "$T/$1.out")" = "$2" ]; }
body_has() { grep -q "$1" "$T/body"; }
heard() { [ "$(asked 3)" -ge "$1" ]; }

# --- the keeper dies with a request open
sleeper open %hang
ok "a request is with the keeper" wait_for 5 heard 1
stop "$keeper_pid"
ok "the keeper dies: the open request gets 503 at once" wait_for 2 got open 503
ok "a new one gets 503" status 503 --data '{}' /v1/signatures
ok "says why" body_has '"code":"unreachable"'
retry() { grep -qi '^retry-after: ' "$T/header"; }
ok "and when to come again" retry
ok "readyz says so too" status 503 /readyz
ok "healthz is the front's own" status 200 /healthz
keeper_start
ok "the keeper is back: requests are answered" wait_for 5 status 200 --data '{}' /v1/signatures
ok "the keeper ends while it answers" status 503 --data %die /v1/signatures
keeper_start
ok "and is back again" wait_for 5 status 200 /v1/keys

# --- a keeper that is frozen: it keeps its connection
before=$(asked 3)
sleeper frozen %sleep
ok "a request is with the keeper" wait_for 5 heard $((before + 1))
kill -STOP "$keeper_pid"
silent() { grep -q "keeper.sock': does not answer" "$T/front.err"; }
ok "a frozen keeper is seen" wait_for 20 silent
ok "what is asked now waits for nothing" status 503 /v1/keys
ok "says so" body_has 'the keeper does not answer'
ok "readyz, too" status 503 /readyz
ok "what was asked before waits" test ! -s "$T/frozen.out"
kill -CONT "$keeper_pid"
ok "and is answered when the keeper goes on" wait_for 20 got frozen 200
ok "as others are" wait_for 20 status 200 /v1/keys
seen=$(grep -c "keeper.sock': does not answer" "$T/front.err")
kill -STOP "$front_pid"
sleep 4
kill -CONT "$front_pid"
ok "a front that was frozen goes on" status 200 /v1/keys
ok "and has not taken the keeper for silent" test "$(grep -c "keeper.sock': does not answer" "$T/front.err")" = "$seen"

# --- a keeper that says what it must not
ok "such an answer gets 503" status 503 --data %lie /v1/signatures
refused_frames() { grep -q 'frame of version' "$T/front.err"; }
ok "and ends the connection" refused_frames
ok "the front makes a new one" wait_for 5 status 200 /v1/keys
ok "a grant that nobody asked for goes to no client" status 500 --data %grant /v1/signatures
ok "says why" body_has '"code":"protocol"'
ok "timestamps without a relay get 404" status 404 --data '{}' /v1/timestamps
ok "and the keeper is not even asked" test "$(asked 7)" -eq 0
stop "$keeper_pid"
if [ "$(id -u)" -eq 0 ]; then
	rm -f "$T/keeper.sock"
	chmod 711 "$T"
	mkdir "$T/other" && chown 65534 "$T/other"
	front_stop
	sed "s|^keeper = .*|keeper = $T/other/keeper.sock|" "$T/kdsignd.conf" >"$T/other.conf"
	cp "$builddir/tests/unit/front/fake_keeper" "$T/fake_keeper"
	start stranger setpriv --reuid 65534 --clear-groups "$T/fake_keeper" "$T/other/keeper.sock"
	ok "another user's keeper listens" wait_for 5 test -S "$T/other/keeper.sock"
	start front "$KDSIGND" --config "$T/other.conf" --port-file "$T/port"
	front_pid=$pid
	peer_refused() { grep -q 'the peer is user 65534' "$T/front.err"; }
	ok "it is refused" wait_for 10 peer_refused
	front_stop
else
	skip "another user's keeper is refused" "needs root"
	front_stop
fi

# --- stopping
keeper_start
ok "the front starts again" front_start
before=$(asked 3)
for i in 1 2 3 4 5 6; do sleeper "late$i" %sleep; done
ok "six requests are with the keeper" wait_for 5 heard $((before + 6))
kill -TERM "$front_pid"
for i in 1 2 3 4 5 6; do
	ok "request $i in flight is answered" wait_for 5 got "late$i" 200
done
ok "then the front ends with 0" front_stop

ok "the front starts again" front_start
before=$(asked 3)
sleeper stuck %hang
ok "a request hangs" wait_for 5 heard $((before + 1))
stop_start=$(date +%s%3N)
ok "the front stops with it in flight" front_stop
stop_ms=$(($(date +%s%3N) - stop_start))
ok "after stop-deadline ($stop_ms ms)" test "$stop_ms" -ge 1900 -a "$stop_ms" -le 4000
ok "the request got 503" wait_for 2 got stuck 503

# Under load: what was accepted is answered, nothing crashes, the port is free at once.
ok "the front starts again" front_start
printf 'POST /v1/signatures HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}' >"$T/request"
start load "$builddir/tests/unit/front/raw_client" --port "$port" --cert "$P/good.crt" \
	--key "$P/good.key" --repeat 1000000 --connections 8 "$T/request"
before=$(asked 3)
ok "eight connections under load" wait_for 5 heard $((before + 500))
ok "the front stops under load with 0" front_stop
no_complaint() { ! grep -Ei 'gave up|sanitizer|runtime error' "$T/front.err"; }
ok "without a complaint" no_complaint
stop "$pid"
done_testing
