#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# One key on several tokens: shared between them, a failed one left out, back when it is healthy, and nothing signed
# twice, whatever one of them does. The tokens' journals are the truth.
# shellcheck source=tests/tap.sh
. "${srcdir:-.}/tests/tap.sh"
# shellcheck source=tests/e2e/keeper.sh
. "${srcdir:-.}/tests/e2e/keeper.sh"

make_pki
make_conf
two='signer = left right'
sed -i "s|^signer = one|$two|; s|^\[signer one\]|[signer left]|; s|^socket = .*signer.sock|socket = $T/left.sock|" \
	"$T/keeper.conf"
printf '[signer right]\nsocket = %s\n' "$T/right.sock" >>"$T/keeper.conf"

start_token() { # left|right [OPTION...]
	which=$1
	shift
	echo sign >"$T/$which.mode"
	start "$which" "$tools/fake_signer_tool" -s "$T/$which.sock" -k "$T/leaf.key" -n driver -j "$T/$which.journal" \
		-m "$T/$which.mode" "$@"
	eval "${which}_pid=\$pid"
}
start_token left
start_token right
start_keeper

number=0
many() { # N - a request with as many items, each another digest, from standard output
	printf '{"id":"pool-request-%04d","items":[' "$number"
	i=0
	while [ $i -lt "$1" ]; do
		[ $i = 0 ] || printf ,
		printf '{"kind":"pe","name":"f.sys","size":9,"digest_algorithm":"sha256","digest":"%032x%032x"}' "$number" $i
		i=$((i + 1))
	done
	printf ']}'
}
# sign N [STATUS] - a new request of N items; the answer in $T/answer
sign() {
	number=$((number + 1))
	many "$1" >"$T/request"
	DEADLINE=${DEADLINE:-20000} ask host1 sign <"$T/request" >"$T/answer" && grep -q "^${2:-200}" "$T/answer"
}
signed() { test "$(grep -o '"status":"signed"' "$T/answer" | wc -l)" = "$1"; }
heard() { # left|right - jobs since "forget"
	test -s "$T/$1.journal" && wc -l <"$T/$1.journal" || echo 0
}
forget() { : >"$T/left.journal" && : >"$T/right.journal"; }
once() { test -z "$(cat "$T/left.journal" "$T/right.journal" | sort | uniq -d)"; }
all_heard() { test $(($(heard left) + $(heard right))) = "$1"; }

# ---- shared ----

ok 'a request of 200 items is signed' sign 200
ok 'all of it' signed 200
ok 'by both tokens' test "$(heard left)" -gt 20 -a "$(heard right)" -gt 20
ok 'each item once' once
ok 'and none by nobody' all_heard 200

# ---- one says no before it has begun ----

forget
echo unheard >"$T/left.mode"
ok 'a token that takes nothing costs nothing' sign 50
ok 'all items are signed' signed 50
ok 'by the other' test "$(heard right)" = 50
echo unheard >"$T/right.mode"
ok 'with both the client hears 503' sign 3 503
echo sign >"$T/left.mode"
ok 'one that is healthy again is used again' sign 50
ok 'for all' signed 50
ok 'alone' test "$(heard left)" = 50
echo sign >"$T/right.mode"
ok 'no item was signed twice' once

# ---- one fails when it has begun ----

forget
echo fail >"$T/left.mode"
ok 'what a token began and failed is answered as failed' sign 100
heard_left=$(heard left)
ok 'just that' signed $((100 - heard_left))
ok 'some were' test "$heard_left" -gt 0
ok 'and goes to no other token' once
echo sign >"$T/left.mode"

# ---- one is stuck ----

forget
echo hang >"$T/left.mode"
ok 'what a stuck token has is answered at the deadline' sign 100
heard_left=$(heard left)
ok 'the rest is signed by the other' signed $((100 - heard_left))
ok 'without the stuck one ever being given more than its window' test "$heard_left" -le 32
ok 'nothing goes to the other a second time' once
echo sign >"$T/left.mode"

# ---- one goes away ----

forget
stop "$left_pid"
ok 'with one token gone, requests are signed' sign 50
ok 'wholly' signed 50
ok 'by the other' test "$(heard right)" = 50
ok 'and the keeper says it is ready' ready
start_token left
used_again() { forget && sign 40 && test "$(heard left)" -gt 0; }
ok 'back, it is used again' wait_for 20 used_again
ok 'nothing was signed twice' once

