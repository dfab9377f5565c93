# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# tests/tap.sh - sourced by every *.t: checks that print TAP, and processes that do not outlive them.
#
#	. "${srcdir:-.}/tests/tap.sh"
#	need osslsigncode                     skip everything unless these commands exist
#	corpus pe-signed                      $C is that folder of the corpus; skip everything without it
#	ok "title" cmd args...                cmd succeeds
#	fails 3 "title" cmd args...           cmd exits with 3
#	says err "text"                       the last cmd's stderr (or out) has that text, taken literally
#	says_not err "text"                   it has not
#	silent                                the last cmd printed nothing at all
#	start NAME cmd args...                in the background; $pid; output in $T/NAME.out, $T/NAME.err
#	ok "title" wait_for 10 cmd args...    cmd succeeds within ten seconds, asked again and again
#	stop "$pid"                           SIGTERM, after ten seconds SIGKILL; $? is its exit status
#	skip "title" "reason"                 one check that cannot be made here
#	done_testing
#
# $T is a fresh directory, removed at the end together with every process that start began.

: "${srcdir:=.}" "${builddir:=.}"
tap_count=0
tap_failed=0
tap_pids=
T=$(mktemp -d "${TMPDIR:-/tmp}/kdsign-test.XXXXXX") || exit 99
: >"$T/out"
: >"$T/err"

tap_clean_up() {
	tap_status=$?
	trap - EXIT HUP INT TERM
	for tap_pid in $tap_pids; do
		stop "$tap_pid"
	done
	rm -rf "$T"
	exit "$tap_status"
}
trap tap_clean_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# tap_report STATUS TITLE - one line, and what the command said when it went wrong
tap_report() {
	tap_count=$((tap_count + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $tap_count - $2"
		return
	fi
	tap_failed=1
	echo "not ok $tap_count - $2"
	tail -n 50 "$T/out" "$T/err" | sed 's/^/# /'
}

ok() {
	tap_title=$1
	shift
	"$@" >"$T/out" 2>"$T/err"
	tap_report $? "$tap_title"
}

fails() {
	tap_want=$1 tap_title=$2
	shift 2
	"$@" >"$T/out" 2>"$T/err"
	tap_got=$?
	[ "$tap_got" -eq "$tap_want" ]
	tap_report $? "$tap_title (exit $tap_got, want $tap_want)"
}

says() {
	grep -qF -e "$2" "$T/$1"
	tap_report $? "$1 says: $2"
}

says_not() {
	! grep -qF -e "$2" "$T/$1"
	tap_report $? "$1 does not say: $2"
}

# By ok and a command of its own it would be that command's output that is looked at.
silent() {
	[ ! -s "$T/out" ] && [ ! -s "$T/err" ]
	tap_report $? "nothing is printed"
}

skip() {
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - $1 # SKIP $2"
}

skip_all() {
	echo "1..0 # SKIP $*"
	exit 0
}

need() {
	for tap_command; do
		command -v "$tap_command" >/dev/null || skip_all "$tap_command is not installed"
	done
}

corpus() {
	C=${KDSIGN_CORPUS:-$srcdir/../shared/corpus}/$1
	[ -e "$C" ] || skip_all "no corpus '$1' (KDSIGN_CORPUS names its folder)"
}

wait_for() {
	tap_tries=$(($1 * 20))
	shift
	until "$@"; do
		tap_tries=$((tap_tries - 1))
		[ "$tap_tries" -gt 0 ] || return 1
		sleep 0.05
	done
}

start() {
	tap_name=$1
	shift
	"$@" >"$T/$tap_name.out" 2>"$T/$tap_name.err" </dev/null &
	pid=$!
	tap_pids="$tap_pids $pid"
}

# A process that ended stays a zombie until the shell waits for it.
tap_ended() {
	! [ -e "/proc/$1/status" ] || grep -q '^State:[[:space:]]*Z' "/proc/$1/status" 2>/dev/null
}

stop() {
	kill -TERM "$1" 2>/dev/null
	wait_for 10 tap_ended "$1" || kill -KILL "$1" 2>/dev/null
	tap_rest=
	for tap_other in $tap_pids; do
		[ "$tap_other" = "$1" ] || tap_rest="$tap_rest $tap_other"
	done
	tap_pids=$tap_rest
	wait "$1" 2>/dev/null
}

done_testing() {
	echo "1..$tap_count"
	exit "$tap_failed"
}
