#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Timestamps through the service: who may have them, from whom they come, and what is not handed on.
# shellcheck source=tests/tap.sh
. "${srcdir:-.}/tests/tap.sh"
# shellcheck source=tests/e2e/whole_lib.sh
. "$srcdir/tests/e2e/whole_lib.sh"
# shellcheck source=tests/e2e/relay_lib.sh
. "$srcdir/tests/e2e/relay_lib.sh"
need osslsigncode

make_files
make_service
ok 'a time-stamping authority' start_tsa 1200
make_relay "upstream = $TSA_URL" "legacy-upstream = $TSA_LEGACY_URL"
set_conf kdsignd.conf "status-listen = $T/state/status.sock"
start_service
ok 'a service with a relay' test -n "$(process kdsign-relay)"

# --- both kinds
rfc3161
answers 200 'an RFC 3161 timestamp' --data "@$T/ask" /v1/timestamps
ok 'openssl ts takes it' is_token
cp "$T/token" "$T/first"
answers 200 'another over the same' --data "@$T/ask" /v1/timestamps
ok 'openssl ts takes that too' is_token
fails 1 'it is a token of its own' cmp -s "$T/token" "$T/first"
fails 1 'but not over another imprint' is_token "$(repeated ab 32)"
legacy
answers 200 'a countersignature of the older kind' --data "@$T/ask" /v1/timestamps
ok 'openssl cms takes it, over the signature value' is_countersignature
for md in sha1 sha384 sha512; do
	other=$(openssl dgst -$md -r "$T/sig" | cut -d' ' -f1)
	rfc3161 "$other"
	sed -i "s/sha256/$md/" "$T/ask"
	answers 200 "an imprint by $md" --data "@$T/ask" /v1/timestamps
	ok 'openssl ts takes it' is_token "$other"
done

# --- with our own client
judge() {
	osslsigncode verify -CAfile "$T/kernel-root.pem" -TSA-CAfile "$TSA_ROOT" -in "$1" >"$T/judge" &&
		grep -qi 'timestamp server signature verification: ok' "$T/judge"
}
cp "$T/drv64.sys" "$T/a.sys"
cp "$T/drv64.sys" "$T/b.sys"
for kind in timestamp timestamp-legacy; do
	ok "sign --$kind server" "$client" sign --ac "$T/cross.pem" --$kind server "$T/a.sys"
	ok 'osslsigncode takes signature and timestamp' judge "$T/a.sys"
	cp "$T/b.sys" "$T/a.sys"
done

# --- who may
rfc3161
who=nobody
answers 403 'a client without a grant' --data "@$T/ask" /v1/timestamps
body_says '"code":"not_granted"'
body_says 'timestamps are not granted to this client'
denied() {
	[ "$(record "SELECT count(*) FROM event WHERE $(event event) = 'deny' AND $(event code) = 'not_granted'
		AND $(event detail) = 'timestamps are not granted to this client'")" = "$1" ]
}
ok 'is on record' denied 1
sed -i 's/^\[grant two\]/&\ntimestamps = no/' "$T/etc/keeper.conf"
kill -HUP "$(process kdsign-keeper)"
who=two
refused() { [ "$(stamp)" = 403 ]; }
ok 'a client whose grant says no' wait_for 10 refused
ok 'is on record' denied 2
sed -i '/^timestamps = no$/d' "$T/etc/keeper.conf"
kill -HUP "$(process kdsign-keeper)"
granted() { [ "$(stamp)" = 200 ]; }
ok 'has them again when it does not' wait_for 10 granted
who=one

# --- what may be asked: no word about where
for case in '{}|kind: missing' '{"kind":"sms"}|must be' '{"kind":"legacy"}|signature: missing' 'no JSON|line 1' \
	'{"kind":"rfc3161","digest_algorithm":"sha256","digest":"00"}|needs 64 hex digits' \
	'{"kind":"legacy","signature":"AAECAw==","url":"http://127.0.0.1:1/"}|url: unknown member'; do
	answers 400 "refused: ${case%|*}" --data "${case%|*}" /v1/timestamps
	body_says "${case#*|}"
done
head -c 20000 /dev/zero | tr '\0' ' ' >"$T/large"
answers 413 'a body beyond what such a request can have' --data-binary "@$T/large" /v1/timestamps
answers 405 'GET' /v1/timestamps

