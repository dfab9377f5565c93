#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# kdsign-token: nothing is done on a token whose result or record has no place, the record tells the truth whenever the tool
# is killed, and a dry run changes nothing: by the journal of the module's calls.
# shellcheck source=tests/tap.sh
. "${srcdir:-.}/tests/tap.sh"
# shellcheck source=tests/e2e/signer_lib.sh
. "$srcdir/tests/e2e/signer_lib.sh"
need jq
builddir=$(cd "$builddir" && pwd)
shim=${IO_FAIL_SO:-$builddir/tests/mock/io_fail.so}

tool=$builddir/kdsign-token
export MOCK_MODULE="$softhsm" MOCK_DIR="$T/mock"
token() { # COMMAND OPTION...
	token_command=$1
	shift
	"$tool" "$token_command" --module "$mock" --token pkcs11:token=kdsign --state "$T/state" --pin-file "$T/pin" "$@"
}
# What a call may not be that changes nothing and tries no PIN.
changing='C_Login|C_InitToken|C_InitPIN|C_SetPIN|C_Generate.*|C_CreateObject|C_CopyObject|C_DestroyObject|C_SetAttributeValue|C_Sign.*'
changes() {
	grep -cxE "$changing" "$T/mock/calls" 2>/dev/null || :
}
forget_calls() {
	: >"$T/mock/calls"
	rm -f "$T/mock/counts"
}
lines() {
	wc -l <"$T/state/ceremony.jsonl"
}
last() { # JQ-FILTER - of the transcript's last line
	tail -n 1 "$T/state/ceremony.jsonl" | jq -e "$@"
}
objects() {
	pkcs11-tool --module "$softhsm" --token-label kdsign --login --pin "$pin" --list-objects 2>/dev/null
}

ok "a token" new_token
two_keys() {
	token generate --label driver-2026 --type p256 && token generate --label driver-2020 --type p256
}
ok "two keys" two_keys
cd "$T" || exit 99
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -keyout ca.key -subj /CN=ca -days 30 -out ca.pem 2>/dev/null
printf 'keyUsage=critical,digitalSignature\nextendedKeyUsage=codeSigning\n' >leaf.ext
ok "a request" token csr --key driver-2026 --subject CN=x --out x.csr
ok "a certificate" openssl x509 -req -in x.csr -CA ca.pem -CAkey ca.key -CAcreateserial -extfile leaf.ext -days 30 -out x.pem

# ---- dry runs ----

later=$(date -u -d '+30 days' +%F)
listing() {
	{ find state tokens -type f -exec sha256sum {} + && find state tokens -printf '%p %y %m %s\n'; } | sort
}
listing >before
for command in list "generate --label new" "csr --key driver-2026 --subject CN=x --out dry.csr" \
	"install --key driver-2026 --certificate x.pem --root ca.pem --out dry.pem" "attest --key driver-2026 --out dry.json" test \
	"rotate --key driver-2026 --label new --retire $later" "destroy --key driver-2020 --yes-destroy=driver-2020" pin \
	transcript "transcript --mend"; do
	forget_calls
	# shellcheck disable=SC2086 # a command and its options
	ok "dry: $command" token $command --dry-run
	ok "calls nothing that changes a token or tries a PIN" test "$(changes)" = 0
done
listing >after
ok "neither token nor record is another after that" cmp before after
ok "nothing was handed out" sh -c '! ls dry.* .dry.* 2>/dev/null | grep .'
forget_calls
ok "the same commands without --dry-run do call such" token test --type p256
ok "which is what would have been seen" test "$(changes)" -ge 10

# ---- a result that has no place ----

objects >before
count=$(lines)
refused() { # EXIT TITLE COMMAND OPTION... - and the token was asked for nothing
	refused_exit=$1 refused_title=$2
	shift 2
	forget_calls
	fails "$refused_exit" "$refused_title" "$@"
	cp "$T/err" "$T/why"
	ok "no PIN was tried, no key used, nothing made" test "$(changes)" = 0
	ok "and nothing recorded" test "$(lines)" = "$count"
	cp "$T/why" "$T/err"
}
mkdir folder
for place in nowhere/x folder; do
	refused 78 "csr to $place" token csr --key driver-2026 --subject CN=x --out $place
	says err "'$place': "
	refused 78 "install to $place" token install --key driver-2026 --certificate x.pem --root ca.pem --out $place
	refused 78 "attest to $place" token attest --key driver-2026 --out $place
