#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Where the PIN of kdsign-signer is while it serves, read from outside; when it is not tried at all; and what is
# wrong with a configuration before any PIN is tried.
# shellcheck source=tests/tap.sh
. "${srcdir:-.}/tests/tap.sh"
# shellcheck source=tests/e2e/signer_lib.sh
. "$srcdir/tests/e2e/signer_lib.sh"
need od
pin=kd-7Qz9-distinct-4711-xyzzy
scan=$builddir/tests/e2e/mem_scan
sanitized=
! grep -q '^#define KD_SANITIZE' "$builddir/config.h" || sanitized=yes

# line FILE TITLE PATTERN - one check that leaves what the last command printed
line() {
	grep -qE -e "$3" "$T/$1"
	tap_report $? "$2"
}

# ---- memory ----

# quiet TITLE PID FILE - that line is nowhere in the process; with sanitizers its memory is not ours to judge
quiet() {
	if [ -n "$sanitized" ]; then
		skip "$1" 'a sanitized program has terabytes of shadow memory'
		return
	fi
	ok "$1" "$scan" "$2" "$3"
}

# holds_secretmem PID - a descriptor of memfd_secret(2)
holds_secretmem() {
	for held in "/proc/$1/fd/"*; do
		case $(readlink "$held") in
		*secretmem*) return 0 ;;
		esac
	done
	return 1
}

ok "a token" new_token
ok "a key" new_key code rsa:2048 01
configure "$mock" code
echo 'CKR_DEVICE_ERROR' >"$T/seen" # a constant of the program
# shellcheck disable=SC3045 # dash and bash have it
ulimit -c unlimited
run_signer
ok "serving" ask 20 state ready
if [ -r "/proc/$signer_pid/mem" ] && head -c 1 "/proc/$signer_pid/maps" >/dev/null 2>&1; then
	child=$(child_pid)
	[ -n "$sanitized" ] || fails 1 "what is there is found" "$scan" "$signer_pid" "$T/seen"
	quiet "no readable mapping of the parent has the PIN" "$signer_pid" "$T/pin"
	quiet "none of the child's, after its login" "$child" "$T/pin"
	if holds_secretmem "$signer_pid"; then
		ok "the parent keeps it in memfd_secret" true
		fails 1 "mapped nowhere" grep -q secretmem "/proc/$signer_pid/maps" "/proc/$child/maps"
		ok "the child has let go of it" eval "! holds_secretmem $child"
	else
		skip "memfd_secret" "this kernel has none; locked memory is in its place"
	fi
	ok "a signature" ask 5 sign code rsa sha256 "$(digest x)" "$T/sig"
	# What a vendor's module keeps is its own affair: told, not promised.
	[ -n "$sanitized" ] || "$scan" "$child" "$T/pin" | sed 's/^/# SoftHSM after signing: /'
	kill -9 "$child"
	ok "a second child logs in with the same PIN" wait_for 20 ask 5 sign code rsa sha256 "$(digest x)" "$T/sig"
	quiet "and the parent still shows nothing" "$signer_pid" "$T/pin"
else
	skip "memory" "not allowed to read another process's memory (root can)"
fi
# A crash in the module, and one of the parent, with core files allowed by the shell.
echo "C_Sign crash once" >"$T/mock/control"
fails 1 "a crash while signing" ask 5 sign code rsa sha256 "$(digest y)" "$T/sig"
ok "is got over" wait_for 20 ask 5 sign code rsa sha256 "$(digest y)" "$T/sig"
kill -SEGV "$signer_pid"
ok "a crash of the parent" wait_for 10 sh -c "! kill -0 $signer_pid 2>/dev/null || grep -q 'State:.Z' /proc/$signer_pid/status"
stop "$signer_pid"
fails 1 "leaves the PIN in no file here" grep -rlqaF -e "$pin" "$T/signer.err" "$T/signer.out" "$T/state" "$T/mock"
ok "and no core file" sh -c "! ls core* '$T'/core* '$T/mock'/core* 2>/dev/null"
rm -f "$T/mock/control" "$T/mock/control.used"

# ---- core files ----