for round in 1 2 3 4 5 6; do
	wait_for 20 used_again
	number=$((number + 1))
	many 300 >"$T/request"
	DEADLINE=20000 ask host1 sign <"$T/request" >"$T/answer" &
	asking=$!
	sleep "0.0$round"
	kill -KILL "$left_pid"
	wait "$left_pid" 2>/dev/null
	wait "$asking"
	statuses=$(grep -o '"status":"[a-z]*"' "$T/answer" | sort | uniq -c | tr -s ' \n' ' ')
	n=$(grep -o '"status":"\(signed\|failed\)"' "$T/answer" | wc -l)
	ok "killed while signing ($statuses): every item has its answer" test "$n" = 300
	ok 'and none was heard by both' once
	start_token left
done

# ---- one is frozen: it keeps its connection, and says nothing ----

frozen() { # N - so many signers are seen to be
	ask host1 ready >"$T/answer" && test "$(grep -o '"state":"does not answer"' "$T/answer" | wc -l)" = "$1"
}
ok 'both work' wait_for 20 used_again
kill -STOP "$left_pid"
ok 'a frozen one is seen' wait_for 20 frozen 1
forget
ok 'with one token frozen, requests are signed' sign 50
ok 'wholly' signed 50
ok 'by the other' test "$(heard right)" = 50
ok 'and the keeper says it is ready' ready
kill -STOP "$right_pid"
ok 'the other one, too' wait_for 20 frozen 2
ok 'nothing waits for them' sign 3 503
says answer 'does not answer'
ok 'the client hears when to come again' grep -q '^503 [1-9]' "$T/answer"
ok 'nobody has heard of that' test "$(heard left)$(heard right)" = 050
kill -CONT "$left_pid" "$right_pid"
ok 'both come back by themselves' wait_for 20 frozen 0
ok 'and are used' wait_for 20 used_again
ok 'nothing was signed twice' once

# ---- all are away: when the first of them is tried again counts ----

stop "$left_pid"
stop "$right_pid"
start_token left -r 60000
start_token right -r 9000
away() { ask host1 ready >"$T/answer" && test "$(grep -o '"state":"absent"' "$T/answer" | wc -l)" = 2; }
ok 'both tokens are away' wait_for 20 away
ok 'a request is refused' sign 3 503
ok "until the first is tried again ($(head -n 1 "$T/answer"))" grep -qE '^503 [1-9]$' "$T/answer"
says answer "token of signer 'left' is absent; token of signer 'right' is absent"
stop "$right_pid"
one_left() { sign 3 503 && grep -q "is absent; signer 'right' is not connected" "$T/answer"; }
ok 'each says what is wrong with it' wait_for 20 one_left
ok "and a signer that comes back any moment is waited for" grep -qE '^503 [12]$' "$T/answer"
stop "$left_pid"
start_token left
start_token right
ok 'back, both are used' wait_for 20 used_again

# ---- two keys, one of them on one token alone ----

cat >>"$T/keeper.conf" <<END
[key alone]
signer = right
certificates = $T/leaf.pem
END
sed -i 's/^keys = driver/keys = driver alone/' "$T/keeper.conf"
kill -HUP "$keeper_pid"
ok 'a key can be added beside' wait_for 10 grep -q 'configuration reloaded' "$T/keeper.err"
named() {
	number=$((number + 1))
	printf '{"id":"named-request-%04d","key":"%s","items":[%s]}' "$number" "$1" "$(item)" >"$T/request"
	ask host1 sign <"$T/request" >"$T/answer"
	head -c 300 "$T/answer"
	grep -q "^$2" "$T/answer"
}
ok 'the shared one goes on' named driver 200
ok 'one that its token does not hold says so' named alone 500

# ---- what is configured ----

refuses() { # TITLE SIGNERS SENTENCE
	sed "s|^signer = left right|signer = $2|" "$T/keeper.conf" >"$T/bad.conf"
	chmod 600 "$T/bad.conf"
	fails 78 "$1" "$builddir/kdsign-keeper" --config "$T/bad.conf" --check
	says err "$3"
}
refuses 'a signer named twice' 'left left' "signer 'left' is named twice"
refuses 'one that is not there' 'left middle' "there is no [signer middle]"
ok 'the effective values name both' sh -c "'$builddir/kdsign-keeper' --config '$T/keeper.conf' --print | grep -q '^signer = left right'"

sed -i 's/^signer = left right/signer = right/' "$T/keeper.conf"
kill -HUP "$keeper_pid"
left_out() {
	forget
	named driver 200 && test "$(heard left)" = 0
}
ok 'a member can be taken out while it runs' wait_for 10 left_out
stop "$keeper_pid"
done_testing
