#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# While one key's signature hangs in its module, and while one token is left alone, other keys and tokens go on at the
# pace of before. Figures are judged by make torture alone.
# shellcheck source=tests/tap.sh
. "${srcdir:-.}/tests/tap.sh"
# shellcheck source=tests/e2e/whole_lib.sh
. "$srcdir/tests/e2e/whole_lib.sh"

hangs=1 open_n=500 whole='' slowest=30000
[ "${TORTURE:-}" != whole ] || hangs=5 open_n=10000 whole=yes slowest=10500
rate=60 each=$((11 * 60 * 2)) before=$((5 * 60 * 2)) # of two keys; during is as long as a hang takes and a second more
make_service
use_mock

# a second token, with its signer and the key "third"
mkdir -m 700 "$T/aside-tokens" "$T/aside-state"
sed "s|$T/tokens|$T/aside-tokens|" "$T/softhsm.conf" >"$T/aside-softhsm.conf"
(
	SOFTHSM2_CONF=$T/aside-softhsm.conf
	softhsm2-util --init-token --free --label kdsign-test --so-pin 12345678 --pin 123456 >"$T/keygen.log" 2>&1 || exit 99
	token_key third EC:prime256v1 '/CN=Third Key' 03
) || exit 99
cat >"$T/etc/signer-aside.conf" <<-END
	socket = $T/state/aside.sock
	module = $module
	module-environment = SOFTHSM2_CONF=$T/aside-softhsm.conf
	token = pkcs11:token=kdsign-test
	pin-file = $T/etc/pin-aside
	state-dir = $T/aside-state
	[key third]
	uri = pkcs11:object=third;type=private
END
(umask 077 && cp "$T/etc/pin" "$T/etc/pin-aside")
chmod 600 "$T/etc/signer-aside.conf"
printf '%s\n' '[signer aside]' "socket = $T/state/aside.sock" '[key third]' 'signer = aside' "certificates = $T/third.pem" \
	"certificates = $T/middle.pem" >>"$T/etc/keeper.conf"
sed -i 's/^keys = driver second/keys = driver second third/' "$T/etc/keeper.conf"
start_service
signer_pid=$(pgrep -P "$service" -f '/signer.conf')

# pace NAME OPTION... - its report is in $T/NAME.pace
pace() {
	pace_name=$1
	shift
	"$builddir/tests/torture/pace" -s "$T/state/keeper.sock" -c "$T/two.pem" -l "$T/$pace_name.told" "$@" >"$T/$pace_name.pace"
}
of() { sed -n "s/^key=$2 \(.* \)\{0,1\}$3=\([0-9]*\).*/\2/p" "$T/$1.pace"; } # RUN KEY MEMBER
all_signed() { [ "$(of "$1" "$2" signed)" = "$(of "$1" "$2" n)" ]; }
# p99 FILE KEY - of all that was told, in microseconds
p99() { awk -v key="$2" '$2 == key { print $5 }' "$T/$1" | sort -n | awk '{ v[NR] = $1 } END { print v[int(NR * 0.99) + 1] }'; }

for i in $(seq $hangs); do
	ok 'two keys on two tokens, nothing else' pace before -k second,third -r $((2 * rate)) -n $before
	child=$(pgrep -P "$signer_pid")
	order C_Sign hang once key 01
	pace hung -k driver -n 1 &
	asking=$!
	ok "hang $i: a signature of another key has begun" wait_for 10 test -e "$T/mock/control.used"
	rm -f "$T/mock/control.used"
	ok 'the same meanwhile' pace during -k second,third -r $((2 * rate)) -n $each
	wait $asking
	ok 'every one was signed by the same token' all_signed during second
	ok 'and by the other one' all_signed during third
	ok 'the one that hung has its answer' grep -q ' driver 504 token_timeout ' "$T/hung.told"
	took=$(($(of hung driver max_us) / 1000))
	ok "at the deadline of 10 s ($took ms)" test "$took" -ge 10000 -a "$took" -le "$slowest"
	ok 'the process of before is gone' test "$(pgrep -P "$signer_pid")" != "$child"
done
order
# What is below 20 ms is the scheduler's, on a machine that does other things.
for key in second third; do
	b=$(p99 before.told $key) d=$(p99 during.told $key)
	limit=$((2 * b))
	[ $limit -gt 20000 ] || limit=20000
	[ -z "$whole" ] || ok "$key is not slower than twice" test "$d" -le $limit
	echo "# others key=$key hangs=$hangs p99_before_us=$b p99_during_us=$d"
done

# ---- left alone ----
stop_service
# Here the breaker stands alone, without the bound on starts.
set_conf signer.conf 'breaker-wait = 10min' 'breaker-wait-max = 10min' 'starts-per-minute = 60000'
start_service
signer_pid=$(pgrep -P "$service" -f '/signer.conf')
order C_SignInit fail 0x6
is_open() { api /readyz >"$T/status"; jq -e '[.tokens[].breaker] | index("open")' "$T/body" >"$T/jq"; }
opened() {
	pace opening -k driver -n 4
	is_open
}
who=two
ok 'a breaker is open' wait_for 20 opened
gone() { [ -z "$(pgrep -P "$signer_pid")" ]; }
ok 'no process holds the module' wait_for 10 gone
asked=$(wc -l <"$T/mock/calls")
best=
for i in 1 2 3; do
	pace aside -k third -r $rate -n $((open_n * rate / 500 + 1)) &
	asking=$!
	ok "$open_n requests of it, 500 a second" pace open -k driver -r 500 -n $open_n
	wait $asking
	ok 'each is refused' test "$(of open driver status.503)" = $open_n
	ok 'the other token signs' all_signed aside third
	sed 's/^/# others open /' "$T/open.pace"
	sed 's/^/# others aside /' "$T/aside.pace"
	[ -n "$best" ] && [ "$best" -lt "$(of open driver p99_us)" ] || best=$(of open driver p99_us)
done
ok 'the module is not touched' test "$(wc -l <"$T/mock/calls")" = "$asked"
[ -z "$whole" ] || ok "p99 is below 5 ms, when the machine has time ($best us)" test "$best" -lt 5000
order
stop_service
record_hears
done_testing
