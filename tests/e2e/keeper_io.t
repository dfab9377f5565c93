#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The disk under the record fails: in a commit, in the checkpoint behind it, once or for a while.
# shellcheck source=tests/tap.sh
. "${srcdir:-.}/tests/tap.sh"
# shellcheck source=tests/e2e/keeper.sh
. "${srcdir:-.}/tests/e2e/keeper.sh"

shim=${IO_FAIL_SO:-$builddir/tests/mock/io_fail.so}
[ -e "$shim" ] || skip_all 'tests/mock/io_fail.so is not built'
make_pki
CONF_MORE='record-deadline = 1s'
make_conf
start_signer
export IO_FAIL="$T/fail" ASAN_OPTIONS="verify_asan_link_order=0${ASAN_OPTIONS:+:$ASAN_OPTIONS}"
break_disk() { # CALLS ERRNO TIMES FILE-END
	echo "$*" >"$T/fail.new" && mv "$T/fail.new" "$T/fail"
}
heard() { wc -l <"$T/journal" | tr -d ' '; }
answered() { # STATUS ID BYTE
	body "$2" "$3" | ask host1 sign >"$T/answer" && grep -q "^$1 " "$T/answer"
}
start keeper env LD_PRELOAD="$shim" "$builddir/kdsign-keeper" --config "$T/keeper.conf"
keeper_pid=$pid
ok 'the keeper starts' wait_for 10 ready
ok 'and signs' answered 200 healthy-000000001 01

try=0
# trouble WHAT CALLS ERRNO TIMES FILE-END - a request at that moment is refused, the token hears nothing of it
trouble() {
	what=$1
	shift
	try=$((try + 1))
	id=trouble-00000000$try
	before=$(heard)
	break_disk "$@"
	ok "$what: 503" answered 503 "$id" "1$try"
	ok "$what: no token hears of it" test "$(heard)" = "$before"
	if [ "$3" = each ]; then
		ok "$what: 503 while it is closed" answered 503 "$id" "1$try"
		sleep 1.5 # several attempts to open the record again, every one of them in vain
		ok "$what: still 503" answered 503 "$id" "1$try"
		ok "$what: still unheard" test "$(heard)" = "$before"
		rm -f "$T/fail"
	fi
	ok "$what: the same id is signed when the disk is well" wait_for 10 answered 200 "$id" "1$try"
	ok "$what: once" test "$(heard)" = $((before + 1))
}
trouble 'the commit cannot be made durable' sync 5 once -wal
trouble 'nor any commit for a while' sync 5 each -wal
trouble 'the log cannot be written' write 5 once -wal
trouble 'nor for a while' write 5 each -wal
trouble 'no space' write 28 each -wal

# The result's commit fails, not the intent's: signed, and not given out before it is on record.
echo hang >"$T/mode"
body result-000000001 31 | DEADLINE=500 ask host1 sign >"$T/answer"
ok 'an item is with the token' grep -q '^202' "$T/answer"
break_disk sync 5 each -wal
echo sign >"$T/mode"
ok 'its result cannot be recorded' wait_for 10 grep -q 'record .*I/O error' "$T/keeper.err"
result() { ask host1 get result-000000001 >"$T/answer"; }
sleep 1
result
ok 'so it is not given out' sh -c "! grep -q cms '$T/answer'"
rm "$T/fail"
given() { result && grep -q '"status":"signed"' "$T/answer"; }
ok 'until it is' wait_for 10 given

ok 'the keeper is ready again' wait_for 10 ready

stop "$keeper_pid"
ok 'it stops with status 0' test $? = 0
event() { echo "json_extract(json,'\$.$1')"; }
none() {
	ok "$1" test "$(sql "$2")" = 0
}
sqlite3 "$T/record.db" "CREATE TABLE heard(digest TEXT)" ".import $T/journal heard"
none 'every digest the token heard has an intent' "SELECT count(*) FROM heard WHERE digest NOT IN (
	SELECT $(event signed_digest) FROM event WHERE $(event event) = 'intent')"
none 'and was heard once' "SELECT count(*) - count(DISTINCT digest) FROM heard"
none 'numbers without a gap' "SELECT count(*) - max(seq) FROM event"
none 'nothing is open' "SELECT count(*) FROM open"
sqlite3 "$T/record.db" 'DROP TABLE heard'

# at the start
rm "$T"/record.db*
break_disk write 5 each .db
fails 74 'a disk that fails at the start' env LD_PRELOAD="$shim" "$builddir/kdsign-keeper" --config "$T/keeper.conf"
says err 'I/O error'
rm "$T/fail"
ok 'and it starts when that is over' start_keeper
stop "$keeper_pid"
done_testing