done
mkdir seal.json.sig
refused 78 "attest, whose signature has no place" token attest --key driver-2026 --out seal.json
says err "'seal.json.sig': is a directory"
ok "nor is the statement there without it" test ! -e seal.json
rmdir seal.json.sig
closed() {
	closed_command=$1
	shift
	token "$closed_command" "$@" >&-
}
refused 74 "csr to a standard output that is closed" closed csr --key driver-2026 --subject CN=x
says err "standard output is closed"
refused 74 "generate, likewise" closed generate --label new --type p256
ok "the record is nobody's standard output" "$tool" transcript --state state --check
echo 0x170 >mock/refused
ok "generate, with a warning that nobody hears" sh -c '"$@" 2>&-' - "$tool" generate --module "$mock" --token pkcs11:token=kdsign \
	--state "$T/state" --pin-file "$T/pin" --label silent --type p256
rm -f mock/refused
ok "the record is nobody's standard error either" "$tool" transcript --state state --check
ok "destroyed" token destroy --key silent --yes-destroy=silent
echo mine >kept.csr
fails 74 "csr to a standard output that is full" sh -c '"$@" >/dev/full' - "$tool" csr --module "$mock" --token pkcs11:token=kdsign \
	--state "$T/state" --pin-file "$T/pin" --key driver-2026 --subject CN=x
ok "is on record, for the key had signed" last '.result | startswith("failed: standard output")'
for command in "csr --subject CN=x" attest; do
	# shellcheck disable=SC2086 # several words
	fails 74 "$command, which has nowhere to say what it did" sh -c '"$@" >/dev/full' - "$tool" $command --module "$mock" \
		--token pkcs11:token=kdsign --state "$T/state" --pin-file "$T/pin" --key driver-2026 --out said.out
	says err "error: standard output cannot be written"
	says err "itself was done and is on record"
	ok "it was done" last '.result == "done"'
	ok "and is there" rm said.out
done
echo "C_Sign flip 100" >mock/control
fails 70 "csr, with a signature that is wrong" token csr --key driver-2026 --subject CN=x --out wrong.csr
rm -f mock/control
ok "is not handed out" test ! -e wrong.csr
ok "and on record, with the digest" last '.result | startswith("failed: the token")'
people=
for n in 1 2 3 4 5 6 7 8; do people="$people --person $(printf '%0900d' 0 | tr 0 '\001')"; done
count=$(lines)
forget_calls
# shellcheck disable=SC2086 # options
fails 70 "more about people than a line has room for" token generate --label new --type p256 $people
ok "no key is made for that" test "$(calls C_GenerateKeyPair)" = 0
ok "and nothing recorded" test "$(lines)" = "$count"
count=$(lines)
ok "csr over a file that is there" token csr --key driver-2026 --subject CN=x --out kept.csr
ok "replaces it" openssl req -in kept.csr -verify -noout
ok "and leaves nothing beside it" sh -c '! ls -a | grep kdsign-'
count=$(lines)
if [ "$(id -u)" = 0 ] && mkdir small && mount -t tmpfs -o size=200k kdsign-test small 2>/dev/null; then
	head -c 1M /dev/zero >small/fill 2>/dev/null
	refused 74 "csr to a full disk" token csr --key driver-2026 --subject CN=x --out small/x.csr
	says err "no room for it: No space left on device"
	ok "nothing of it is left" sh -c '! ls -a small | grep x.csr'
	fails 74 "install to a full disk" token install --key driver-2026 --certificate x.pem --root ca.pem --out small/x.pem
	ok "the certificate is not on the token" sh -c "! pkcs11-tool --module '$softhsm' --token-label kdsign --list-objects --type cert |
		grep -q Certificate"
	fails 74 "attest to a full disk" token attest --key driver-2026 --out small/x.json
	ok "leaves no half of it" sh -c '! ls -a small | grep x.json'
	objects >after
	ok "the token is as before" cmp before after
	# The transcript's own disk is full, a page or so before an act's end would be written.
	rm small/fill && mkdir -m 700 small/state
	state=small/state
	small() {
		small_command=$1
		shift
		"$tool" "$small_command" --module "$mock" --token pkcs11:token=kdsign --state "$state" --pin-file pin "$@"
	}
	for left in 0 4096 8192 16384; do
		head -c 1M /dev/zero >small/fill 2>/dev/null
		truncate -s -$left small/fill
		forget_calls
		fails 74 "no room for the record, but for $left bytes" small generate --label new --type p256
		says err "No space left on device"
		ok "no key was made" test "$(calls C_GenerateKeyPair)" = 0
		ok "no latch is left" test ! -e $state/latch
		rm small/fill
		ok "the record is whole" "$tool" transcript --state $state --check
	done
	ok "with room again" small generate --label new --type p256
	ok "what had been set aside was given back" test "$(du -k $state/ceremony.jsonl | cut -f1)" -le 8
	ok "destroyed" small destroy --key new --yes-destroy=new
	umount small
