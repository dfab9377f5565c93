#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The module crashes again and again while fifty requests are under way: no wrong answer, none lost, no second
# signature under one id, and the record knows it all.
# shellcheck source=tests/tap.sh
. "${srcdir:-.}/tests/tap.sh"
# shellcheck source=tests/e2e/whole_lib.sh
. "$srcdir/tests/e2e/whole_lib.sh"

crashes=25 stops=1
[ "${TORTURE:-}" != whole ] || crashes=1000 stops=5
[ -x "$builddir/tests/unit/keeper/fake_front_tool" ] || skip_all 'fake_front_tool is not built'
make_service
use_mock
pin=kd-7Qz9-distinct-4711-xyzzy
pkcs11-tool --module "$module" --token-label kdsign-test --login --pin 123456 --change-pin --new-pin "$pin" \
	>"$T/keygen.log" 2>&1 || exit 99
printf %s "$pin" >"$T/etc/pin"
set_conf signer.conf 'breaker-wait = 10ms' 'breaker-wait-max = 10ms' 'starts-per-minute = 60000' 'sessions = 4'
set_conf keeper.conf 'queue-limit = 4096'
start_service
front_pid=$(process 'kdsignd') keeper_pid=$(process kdsign-keeper) signer_pid=$(process kdsign-signer)
size_of() { find "/proc/$1/fd" "/proc/$1/task" -mindepth 1 -maxdepth 1 | wc -l; }
rss_of() { awk '$1 == "VmRSS:" { print $2 }' "/proc/$1/status"; }
crashed() { grep -c 'signing process [0-9]* ended by signal' "$T/service.err"; }
load() { # MS
	"$builddir/tests/unit/keeper/fake_front_tool" -s "$T/state/keeper.sock" -c "$T/one.pem" -n 50 -b 1 -t "$1" \
		-l "$T/released" load >>"$T/load.out" 2>>"$T/load.err"
}
ok 'all is well' load 1000
keeper_size=$(size_of "$keeper_pid") signer_size=$(size_of "$signer_pid") keeper_rss=$(rss_of "$keeper_pid")
printf '%s\n' 'C_Sign crash every 23' 'C_SignInit abort every 61' >"$T/mock/control"
begun=$(date +%s)
storm() {
	while [ "$(crashed)" -lt "$crashes" ] && [ $(($(date +%s) - begun)) -lt 900 ]; do
		load 3000 || return 1
	done
}
ok "$crashes crashes with fifty requests under way" storm
took=$(($(date +%s) - begun))
ok "there were $(crashed)" test "$(crashed)" -ge "$crashes"

# Who stands still, as a process does that is swapped out, for longer than the keeper takes to notice.
# frozen PID - while fifty requests are under way, and the module crashes now and then
frozen() {
	load 6000 &
	loading=$!
	sleep 1
	kill -STOP "$1" && sleep 4
	kill -CONT "$1"
	wait "$loading"
}
echo 'C_Sign crash every 499' >"$T/mock/control"
for i in $(seq $stops); do
	ok "the signer's parent stands still for 4 s ($i): every request is answered" frozen "$signer_pid"
	[ "$stops" -eq 1 ] || ok "the keeper does ($i)" frozen "$keeper_pid"
	[ "$stops" -eq 1 ] || ok "the front does ($i)" frozen "$front_pid"
	[ "$stops" -eq 1 ] || ok "the process with the module does ($i)" frozen "$(process signer-child)"
done
order
ok 'all is well again' wait_for 20 load 200
ready() { [ "$(api /readyz)" = 200 ]; }
ok 'readyz says so' wait_for 20 ready
ok 'the front is the one that was started' kill -0 "$front_pid"
ok 'and the keeper' kill -0 "$keeper_pid"
ok 'and the parent of the signer' kill -0 "$signer_pid"
as_before() { [ "$(size_of "$keeper_pid")" -le "$keeper_size" ] && [ "$(size_of "$signer_pid")" -le "$signer_size" ]; }
ok 'none has more threads or descriptors' wait_for 10 as_before
# A sanitizer keeps what is freed, and its memory is not ours to judge.
if [ -x "$builddir/tests/e2e/mem_scan" ] && ! grep -q '^#define KD_SANITIZE 1' "$builddir/config.h"; then
	ok "the keeper has not grown by more than 48 MiB ($keeper_rss to $(rss_of "$keeper_pid") KiB)" \
		test "$(rss_of "$keeper_pid")" -lt $((keeper_rss + 49152))
	for pid in $front_pid $keeper_pid $signer_pid; do
		ok "no PIN in the memory of $pid" "$builddir/tests/e2e/mem_scan" "$pid" "$T/etc/pin"
	done
fi
stop_service
ok 'no call was out of order' test ! -e "$T/mock/violations"
ok 'no digest was handed to C_Sign twice' test -z "$(awk '$1 == "sign" { print $7 }' "$T/mock/journal" | sort | uniq -d)"
record_hears
sqlite3 "$T/state/record.db" 'CREATE TABLE released(id TEXT, i INTEGER, cms TEXT)' ".separator ' '" \
	".import $T/released released"
none 'every signature released has its result' "SELECT count(*) FROM released l WHERE NOT EXISTS (
	SELECT 1 FROM request r JOIN item t ON t.at = r.no * 1024 + l.i WHERE r.id = l.id AND t.status = 1)"
none 'each intent has one result' "SELECT count(*) FROM (SELECT count(*) AS n FROM event
	WHERE $(event event) IN ('result', 'unknown') GROUP BY $(event request), $(event index) HAVING n <> 1)"
none 'as many outcomes as intents' "SELECT (SELECT count(*) FROM event WHERE $(event event) = 'intent') -
	(SELECT count(*) FROM event WHERE $(event event) IN ('result', 'unknown'))"
none 'numbers without a gap' 'SELECT count(*) - max(seq) FROM event'
echo "# storm crashes=$(crashed) seconds=$took released=$(wc -l <"$T/released") c_sign=$(calls C_Sign) $(awk '
	{ got += $1; others += $5 } END { print "answers=" got + others, "refused=" others }' "$T/load.out")"
done_testing
