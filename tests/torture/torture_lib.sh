# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2154
# tests/torture/torture_lib.sh - sourced after tap.sh and signer_lib.sh: signers to torture, and what holds afterwards.
#
#	begin NAME [LINE...] a signer with a token and a mock of its own, in $T/NAME; LINEs into its configuration
#	faults NAME ARGS...  tests/torture/faults against it; its report in $T/NAME/report
#	finish NAME          checks of all that the mock wrote, and of the signer; then it is stopped

sanitized=
! grep -q '^#define KD_SANITIZE 1' "$builddir/config.h" || sanitized=yes
# KiB; a sanitizer keeps what was freed, to see who uses it
rss_max=16384
[ -z "$sanitized" ] || rss_max=131072

# A token of its own, because two signers may not serve one.
make_token() {
	SOFTHSM2_CONF=$T/$1/softhsm.conf
	mkdir "$T/$1/tokens" && echo "directories.tokendir = $T/$1/tokens" >"$SOFTHSM2_CONF" &&
		softhsm2-util --init-token --free --label kdsign --so-pin 87654321 --pin "$pin" >/dev/null &&
		new_key code rsa:2048 01 && pkcs11-tool --module "$softhsm" --token-label kdsign --read-object \
		--type pubkey --label code -o "$T/$1/code.spki" >/dev/null 2>&1 && (umask 077 && echo "$pin" >"$T/pin")
}

# Fast deadlines and a breaker that closes at once: what is tortured is what comes in between.
begin() {
	torture=$1
	shift
	mkdir -p "$T/$torture/mock" && mkdir -m 700 "$T/$torture/state" && make_token "$torture" || return
	{
		cat <<-END
			socket = $T/$torture/sock
			module = $mock
			module-environment = SOFTHSM2_CONF=$SOFTHSM2_CONF
			module-environment = MOCK_MODULE=$softhsm
			module-environment = MOCK_DIR=$T/$torture/mock
			token = pkcs11:token=kdsign
			pin-file = $T/pin
			state-dir = $T/$torture/state
			sessions = ${sessions:-4}
			sign-deadline = ${sign_deadline:-500}ms
			start-deadline = ${start_deadline:-500}ms
			starts-per-minute = 60000
		END
		for line; do
			echo "$line"
		done
		printf '[key %s]\nuri = pkcs11:object=%s\nrelax = rsa-2048\n' code code
	} >"$T/$torture/conf"
	start "$torture" "$signer" --config "$T/$torture/conf"
	echo "$pid" >"$T/$torture/pid"
	begun_pid=$pid
	is_up() { "$builddir/tests/e2e/signer_client" "$T/$torture/sock" 20 state ready 2>/dev/null || tap_ended "$begun_pid"; }
	wait_for 20 is_up
	size_of "$pid" >"$T/$torture/before"
}

sum_of() { awk '{ n += $1 } END { print n }' "$1"; }
is_as_before() { size_of "$2" >"$T/$1/after" && [ "$(sum_of "$T/$1/after")" -le "$(sum_of "$T/$1/before")" ]; }

# descriptors of a process, by what they are, and its threads
size_of() {
	find "/proc/$1/fd" -mindepth 1 -printf '%l\n' | sed 's/[0-9]\{1,\}//g' | sort | uniq -c
	find "/proc/$1/task" -mindepth 1 -maxdepth 1 | wc -l
}
rss_of() { awk '$1 == "VmRSS:" { print $2 }' "/proc/$1/status"; }

faults() {
	torture=$1
	shift
	"$builddir/tests/torture/faults" "$T/$torture/sock" "$T/$torture/mock" "$T/$torture/state" "$T/$torture/code.spki" code \
		"${sign_deadline:-500}" "$@" >"$T/$torture/report" 2>&1
}

report() { sed -n "s/.*$2=\([0-9.]*\).*/\1/p" "$T/$1/report" | tail -n 1; }

# How often each digest was handed to C_Sign is in the journal; one that stands there twice is a second signature.
finish() {
	torture_pid=$(cat "$T/$1/pid")
	ok "$1: the parent is the one that was started" kill -0 "$torture_pid"
	ok "$1: no digest was handed to C_Sign twice" test -z "$(awk '$1 == "sign" { print $7 }' "$T/$1/mock/journal" |
		sort | uniq -d)"
	ok "$1: no call out of order, no session in two threads, no PIN left in memory" test ! -e "$T/$1/mock/violations"
	ok "$1: no descriptor and no thread more" wait_for 10 is_as_before "$1" "$torture_pid"
	[ "$tap_failed" = 0 ] || diff "$T/$1/before" "$T/$1/after" | sed 's/^/# /'
	ok "$1: the parent has not grown ($(rss_of "$torture_pid") KiB)" test "$(rss_of "$torture_pid")" -lt "$rss_max"
	[ ! -x "$builddir/tests/e2e/mem_scan" ] || [ -n "$sanitized" ] ||
		fails 0 "$1: no PIN in the parent's memory" "$builddir/tests/e2e/mem_scan" "$torture_pid" "$T/pin"
	fails 1 "$1: no PIN in its log" grep -qF "$pin" "$T/$1.err"
	stop "$torture_pid"
}

# What alloc_fail.c reads and counts in, when $ALLOC_FAIL names it.
printf '\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0' >"$T/numbers"
# arm N - the Nth allocation from now fails; 0: none. Written over, because it is mapped.
arm() {
	# shellcheck disable=SC2059
	printf "$(printf '\\%03o\\%03o\\%03o' $(($1 & 255)) $(($1 >> 8 & 255)) $(($1 >> 16 & 255)))\0\0\0\0\0" >"$T/target"
	{ printf '\0\0\0\0\0\0\0\0' && cat "$T/target"; } | dd of="$T/numbers" conv=notrunc 2>/dev/null
}
counted() { od -An -tu8 -N8 "$T/numbers" | tr -d ' '; }