# Why the kernel would write no core file of anybody's into a folder of ours.
no_core_because() {
	case $(cat /proc/sys/kernel/core_pattern) in
	'|'* | */*) echo "core_pattern here is '$(cat /proc/sys/kernel/core_pattern)', not the folder of who crashed" ;;
	*) [ -z "$sanitized" ] || echo 'a sanitized program may be dumped, for the leak checker' ;;
	esac
}
dumps() { # how many there are
	find "$T/dumps" -type f | wc -l
}
crashed() {
	wait_for 20 sh -c "! kill -0 $1 2>/dev/null || grep -q 'State:.Z' /proc/$1/status"
}
# run_there - the signer, in the folder that core files would come into
run_there() {
	rm -f "$sock"
	start signer env -C "$T/dumps" "$(cd "$builddir" && pwd)/kdsign-signer" --config "$T/signer.conf"
	signer_pid=$pid
	wait_for 10 listens && ask 20 state ready
}
# may_dump PID - the limits that the signer gave itself are taken back from outside
may_dump() {
	prlimit --pid "$1" --core=unlimited:unlimited 2>/dev/null
}
# whole_dump WHO PID - all memory that can be read, also what the kernel would leave out of a core file
whole_dump() {
	gdb -nx -q -batch -p "$2" -ex 'print (int)prctl(3, 0, 0, 0, 0)' </dev/null >"$T/out" 2>"$T/err" # PR_GET_DUMPABLE
	line out "$1 is not dumpable for the kernel" '^\$1 = 0$'
	ok "$1 is dumped by a debugger" gcore -a -o "$T/dumps/$1" "$2"
	ok "$1's dump has what is in memory" grep -rqaF -e "pkcs11:token=kdsign" "$T/dumps"
	fails 1 "$1's dump has no PIN" grep -rqaF -e "$pin" "$T/dumps"
	rm -f "$T/dumps/"*
}

mkdir "$T/dumps"
why=$(no_core_because)
if [ -n "$why" ]; then
	skip "core files" "$why"
else
	# shellcheck disable=SC2016 # its own number
	env -C "$T/dumps" sh -c 'ulimit -c unlimited; kill -ABRT $$' >"$T/aborted" 2>&1
	ok "who crashes in that folder leaves a core file" test "$(dumps)" = 1
	rm -f "$T/dumps/"*
	ok "the signer is started there" run_there
	child=$(child_pid) raised=yes
	for who in "$signer_pid" "$child"; do
		ok "process $who may write none" grep -q '^Max core file size  *0  *0 ' "/proc/$who/limits"
		ok "and is in that folder" test "$(readlink "/proc/$who/cwd")" = "$T/dumps"
		may_dump "$who" || raised=
	done
	kill -ABRT "$child"
	ok "the child dies of SIGABRT" crashed "$child"
	ok "the next one serves" wait_for 20 ask 5 sign code rsa sha256 "$(digest x)" "$T/sig"
	kill -SEGV "$signer_pid"
	ok "the parent dies of SIGSEGV" crashed "$signer_pid"
	ok "neither leaves a core file${raised:+, though their limit was taken back: they are not dumpable}" test "$(dumps)" = 0
	[ -n "$raised" ] || skip "the same with their limit taken back" "prlimit(1) may not do that here"
	stop "$signer_pid"
fi
if [ -z "$sanitized" ] && command -v gcore >/dev/null && [ "$(id -u)" = 0 ]; then
	ok "the signer again" run_there
	whole_dump child "$(child_pid)"
	whole_dump parent "$signer_pid"
	ok "it signs on" wait_for 20 ask 5 sign code rsa sha256 "$(digest x)" "$T/sig"
	stop "$signer_pid"
else
	skip "what a core file would hold" "needs gcore (gdb), root and no sanitizer"
fi

# ---- flags that forbid a try ----

before=$(calls C_Login)
echo "C_GetTokenInfo flags 0x10000" >"$T/mock/control" # CKF_USER_PIN_COUNT_LOW
run_signer
ok "a token that remembers a wrong PIN is refused" ask 20 state latched
says out "CKF_USER_PIN_COUNT_LOW"
ok "before any login" test "$(calls C_Login)" = "$before"
rm -f "$T/mock/control"
ok "served by itself once the flag is gone" ask 30 state ready
stop "$signer_pid"
{ echo "pin-accept-count-low = yes" && cat "$T/signer.conf"; } >"$T/low.conf"
mv "$T/signer.conf" "$T/plain.conf" && mv "$T/low.conf" "$T/signer.conf"
echo "C_GetTokenInfo flags 0x10000" >"$T/mock/control"
run_signer
ok "pin-accept-count-low = yes: a login all the same" ask 20 state ready
line signer.err "with a warning" "says that a wrong PIN was tried before"
stop "$signer_pid"
echo "C_GetTokenInfo flags 0x20000" >"$T/mock/control" # CKF_USER_PIN_FINAL_TRY
before=$(calls C_Login)
run_signer
ok "but not for the last try of all" ask 20 state latched
ok "no login" test "$(calls C_Login)" = "$before"
stop "$signer_pid"
rm -f "$T/mock/control"
mv "$T/plain.conf" "$T/signer.conf"

# SoftHSM sets the flag itself.
pkcs11-tool --module "$softhsm" --token-label kdsign --login --pin wrong-1 --list-objects >"$T/out" 2>&1
run_signer
ok "somebody tried a wrong PIN with another program" ask 20 state latched
fails 0 "kdsign-token pin tries the right one once" "$builddir/kdsign-token" pin --config "$T/signer.conf"
says out "the PIN is right"
ok "and the service goes on by itself" ask 30 state ready
stop "$signer_pid"

# ---- what no login is spent on ----

# refused STATUS TITLE WORDS - ends at once, one sentence, nothing tried on the token
refused() {
	refused_before=$(calls C_Login)
	fails "$1" "$2" timeout 30 "$signer" --config "$T/bad.conf"
	line err "$2: says so" "$3"
	ok "$2: in one line, with at most a hint" test "$(grep -c 'error:' "$T/err")" = 1
	ok "$2: no login" test "$(calls C_Login)" = "$refused_before"
}

# bad SED - a configuration with that mistake
bad() {
	sed "$1" "$T/signer.conf" >"$T/bad.conf"
}

run_signer
ok "one signer serves the token" ask 20 state ready
mkdir -m 700 "$T/state2"
bad "s|^socket = .*|socket = $T/second.sock|; s|^state-dir = .*|state-dir = $T/state2|"
refused 78 "a second signer for it, with a folder of its own" \
	"token 'kdsign' serial '[0-9a-f]+': another kdsign-signer on this host serves it"
ln -s "$mock" "$T/link.so"
bad "s|^socket = .*|socket = $T/second.sock|; s|^state-dir = .*|state-dir = $T/state2|; s|^module = .*|module = $T/link.so|"
refused 78 "the same by a link to the module" "another kdsign-signer on this host serves it"
ln -s "$SOFTHSM2_CONF" "$T/link.conf"
# the environment's lines in another order, its file by another name
bad "s|^socket = .*|socket = $T/second.sock|; s|^state-dir = .*|state-dir = $T/state2|; /^module-environment = SOFTHSM2_CONF/d
	s|^module-environment = MOCK_DIR.*|&\nmodule-environment = SOFTHSM2_CONF=$T/link.conf|"
refused 78 "the same in an environment that only looks different" "another kdsign-signer on this host serves it"
if [ "$(id -u)" = 0 ] && [ ! -d /run/kdsign/tokens ] && unshare -m mount -t tmpfs none /run 2>/dev/null; then
	cat >"$T/elsewhere" <<-END
		#!/bin/sh
		mount -t tmpfs none /run && mkdir -p /run/kdsign/tokens && exec "$signer" --config "$T/bad.conf"
	END
	refused_before=$(calls C_Login)
	fails 78 "one that locks in another folder" timeout 30 unshare -m sh "$T/elsewhere"
	says err "another kdsign-signer on this host serves it"
	ok "it has tried no login" test "$(calls C_Login)" = "$refused_before"
else
	skip "one that locks in another folder" "needs root, a mount namespace, and no /run/kdsign/tokens of this host"
fi
bad "s|^socket = .*|socket = $T/second.sock|"
refused 78 "a second signer in the same folder" "another kdsign-signer is using it"
ok "the first one does not notice" ask 5 sign code rsa sha256 "$(digest x)" "$T/sig"
stop "$signer_pid"

ok "another token of the same name" softhsm2-util --init-token --free --label kdsign --so-pin 87654321 --pin "$pin"
bad ''
refused 78 "a URI that matches two tokens" "several tokens match: label 'kdsign' serial '[0-9a-f]+', label 'kdsign'"
bad 's|^token = .*|token = pkcs11:token=another|'
refused 78 "a URI that matches none" "token 'pkcs11:token=another': token not found: the module has label 'kdsign' serial '[0-9a-f]+', label 'kdsign'"
done_testing
