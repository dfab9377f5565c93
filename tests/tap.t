#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tests/tap.t - the helpers of the end-to-end tests notice failure, wait, and clean up after themselves.
. "${srcdir:-.}/tests/tap.sh"

lib=$(cd "$srcdir/tests" && pwd)/tap.sh
folder=$(cd "$srcdir" && pwd)

# script TEXT - runs TEXT as a test of its own, its output where ok and fails look
script() {
	printf '. "%s"\n%s\n' "$lib" "$1" >"$T/script"
	srcdir=$folder sh "$T/script"
}

ok "all good" script 'ok yes true; fails 3 three sh -c "exit 3"; done_testing'
says out "ok 2 - three (exit 3, want 3)"
says out "1..2"
fails 1 "a failing command" script 'ok no sh -c "echo why >&2; false"; done_testing'
says out "not ok 1 - no"
says out "# why"
fails 1 "another exit status" script 'fails 3 three sh -c "exit 4"; done_testing'
says out "not ok 1 - three (exit 4, want 3)"
fails 1 "a text not said" script 'ok x echo abc; says out "a.c"; done_testing'
says out "not ok 2 - out says: a.c"
ok "a missing command" script 'need no-such-command-here; done_testing'
says out "SKIP no-such-command-here is not installed"
ok "a missing corpus" script 'KDSIGN_CORPUS=/nonexistent; corpus pe; done_testing'
says out "SKIP no corpus 'pe'"
ok "a condition that comes true" script 'start s sh -c "sleep 0.2; : >$T/there"; ok x wait_for 5 test -e "$T/there"; done_testing'
ok "a condition that does not" script 'fails 1 x wait_for 1 false; done_testing'
ok "stop gives the exit status" script 'start s sh -c "trap \"exit 7\" TERM; : >$T/up; while :; do sleep 0.05; done"
	wait_for 5 test -e "$T/up"; stop "$pid"; ok seven test $? -eq 7; done_testing'
script 'start s sleep 60; echo "$pid $T" >&3; exit 0' 3>"$T/left" >/dev/null
read -r left_pid left_folder <"$T/left"
fails 1 "a background process does not outlive its test" kill -0 "$left_pid"
ok "nor does its folder" test ! -e "$left_folder"
done_testing
