#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Each allocation of kdsign-signer and kdsign-keeper fails once: at the start, and in each thing that they do. Nobody
# crashes or hangs, the answer says so, and the next one is right.
# shellcheck source=tests/tap.sh
. "${srcdir:-.}/tests/tap.sh"
# shellcheck source=tests/e2e/signer_lib.sh
. "$srcdir/tests/e2e/signer_lib.sh"
# shellcheck source=tests/torture/torture_lib.sh
. "$srcdir/tests/torture/torture_lib.sh"
# shellcheck source=tests/e2e/keeper.sh
. "$srcdir/tests/e2e/keeper.sh"

[ -z "$sanitized" ] || skip_all 'sanitizers have an allocator of their own'
shim=$(cd "$builddir" && pwd)/tests/torture/alloc_fail.so
[ -e "$shim" ] || skip_all 'tests/torture/alloc_fail.so is not built'
step=7 # each seventh at the start, where one costs a start; make torture: each one
[ "${TORTURE:-}" != whole ] || step=1
export ALLOC_FAIL="$T/numbers"
export signer_sock="$T/alloc/sock"

# a_fault WHAT N - one line of what went wrong; the checks ask that there is none
a_fault() {
	echo "$1, allocation $2" >>"$T/faults"
}
: >"$T/faults"
none_wrong() {
	cp "$T/faults" "$T/out"
	[ ! -s "$T/faults" ]
	tap_report $? "$1"
	: >"$T/faults"
}

# ended PID - its exit status is one of ours, not a signal's
ended() {
	wait "$1" 2>/dev/null
	ended_with=$?
	[ "$ended_with" -lt 128 ]
}

# ---- starts ----

# starts WHAT READY-COMMAND COMMAND... - its start with each allocation failing
starts() {
	starts_what=$1 starts_ready=$2
	shift 2
	arm 0
	start "count-$starts_what" "$@"
	wait_for 20 "$starts_ready" 2>/dev/null || a_fault "$starts_what does not start" 0
	starts_n=$(counted)
	stop "$pid"
	starts_i=1
	while [ "$starts_i" -le "$starts_n" ]; do
		arm "$starts_i"
		start "$starts_what" "$@"
		until "$starts_ready" 2>/dev/null || tap_ended "$pid" || [ $((starts_tries += 1)) -gt 400 ]; do
			sleep 0.05
		done
		[ "${starts_tries:-0}" -le 400 ] || a_fault "$starts_what neither starts nor ends" "$starts_i"
		starts_tries=0
		tap_ended "$pid" || kill -TERM "$pid"
		wait_for 15 tap_ended "$pid" || a_fault "$starts_what does not end" "$starts_i"
		ended "$pid" || a_fault "$starts_what ended with $ended_with" "$starts_i"
		total=$((total + 1))
		starts_i=$((starts_i + step))
	done
	arm 0
}
total=0

signer_ready() { timeout 5 "$builddir/tests/e2e/signer_client" "$T/alloc/sock" 1 state ready >/dev/null 2>&1; }
signer=$builddir/tests/torture/signer_alloc
begin alloc "module-environment = ALLOC_FAIL=$T/numbers" 'breaker-wait = 20ms' \
	'breaker-wait-max = 20ms' >"$T/out" || exit 99
stop "$(cat "$T/alloc/pid")"
starts kdsign-signer signer_ready "$signer" --config "$T/alloc/conf"
none_wrong "the start of kdsign-signer, parent and child: $starts_n allocations"
rm -f "$T/alloc/state/latch"

make_pki
make_conf
start_signer
starts kdsign-keeper ready env LD_PRELOAD="$shim" "$builddir/kdsign-keeper" --config "$T/keeper.conf"
none_wrong "the start of kdsign-keeper: $starts_n allocations"

# ---- what they do ----

start keeper env LD_PRELOAD="$shim" "$builddir/kdsign-keeper" --config "$T/keeper.conf"
keeper_pid=$pid
ok 'a keeper that runs' wait_for 10 ready

# does WHAT COMMAND... - the same again and again, another allocation failing each time, until none is left. Its
# status: 0 as it should be, 1 refused, else wrong. 124 is timeout(1)'s: no answer at all.
does() {
	does_what=$1
	shift
	does_i=1 does_refused=0 does_clean=0
	while [ $does_clean -lt 3 ] && [ $does_i -le "$does_max" ]; do
		does_count=
		arm $does_i
		"$@" $does_i
		does_status=$?
		[ -n "$does_count" ] || does_count=$(counted)
		arm 0
		case $does_status in
		0) ;;
		1) does_refused=$((does_refused + 1)) ;;
		*) a_fault "$does_what: $does_status: $(head -c 300 "$T/answer")" $does_i ;;
		esac
		tap_ended "$keeper_pid" && a_fault "$does_what: the keeper has ended" $does_i && return
		if [ "$does_count" -lt $does_i ]; then
			does_clean=$((does_clean + 1))
		else
			total=$((total + 1))
		fi
		does_i=$((does_i + 1))
	done
	none_wrong "$does_what: $((does_i - 1 - does_clean)) allocations, $does_refused refused"
}
in_time() { timeout 20 "$@" >"$T/answer" 2>"$T/ask.err"; }
asks() { in_time "$tools/fake_front_tool" -s "$T/keeper.sock" -c "$T/host1.chain" "$@"; }

