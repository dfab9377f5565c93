#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Signatures that come about when their deadline is over: each request has one answer and one outcome on record, and what
# was told to be lost is never given out, though the token made it.
# shellcheck source=tests/tap.sh
. "${srcdir:-.}/tests/tap.sh"
# shellcheck source=tests/e2e/whole_lib.sh
. "$srcdir/tests/e2e/whole_lib.sh"

n=64
[ "${TORTURE:-}" != whole ] || n=1000
tools=$builddir/tests/unit/keeper
make_service
use_mock
set_conf signer.conf 'sign-deadline = 1s' 'sessions = 16' 'breaker-wait = 10ms' 'breaker-wait-max = 10ms' \
	'starts-per-minute = 60000'
start_service
printf '%s\n' 'C_Sign delay 900 every 13' 'C_Sign delay 1100 every 11' 'C_Sign delay 994 every 7' 'C_Sign delay 1000 every 5' \
	'C_Sign delay 997 every 3' 'C_Sign delay 999 every 2' 'C_Sign delay 998' >"$T/mock/control"
ok "$n signatures that take about as long as they may" "$builddir/tests/torture/pace" -s "$T/state/keeper.sock" \
	-c "$T/one.pem" -k driver -n $n -o 16 -l "$T/told"
cp "$T/out" "$T/pace.out"
order
ready() { [ "$(api /readyz)" = 200 ]; }
ok 'all is well again' wait_for 20 ready
told() { awk -v code="$1" '$4 == code' "$T/told" | wc -l; }
ok "some came in time ($(told signed))" test "$(told signed)" -gt 0
ok "some did not ($(told token_timeout))" test "$(told token_timeout)" -gt 0
awk '$4 !~ /^(signed|token_timeout|outcome_unknown|token_unavailable)$/' "$T/told" >"$T/out"
ok 'nothing else was told' test ! -s "$T/out"
awk '{ print $3, $4 }' "$T/told" | sort | uniq -c | sed 's/^/# /'
ok 'a timeout is a 504' test -z "$(awk '$4 == "token_timeout" && $3 != 504' "$T/told")"

# asked again, each says what it said
changed=0
awk '$4 != "signed" && $4 != "token_unavailable" { print $1, $4 }' "$T/told" >"$T/lost"
while read -r id code; do
	"$tools/fake_front_tool" -s "$T/state/keeper.sock" -c "$T/one.pem" get "$id" >"$T/again" 2>&1
	grep -q "\"code\":\"$code\"" "$T/again" && ! grep -q '"cms"' "$T/again" || changed=$((changed + 1))
done <"$T/lost"
ok "$(wc -l <"$T/lost") that were lost: each says so again" test $changed = 0
stop_service

# What the token made, by digest: the line before "gave" of the same process and session.
awk '$1 == "sign" { last[$3, $4] = substr($7, length($7) - 63) } $1 == "gave" && $5 == "0x0" { print last[$3, $4] }' \
	"$T/mock/journal" >"$T/made"
record_hears
ok 'no digest was handed to C_Sign twice' test -z "$(awk '$1 == "sign" { print $7 }' "$T/mock/journal" | sort | uniq -d)"
sqlite3 "$T/state/record.db" 'CREATE TABLE told(id TEXT, key TEXT, status INT, code TEXT, us INT)' ".separator ' '" \
	".import $T/told told" 'CREATE TABLE made(digest TEXT)' ".import $T/made made"
none 'what was given out is on record as signed' "SELECT count(*) FROM told l WHERE l.code = 'signed' AND NOT EXISTS (
	SELECT 1 FROM request r JOIN item t ON t.at = r.no * 1024 WHERE r.id = l.id AND t.status = 1)"
none 'and nothing else' "SELECT count(*) FROM told l JOIN request r ON r.id = l.id JOIN item t ON t.at = r.no * 1024
	WHERE l.code <> 'signed' AND t.status = 1"
none 'each intent has one outcome' "SELECT count(*) FROM (SELECT count(*) AS n FROM event
	WHERE $(event event) IN ('result', 'unknown') GROUP BY $(event request), $(event index) HAVING n <> 1)"
none 'as many outcomes as intents' "SELECT (SELECT count(*) FROM event WHERE $(event event) = 'intent') -
	(SELECT count(*) FROM event WHERE $(event event) IN ('result', 'unknown'))"
late=$(record "SELECT count(DISTINCT m.digest) FROM made m JOIN asked a ON a.digest = m.digest JOIN told l ON l.id = a.id
	WHERE l.code <> 'signed'")
echo "# late n=$n signed=$(told signed) timeouts=$(told token_timeout) unknown=$(told outcome_unknown)" \
	"unavailable=$(told token_unavailable) made_too_late=$late c_sign=$(calls C_Sign) $(sed 's/.*p50/p50/' "$T/pace.out")"
done_testing
