#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# front_limits.t - everything that a client can consume has an end: seconds, connections, bytes.
# shellcheck source=tests/tap.sh
. "${srcdir:-.}/tests/tap.sh"
# shellcheck source=tests/e2e/front_lib.sh
. "${srcdir:-.}/tests/e2e/front_lib.sh"

front_pki
front_conf "body-limit = 2M" "bytes-in-flight = 2M" "header-deadline = 1s" "request-deadline = 1s" \
	"client-connection-limit = 3" "address-connection-limit = 12" \
	"status-listen = $T/status.sock"
ok "the front starts" front_start

metric() { # NAME: its value
	curl --silent --max-time 5 --unix-socket "$T/status.sock" http://local/metrics |
		sed -n "s/^kdsign_front_$1 //p"
}
at_least() { [ "$(metric "$1")" -ge "$2" ]; }
is() { [ "$(metric "$1")" -eq "$2" ]; }

# --- seconds
cut_between() { # MIN MAX FILE [raw options]: closed without an answer, so many ms after the start
	cut_min=$1 cut_max=$2
	shift 2
	raw --wait 6000 "$@" || return 1
	! grep -q '^HTTP' "$T/reply" && tail -n 1 "$T/reply" | {
		read -r how ms
		echo "$how $ms"
		[ "$how" = closed ] && [ "$ms" -ge "$cut_min" ] && [ "$ms" -le "$cut_max" ]
	}
}
{
	printf 'GET /v1/keys HTTP/1.1\r\nHost: x\r\nX-A: '
	head -c 200 /dev/zero | tr '\0' a
	printf '\r\n\r\n'
} >"$T/slow-header"
{
	printf 'POST /v1/signatures HTTP/1.1\r\nHost: x\r\nContent-Length: 200\r\n\r\n'
	head -c 200 /dev/zero | tr '\0' a
} >"$T/slow-body"
printf 'GET /v1/keys HTTP/1.1\r\n' >"$T/half"
ok "a header that drips in is cut at the deadline" cut_between 800 2500 --drip 50 "$T/slow-header"
ok "half a header is cut at the deadline" cut_between 800 2500 "$T/half"
ok "a body that drips in is cut at the deadline" cut_between 1000 6000 --drip 30 "$T/slow-body"
ok "a connection without a handshake is cut" cut_between 800 2500 --mute "$T/half"
ok "and counted" at_least connections_cut_total 4
cut_before=$(metric connections_cut_total)
# 24 MiB of answers for one who does not read them; sockets hold some of it
for _ in 1 2 3 4 5 6; do
	printf 'POST /v1/signatures HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n%%big'
done >"$T/big"
start deaf "$builddir/tests/unit/front/raw_client" --port "$port" --cert "$P/good.crt" \
	--key "$P/good.key" --deaf 5000 "$T/big"
ok "one who does not take the answer is cut" wait_for 5 at_least connections_cut_total $((cut_before + 1))
stop "$pid"
ok "none of the slow reached the keeper" test "$(asked 1)" -eq 0

# --- waiting for the keeper
took() { # MIN MAX cmd...: so many ms
	took_min=$1 took_max=$2
	shift 2
	took_start=$(date +%s%3N)
	"$@" || return 1
	took_ms=$(($(date +%s%3N) - took_start))
	echo "took $took_ms ms"
	[ "$took_ms" -ge "$took_min" ] && [ "$took_ms" -le "$took_max" ]
}
ok "a long poll waits, longer than any header may take" \
	took 2000 3500 status 200 '/v1/signatures/0123456789abcdef?wait=2'
ok "a keeper that never answers: 504, five seconds after the deadline" \
	took 6000 8000 status 504 --data %hang /v1/signatures
has() { grep -q "$1" "$T/body"; }
ok "with a code" has '"code":"token_timeout"'

# --- connections of one client
hold() { # N PEM: so many requests that take a second
	hold_i=0
	while [ $hold_i -lt "$1" ]; do
		curl --silent --max-time 10 --cacert "$P/ca.crt" --cert "$P/$2.pem" --data %sleep \
			--output /dev/null --write-out '%{http_code}\n' \
			"https://127.0.0.1:$port/v1/signatures" >>"$T/held" &
		hold_pids="$hold_pids $!"
		hold_i=$((hold_i + 1))
	done
}
held() { # wait for them; all got 200
	for hold_pid in $hold_pids; do wait "$hold_pid"; done
	hold_pids=
	! grep -vq '^200$' "$T/held"
}
hold_pids=
: >"$T/held"
before=$(asked 3)
seen() { [ "$(($(asked 3) - before))" -eq "$1" ]; }
hold 3 good
ok "three connections of one client" wait_for 5 seen 3
ok "a fourth is refused with 503" status 503 /v1/keys
ok "says why" has '"code":"busy"'
retry() { grep -qi '^retry-after: ' "$T/header" && grep -qi '^connection: close' "$T/header"; }
ok "says when to come again, and closes" retry
ok "another client is not concerned" status 200 --cert "$P/second.pem" /v1/keys
ok "the three are answered" held
ok "then there is room again" wait_for 5 status 200 /v1/keys

