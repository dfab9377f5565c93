#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# kdsign-token list, generate, pin and transcript on SoftHSM: what other programs find on the token afterwards, one try
# for a wrong PIN, and a record in which an edit is found.
# shellcheck source=tests/tap.sh
. "${srcdir:-.}/tests/tap.sh"
# shellcheck source=tests/e2e/signer_lib.sh
. "$srcdir/tests/e2e/signer_lib.sh"
need jq script

tool=$builddir/kdsign-token
token() { # COMMAND OPTION...
	token_command=$1
	shift
	"$tool" "$token_command" --module "$softhsm" --token pkcs11:token=kdsign --state "$T/state" --pin-file "$T/pin" "$@"
}
objects() { # TYPE
	pkcs11-tool --module "$softhsm" --token-label kdsign --login --pin "$pin" --list-objects --type "$1"
}
transcript_lines() { wc -l <"$T/state/ceremony.jsonl"; }

ok "a token" new_token
ok "list shows it, without a PIN" "$tool" list --module "$softhsm" --no-login
says out "token 'kdsign', serial "
says out "CKM_RSA_PKCS "
fails 64 "no word which token" "$tool" list
says err "which token?"
fails 64 "an option misspelt" "$tool" list --modul "$softhsm"
says err "did you mean '--module'?"
fails 64 "a command misspelt" "$tool" generat
says err "did you mean 'generate'?"
fails 64 "an option of another command" token list --label x
says err "'--label' is no option of 'list' but of: generate"
fails 64 "an option twice" token generate --label one --label two --dry-run
says err "'--label' is given twice"
fails 64 "also one that says the same" token list --no-login --no-login
says err "'--no-login' is given twice"
fails 64 "a value too long to be meant" token list --person "$(printf '%01500d' 0)"
says err "'--person': longer than 1024 bytes"
fails 78 "a module that is not there" "$tool" list --module /nowhere/p11.so
fails 78 "one of a relative path" "$tool" list --module p11.so
says err "expected an absolute path"
cp "$softhsm" "$T/p11.so" && chmod 666 "$T/p11.so"
fails 78 "one that others can write" "$tool" list --module "$T/p11.so"
says err "0666"
fails 70 "a token that is not there" "$tool" list --module "$softhsm" --token pkcs11:token=none
fails 78 "a PIN in the URI" "$tool" list --module "$softhsm" --token 'pkcs11:token=kdsign?pin-value=1'

# ---- generate ----

ok "a dry run" token generate --label driver-2026 --dry-run
says out "would generate on token 'kdsign'"
says out "CKA_EXTRACTABLE no"
says out "id of 8 random bytes"
ok "leaves no trace" test ! -e "$T/state/ceremony.jsonl"
ok "and no key" sh -c "! '$tool' list --module '$softhsm' --pin-file '$T/pin' --state '$T/state' | grep -q driver-2026"
n=0
for type in rsa3072 rsa4096 p256 p384; do
	n=$((n + 1))
	ok "generate $type" token generate --label "key-$type" --id "0$n" --type $type --person "Ada Example, custodian" --person "Bob, witness"
	says out "uri = pkcs11:object=key-$type;type=private"
	objects privkey >"$T/privkeys"
	ok "pkcs11-tool: sensitive, always sensitive, never extractable, local" sh -c "grep -A8 \"label: *key-$type\$\" '$T/privkeys' |
		grep -q 'Access: *sensitive, always sensitive, never extractable, local'"
	ok "pkcs11-tool: it signs, and nothing else" sh -c "grep -A8 \"label: *key-$type\$\" '$T/privkeys' |
		sed -n 's/^ *Usage: *//p' | head -n 1 | grep -qx sign"
