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

request() { # ID BYTE
	body "$1" "$2" '"key":"driver",' >"$T/request"
}
heard() {
	wc -l <"$T/mock/signed"
}
# Once more each time: what the record's own pages and its log still had room for is used up by then, too.
refused_for_good() {
	head -c 16M /dev/zero >>"$T/small/ballast" 2>/dev/null
	n=$((n + 1))
	many "fill-$(printf %011d "$n")" 100 >"$T/request"
	[ "$(api --data-binary "@$T/request" /v1/signatures)" = 503 ] || return 1
	# The keeper opens the record anew again and again; that must not help it either.
	end=$(($(date +%s) + 3))
	while [ "$(date +%s)" -lt "$end" ]; do
		n=$((n + 1))
		request "fill-$(printf %011d "$n")" 03
		[ "$(api --data-binary "@$T/request" /v1/signatures)" = 503 ] || return 1
	done
}
n=0
cp "$T/drv64.sys" "$T/a.sys"

full() { # RESERVE - the same, found out before writing or by writing
	set_conf keeper.conf "store-reserve = $1"
	start_service
	request "first-$1-0000000001" 01
	answers 200 "reserve $1: there is space" --data-binary "@$T/request" /v1/signatures
	ok "reserve $1: the disk is full" wait_for 20 refused_for_good
	before=$(heard)
	request "full-$1-00000000001" 02
	answers 503 "reserve $1: a request" --data-binary "@$T/request" /v1/signatures
	body_says '"code":"record_unavailable"'
	ok "reserve $1: with Retry-After" grep -qi '^Retry-After: [1-9]' "$T/header"
	fails 5 "reserve $1: kdsign-client" "$client" --timeout 1s sign --key driver "$T/a.sys"
	says err 'record'
	ok "reserve $1: the file is as it was" cmp "$T/drv64.sys" "$T/a.sys"
	ok "reserve $1: the token heard nothing" test "$(heard)" = "$before"
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
	request "full-$1-00000000001" 02
	answers 200 "reserve $1: the id that was refused is signed" --data-binary "@$T/request" /v1/signatures
	answers 200 "reserve $1: readyz" /readyz
	ok "reserve $1: without a restart" test "$(grep -c 'ended (' "$T/service.err")" = 0
	stop_service
	cp "$T/drv64.sys" "$T/a.sys"
}
full 0
sed -i '/^store-reserve/d' "$T/etc/keeper.conf"
full 1M

sed 's/.*\(.\{64\}\)$/\1/' "$T/mock/signed" >"$T/heard"
rm "$T/state/record.db"
cp "$T/small/record.db" "$T/state/record.db"
umount "$T/small"
sqlite3 "$T/state/record.db" 'CREATE TABLE heard(digest TEXT)' ".import $T/heard heard"
ok 'each digest that the token heard has its intent' test "$(record "SELECT count(*) FROM heard WHERE digest NOT IN (
	SELECT $(event signed_digest) FROM event WHERE $(event event) = 'intent')")" = 0
ok 'the record has no gap' test "$(record 'SELECT count(*) = max(seq) FROM event')" = 1
done_testing