# --- connections of one address
start crowd sh -c 'for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
	sleep 3 | curl --silent --max-time 3 "telnet://127.0.0.1:$0" & done; wait' "$port"
ok "twelve connections of one address" wait_for 3 at_least connections 12
refused() { call /healthz; case $? in 35 | 52 | 55 | 56) ;; *) return 1 ;; esac; }
ok "a thirteenth is closed" refused
ok "and counted" at_least connections_limited_total 1
stop "$pid"
ok "then there is room again" wait_for 5 status 200 /healthz
# One of the twelve may have left before the others, whose places are needed below. Who asks is one, too.
ok "the others leave, too" wait_for 10 is connections 1

# --- bytes in flight
head -c 1500000 /dev/zero >"$T/body15"
{ printf '%%hang'; cat "$T/body15"; } >"$T/hang15"
start hanging curl --silent --max-time 15 --cacert "$P/ca.crt" --cert "$P/second.pem" \
	--data-binary "@$T/hang15" "https://127.0.0.1:$port/v1/signatures"
ok "a large body is held" wait_for 3 at_least body_bytes 1500000
ok "a second one is too much: 503" status 503 --data-binary "@$T/body15" /v1/signatures
ok "says why" has 'bytes in flight'
ok "a small one is not" status 200 --data '{}' /v1/signatures
ok "the bytes are given back" wait_for 10 is body_bytes 0
ok "and then there is room" status 200 --data-binary "@$T/body15" /v1/signatures
ok "over the limit is 413" status 413 --header Expect: --data-binary "@/dev/stdin" /v1/signatures <<END
$(head -c 3000000 /dev/zero | tr '\0' x)
END
ok "over the limit is 413 before the body is sent" \
	status 413 --header 'Expect: 100-continue' --data-binary "@/dev/stdin" /v1/signatures <<END
$(head -c 3000000 /dev/zero | tr '\0' x)
END
ok "100-continue for a body within it" \
	status 200 --header 'Expect: 100-continue' --data-binary "@$T/body15" /v1/signatures
# --- bytes for a keeper that does not read
kill -STOP "$keeper_pid"
ok "a keeper that stands still costs a large request its time" status 504 --data-binary "@$T/body15" /v1/signatures
ok "a second is not held as well: 503" status 503 --data-binary "@$T/body15" /v1/signatures
ok "says why" has 'the keeper does not answer'
kill -CONT "$keeper_pid"
ok "then all goes on" wait_for 5 status 200 --data-binary "@$T/body15" /v1/signatures
ok "the front stops in order" front_stop

# --- answers that nobody reads
front_conf "bytes-in-flight = 32M"
ok "a front with room for 16 answers of 4 MiB" front_start
printf 'POST /v1/signatures HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n%%big' >"$T/big"
start deaf sh -c 'for i in $(seq 20); do "$@" & done; wait' deaf "$builddir/tests/unit/front/raw_client" \
	--port "$port" --cert "$P/good.crt" --key "$P/good.key" --deaf 15000 "$T/big"
deaf_pid=$pid
# Only then is it tried: a reader among them would take a place, and leave it empty.
full() { [ "$(grep -c 'wait for their readers' "$T/front.err")" -ge 4 ]; }
ok "twenty come, and four are refused" wait_for 13 full
ok "one more is, too" status 503 --data %big /v1/signatures
ok "says why" has 'wait for their readers'
ok "a small answer has room" status 200 /v1/keys
stop "$deaf_pid"
ok "once they are gone there is room" wait_for 45 status 200 --data %big /v1/signatures
ok "this front stops in order" front_stop

# --- descriptors
front_conf "connection-limit = 256"
front_with() { # LIMIT: the front under ulimit -n LIMIT
	start front sh -c 'ulimit -n "$0" && exec "$@"' "$1" "$KDSIGND" --config "$T/kdsignd.conf" \
		--port-file "$T/port"
	front_pid=$pid
	wait "$front_pid"
}
front_with 300
ok "too few descriptors for the connections: 78" test $? -eq 78
ok "says how many" grep -q 'connection-limit 256: needs 384 descriptors, at most 300 are allowed' "$T/front.err"

front_conf "address-connection-limit = 1" "balancers = 127.0.0.1"
ok "a front behind a balancer" front_start
: >"$T/held"
hold 3 good
ok "a balancer's connections are not counted" held
ok "the front stops in order" front_stop
done_testing
