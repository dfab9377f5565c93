#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2154,SC2317
# Several kdsign-client change one file at once: each one's signature is in the file, or it says that it is not.
. "${srcdir:-.}/tests/tap.sh"
# shellcheck source=/dev/null
. "$srcdir/tests/e2e/client_files.sh"
need osslsigncode openssl make i686-w64-mingw32-gcc x86_64-w64-mingw32-gcc
# shellcheck source=/dev/null
. "$srcdir/tests/e2e/client_service.sh"

# Other programs count the signatures: one message digest a signature.
signatures() {
	osslsigncode verify -in "$1" 2>/dev/null | grep -c 'Current message digest'
}

# together N COMMAND... - N at once; their statuses in $T/status.*, what they say in $T/say.*
together() {
	rm -f "$T"/status.* "$T"/say.*
	together_n=$1
	shift
	for i in $(seq "$together_n"); do
		{
			"$client" "$@" >"$T/say.$i" 2>&1
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

# a whole package at once: its files are those of one of them, and fit together
make -s -C "$srcdir/examples/twin-driver" OUT="$T/built" >"$T/make.log" 2>&1 ||
	{ sed 's/^/# /' "$T/make.log"; exit 99; }
none=0 silent=0 torn=0
for round in $(seq 5); do
	rm -rf "$T/pkg" && cp -r "$T/built" "$T/pkg"
	together 4 --quiet package --root "$T/ca-root.pem" "$T/pkg"
	[ "$(landed)" -gt 0 ] || none=$((none + 1))
	for i in $(seq 4); do
		case $(cat "$T/status.$i") in
		0) ;;
		3) grep -qF "': changed while it was worked on" "$T/say.$i" || silent=$((silent + 1)) ;;
		*) silent=$((silent + 1)) ;;
		esac
	done
	"$client" --quiet verify --root "$T/ca-root.pem" --catalog "$T/pkg/twin.cat" "$T/pkg/twin.inf" "$T/pkg/twin.dat" \
		"$T/pkg/x64/twin.sys" "$T/pkg/x86/twin.sys" || torn=$((torn + 1))
	"$client" --quiet verify --root "$T/ca-root.pem" "$T"/pkg/*.cat "$T"/pkg/x*/*.sys || torn=$((torn + 1))
done
ok "of several that make one package, one does" test $none = 0
ok "the others say that they did not" test $silent = 0
ok "and the package is whole" test $torn = 0
ok "no temporary file is left" no_temporary_files

done_testing
