#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# kill -9 of every process while a hundred files are signed: each file is right or as it was, no id is signed twice,
# and the record knows every signature that came out.
# shellcheck source=tests/tap.sh
. "${srcdir:-.}/tests/tap.sh"
# shellcheck source=tests/e2e/whole_lib.sh
. "$srcdir/tests/e2e/whole_lib.sh"

FILES=100
make_service
make_files
use_mock
order C_Sign delay 30
start_service
: >"$T/mock/signed"

heard() { wc -l <"$T/mock/signed"; }
busy() { [ "$(heard)" -ge $((heard_before + 25)) ]; }

# Each file of each round has bytes of its own.
fill() {
	mkdir "$T/$1" "$T/$1.was"
	for i in $(seq $FILES); do
		{ cat "$T/drv64.sys" && echo "$1 $i"; } >"$T/$1/$i.sys"
	done
	cp "$T/$1"/* "$T/$1.was"
}

# all_right ROUND - each file verifies, or is byte for byte as it was; the signed ones are listed in $T/released
all_right() {
	"$client" --json verify --root "$T/ca-root.pem" "$T/$1"/*.sys >"$T/verdicts" 2>/dev/null
	jq -r 'select(.ok) | .file' "$T/verdicts" >>"$T/released"
	jq -r 'select(.ok | not) | .file' "$T/verdicts" >"$T/unsigned"
	[ "$(wc -l <"$T/verdicts")" = "$FILES" ] || return 1
	while read -r file; do
		cmp "$file" "$T/$1.was/${file##*/}" || return 1
	done <"$T/unsigned"
}

# round NAME PROCESS... - those are killed when a quarter is signed
round() {
	name=$1
	shift
	fill "$name"
	victims=$(for victim; do process "$victim"; done)
	heard_before=$(heard)
	start "sign-$name" "$client" --timeout 30s sign --key driver "$T/$name"/*.sys
	signing=$pid
	ok "$name: signing is under way" wait_for 20 busy
	# shellcheck disable=SC2086 # several
	kill -KILL $victims
	wait "$signing"
	status=$?
	sed 's/^/# /' "$T/sign-$name.err"
	ok "$name: the client ends with success (exit $status)" test "$status" = 0
	ok "$name: every file is right" all_right "$name"
	ok "$name: and all are signed" test "$(grep -c "^$T/$name/" "$T/released")" = "$FILES"
}

: >"$T/released"
round front kdsignd
round keeper kdsign-keeper
round signer kdsign-signer
round child signer-child
round all kdsignd kdsign-keeper kdsign-signer

# The supervisor as well, and nobody starts it again in time: what is not signed stays as it was.
fill end
processes=$(for name in kdsignd kdsign-keeper kdsign-signer signer-child; do process "$name"; done)
heard_before=$(heard)
# Longer than the Retry-After of whoever stops last: the client comes again and finds nobody.
start sign-end "$client" --timeout 6s sign --key driver "$T/end"/*.sys
signing=$pid
ok 'end: signing is under way' wait_for 20 busy
kill -KILL "$service"
wait "$signing"
status=$?
cp "$T/sign-end.err" "$T/err"
says err "error: '$KDSIGN_SERVER': "
ok "end: the client says that the service is away (exit $status)" test "$status" = 5
ok 'end: every file is right or as it was' all_right end
gone() { for one in $processes; do ! kill -0 "$one" 2>/dev/null || return 1; done; }
ok 'end: nothing outlives the supervisor' wait_for 10 gone
ok 'no temporary file stays' no_temporary_files
start_service
stop_service

# The signature's own octets are the last of the ContentInfo; all files have the same headers, of PE32+.
nt=$(od -An -tu4 -j60 -N4 "$T/drv64.sys")
while read -r file; do
	table=$(od -An -tu4 -j$((nt + 168)) -N4 "$file")
	length=$(od -An -tu1 -j$((table + 10)) -N2 "$file" | { read -r high low && echo $((high * 256 + low + 4)); })
	tail -c +$((table + 9)) "$file" | head -c "$length" | tail -c 256 | sha256sum
done <"$T/released" | cut -c1-64 >"$T/signatures"
record_hears
sqlite3 "$T/state/record.db" 'CREATE TABLE released(sha256 TEXT)' ".import $T/signatures released"
ok "signatures came out: $(wc -l <"$T/signatures")" test "$(wc -l <"$T/signatures")" -ge "$((5 * FILES))"
none 'each is in the record' "SELECT count(*) FROM released WHERE sha256 NOT IN (SELECT $(event signature_sha256)
	FROM event WHERE $(event event) = 'result' AND $(event status) = 'signed')"
none 'each intent has its outcome' "SELECT (SELECT count(*) FROM event WHERE $(event event) = 'intent') -
	(SELECT count(*) FROM event WHERE $(event event) IN ('result', 'unknown'))"
ok 'some outcomes were lost: the kills did hit' test "$(record "SELECT count(*) > 0 FROM event
	WHERE $(event event) = 'unknown' OR $(event code) = 'outcome_unknown'")" = 1
done_testing