# judged GOOD-STATUS - what the answer is worth. A connection that was cut is an answer as well: the front tells its
# client 503 and comes again.
judged() {
	[ -s "$T/answer" ] || return 7
	case $(head -n 1 "$T/answer") in
	"$1 "*) return 0 ;;
	50[034]\ *) grep -q '"items"' "$T/answer" && return 0 ;; # failed at the token, or after it
	esac
	case $(head -n 1 "$T/answer") in
	503\ * | gone) return 1 ;;
	500\ *) grep -q out_of_memory "$T/answer" && return 1 ;;
	esac
	return 8
}
a_get() { # WHAT N
	asks "$1"
	judged 200
}
get_keys() { a_get keys; }
get_ready() { a_get ready; }
get_metrics() {
	in_time "$tools/fake_front_tool" -s "$T/keeper.sock" metrics
	judged 200
}
# A request, and the same again when memory is there: it must be signed, once.
sign_one() {
	body "alloc-$round-$(printf %08d "$1")" "$(printf %02x $(($1 % 256)))" >"$T/body.json"
	asks sign <"$T/body.json"
	judged 200
	sign_first=$?
	grep -q '"code"' "$T/answer" && sign_first=1
	arm 0
	wait_for 10 ready || return 7
	asks sign <"$T/body.json"
	judged 200 && return "$sign_first"
	return 6
}
# The answer of a reload is its line in the log: wholly or not at all, and the keeper serves on.
reloaded() { [ "$(grep -c 'configuration reloaded\|stays in force' "$T/keeper.err")" -gt "$reloads" ]; }
reload() {
	reloads=$(grep -c 'configuration reloaded\|stays in force' "$T/keeper.err")
	arm "$1"
	kill -HUP "$keeper_pid"
	wait_for 20 reloaded || return 7
	does_count=$(counted)
	arm 0
	wait_for 10 ready || return 7
	tail -n 3 "$T/keeper.err" >"$T/answer"
	grep -q 'configuration reloaded' "$T/answer" && return 0
	grep -q 'out of memory' "$T/answer" && return 1
	return 8
}
get_signature() {
	asks get "alloc-$round-00000001"
	judged 200
}
round=a
does_max=2000
does 'GET /v1/keys' get_keys
does 'GET /readyz' get_ready
does 'GET /metrics' get_metrics
does 'POST /v1/signatures' sign_one
does 'GET /v1/signatures/{id}' get_signature
does 'a reload' reload
ok 'each was signed once' test -z "$(sort "$T/journal" | uniq -d)"
none_sql() { ok "$1" test "$(sql "$2")" = 0; }
stop "$keeper_pid"
ok 'the keeper ends well' test $? -eq 0
none_sql 'as many outcomes as intents' "SELECT (SELECT count(*) FROM event WHERE json_extract(json,'\$.event') = 'intent') -
	(SELECT count(*) FROM event WHERE json_extract(json,'\$.event') IN ('result', 'unknown'))"
none_sql 'numbers without a gap' 'SELECT count(*) - max(seq) FROM event'

start signed "$signer" --config "$T/alloc/conf"
keeper_pid=$pid # whom does() looks after
ok 'a signer that runs' wait_for 20 signer_ready
sign_digest() {
	in_time "$builddir/tests/e2e/signer_client" "$T/alloc/sock" 10 sign code rsa sha256 "$(digest "x$1")" "$T/sig" &&
		grep -q 'code=ok' "$T/answer"
}
# Not while it logs in, which would be a latch: "ready" is also said while one child takes another's place, so it has to sign.
new_child() {
	arm 0
	wait_for 20 sign_digest "before $1" || return 7
	arm "$1"
	kill -KILL "$(pgrep -P "$keeper_pid")" 2>/dev/null
	wait_for 20 signer_ready || return 7
	sign_digest "$1"
}
does 'a signature' sign_digest
does_max=24 # a start has about that many; who waits for it has others, so that there is no end to see
does 'a new child' new_child
arm 0
wait_for 20 sign_digest 'before the end' || a_fault 'no signature' 0
# The module was refused memory, too, and may keep what it then made of a key: in a fresh process it has nothing of that.
kill -KILL "$(pgrep -P "$keeper_pid")" 2>/dev/null
ok 'and it signs' wait_for 20 sign_digest end
stop "$keeper_pid"
echo "# alloc failures=$total"
done_testing
