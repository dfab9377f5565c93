#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2154,SC2317
# kdsign-client sign --timestamp and timestamp, against the real daemons and authorities of openssl's own.
. "${srcdir:-.}/tests/tap.sh"
# shellcheck source=/dev/null
. "$srcdir/tests/e2e/client_files.sh"
need osslsigncode openssl
# shellcheck source=/dev/null
. "$srcdir/tests/e2e/client_service.sh"
# shellcheck source=/dev/null
. "$srcdir/tests/e2e/tsa.sh"

judge() { # FILE: a program that is not ours, the timestamp too
	if ! osslsigncode verify -CAfile "$T/kernel-root.pem" -TSA-CAfile "$TSA_ROOT" -in "$1" >"$T/judge" 2>&1 ||
		grep -q 'Timestamp is not available' "$T/judge"; then
		cat "$T/judge"
		return 1
	fi
}

sign() {
	"$client" sign --ac "$T/cross.pem" "$@"
}

fresh() {
	for fresh_file; do
		cp "$T/drv64.sys" "$fresh_file"
	done
}

# untouched FILE: as it was, and nothing beside it
untouched() {
	cmp "$T/drv64.sys" "$1" && no_temporary_files
}

make_files
make_service
start_service
ok "authorities" start_tsa

# both protocols
fresh "$T/a.sys" "$T/b.sys"
ok "RFC 3161" sign --timestamp "$TSA_URL" --tsa-root "$TSA_ROOT" "$T/a.sys"
says out ", timestamped 20"
ok "osslsigncode takes it" judge "$T/a.sys"
ok "and checks the timestamp" grep -q 'Timestamp Server Signature verification: ok' "$T/judge"
ok "legacy" "$client" --json sign --ac "$T/cross.pem" --timestamp-legacy "$TSA_LEGACY_URL" "$T/b.sys"
says out '"timestamp_kind":"legacy"'
ok "osslsigncode takes that" judge "$T/b.sys"
ok "our verify takes both" "$client" verify --root "$T/kernel-root.pem" --tsa-root "$TSA_ROOT" "$T/a.sys" "$T/b.sys"
says out "timestamp: RFC 3161"
says out "timestamp: legacy"
for alg in sha1 sha256 sha384 sha512; do
	fresh "$T/c.sys"
	ok "imprint by $alg" sign --timestamp "$TSA_URL" --timestamp-digest $alg "$T/c.sys"
	ok "osslsigncode takes it, too" judge "$T/c.sys"
done

# what an authority may do wrong: sentence, exit status, file untouched
fresh "$T/c.sys"
while IFS='|' read -r fault words; do
	fails 5 "$fault" sign --timestamp "$TSA_BASE/fault/$fault" --timestamp-timeout 1s "$T/c.sys"
	says err "'$T/c.sys': no timestamp: '$TSA_BASE/fault/$fault': $words"
	ok "$fault: the file is as it was" untouched "$T/c.sys"
done <<'END'
status500|HTTP status 500, expected 200
error|
garbage|
nonce|
imprint|
hang|
big|the answer is over 65536 bytes
redirect|sends elsewhere
expired|
noeku|
END
fails 5 "authority of another root" sign --timestamp "$TSA_BASE/fault/otherroot" --tsa-root "$TSA_ROOT" \
	--timestamp-timeout 1s "$T/c.sys"
says err "certificate of the authority: "
fails 5 "legacy garbage" sign --timestamp-legacy "$TSA_BASE/fault/garbage" --timestamp-timeout 1s "$T/c.sys"
fails 5 "nobody listens" sign --timestamp http://127.0.0.1:1/ --timestamp-timeout 1s "$T/c.sys"
says err "http://127.0.0.1:1/"
ok "and the file is as it was" untouched "$T/c.sys"

# said of timestamps that nobody is asked for: a mistake, not a signature without one
fresh "$T/c.sys"
for idle in --timestamp-optional "--timestamp-digest sha256" "--timestamp-timeout 2s" "--tsa-root $TSA_ROOT"; do
	# shellcheck disable=SC2086
	fails 2 "nobody is named, but $idle" sign $idle "$T/c.sys"
	says err "'${idle%% *}': no time-stamping authority is named"
	says err "hint: give --timestamp URL"
	# shellcheck disable=SC2086
	fails 2 "none is wanted, but $idle" sign --no-timestamp $idle "$T/c.sys"
	says err "'--no-timestamp' and '${idle%% *}' are both given"
done
fails 2 "the older protocol has no choice of digest" sign --timestamp-legacy "$TSA_URL" --timestamp-digest sha256 "$T/c.sys"
says err "'--timestamp-digest': the older protocol"
ok "and the file is as it was" untouched "$T/c.sys"
echo "timestamp = $TSA_URL" >"$T/tsa.conf"
ok "the configuration may name one" "$client" --config "$T/tsa.conf" sign --ac "$T/cross.pem" --timestamp-digest sha512 \
	--timestamp-optional "$T/c.sys"
ok "osslsigncode takes that, too" judge "$T/c.sys"
fresh "$T/c.sys"

# optional, failover
ok "optional" sign --timestamp http://127.0.0.1:1/ --timestamp-timeout 1s --timestamp-optional "$T/c.sys"
says err "warning: '$T/c.sys': no timestamp: "
ok "it is signed" "$client" verify --root "$T/kernel-root.pem" "$T/c.sys"
fresh "$T/c.sys"
ok "the second URL helps" sign --timestamp "$TSA_BASE/fault/garbage" --timestamp "$TSA_URL" "$T/c.sys"
ok "osslsigncode takes what the second gave" judge "$T/c.sys"
mkdir "$T/many"
for i in $(seq 60); do
	{ cat "$T/drv64.sys" && echo "$i"; } >"$T/many/$i.sys"
done
before=$(tsa_asked /fault/hang)
ok "60 files, and the first authority never answers" sign --timestamp "$TSA_BASE/fault/hang" \
	--timestamp "$TSA_URL" --timestamp-timeout 3s --jobs 4 "$T"/many/*.sys
cp "$T/out" "$T/many.out"
sed "s/^/# tsa: /" "$T/tsa.err"
ok "which cost a thread one deadline at most" test $(($(tsa_asked /fault/hang) - before)) -le 4
ok "all are stamped" test "$(grep -c timestamped "$T/many.out")" = 60

# usage
fails 2 "both protocols at once" sign --timestamp "$TSA_URL" --timestamp-legacy "$TSA_LEGACY_URL" "$T/c.sys"
says err "exclude each other"
fails 2 "no address" sign --timestamp tsa.example.com "$T/c.sys"
says err "'tsa.example.com': not the address of a time-stamping authority"
fails 3 "no roots" sign --timestamp "$TSA_URL" --tsa-root "$T/drv.c" "$T/c.sys"
printf 'timestamp = %s\n' "$TSA_URL" >"$T/stamp.conf"
fresh "$T/c.sys"
ok "authority of the configuration" "$client" --config "$T/stamp.conf" sign --ac "$T/cross.pem" "$T/c.sys"
says out ", timestamped"
ok "unless the command line says none" "$client" --config "$T/stamp.conf" sign --no-timestamp "$T/c.sys"
cp "$T/out" "$T/none.out"
fails 1 "nothing is said of a timestamp" grep timestamped "$T/none.out"
printf 'timestamp-legacy = %s\n' "$TSA_LEGACY_URL" >>"$T/stamp.conf"
fails 2 "both kinds configured" "$client" --config "$T/stamp.conf" sign "$T/c.sys"
says err "exclude each other"

done_testing
