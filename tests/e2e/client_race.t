#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2154,SC2317
# Several kdsign-client change one file at once: each one's signature is in the file, or it says that it is not.
. "${srcdir:-.}/tests/tap.sh"
# shellcheck source=/dev/null
. "$srcdir/tests/e2e/client_files.sh"
need osslsigncode openssl
# shellcheck source=/dev/null
. "$srcdir/tests/e2e/client_service.sh"

# Other programs count the signatures: one message digest a signature.
signatures() {
	osslsigncode verify -in "$1" 2>/dev/null | grep -c 'Current message digest'
}

# together N COMMAND... - N at once; their statuses in $T/status.*, what they say in $T/say.*
together() {
	rm -f "$T"/status.* "$T"/say.*
	for i in $(seq "$1"); do
		{
			"$client" "$2" "$3" "$4" "$5" >"$T/say.$i" 2>&1
			echo $? >"$T/status.$i"
		} &
		racers="$racers $!"
	done
	# shellcheck disable=SC2086
	wait $racers
	racers=
}

# landed - how many say that they are done
landed() {
	cat "$T"/status.* | grep -cx 0
}

make_files
make_service
start_service
racers=

cp "$T/drv64.sys" "$T/first.sys"
"$client" --quiet sign "$T/first.sys" || exit 99
ok "one signature is one" test "$(signatures "$T/first.sys")" = 1
lost=0 silent=0 none=0
for round in $(seq "${KDSIGN_RACES:-20}"); do
	cp "$T/first.sys" "$T/race.sys"
	together 8 --quiet sign --append "$T/race.sys"
	done_n=$(landed)
	[ "$(signatures "$T/race.sys")" = $((done_n + 1)) ] ||
		{ lost=$((lost + 1)); echo "# round $round: $done_n said done, $(signatures "$T/race.sys") there"; }
	[ "$done_n" -gt 0 ] || none=$((none + 1))
	for i in $(seq 8); do
		status=$(cat "$T/status.$i")
		[ "$status" != 0 ] || continue
		[ "$status" != 3 ] || ! grep -qF "race.sys': changed while it was worked on" "$T/say.$i" || continue
		silent=$((silent + 1))
		sed "s/^/# exit $status: /" "$T/say.$i"
	done
done
ok "no signature was lost" test $lost = 0
ok "who did not sign said so" test $silent = 0
ok "one of them always signed" test $none = 0
ok "our verify takes the last one" sh -c '"$1" verify --root "$2" "$3"' - "$client" "$T/ca-root.pem" "$T/race.sys"

ok "no temporary file is left" no_temporary_files

done_testing
