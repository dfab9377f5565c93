#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# front_gate.t - heads whose end two readers could see in two places: 4xx, closed, nothing behind them
# is read as a request.
# shellcheck source=tests/tap.sh
. "${srcdir:-.}/tests/tap.sh"
# shellcheck source=tests/e2e/front_lib.sh
. "${srcdir:-.}/tests/e2e/front_lib.sh"

front_pki
front_conf "body-limit = 2M"
ok "the front starts" front_start

# Behind every bad head stands this; the keeper must never hear of it.
behind='GET /v1/keys/smuggled HTTP/1.1\r\nHost: x\r\n\r\n'

# refused TITLE REQUEST(printf format): 4xx, and the connection is closed at once
refused() {
	# shellcheck disable=SC2059 # the request is the format
	printf "$2$behind" >"$T/request"
	raw "$T/request" &&
		sed -n 1p "$T/reply" | grep -q '^HTTP/1.1 4[0-9][0-9] ' &&
		! grep -q 'HTTP/1.1 200' "$T/reply" &&
		tail -n 1 "$T/reply" | grep -q '^closed'
	refused_status=$?
	cp "$T/reply" "$T/out"
	tap_report $refused_status "$1"
}

post='POST /v1/signatures HTTP/1.1\r\nHost: x\r\n'
get='GET /v1/keys HTTP/1.1\r\nHost: x\r\n'

# A good one first: the same way, and it is heard.
printf '%b' "$post"'Content-Length: 2\r\n\r\n{}'"$get"'\r\n' >"$T/request"
pipelined() {
	raw --wait 700 "$T/request"
	[ "$(grep -o 'HTTP/1.1 200' "$T/reply" | wc -l)" -eq 2 ] && tail -n 1 "$T/reply" | grep -q '^open'
}
ok "two good requests on one connection are both answered" pipelined

refused "two Content-Length" "${post}Content-Length: 2\r\nContent-Length: 0\r\n\r\n{}"
refused "two equal Content-Length" "${post}Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}"
refused "a blank before the colon" "${post}Content-Length : 2\r\n\r\n{}"
refused "Content-Length and Transfer-Encoding" \
	"${post}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
refused "Transfer-Encoding: chunked" "${post}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
refused "Transfer-Encoding: xchunked" "${post}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"
refused "Transfer-Encoding: gzip, chunked" \
	"${post}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"
refused "a line that ends in a bare LF" "${get}X-A: b\nX-C: d\r\n\r\n"
refused "a request line that ends in a bare LF" "GET /v1/keys HTTP/1.1\nHost: x\r\n\r\n"
refused "a last line that ends in a bare LF" "${get}X-A: b\n\r\n"
refused "all lines end in a bare LF" "GET /v1/keys HTTP/1.1\nHost: x\n\n"
refused "the head ends in LF LF, and the body begins with what would hide it" \
	"POST /v1/signatures HTTP/1.1\r\nHost: x\r\nContent-Length: 4\n\n\000\000{}"
refused "a NUL in a value" "${get}X-A: b\000c\r\n\r\n"
refused "a NUL in a name" "${get}X-A\000: b\r\n\r\n"
refused "two Host" "${get}Host: y\r\n\r\n"
refused "no Host" "GET /v1/keys HTTP/1.1\r\n\r\n"
refused "%%00 in the path" "GET /v1/keys/a%%00b HTTP/1.1\r\nHost: x\r\n\r\n"
refused "%%2e%%2e in the path" "GET /v1/keys/%%2e%%2e/keys HTTP/1.1\r\nHost: x\r\n\r\n"
refused ".. in the path" "GET /v1/keys/../keys HTTP/1.1\r\nHost: x\r\n\r\n"
refused ".. as a name" "GET /v1/keys/.. HTTP/1.1\r\nHost: x\r\n\r\n"
refused "a folded line" "${get}X-A: b\r\n c\r\n\r\n"
refused "a folded line with a tab" "${get}X-A: b\r\n\tc\r\nX-D: e\r\n\r\n"
refused "an unknown method" "BREW /v1/keys HTTP/1.1\r\nHost: x\r\n\r\n"
refused "HEAD" "HEAD /v1/keys HTTP/1.1\r\nHost: x\r\n\r\n"
refused "a method that is no token" "GE(T /v1/keys HTTP/1.1\r\nHost: x\r\n\r\n"
refused "HTTP/1.0" "GET /v1/keys HTTP/1.0\r\nHost: x\r\n\r\n"
refused "an absolute target" "GET https://x/v1/keys HTTP/1.1\r\nHost: x\r\n\r\n"
refused "Content-Length with a sign" "${post}Content-Length: +2\r\n\r\n{}"
refused "Content-Length in hex" "${post}Content-Length: 0x2\r\n\r\n{}"
refused "Content-Length as a list" "${post}Content-Length: 2, 2\r\n\r\n{}"
refused "Content-Length beyond 64 bits" "${post}Content-Length: 99999999999999999999\r\n\r\n{}"
refused "a negative Content-Length" "${post}Content-Length: -1\r\n\r\n{}"
refused "a POST without Content-Length" "${post}\r\n"
refused "a GET with a body" "${get}Content-Length: 2\r\n\r\n{}"
refused "a body far over the limit" "${post}Content-Length: 99999999\r\n\r\n{}"
refused "Content-Encoding" "${post}Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}"
refused "Upgrade" "${get}Upgrade: websocket\r\n\r\n"
refused "an Expect of something else" "${post}Expect: 200-ok\r\nContent-Length: 2\r\n\r\n{}"
refused "an Origin: a browser" "${post}Origin: https://evil\r\nContent-Length: 2\r\n\r\n{}"
refused "an unknown query" "GET /v1/keys?x=1 HTTP/1.1\r\nHost: x\r\n\r\n"
refused "a wait out of range" "GET /v1/signatures/x?wait=61 HTTP/1.1\r\nHost: x\r\n\r\n"
refused "no such path" "GET /v2/keys HTTP/1.1\r\nHost: x\r\n\r\n"
refused "metrics are not for clients" "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
long=$(head -c 40000 /dev/zero | tr '\0' a)
refused "an over-long header" "${get}X-A: $long\r\n\r\n"
refused "an over-long target" "GET /v1/keys/$long HTTP/1.1\r\nHost: x\r\n\r\n"
many=$(i=0; while [ $i -lt 70 ]; do printf 'X-%d: b\\r\\n' $i; i=$((i + 1)); done)
refused "70 header lines" "$get$many\r\n"

nothing_smuggled() { ! grep -q smuggled "$T/keeper.out"; }
ok "the keeper never heard of a request behind a refused one" nothing_smuggled
only_the_good() { [ "$(wc -l <"$T/keeper.out")" -eq 2 ] && [ "$(asked 3)" -eq 1 ]; }
ok "and of none of the refused" only_the_good
cp "$T/header" "$T/out" 2>/dev/null
ok "405 names the method that is allowed" status 405 --head /v1/keys
allow() { grep -qi '^allow: GET' "$T/header"; }
ok "in Allow" allow
i=0
while [ $i -lt 58 ]; do
	printf 'X-%d: %.200s\n' $i "$long"
	i=$((i + 1))
done >"$T/many"
ok "60 header lines in 12 KiB are taken" status 200 --header "@$T/many" /v1/keys
ok "the front stops in order" front_stop
done_testing
