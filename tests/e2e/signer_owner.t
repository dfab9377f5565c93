#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The token that took the PIN, over restarts of kdsign-signer: a URI that matches none is a mistake until one did; then
# that token is waited for, and another in its place gets no PIN until kdsign-token pin.
# shellcheck source=tests/tap.sh
. "${srcdir:-.}/tests/tap.sh"
# shellcheck source=tests/e2e/signer_lib.sh
. "$srcdir/tests/e2e/signer_lib.sh"

token() { # WORDS as in the mock's file "token"
	rm -f "$T/mock/token"
	[ $# -eq 0 ] || { echo "$*" >"$T/mock/new" && mv "$T/mock/new" "$T/mock/token"; }
}
state_says() { ask 5 state | grep -qF -e "$1"; }
sign() {
	ask 15 sign code rsa sha256 "$(digest x)" "$T/sig"
}
forget() {
	"$builddir/kdsign-token" pin --config "$T/signer.conf" "$@"
}
# change SED - the configuration, changed
change() {
	sed "$1" "$T/signer.conf" >"$T/changed.conf" && mv "$T/changed.conf" "$T/signer.conf"
}
bare() { # the calls that look for a token, and no other
	! grep -vE '^C_(GetFunctionList|GetInfo|Initialize|GetSlotList|GetSlotInfo|GetTokenInfo|CloseAllSessions|Finalize)$' "$T/mock/calls"
}

# refused TITLE WORDS - ends with 78 and one sentence, having only looked
refused() {
	rm -f "$T/mock/calls" "$sock"
	fails 78 "$1" timeout 30 "$signer" --config "$T/signer.conf"
	says err "$2"
	[ "$(grep -c 'error:' "$T/err")" = 1 ] && grep -q 'hint:' "$T/err"
	tap_report $? "$1: in one sentence, with what to do"
	cp "$T/err" "$T/said"
	ok "$1: it was only looked for" bare
	ok "$1: nothing is latched" test ! -e "$T/state/latch"
}

ok "a token" new_token
ok "a key" new_key code rsa:2048 01
configure "$mock" code
serial=$(pkcs11-tool --module "$softhsm" --list-token-slots 2>/dev/null | sed -n 's/.*serial num *: *//p')

# ---- nothing is remembered ----

change 's|^token = .*|token = pkcs11:token=kdsgin|'
refused "a URI that matches no token" "token 'pkcs11:token=kdsgin': token not found: the module has label 'kdsign' serial '$serial'"
token gone
refused "a module without any token" "token not found: the module has no token at all"
token
mv "$T/tokens" "$T/away" && mkdir "$T/tokens"
refused "one with none that is initialised" "token not found: the module has no initialised token"
rmdir "$T/tokens" && mv "$T/away" "$T/tokens"
for i in 1 2 3; do
	softhsm2-util --init-token --free --label "other$i" --so-pin 87654321 --pin "$pin" >/dev/null
done
refused "one with many others" " and 1 more"
ok "three of which are named" test "$(grep -o "serial '" "$T/said" | wc -l)" = 3
ok "still nothing is remembered" test ! -e "$T/state/owner"
for i in 1 2 3; do
	softhsm2-util --delete-token --token "other$i" >/dev/null
done

# ---- a token takes the PIN ----

change 's|^token = .*|token = pkcs11:token=kdsign|'
run_signer
ok "the right URI" ask 20 state ready
ok "the token is remembered" grep -qx "token-serial $serial" "$T/state/owner"
ok "with its label" grep -qx "token-label kdsign" "$T/state/owner"
ok "and whose word it was" grep -qx "token pkcs11:token=kdsign" "$T/state/owner"
fails 1 "nothing of the PIN" grep -qF "$pin" "$T/state/owner"
was=$(stat -c '%i %Y' "$T/state/owner")
kill -KILL "$(child_pid)"
ok "another child logs in" wait_for 20 sign
ok "which is not news" test "$(stat -c '%i %Y' "$T/state/owner")" = "$was"
stop "$signer_pid"

# ---- away at the start ----

token gone
rm -f "$T/mock/calls"
run_signer
ok "a token that took the PIN once is waited for, after a restart" ask 20 state absent
says out "token not found: the module has no token at all"
fails 1 "meanwhile a job is refused at once" sign
says out "code=token_unavailable heard=0"
ok "no login" test "$(calls C_Login)" = 0
token
ok "it comes" ask 20 state ready
ok "and signs" sign
stop "$signer_pid"
change 's|^token = .*|token = pkcs11:token=kdsgin|'
refused "but not one of another URI" "token 'pkcs11:token=kdsgin': token not found"
change 's|^token = .*|token = pkcs11:token=kdsign|'
cp "$mock" "$T/other.so" && chmod 755 "$T/other.so"
change "s|^module = .*|module = $T/other.so|"
token gone
refused "or of another module" "the module has no token at all"
change "s|^module = .*|module = $mock|"
token

# ---- another in its place ----

token serial 00000000DEADBEEF
rm -f "$T/mock/calls"
run_signer
ok "another token of that label, found at the start" ask 20 state absent
says out "a token with serial '00000000DEADBEEF' is there, expected '$serial'; no login is tried"
says out "kdsign-token pin"
sleep 2 # it is looked at again
ok "gets no PIN" test "$(calls C_Login)" = 0
ok "and is no operator's word by itself" grep -qx "token-serial $serial" "$T/state/owner"
stop "$signer_pid"
run_signer
ok "nor after the next restart" ask 20 state absent
fails 78 "nor does it from kdsign-token" "$builddir/kdsign-token" list --config "$T/signer.conf"
says err "a token with serial '00000000DEADBEEF' is there, kdsign-signer expects '$serial'; no login is tried"
says err "hint: 'kdsign-token pin' says that it may have the PIN"
ok "which has not tried it" test "$(calls C_Login)" = 0
ok "looking is no login" "$builddir/kdsign-token" list --no-login --config "$T/signer.conf"
softhsm2-util --init-token --free --label another --so-pin 87654321 --pin "$pin" >/dev/null
ok "a word about the token of another service" \
	"$builddir/kdsign-token" pin --state "$T/state" --module "$softhsm" --token pkcs11:token=another
says out "not latched: nothing to do"
ok "is none about this one" grep -qx "token-serial $serial" "$T/state/owner"
softhsm2-util --delete-token --token another >/dev/null
ok "what pin would do" forget --dry-run
says out "the service remembered the token with serial $serial: that would be forgotten"
ok "is not done" test -e "$T/state/owner"
ok "an operator's word" forget --person 'Ada Example, custodian'
says out "the service remembered the token with serial $serial: forgotten. Its PIN goes to token 'kdsign', serial 00000000DEADBEEF"
ok "is on record" grep -q "\"name\":\"the service remembered token serial\",\"value\":\"$serial\"" "$T/state/ceremony.jsonl"
ok "the running signer heeds it" ask 20 state ready
ok "after one login" test "$(calls C_Login)" = 1
ok "and remembers that one" grep -qx "token-serial 00000000DEADBEEF" "$T/state/owner"
ok "a second word has nothing to do" forget
says out "not latched: nothing to do"
ok "and forgets nothing" test -e "$T/state/owner"
token
ok "the first one is the other one now" wait_for 20 state_says "a token with serial '$serial' is there, expected '00000000DEADBEEF'"
ok "until it is replaced again" forget
ok "by the operator's word" ask 20 state ready
ok "it signs" sign
stop "$signer_pid"

# The same after a refused PIN, which is the new token's
token serial 00000000DEADBEEF
ok "a word ahead of the start" forget
ok "nobody is remembered" test ! -e "$T/state/owner"
echo 000000 >"$T/pin"
run_signer
ok "a wrong PIN for the new token" ask 20 state latched
ok "is not remembered" test ! -e "$T/state/owner"
echo "$pin" >"$T/pin"
ok "the right one is given" forget
ok "and taken" ask 20 state ready
stop "$signer_pid"
token
ok "back to the first" forget

# ---- a file that is damaged ----

run_signer
ok "served" ask 20 state ready
stop "$signer_pid"
for damage in '3,$d' '1s/1$/2/' 3d 's/^token-serial /&\x1b/' 's/$/x/'; do
	cp "$T/state/owner" "$T/whole" && sed "$damage" "$T/whole" >"$T/state/owner"
	rm -f "$T/mock/calls"
	fails 78 "damaged by $damage" timeout 30 "$signer" --config "$T/signer.conf"
	says err "'$T/state/owner' (the token that took the PIN): damaged"
	[ "$(grep -c 'error:' "$T/err")" = 1 ]
	tap_report $? "one sentence"
	ok "the module is not even loaded" test ! -s "$T/mock/calls"
	fails 78 "--check says so, too" "$signer" --config "$T/signer.conf" --check
	says err "damaged"
	mv "$T/whole" "$T/state/owner"
done
echo >"$T/state/owner"
ok "kdsign-token pin forgets it" forget
says out "the service remembered the token with serial unknown: forgotten"
ok "--check is content" "$signer" --config "$T/signer.conf" --check
run_signer
ok "and it is served" ask 20 state ready
ok "by a token that is remembered" grep -qx "token-serial $serial" "$T/state/owner"
stop "$signer_pid"

# ---- a disk that is full ----

# Not written, it is no reason not to serve.
ok "forgotten" rm "$T/state/owner"
mkdir "$T/state/owner.new"
run_signer
ok "served though it cannot be remembered" ask 20 state ready
ok "which is said" grep -q "the next start will not know this token: '$T/state/owner': cannot be made" "$T/signer.err"
rmdir "$T/state/owner.new"
token gone
ok "it goes" wait_for 20 state_says 'token=absent'
token serial 00000000DEADBEEF
ok "another in its place gets no PIN" wait_for 20 state_says "expected '$serial'"
sleep 2 # it is looked at again: that no file is there is nobody's word
ok "also now" state_says 'token=absent'
token
ok "the right one comes back" ask 20 state ready
ok "and is remembered by now" grep -qx "token-serial $serial" "$T/state/owner"
stop "$signer_pid"
ok "nothing was ever done wrong with the module" test ! -e "$T/mock/violations"
done_testing
