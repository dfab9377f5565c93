#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A module that leaks with each signature is loaded anew between them: no request fails for it, and its process stays small.
# shellcheck source=tests/tap.sh
. "${srcdir:-.}/tests/tap.sh"
# shellcheck source=tests/e2e/whole_lib.sh
. "$srcdir/tests/e2e/whole_lib.sh"

! grep -q '^#define KD_SANITIZE 1' "$builddir/config.h" || skip_all "a sanitizer's memory says nothing of the module's"
ms=5000
[ "${TORTURE:-}" != whole ] || ms=60000
make_service
use_mock
set_conf signer.conf 'module-growth = 32M' 'sessions = 4'
start_service
signer_pid=$(process kdsign-signer)
replaced() { grep -c 'is replaced: the module has taken' "$T/service.err"; }
load() { # MS
	"$builddir/tests/unit/keeper/fake_front_tool" -s "$T/state/keeper.sock" -c "$T/one.pem" -n 4 -b 1 -t "$1" \
		-l "$T/released" load
}
# the largest that a child of the signer has been, in KiB
watch() {
	while [ ! -e "$T/watched" ]; do
		awk '$1 == "VmHWM:" { print $2 }' "/proc/$(process signer-child)/status" 2>/dev/null
		sleep 0.1
	done >"$T/sizes"
}
ok 'all is well' load 500
watch &
watcher=$!
order C_Sign leak 1
ok "a module that leaks 1 MiB with each signature, for $ms ms" load $ms
cp "$T/out" "$T/load.out"
says out ' others 0'
order
: >"$T/watched"
wait $watcher
largest=$(sort -n "$T/sizes" | tail -n 1)
ok "its process was replaced, $(replaced) times" test "$(replaced)" -ge 2
ok 'by the same parent' kill -0 "$signer_pid"
ok 'which takes it for no fault' test "$(grep -c 'breaker open' "$T/service.err")" = 0
# It looks once a second, and finishes what it has begun.
ok "and was never large ($largest KiB)" test "$largest" -lt 1048576
ok 'all is well again' load 200
stop_service
record_hears
echo "# leak replaced=$(replaced) largest_kib=$largest signed=$(calls C_Sign) $(cat "$T/load.out")"
done_testing
