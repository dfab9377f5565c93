#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The record's disk is full: nothing is signed, everybody is told, and it goes on by itself when there is space.
# shellcheck source=tests/tap.sh
. "${srcdir:-.}/tests/tap.sh"
# shellcheck source=tests/e2e/whole_lib.sh
. "$srcdir/tests/e2e/whole_lib.sh"
mkdir "$T/small"
mount -t tmpfs -o size=6m kdsign-test "$T/small" 2>/dev/null || skip_all "no tmpfs can be mounted (needs root)"

make_service
make_files
use_mock
sed -i "s|^store = .*|store = $T/small/record.db|" "$T/etc/keeper.conf"
ln -s "$T/small/record.db" "$T/state/record.db"

# request ID N - one that has digests of its own, in $T/ID
request() {
	n=$((n + 1))
	many "$1" "$2" $((n * 1000)) >"$T/$1"
}
# refused N - a new request with N items gets 503
refused() {
	fill=fill-$(printf %011d "$n")
	request "$fill" "$1"
	[ "$(api --data-binary "@$T/$fill" /v1/signatures)" = 503 ]
}
heard() {
	wc -l <"$T/mock/signed"
}
# Once more each time: what the record's own pages and its log still had room for is used up by then, too.
refused_for_good() {
	head -c 16M /dev/zero >>"$T/small/ballast" 2>/dev/null
	refused 100 || return 1
	# The keeper opens the record anew again and again; that must not help it either.
	end=$(($(date +%s) + 3))
	while [ "$(date +%s)" -lt "$end" ]; do
		refused 1 || return 1
	done
}
n=0

full() { # RESERVE - the same, found out before writing or by writing
	set_conf keeper.conf "store-reserve = $1"
	start_service
	request "first-$1-0000000001" 1
	answers 200 "reserve $1: there is space" --data-binary "@$T/first-$1-0000000001" /v1/signatures
	ok "reserve $1: the disk is full" wait_for 20 refused_for_good
	before=$(heard)
	request "full-$1-00000000001" 1
	answers 503 "reserve $1: a request" --data-binary "@$T/full-$1-00000000001" /v1/signatures
	body_says '"code":"record_unavailable"'
	ok "reserve $1: with Retry-After" grep -qi '^Retry-After: [1-9]' "$T/header"
	fails 5 "reserve $1: kdsign-client" "$client" --timeout 1s sign --key driver "$T/a.sys"
	says err 'record'
	ok "reserve $1: the file is as it was" cmp "$T/was.sys" "$T/a.sys"
	# Without a reserve the last intent can find room that its result does not: signed, recorded, never released.
	[ "$1" = 0 ] || ok "reserve $1: the token heard nothing" test "$(heard)" = "$before"
	answers 503 "reserve $1: readyz" /readyz
	ok "reserve $1: says that it is the record" jq -e '(.ready | not) and .record != "ok"' "$T/body"
	answers 200 "reserve $1: what needs no record is answered" /v1/keys

	start waiting "$client" --timeout 30s sign --key driver "$T/a.sys"
	waiting=$pid
	ok "reserve $1: a client waits" wait_for 10 grep -q 'trying again' "$T/waiting.err"
	rm "$T/small/ballast"
	wait "$waiting"
	status=$?
	ok "reserve $1: and signs as soon as there is space (exit $status)" test "$status" = 0
	ok "reserve $1: which is right" "$client" verify --root "$T/ca-root.pem" "$T/a.sys"
	answers 200 "reserve $1: the id that was refused is signed" --data-binary "@$T/full-$1-00000000001" \
		/v1/signatures
	answers 200 "reserve $1: readyz" /readyz
	ok "reserve $1: without a restart" test "$(grep -c 'ended (' "$T/service.err")" = 0
	stop_service
	{ cat "$T/drv64.sys" && echo again; } >"$T/was.sys" # other bytes, another digest
	cp "$T/was.sys" "$T/a.sys"
}
cp "$T/drv64.sys" "$T/was.sys"
cp "$T/drv64.sys" "$T/a.sys"
full 0
sed -i '/^store-reserve/d' "$T/etc/keeper.conf"
full 1M

rm "$T/state/record.db"
cp "$T/small/record.db" "$T/state/record.db"
umount "$T/small"
record_hears
ok 'the record has no gap' test "$(record 'SELECT count(*) = max(seq) FROM event')" = 1
done_testing