# --- what an authority may do wrong: bounded, refused, said
relay_fault() { # NAME SENTENCE [KIND]
	upstreams "upstream = $TSA_BASE/fault/$1" "legacy-upstream = $TSA_BASE/fault/$1" 'deadline = 2s' || return 1
	"${3:-rfc3161}"
	asked_well 503 --data "@$T/ask" /v1/timestamps || return 1
	jq -e '.code == "timestamp_unavailable"' "$T/body" >/dev/null && [ "$(header_value Retry-After)" -ge 1 ] &&
		grep -qF -e "$2" "$T/body" && grep -qF -e "/fault/$1" "$T/body" && return
	cat "$T/header" "$T/body"
	return 1
}
while IFS='|' read -r name sentence; do
	ok "$name: '$sentence'" relay_fault "$name" "$sentence"
done <<-'END'
	status500|HTTP status 500
	error|the authority refuses
	garbage|answer: 
	nonce|it answers another request
	imprint|imprint in the answer is
	expired|expired
	noeku|timeStamping
	hang|no answer within 2000 ms
	slow|no answer within 2000 ms
	big|the answer has over 65536 bytes
	redirect|redirects are not followed
END
ok 'redirect: nobody was asked where it pointed' test "$(tsa_asked /tsa)" -le 9
for name in status500 garbage imprint hang big redirect; do
	ok "$name, legacy" relay_fault "$name" '' legacy
done
stop "$tsa_pid"
ok 'an authority that is not there' relay_fault gone 'onnect'
rfc3161
# Each time it is found away its pause doubles: however slow this machine is, one request falls into one.
all_rest() { [ "$(stamp)" = 503 ] && grep -qF 'every time-stamping authority has failed lately' "$T/body"; }
ok 'is not asked again at once' wait_for 60 all_rest
body_says 'try again'
ok 'and Retry-After says when' test "$(header_value Retry-After)" -ge 1
rm "$T/tsa/port"
ok 'the authority is back' start_tsa 1200

# --- https: only a server whose certificate is of the configured CA. Its answer is no timestamp.
port_is_said() { sed -n 's/^ACCEPT .*:\([0-9][0-9]*\)$/\1/p' "$T/https.out" | grep .; }
printf 'HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\ngarbage' >"$T/http"
# Answers whoever is connected a second after the start of one, ends after a minute.
start https sh -c '{ sleep 60 | cat "$1" -; } | exec timeout 60 openssl s_server -accept 127.0.0.1:0 -cert "$2.pem" \
	-key "$2.key" -naccept 8' sh "$T/http" "$T/server"
ok 'an https server' wait_for 20 port_is_said
https_says() { # SENTENCE LINE...
	https_want=$1
	shift
	upstreams "upstream = https://127.0.0.1:$(port_is_said)/tsa" 'deadline = 3s' "$@"
	rfc3161
	asked_well 503 --data "@$T/ask" /v1/timestamps || return 1
	grep -qF -e "$https_want" "$T/body" || { cat "$T/body"; return 1; }
}
ok 'whose CA is none of the system' https_says 'its certificate is not accepted'
ok 'whose CA is another' https_says 'its certificate is not accepted' "ca = $T/kernel-root.pem"
ok 'whose CA is named' https_says 'no answer within 3000 ms' "ca = $T/client-ca.pem"
stop "$pid"

# --- from one to the next
upstreams "upstream = $TSA_BASE/fault/status500" "upstream = $TSA_BASE/fault/nonce" "upstream = $TSA_URL" 'pause = 1h'
rfc3161
for i in 1 2 3; do
	answers 200 "two of three fail, request $i" --data "@$T/ask" /v1/timestamps
	ok 'openssl ts takes it' is_token
done
first_rests() {
	first_was=$(tsa_asked /fault/status500)
	[ "$(stamp)" = 200 ] && [ "$(tsa_asked /fault/status500)" -eq "$first_was" ]
}
ok 'the first one rests after its failure' wait_for 60 first_rests
upstreams "upstream = $TSA_BASE/fault/error" "upstream = $TSA_URL"
refusals=$(tsa_asked /fault/error)
for i in 1 2; do
	answers 200 "one refuses, request $i" --data "@$T/ask" /v1/timestamps
done
ok 'who refuses is well, and asked again' test "$(tsa_asked /fault/error)" -eq $((refusals + 2))
upstreams "upstream = $TSA_URL"
legacy
answers 404 'a kind that no authority is configured for' --data "@$T/ask" /v1/timestamps
body_says "knows no time-stamping authority for 'legacy'"

