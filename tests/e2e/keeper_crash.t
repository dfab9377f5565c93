#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# kill -9 at many instants under load: nothing released that the record does not know, nothing signed twice.
# shellcheck source=tests/tap.sh
. "${srcdir:-.}/tests/tap.sh"
# shellcheck source=tests/e2e/keeper.sh
. "${srcdir:-.}/tests/e2e/keeper.sh"

ROUNDS=${KEEPER_CRASHES:-12}
make_pki
make_conf
start_signer
rounds() {
	round=0
	while [ "$round" -lt "$ROUNDS" ]; do
		start_keeper || return 1
		# 3, 70, 137 ... ms after the load begins: before, between and after the commits
		"$tools/fake_front_tool" -s "$T/keeper.sock" -c "$T/host1.chain" -n 8 -b $((round % 3 + 1)) \
			-t 2000 -l "$T/released" load >>"$T/load.out" 2>>"$T/load.err" &
		load=$!
		sleep "0.$(printf %03d $((round * 67 % 400 + 3)))"
		kill -KILL "$keeper_pid"
		wait "$keeper_pid" "$load"
		round=$((round + 1))
	done
	return 0
}
ok "the keeper is killed $ROUNDS times" rounds
ok 'signatures were released meanwhile' test -s "$T/released"
ok 'a last start closes what was open' start_keeper
stop "$keeper_pid"

event() { echo "json_extract(json,'\$.$1')"; }
none() { # TITLE SQL-COUNT
	ok "$1" test "$(sql "$2")" = 0
}
sqlite3 "$T/record.db" "CREATE TABLE released(id TEXT, i INTEGER, cms TEXT)" ".separator ' '" \
	".import $T/released released" "CREATE TABLE heard(digest TEXT)" ".import $T/journal heard"
none 'every signature released has its result' "SELECT count(*) FROM released l WHERE NOT EXISTS (
	SELECT 1 FROM request r JOIN item t ON t.at = r.no * 1024 + l.i WHERE r.id = l.id AND t.status = 1)"
none 'every digest the token heard has an earlier intent' "SELECT count(*) FROM heard WHERE digest NOT IN (
	SELECT $(event signed_digest) FROM event WHERE $(event event) = 'intent')"
none 'no digest was heard twice' "SELECT count(*) - count(DISTINCT digest) FROM heard"
none 'each intent has one result or is unknown' "SELECT count(*) FROM (SELECT count(*) AS n FROM event
	WHERE $(event event) IN ('result', 'unknown') GROUP BY $(event request), $(event index) HAVING n <> 1)"
none 'as many outcomes as intents' "SELECT (SELECT count(*) FROM event WHERE $(event event) = 'intent') -
	(SELECT count(*) FROM event WHERE $(event event) IN ('result', 'unknown'))"
none 'numbers without a gap' "SELECT count(*) - max(seq) FROM event"
none 'nothing is open' "SELECT count(*) FROM open"
ok 'some outcomes are unknown: the kills did hit' test "$(sql \
	"SELECT count(*) > 0 FROM event WHERE $(event event) = 'unknown'")" = 1

# What was released is what is answered now.
start_keeper
again() {
	while read -r id index sum; do
		now=$(ask host1 get "$id" | tail -n 1 | sed "s/\"cms\":\"/\\n/g" | sed -n "$((index + 2))s/\".*//p" |
			openssl base64 -d -A | sha256sum)
		[ "${now%% *}" = "$sum" ] || return 1
	done
}
ok 'the same answers come from the record' sh -c "tail -n 20 '$T/released' >'$T/some'"
again <"$T/some"
tap_report $? 'byte for byte'
# SIGTERM under the same load: what is under way is finished, nothing new is begun.
unknown() { sql "SELECT count(*) FROM event WHERE $(event event) = 'unknown'"; }
unknown_before=$(unknown)
"$tools/fake_front_tool" -s "$T/keeper.sock" -c "$T/host1.chain" -n 200 -b 2 -t 30000 load >>"$T/load.out" \
	2>>"$T/load.err" &
load=$!
sleep 0.3
kill -TERM "$keeper_pid"
ok 'told to stop, it stops long before its last deadline' wait_for 5 tap_ended "$keeper_pid"
wait "$load"
cp "$T/keeper.err" "$T/stopped"
start_keeper
stop "$keeper_pid"
left_nothing() { # or what the one that stopped had to say of it: a disk may fail it, or be too slow
	[ "$(unknown)" = "$unknown_before" ] || { tail -n 20 "$T/stopped" >&2 && return 1; }
}
ok 'and leaves nothing unknown' left_nothing

# A signer that stands still has a hundred items, 32 of them in its hands: of these alone nobody knows.
SIGN_DEADLINE=30s
make_conf
unknown_before=$(unknown)
intents_before=$(sql "SELECT count(*) FROM event WHERE $(event event) = 'intent'")
start_keeper
echo hang >"$T/mode"
"$tools/fake_front_tool" -s "$T/keeper.sock" -c "$T/host1.chain" -n 2 -b 50 -t 1000 load >>"$T/load.out" 2>>"$T/load.err" &
load=$!
all_meant() { [ "$(sql "SELECT count(*) FROM event WHERE $(event event) = 'intent'")" = $((intents_before + 100)) ]; }
ok 'a hundred items are under way' wait_for 20 all_meant
kill -TERM "$keeper_pid"
ok 'told to stop, it stops' wait_for 20 tap_ended "$keeper_pid"
echo sign >"$T/mode"
wait "$load"
start_keeper
stop "$keeper_pid"
ok 'what the signer had is unknown' test "$(unknown)" = $((unknown_before + 32))
ok 'what it had not was told and recorded as busy' test "$(sql "SELECT count(*) FROM event WHERE
	$(event event) = 'result' AND $(event code) = 'busy'")" = 68
done_testing