else
	skip "a full disk" "no tmpfs can be mounted"
fi
objects >after
ok "the token is as before all this" cmp before after

# ---- a record that cannot be made durable ----

count=$(lines)
if [ -e "$shim" ] && LD_PRELOAD=$shim "$tool" --version >/dev/null 2>&1; then # not below a sanitizer's own preload
	unsynced() { LD_PRELOAD=$shim IO_FAIL=$T/io token "$@"; }
	forget_calls
	echo "sync 5 each ceremony.jsonl" >io
	fails 74 "a disk that does not sync the record" unsynced generate --label new --type p256
	says err "fdatasync: Input/output error"
	ok "no key was made" test "$(calls C_GenerateKeyPair)" = 0
	rm -f io
	ok "the record is as before" test "$(lines)" = "$count"
	ok "and whole" "$tool" transcript --state state --check
else
	skip "a disk that does not sync" "tests/mock/io_fail.so cannot be used here"
fi

# ---- killed ----

reached() { # CALL N - it was called so often
	[ "$(calls "$1")" -ge "$2" ]
}
start_token() { # COMMAND OPTION... - its own process, not a shell around it
	started_command=$1
	shift
	start act "$tool" "$started_command" --module "$mock" --token pkcs11:token=kdsign --state "$T/state" --pin-file "$T/pin" "$@"
}
# killed CALL N COMMAND OPTION... - by SIGKILL while the Nth of these calls is under way
killed() {
	killed_call=$1 killed_at=$2 killed_command=$3
	shift 2
	forget_calls
	echo "$killed_call hang at $killed_at" >"$T/mock/control"
	start_token "$@"
	ok "$killed_command, in its $killed_at. $killed_call" wait_for 20 reached "$killed_call" "$killed_at"
	kill -KILL "$pid"
	wait "$pid" 2>/dev/null
	rm -f "$T/mock/control"
	ok "killed: the record is whole" "$tool" transcript --state state --check
	ok "and says that it was begun" last --arg c "$killed_command" '.phase == "begin" and .action == $c'
	ok "the page says that it has no end" "$tool" transcript --state state
	says out ". $killed_command: begun, NO END ON RECORD"
}
killed C_GenerateKeyPair 2 generate --label new --type p256
ok "what comes next says so, too" token test --type p256
says err "'generate' begun at "
ok "the page as well" "$tool" transcript --state state
ok "in the one place" test "$(grep -c 'NO END ON RECORD' "$T/out")" = 1
ok "next time it is said no more" token test --type p256
says_not err "has no end on record"
killed C_Sign 1 csr --key driver-2026 --subject CN=x --out killed.csr
ok "with the digest that the key was asked to sign" last 'any(.facts[]; .name == "digest that the key signs")'
ok "nothing was handed out" test ! -e killed.csr
killed C_CreateObject 1 install --key driver-2026 --certificate x.pem --root ca.pem --out killed.pem
ok "nothing was handed out" test ! -e killed.pem
killed C_DestroyObject 1 destroy --key driver-2020 --yes-destroy=driver-2020
killed C_SignInit 1 test --type p256
killed C_GetAttributeValue 40 attest --key driver-2026 --out killed.json
ok "no statement was handed out" sh -c '! ls killed.json* 2>/dev/null'
killed C_GenerateKeyPair 2 rotate --key driver-2026 --label new --retire "$later"
ok "the same again, to its end" token rotate --key driver-2026 --label new --retire "$later"
# In the one call that may have spent a try: the latch stays, and the record has the begin of nothing.
forget_calls
count=$(lines)
echo "C_Login hang at 1" >"$T/mock/control"
start_token generate --label later --type p256
ok "generate, in C_Login" wait_for 20 reached C_Login 1
kill -KILL "$pid"
wait "$pid" 2>/dev/null
rm -f "$T/mock/control"
ok "killed: nothing was begun" test "$(lines)" = "$count"
ok "but a PIN may have been tried: latched" test -e state/latch
ok "pin takes the right one" token pin