# --- a rate for each client
upstreams "upstream = $TSA_URL" 'rate = 1' 'burst = 3'
rfc3161
who=two
for i in 1 2 3; do
	answers 200 "within the burst, $i" --data "@$T/ask" /v1/timestamps
done
answers 503 'beyond' --data "@$T/ask" /v1/timestamps
body_says '"code":"busy"'
body_says 'too often: at most 1 a minute'
ok 'Retry-After says when' test "$(header_value Retry-After)" -gt 5
who=one
answers 200 'another client goes on' --data "@$T/ask" /v1/timestamps

# --- many at once behind an authority that hangs: nobody waits without an end
upstreams "upstream = $TSA_BASE/fault/hang" "upstream = $TSA_URL" 'deadline = 2s' 'parallel = 4'
for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
	start "many$i" curl --silent --max-time 60 --cacert "$T/client-ca.pem" --cert "$T/one.identity" \
		--data "@$T/ask" --output /dev/null --write-out '%{http_code}\n' "$KDSIGN_SERVER/v1/timestamps"
done
all_told() {
	for all_i in 1 2 3 4 5 6 7 8 9 10 11 12; do
		grep -qx 200 "$T/many$all_i.out" || return 1
	done
}
ok 'twelve at once are all stamped' wait_for 50 all_told
answers 200 'and signing is not held up by it' --data "$(body relay-and-sign-1)" /v1/signatures

# --- counts, and the relay's own end
metrics() { curl --silent --max-time 10 --unix-socket "$T/state/status.sock" http://localhost/metrics >"$T/out"; }
ok 'metrics' metrics
says out 'kdsign_front_relay_up 1'
says out 'kdsign_requests_total '
says out 'kdsign_relay_requests_total{outcome="rate_limited"} 1'
says out 'kdsign_relay_tries_total{kind="rfc3161",upstream="'
upstreams "upstream = $TSA_URL"
cp "$T/etc/relay.conf" "$T/relay.good"
echo 'upstream = ftp://example.com/' >>"$T/etc/relay.conf"
kill -HUP "$(process kdsign-relay)"
ok 'a reload with a mistake' wait_for 10 relay_says 'the old one stays in use'
ok 'says which' relay_says "needs to start with http:// or https://, is 'ftp://example.com/'"
answers 200 'the old one is used' --data "@$T/ask" /v1/timestamps
cp "$T/relay.good" "$T/etc/relay.conf"
kill -STOP "$(process kdsign-relay)"
ok 'metrics of a relay that stands still' metrics
says out 'kdsign_front_connections'
kill -CONT "$(process kdsign-relay)"
upstreams "upstream = $TSA_BASE/fault/hang"
hangs=$(tsa_asked /fault/hang)
start hanging curl --silent --max-time 60 --cacert "$T/client-ca.pem" --cert "$T/one.identity" --data "@$T/ask" \
	--output "$T/hanging" --write-out '%{http_code}\n' "$KDSIGN_SERVER/v1/timestamps"
hears() { [ "$(tsa_asked /fault/hang)" -gt "$hangs" ]; }
ok 'a request hangs at an authority' wait_for 10 hears
cp "$T/relay.good" "$T/etc/relay.conf"
kill -KILL "$(process kdsign-relay)"
ok 'the relay dies, and the request with it' wait_for 5 grep -qx 503 "$T/hanging.out"
ok 'says so' grep -qF 'the connection to the relay was lost' "$T/hanging"
ok 'it is started again, and all is well' wait_for 20 granted
stop_service
ok 'all stop with status 0' test $? = 0
fails 1 'without a complaint of a sanitizer' grep -Ei 'sanitizer|runtime error|gave up' "$T/service.err"

# --- no relay
rm "$T/etc/relay.conf"
sed -i '/^relay = /d' "$T/etc/kdsignd.conf"
start_service
answers 404 'a service without a relay' --data "@$T/ask" /v1/timestamps
body_says 'this service has no relay for timestamps'
body_says 'name a time-stamping authority that you can reach yourself'
who=nobody
answers 404 'says so to anyone' --data "@$T/ask" /v1/timestamps
stop_service
[ "$tap_failed" -eq 0 ] || cat "$T/tsa.out" "$T/tsa.err" "$T/service.err" | sed 's/^/# /'
done_testing