done
fails 78 "a label that is there already" token generate --label key-p256
says err "has an object with the label already"
fails 78 "an id that is there already" token generate --label other --id 01
says err "has an object with the id already"
fails 78 "the label, dry" token generate --label key-p256 --dry-run
says err "has an object with the label already"
fails 78 "the id, dry" token generate --label other --id 01 --dry-run
says err "has an object with the id already"
ok "an id that is free, dry" token generate --label other --id 0a0b --dry-run
says out "'other' id 0a0b"
fails 64 "a key too short for its purpose" token generate --label short --type rsa2048
says err "none of rsa3072 rsa4096 p256 p384"
fails 64 "an id of odd length" token generate --label short --id 123
fails 64 "no label" token generate
fails 64 "a label that would paint the screen" token generate --label "$(printf 'a\033[31mb')" --dry-run
says err "a control character"
ok "list, as a person reads it" token list
says out "key 'key-rsa3072', id 01, RSA-3072"
says out "key 'key-p384', id 04, P-384"
ok "list, as a program does" sh -c "'$tool' list --module '$softhsm' --pin-file '$T/pin' --state '$T/state' --json >'$T/list.json'"
ok "all custody facts are good" jq -e '.tokens[0].keys | length == 4 and all(.custody_good and
	.attributes.CKA_EXTRACTABLE == false and .attributes.CKA_DECRYPT == false and .attributes.CKA_MODIFIABLE == false)' "$T/list.json"
ok "a label that no section can have" token generate --label 'for boot, 2026' --type p256
says out "[key NAME]"
says out "uri = pkcs11:object=for%20boot%2C%202026;type=private"
ok "is destroyed" token destroy --key 'for boot, 2026' --yes-destroy='for boot, 2026'
spki=$(pkcs11-tool --module "$softhsm" --token-label kdsign --read-object --type pubkey --id 01 2>"$T/err" |
	openssl pkey -pubin -inform DER -outform DER | sha256sum | cut -d' ' -f1)
ok "the public key's hash is what openssl computes" jq -e --arg h "$spki" '.tokens[0].keys[] |
	select(.label == "key-rsa3072") | .spki_sha256 == $h' "$T/list.json"
ok "a key of pkcs11-tool, on the same token" new_key loose rsa:3072 77
ok "list says what is wrong with it" token list
says out "it may decrypt, too (CKA_DECRYPT: yes)"
openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:3072 -outform DER -out "$T/soft.der"
ok "a key from a file" pkcs11-tool --module "$softhsm" --token-label kdsign --login --pin "$pin" --write-object "$T/soft.der" \
	--type privkey --id 78 --label soft
ok "list says so" token list
says out "it was not generated on the token (CKA_LOCAL: no)"

# ---- a token that refuses an attribute ----

mkdir -p "$T/mock"
export MOCK_MODULE="$softhsm" MOCK_DIR="$T/mock"
mocked() {
	mocked_command=$1
	shift
	"$tool" "$mocked_command" --module "$mock" --token pkcs11:token=kdsign --state "$T/state" --pin-file "$T/pin" "$@"
}
# attribute NUMBER - by its name
refused_names() {
	for refused_number; do
		case $refused_number in
		0x170) echo CKA_MODIFIABLE ;; 0x109) echo CKA_SIGN_RECOVER ;; 0x10c) echo CKA_DERIVE ;;
		0x107) echo CKA_UNWRAP ;; 0x105) echo CKA_DECRYPT ;;
		esac
	done | paste -sd, | sed 's/,/, /g'
}
n=0
for refused in 0x170 0x109 0x10c 0x107 0x105 "0x109 0x105" "0x170 0x10c" "0x109 0x10c 0x107" "0x170 0x109 0x10c 0x107 0x105"; do
	n=$((n + 1))
	# shellcheck disable=SC2086 # numbers
	names=$(refused_names $refused)
	echo "$refused" >"$T/mock/refused"
	ok "a token that refuses $names gets the key without" mocked generate --label "refused-$n" --type p256
	says err "the token refused $names: generated without it"
	ok "which is on record, and nothing more" sh -c "tail -n 1 '$T/state/ceremony.jsonl' | jq -e --arg n '$names' \
		'any(.facts[]; .name == \"refused by the token\" and .value == \$n)'"
	ok "what keeps it on the token was asked for all the same" sh -c "tail -n 1 '$T/state/ceremony.jsonl' | jq -e \
		'[.facts[] | select(.name == (\"CKA_SENSITIVE\", \"CKA_NEVER_EXTRACTABLE\", \"CKA_LOCAL\") and .value == \"yes\")] | length == 3'"
	rm -f "$T/mock/refused"
	ok "destroyed" token destroy --key "refused-$n" --yes-destroy="refused-$n"
