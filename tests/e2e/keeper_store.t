#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The record in trouble: full, locked, of another version, tampered with; and who may connect.
# shellcheck source=tests/tap.sh
. "${srcdir:-.}/tests/tap.sh"
# shellcheck source=tests/e2e/keeper.sh
. "${srcdir:-.}/tests/e2e/keeper.sh"

make_pki
heard() { wc -l <"$T/journal" | tr -d ' '; }
post() {
	client=$1
	shift
	body "$@" | ask "$client" sign
}
answered() { # STATUS ID BYTE - leaves the answer in $T/answer
	post host1 "$2" "$3" >"$T/answer" && grep -q "^$1 " "$T/answer"
}

# locked by another program
CONF_MORE='record-deadline = 1s'
make_conf
start_signer
ok 'the keeper starts' start_keeper
fails 74 'a second keeper on the same record does not' "$builddir/kdsign-keeper" --config "$T/keeper.conf"
says err 'in use by another keeper'
mkfifo "$T/hold"
sqlite3 "$T/record.db" <"$T/hold" >/dev/null &
holder=$!
exec 9>"$T/hold"
echo 'BEGIN IMMEDIATE; INSERT INTO touch VALUES (77, 1); SELECT 1;' >&9
locked() { ! sqlite3 "$T/record.db" 'BEGIN IMMEDIATE; ROLLBACK' 2>/dev/null; }
ok 'another program locks the record' wait_for 5 locked
ok 'then 503' answered 503 locked-0000000001 01
ok 'record_unavailable' grep -q '"code":"record_unavailable"' "$T/answer"
ok 'and nothing is signed' test "$(cat "$T/journal")" = ''
ready_says_so() { "$tools/fake_front_tool" -s "$T/keeper.sock" ready | grep -q '^503'; }
ok 'readyz says so' ready_says_so
echo 'ROLLBACK;' >&9
exec 9>&-
wait "$holder"
ok 'it recovers by itself' wait_for 10 ready
ok 'and the same id is signed' answered 200 locked-0000000001 01
ok 'once' test "$(heard)" = 1

# removed under a running keeper
mv "$T/record.db" "$T/moved.db"
ok 'a record that was moved away: 503' answered 503 moved-00000000001 02
mv "$T/moved.db" "$T/record.db"
ok 'back in place it goes on' wait_for 10 answered 200 moved-00000000001 02
stop "$keeper_pid"
ok 'the sequence is whole' test "$(sql 'SELECT count(*) = max(seq) FROM event')" = 1

# of another version, or not ours
fails_to_start() { # STATUS TITLE TEXT
	fails "$1" "$2" "$builddir/kdsign-keeper" --config "$T/keeper.conf"
	says err "$3"
}
sqlite3 "$T/record.db" 'PRAGMA user_version = 99'
fails_to_start 76 'a newer record is refused' 'schema version 99'
sqlite3 "$T/record.db" 'PRAGMA user_version = 1'
cp "$T/record.db" "$T/whole.db"
sqlite3 "$T/record.db" 'DROP TRIGGER event_kept; DELETE FROM event WHERE seq = 3'
fails_to_start 76 'a removed event is noticed' 'without a gap'
cp "$T/whole.db" "$T/record.db"
sqlite3 "$T/record.db" 'DROP TRIGGER event_kept; DROP TRIGGER event_fixed; DELETE FROM event WHERE seq = 3;
	UPDATE event SET seq = 3 WHERE seq = (SELECT max(seq) FROM event)'
fails_to_start 76 'and a renumbered one' 'another number inside'
cp "$T/whole.db" "$T/record.db"
fails 19 'an event cannot be changed by mistake' sqlite3 "$T/record.db" "UPDATE event SET json = '{}'"
rm "$T/record.db"
sqlite3 "$T/record.db" 'CREATE TABLE theirs(x)'
fails_to_start 76 "somebody else's database is refused" 'not a record of kdsign'
ok 'and left alone' test "$(sql "SELECT name FROM sqlite_schema")" = theirs
head -c 9000 /dev/urandom >"$T/record.db"
fails_to_start 76 'and a file that is none' 'not a database'
rm -f "$T"/record.db*
: >"$T/record.db"
ok 'an empty file is version 0 and is migrated' start_keeper
stop "$keeper_pid"
ok 'to this version' test "$(sql 'PRAGMA user_version')" = 1

