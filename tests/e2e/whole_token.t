#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The token and its PIN in trouble, as clients of the whole see it.
# shellcheck source=tests/tap.sh
. "${srcdir:-.}/tests/tap.sh"
# shellcheck source=tests/e2e/whole_lib.sh
. "$srcdir/tests/e2e/whole_lib.sh"

front_extra='request-deadline = 1s'
make_service
make_files
use_mock
set_conf signer.conf 'sign-deadline = 2s' 'sessions = 2'

sign() { # FILE [OPTION...]
	sign_to=$1
	shift
	cp "$T/drv64.sys" "$T/$sign_to.sys"
	"$client" --timeout 1s "$@" sign --key driver "$T/$sign_to.sys"
}
untouched() {
	cmp "$T/drv64.sys" "$T/$1.sys"
}
ready() {
	[ "$(api /readyz)" = 200 ]
}
post() { # STATUS TITLE ID [BYTE]
	body "$3" "${4:-ab}" '"key":"driver",' >"$T/$3.json"
	answers "$1" "$2" --data-binary "@$T/$3.json" /v1/signatures
}

# absent at the start, and later; one that took the PIN is waited for
ok 'a token takes the PIN' launch_service
ok 'the service is ready' wait_for 20 ready
stop_service
mv "$T/tokens" "$T/away" && mkdir "$T/tokens"
absent() { "$client" --timeout 1s status 2>&1 | grep -q 'not found'; }
ok 'without it the service starts' launch_service
ok 'and looks for it' wait_for 10 absent
answers 503 'readyz' /readyz
ok 'says which keys, and why' jq -e '(.ready | not) and ([.keys[] | .name + " " + .code] ==
	["driver token_unavailable", "second token_unavailable"]) and (.keys[0].detail | test("not found"))' "$T/body"
post 503 'a request' absent-000000001
body_says '"code":"token_unavailable"'
ok 'with Retry-After' grep -qi '^Retry-After: [1-9]' "$T/header"
fails 5 'kdsign-client gives up at its timeout' sign absent
says err 'token'
ok 'the file is as it was' untouched absent
fails 5 'and status says it too' "$client" --timeout 1s status
says out 'key         driver: not ready (token_unavailable)'
rmdir "$T/tokens" && mv "$T/away" "$T/tokens"
ok 'the token comes, readyz turns 200' wait_for 20 ready
post 200 'the same id is signed now' absent-000000001
mv "$T/tokens" "$T/away" && mkdir "$T/tokens"
vanished() { body "gone-$(date +%s%N)" cd '"key":"driver",' >"$T/gone.json"
	[ "$(api --data-binary "@$T/gone.json" /v1/signatures)" = 503 ]; }
ok 'the token goes away: 503' wait_for 20 vanished
ok 'and readyz says so' test "$(api /readyz)" = 503
rmdir "$T/tokens" && mv "$T/away" "$T/tokens"
ok 'it comes back' wait_for 40 ready
fails 0 'and signs' sign back

# slow: pending at the front's deadline, and the answer later
order C_Sign delay 1500
post 202 'a token slower than the deadline' slow-00000000001 01
ok 'has the item pending' jq -e '.items == [{"status": "pending"}]' "$T/body"
answers 200 'GET waits for it' '/v1/signatures/slow-00000000001?wait=20'
ok 'and has the signature' jq -e '.items[0].status == "signed"' "$T/body"
fails 0 'kdsign-client rides through 202' sign slow --timeout 20s
ok 'it was 202' grep -q 'POST /v1/signatures 202' "$T/service.err"
ok 'and the file verifies' "$client" verify --root "$T/ca-root.pem" "$T/slow.sys"

# hung: one item ends at its deadline, all else goes on
order C_Sign hang once
post 202 'a token that hangs' hung-00000000001 02
ok 'the mock hangs' wait_for 5 test -e "$T/mock/control.used"
who=two
post 200 'another client, same token, meanwhile' hung-00000000002 03
body second-0000000001 04 '"key":"second",' >"$T/second.json"
answers 200 'and another key' --data-binary "@$T/second.json" /v1/signatures
who=one
ok 'while the first still waits' jq -e '.items[0].status == "signed"' "$T/body"
answers 200 'which ends by itself' '/v1/signatures/hung-00000000001?wait=20'
body_says '"code":"token_timeout"'
post 504 'and is final for its id' hung-00000000001 02
body_says '"code":"token_timeout"'
order C_Sign hang
before=$(date +%s)
fails 5 'kdsign-client against a token that hangs' sign hung --timeout 20s
took=$(($(date +%s) - before))
says err 'did not answer'
ok "ends at the token's deadline ($took s)" test "$took" -le 6
ok 'the file is as it was' untouched hung
order
ok 'the service is ready again' wait_for 20 ready
fails 0 'and signs' sign unhung

# a crash of the module: the client asks once more under a new id, which names the old
order C_Sign crash once
fails 0 'kdsign-client rides through a crash of the module' sign crash --timeout 20s
ok 'the file verifies' "$client" verify --root "$T/ca-root.pem" "$T/crash.sys"
ok 'the record has the lost one and the retry' test "$(record "SELECT count(*) FROM event a JOIN event b ON
	json_extract(b.json,'\$.retry_of') = json_extract(a.json,'\$.id') WHERE json_extract(a.json,'\$.event') = 'request'")" = 1

# a wrong PIN is tried once, by no restart again
stop_service
logins=$(calls C_Login)
printf 999999 >"$T/etc/pin"
latched() { api /readyz >/dev/null; [ "$(jq -r '.keys[0].code' "$T/body")" = pin_latched ]; }
start_latched() { launch_service && wait_for 10 latched; }
ok 'a wrong PIN latches' start_latched
answers 503 'readyz' /readyz
ok 'says which keys' jq -e '[.keys[] | .name + " " + .code] == ["driver pin_latched", "second pin_latched"]' "$T/body"
post 503 'a request' latched-00000001
body_says '"code":"pin_latched"'
body_says 'kdsign-token pin'
fails 5 'kdsign-client' sign latched
says err 'PIN'
ok 'the file is as it was' untouched latched
for round in 1 2; do
	stop_service
	ok "restart $round: still latched" start_latched
done
kill -KILL "$(process kdsign-signer)"
again() { kill -0 "$(process kdsign-signer)" 2>/dev/null && latched; }
ok 'and after a kill of the signer' wait_for 10 again
ok 'C_Login was called once' test "$(calls C_Login)" = $((logins + 1))
printf 123456 >"$T/etc/pin"
ok 'the operator unlatches' "$builddir/kdsign-token" pin --config "$T/etc/signer.conf"
ok 'then it is ready' wait_for 20 ready
ok 'with two more C_Login, the operator'\''s and its own' test "$(calls C_Login)" = $((logins + 3))
fails 0 'and signs' sign unlatched
post 200 'the id that was refused, too' latched-00000001
done_testing