# ---- half a line ----

cp state/ceremony.jsonl whole.jsonl
whole=$(wc -c <whole.jsonl)
head -c 300 whole.jsonl >>state/ceremony.jsonl
forget_calls
fails 76 "a power cut has left half a line: nothing is added" token generate --label new-too --type p256
says err "ends without a newline: cut off"
says err "kdsign-token transcript --mend"
ok "nothing was done" test "$(changes)" = 0
ok "dry" "$tool" transcript --state state --mend --dry-run
says out "would put half a line, 300 bytes, aside"
ok "is dry" test "$(wc -c <state/ceremony.jsonl)" = $((whole + 300))
ok "mend" "$tool" transcript --state state --mend --person "Ada Example, custodian"
says out "half a line, 300 bytes, is in state/ceremony.torn-"
ok "the lines before are as they were" sh -c "head -c $whole state/ceremony.jsonl | cmp - whole.jsonl"
ok "what was put aside is what was there" sh -c 'head -c 300 whole.jsonl | cmp - state/ceremony.torn-*'
ok "which the record names, with the person" last '.action == "transcript" and .result == "done" and
	.people == ["Ada Example, custodian"]'
ok "by its hash" sh -c "tail -n 2 state/ceremony.jsonl | grep -qF \"300 bytes that are no line, SHA-256 \$(sha256sum <\$(ls state/ceremony.torn-*) | cut -d' ' -f1)\""
ok "it goes on" token test --type p256
ok "whole" "$tool" transcript --state state --check
ok "mend again" "$tool" transcript --state state --mend
says out "nothing to mend"
# A disk may have written the line's end and not its middle.
cp state/ceremony.jsonl whole.jsonl
{ head -c 200 whole.jsonl && head -c 500 /dev/zero && echo; } >>state/ceremony.jsonl
fails 76 "a last line with a hole" token test --type p256
says err "kdsign-token transcript --mend"
ok "mend" "$tool" transcript --state state --mend
says out "half a line, 701 bytes"
ok "the lines before are as they were" sh -c 'head -c "$(wc -c <whole.jsonl)" state/ceremony.jsonl | cmp - whole.jsonl'
tail -n 1 whole.jsonl >>state/ceremony.jsonl
fails 76 "a line that is one, but does not follow" "$tool" transcript --state state --mend
says err "a line was taken out, put in or moved"
sed -i '$d' state/ceremony.jsonl
sed '2s/"host":"/"host":"x/' state/ceremony.jsonl >twin.jsonl && mkdir -m 700 twin && mv twin.jsonl twin/ceremony.jsonl
printf 'x' >>twin/ceremony.jsonl
cp twin/ceremony.jsonl kept.jsonl
fails 76 "a line that was changed is not mended" "$tool" transcript --state twin --mend
says err "line 3: names "
ok "nor anything behind it" cmp twin/ceremony.jsonl kept.jsonl
fails 78 "no record" "$tool" transcript --state folder --mend
ok "none is made" test ! -e folder/ceremony.jsonl
done_testing