done
for refused in 0x162 0x103 0x2 0x108 0x102; do # EXTRACTABLE SENSITIVE PRIVATE SIGN ID
	echo "$refused" >"$T/mock/refused"
	fails 78 "one that refuses $refused gets no key" mocked generate --label unmade --type p256
	says err "CKR_ATTRIBUTE_TYPE_INVALID"
done
rm -f "$T/mock/refused"
ok "indeed" sh -c "! '$tool' list --module '$softhsm' --pin-file '$T/pin' --state '$T/state' | grep -q \"'unmade'\""

# ---- a token that makes another key than was asked for ----

objects privkey >"$T/before"
for lie in 0x162=1 0x103=0 0x163=0 0x164=0 0x165=0 0x2=0 0x108=0; do # EXTRACTABLE SENSITIVE LOCAL NEVER_ ALWAYS_ PRIVATE SIGN
	echo "$lie" | tr '=' ' ' >"$T/mock/lies"
	# A throw-away that may not sign is found out before.
	fails 78 "a key with $lie" mocked generate --label unmade --type p256
	if [ $lie != 0x108=0 ]; then
		says err "the token did not make what was asked for: "
		says err "the new key was destroyed again"
		ok "which is on record" sh -c "tail -n 1 '$T/state/ceremony.jsonl' | jq -e '(.result | startswith(\"failed: \")) and
			any(.facts[]; .name == \"undone\" and .value == \"the new key was destroyed\")'"
	fi
	rm -f "$T/mock/lies"
	objects privkey >"$T/after"
	ok "does not stay" cmp "$T/before" "$T/after"
done
for lie in 0x105=1 0x107=1 0x10c=1 0x170=1; do # DECRYPT UNWRAP DERIVE MODIFIABLE
	echo "$lie" | tr '=' ' ' >"$T/mock/lies"
	ok "a use too many, $lie" mocked generate --label loose-end --type p256
	says err "warning: key 'loose-end': "
	ok "is on record" sh -c "tail -n 1 '$T/state/ceremony.jsonl' | jq -e 'any(.facts[]; .name == \"warning\")'"
	rm -f "$T/mock/lies"
	ok "destroyed" token destroy --key loose-end --yes-destroy=loose-end
done

# ---- the transcript ----

ok "its page" "$tool" transcript --state "$T/state"
says out "| present | Ada Example, custodian |"
says out "| key | key-rsa3072 |"
says out "generate: done"
says out "| user id | $(id -u) |"
says out "| token serial | $(jq -r '.tokens[0].serial' "$T/list.json") |"
ok "its chain is unbroken" "$tool" transcript --state "$T/state" --check
head=$(sed -n '2p' "$T/state/ceremony.jsonl" | tr -d '\n' | sha256sum | cut -d' ' -f1)
ok "the hash of a line, by sha256sum, is found" "$tool" transcript --state "$T/state" --head "$head"
says out "line 2 has that hash"
for head in zz "$head"a "${head%??}zz"; do
	fails 64 "a hash that is none" "$tool" transcript --state "$T/state" --head "$head"
	says err "expected a SHA-256, 64 hex digits"
done
mkdir "$T/twin"
twin() { # SED-SCRIPT
	sed "$1" "$T/state/ceremony.jsonl" >"$T/twin/ceremony.jsonl"
}
twin '1s/custodian/custodiam/'
fails 76 "one letter changed in line 1" "$tool" transcript --state "$T/twin" --check
says err "line 2: names "
fails 76 "no page of that" "$tool" transcript --state "$T/twin"
twin '3d'
fails 76 "a line taken out" "$tool" transcript --state "$T/twin" --check
says err "line 3: says that it is number 4"
twin '2{h;d};3G'
fails 76 "two lines turned" "$tool" transcript --state "$T/twin" --check
twin '1!d'
last=$(tail -n 1 "$T/state/ceremony.jsonl" | tr -d '\n' | sha256sum | cut -d' ' -f1)
ok "lines cut off the end leave a chain" "$tool" transcript --state "$T/twin" --check
fails 76 "but the hash that people kept is missed" "$tool" transcript --state "$T/twin" --head "$last"
printf '{' >>"$T/twin/ceremony.jsonl"
fails 76 "half a line" "$tool" transcript --state "$T/twin" --check
says err "line 2: ends without a newline"
fails 76 "nothing is added to a broken chain" "$tool" generate --module "$softhsm" --token pkcs11:token=kdsign \
	--state "$T/twin" --pin-file "$T/pin" --label unmade
chmod 770 "$T/twin"
fails 78 "a folder that others can write" "$tool" generate --module "$softhsm" --token pkcs11:token=kdsign \
	--state "$T/twin" --pin-file "$T/pin" --label unmade
ok "no key was made of these" sh -c "! '$tool' list --module '$softhsm' --pin-file '$T/pin' --state '$T/state' | grep -q unmade"

# ---- the PIN ----

(umask 077 && echo 111222 >"$T/wrong")
lines=$(transcript_lines)
rm -f "$T/mock/calls"
wrong() { "$tool" "$1" --module "$mock" --token pkcs11:token=kdsign --state "$T/state" --pin-file "$T/wrong"; }
fails 78 "a wrong PIN" wrong list
says err "CKR_PIN_INCORRECT"
says err "kdsign-token pin"
ok "is latched" test -e "$T/state/latch"
ok "after one C_Login" test "$(calls C_Login)" = 1
fails 78 "the right one is not tried either" mocked list
says err "the login of"
fails 78 "by no command" mocked generate --label latched
ok "still one C_Login" test "$(calls C_Login)" = 1
ok "list without login goes on" "$tool" list --module "$mock" --no-login
ok "pin, dry" mocked pin --dry-run
says out "would try the PIN once"
ok "tries nothing" test "$(calls C_Login)" = 1
fails 78 "pin with a wrong one" wrong pin
says err "still latched"
ok "tried once" test "$(calls C_Login)" = 2
ok "stays latched" test -e "$T/state/latch"
echo "C_Login crash once" >"$T/mock/control"
crashes() { ! mocked pin; } # by a signal, or as a sanitizer ends it
ok "a crash inside C_Login" crashes
ok "stays latched too" test -e "$T/state/latch"
rm -f "$T/mock/control"
for flag in 0x20000 0x40000 0x80000; do # FINAL_TRY, LOCKED, TO_BE_CHANGED
	rm -f "$T/mock/calls"
	echo "C_GetTokenInfo flags $flag" >"$T/mock/control"
	fails 78 "pin on a token with flag $flag" mocked pin
	says err "no login is tried"
	ok "no login was tried" test "$(calls C_Login)" = 0
done
rm -f "$T/mock/control"
ok "pin with the right one" mocked pin --person "Ada Example, custodian"
says out "unlatched"
ok "the latch is gone" test ! -e "$T/state/latch"
ok "nothing left to do" mocked pin
says out "not latched"
ok "the token works again" mocked list
ok "what was tried is on record, and nothing else" test "$(($(transcript_lines) - lines))" = 11
ok "with its failure" grep -q '"result":"failed: C_Login: CKR_PIN_INCORRECT' "$T/state/ceremony.jsonl"
fails 78 "a wrong PIN in a ceremony" "$tool" generate --module "$mock" --token pkcs11:token=kdsign --state "$T/state" \
	--pin-file "$T/wrong" --label unmade --person "Ada Example, custodian"
ok "is on record" sh -c "tail -n 1 '$T/state/ceremony.jsonl' | jq -e '.action == \"generate\" and .people == [\"Ada Example, custodian\"] and
	(.result | startswith(\"failed: C_Login: CKR_PIN_INCORRECT\"))'"
ok "pin with the right one" mocked pin
fails 64 "two places for a PIN" mocked list --pin-fd 0
says err "--pin-fd and --pin-file: one of them"
fails 1 "no PIN stands in the record" grep -qE "(^|[^0-9a-f])(111222|$pin)([^0-9a-f]|\$)" "$T/state/ceremony.jsonl"
chmod 644 "$T/wrong"
fails 78 "a PIN file that others can read" wrong list
exec 9<"$T/pin"
ok "the PIN from a descriptor" "$tool" list --module "$softhsm" --state "$T/state" --pin-fd 9
exec 9<&-
fails 78 "without a terminal nobody is asked" setsid -w "$tool" list --module "$softhsm" --state "$T/state"
says err "--pin-file FILE or --pin-fd N"

# typed WHAT COMMAND - on a terminal of its own, once it asks: what was typed before is thrown away
typed() {
	typed_text=$1
	shift
	: >"$T/typescript"
	{ wait_for 20 grep -q 'PIN of token' "$T/typescript"; printf '%s' "$typed_text"; sleep 1; } |
		script -qfec "$*" "$T/typescript"
}
ok "the PIN asked for on a terminal" typed "$pin
" "$tool list --module $softhsm --state $T/state"
says out "PIN of token 'kdsign'"
says out "key 'key-p256'"
says_not out "$pin"

fails 78 "nothing typed" typed "
" "$tool list --module $softhsm --state $T/state"
says out "PIN, which was not tried: secret is empty"
ok "is no try" test ! -e "$T/state/latch"

# ---- as the signer's user ----

configure "$softhsm" key-p256
if [ "$(id -u)" -eq 0 ] && setpriv --reuid daemon --clear-groups test -x "$tool"; then
	cp "$T/signer.conf" "$T/plain.conf"
	chmod 711 "$T" && chown -R daemon "$T/tokens" "$T/state" && chmod 644 "$SOFTHSM2_CONF"
	fails 78 "root, where the configuration names nobody" "$tool" test --config "$T/signer.conf" --type p256
	says err "sudo -u '#$(id -u daemon)'"
	{ echo "user = daemon" && cat "$T/plain.conf"; } >"$T/signer.conf"
	ok "root becomes whom the configuration names, with a PIN file of root's" "$tool" test --config "$T/signer.conf" --type p256
	ok "which is on record" test "$(tail -n 1 "$T/state/ceremony.jsonl" | jq .uid)" = "$(id -u daemon)"
	ok "nothing becomes root's" test -z "$(find "$T/tokens" "$T/state" -user root)"
	chown -R root "$T/tokens" "$T/state" && mv "$T/plain.conf" "$T/signer.conf"
else
	skip "becoming the signer's user" "not root, or daemon cannot reach the build folder"
fi

# ---- by the signer's configuration ----

configure "$softhsm" key-p256
ok "the configuration says which token, and where the PIN is" "$tool" list --config "$T/signer.conf"
says out "key 'key-p256'"
fails 64 "it and --module contradict" "$tool" list --config "$T/signer.conf" --module "$softhsm"
run_signer
ok "while the service runs" ask 10 state ready
ok "a key is generated" "$tool" generate --config "$T/signer.conf" --label beside --type p256
ok "and the service goes on" ask 5 sign key-p256 ecdsa sha256 "$(digest x)" "$T/sig"
done_testing