# full
if [ "$(id -u)" = 0 ] && mkdir "$T/small" && mount -t tmpfs -o size=2m tmpfs "$T/small" 2>/dev/null; then
	STORE=$T/small/record.db
	make_conf
	start_keeper
	before=$(heard)
	ok 'on a small file system it signs' answered 200 small-00000000001 03
	head -c 4000000 /dev/zero >"$T/small/ballast" 2>/dev/null
	load() { "$tools/fake_front_tool" -s "$T/keeper.sock" -c "$T/host1.chain" -n 4 -b 50 -t 500 load; }
	filled() { load >"$T/load.out" 2>"$T/load.err" && ! grep -q 'others 0$' "$T/load.out"; }
	ok 'until the file system is full' wait_for 10 filled
	# Closing a record that failed folds its log into it, which may leave room for a few more; so fill that too.
	try=1000
	stuck() {
		cat /dev/zero >>"$T/small/ballast" 2>/dev/null
		try=$((try + 1))
		heard_before=$(heard)
		answered 503 "small-0000000$try" 04 && answered 503 "small-0000000$try" 04 &&
			[ "$(heard)" = "$heard_before" ]
	}
	ok 'then 503, again and again, and no token hears of it' wait_for 10 stuck
	ok 'record_unavailable' grep -q '"code":"record_unavailable"' "$T/answer"
	rm "$T/small/ballast"
	ok 'it recovers by itself when there is space' wait_for 10 answered 200 "small-0000000$try" 04
	stop "$keeper_pid"
	ok 'every digest heard has its intent' test "$(tail -n +$((before + 1)) "$T/journal" | while read -r d; do
		sql "SELECT count(*) FROM event WHERE json_extract(json,'\$.signed_digest') = '$d'"
	done | sort -u)" = 1
	ok 'the sequence is whole' test "$(sql 'SELECT count(*) = max(seq) FROM event')" = 1
	RESERVE=1G
	make_conf
	start_keeper
	ok 'under the reserve nothing new is begun' answered 503 small-00000000003 05
	stop "$keeper_pid"
	RESERVE=0
	STORE=
	umount "$T/small"
else
	skip 'a full file system' 'needs root to mount a tmpfs'
fi

# who may connect
if [ "$(id -u)" = 0 ] && id nobody >/dev/null 2>&1; then
	CONF_MORE='front-user = nobody'
	make_conf
	start keeper "$builddir/kdsign-keeper" --config "$T/keeper.conf"
	keeper_pid=$pid
	ok 'with another front user' wait_for 5 test -S "$T/keeper.sock"
	gone() { ask host1 keys >"$T/answer"; grep -q '^gone' "$T/answer"; }
	ok 'we are not answered' wait_for 5 gone
	ok 'and the log says who tried' wait_for 5 grep -q 'connection refused' "$T/keeper.err"
	stop "$keeper_pid"
	# A listener bound by root may be anybody's (systemd passes it on); this one is nobody's own.
	CONF_MORE=
	make_conf
	mkdir "$T/theirs"
	cp "$T/leaf.key" "$tools/fake_signer_tool" "$T/theirs"
	chown -R nobody "$T/theirs"
	chmod 711 "$T"
	start theirs setpriv --reuid=nobody --clear-groups "$T/theirs/fake_signer_tool" -s "$T/theirs/signer.sock" \
		-k "$T/theirs/leaf.key" -n driver
	ok 'a signer of another user listens' wait_for 5 test -S "$T/theirs/signer.sock"
	sed -i "s|^socket = .*signer.sock|socket = $T/theirs/signer.sock\nuser = daemon|" "$T/keeper.conf"
	start keeper "$builddir/kdsign-keeper" --config "$T/keeper.conf"
	keeper_pid=$pid
	unready() { ask host1 ready >"$T/answer"; grep -q 'not connected' "$T/answer"; }
	ok "a signer that is not its user's is not used" wait_for 10 unready
	ok 'and the log says whose it is' grep -q "the peer is user $(id -u nobody), must be $(id -u daemon)" "$T/keeper.err"
	stop "$keeper_pid"
else
	skip 'the wrong front user' 'needs root, to name another one'
fi
done_testing
