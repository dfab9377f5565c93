#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# kdsign-token attest, test, rotate and destroy on SoftHSM: a statement that openssl verifies, throw-away keys that are
# thrown away, a successor, and an end that takes two answers.
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
objects() {
	pkcs11-tool --module "$softhsm" --token-label kdsign --login --pin "$pin" --list-objects 2>/dev/null
}
last() { # JQ-FILTER - of the transcript's last line
	tail -n 1 "$T/state/ceremony.jsonl" | jq -e "$@"
}

ok "a token" new_token
serial=$(pkcs11-tool --module "$softhsm" --list-token-slots 2>/dev/null | sed -n 's/^ *serial num *: *//p' | head -n 1)
ok "a key" token generate --label driver-2026 --type p256
cd "$T" || exit 99

# ---- many objects: all are looked at ----

cp -r "$T/tokens" "$T/tokens.few"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -keyout any.key -subj "/CN=Any" -days 10 -outform DER \
	-out any.der 2>/dev/null
many() {
	for n in $(seq 300); do
		echo "--write-object any.der --type cert --id $(printf %04x "$n") --label many-$n"
	done | xargs -L 1 pkcs11-tool --module "$softhsm" --token-label kdsign --login --pin "$pin" >/dev/null 2>&1
}
ok "300 certificates" many
ok "all are listed" token list
cp "$T/out" "$T/listed"
ok "each of them" test "$(grep -c "certificate 'many-" "$T/listed")" = 300
rm -rf "$T/tokens" && mv "$T/tokens.few" "$T/tokens"

# ---- test ----

objects >before
ok "a dry run" token test --dry-run
says out "would make throw-away keys"
ok "test" token test --person "Ada Example, custodian"
says out "RSA-3072"
says out "CKM_RSA_PKCS sha512 ok, "
says out "CKM_ECDSA    sha256 ok, "
says out "P-384"
objects >after
ok "nothing is left of it" cmp before after
ok "it is on record" last '.action == "test" and .result == "done"'
ok "of no key" last '.key.label == ""'
mkdir -p "$T/mock"
export MOCK_MODULE="$softhsm" MOCK_DIR="$T/mock"
mocked() {
	mocked_command=$1
	shift
	"$tool" "$mocked_command" --module "$mock" --token pkcs11:token=kdsign --state "$T/state" --pin-file "$T/pin" "$@"
}
echo 0x1=0 >"$T/mock/refused" # CKA_TOKEN: no keys of a session
objects >before
ok "a token that has no keys for a session" mocked test --type p256
says out "the token makes no key for a session only: one on the token instead"
objects >after
ok "nothing is left of it there" cmp before after
echo "C_DestroyObject fail 0x30" >"$T/mock/control"
fails 70 "one that keeps it" mocked test --type p256
says err "the throw-away key 'kdsign-self-test-"
cp "$T/err" "$T/why"
rm -f "$T/mock/control" "$T/mock/refused"
ok "is on record, by its name" last 'any(.facts[]; .name == "left behind" and (.value | contains("kdsign-self-test-")))'
kept=$(sed -n "s/.*hint: kdsign-token destroy --key //p" "$T/why")
ok "which destroys it" token destroy --key "$kept" --yes-destroy="$kept"
objects >after
ok "wholly" cmp before after
# By the module's journal, which names the key of each C_Sign.
production=$(jq -r 'select(.key.label == "driver-2026") | .key.id' "$T/state/ceremony.jsonl" | tail -n 1)
rm -f "$T/mock/journal"
ok "test, journalled" mocked test
ok "generate, which tries a key out first" mocked generate --label journalled --type p256
ok "both sign" test "$(grep -c '^sign ' "$T/mock/journal")" -ge 80
ok "never with a key that was there" sh -c "! grep '^sign ' '$T/mock/journal' | grep -q ' $production '"
new=$(tail -n 1 "$T/state/ceremony.jsonl" | jq -r .key.id)
ok "nor with the new one" sh -c "! grep '^sign ' '$T/mock/journal' | grep -q ' $new '"
rm -f "$T/mock/journal"
ok "rotate" mocked rotate --key driver-2026 --label follower --retire "$(date -u -d '+30 days' +%F)"
ok "neither" sh -c "! grep '^sign ' '$T/mock/journal' | grep -q ' $production '"
ok "csr, which does sign" mocked csr --key driver-2026 --subject CN=x --out "$T/journal.csr"
ok "once, with that key" test "$(grep '^sign ' "$T/mock/journal" | grep -c " $production ")" = 1
for name in journalled follower; do
	ok "destroyed" token destroy --key $name --yes-destroy=$name
done
echo "C_Sign flip 100" >"$T/mock/control"
fails 70 "a token whose signatures are wrong" mocked test --type p256
says err "the signature does not verify"
ok "is on record" last '.result | startswith("failed: P-256")'
echo "C_Sign fail 0x30" >"$T/mock/control"
fails 70 "a token that cannot sign" mocked test --type p256
says err "CKR_DEVICE_ERROR"
rm -f "$T/mock/control"
objects >after
ok "nothing is left of these either" cmp before after

# ---- attest ----

verified() { # FILE - by the command that is documented
	openssl pkeyutl -verify -rawin -pubin -inkey "$1.pub" -in "$1" -sigfile "$1.sig"
}
ok "a dry run" token attest --key driver-2026 --out custody.json --dry-run
ok "makes no key" test ! -e "$T/state/attest.key"
fails 64 "no file" token attest --key driver-2026
ok "attest" token attest --key driver-2026 --out custody.json --person "Ada Example, custodian"
says out "openssl pkeyutl -verify -rawin -pubin -inkey custody.json.pub -in custody.json -sigfile custody.json.sig"
ok "openssl verifies it" verified custody.json
says out "Signature Verified Successfully"
ok "the tool's key is its own" test "$(stat -c %a "$T/state/attest.key")" = 600
ok "and of the kind said" sh -c "openssl pkey -pubin -in custody.json.pub -noout -text | grep -q ED25519"
ok "its hash is on record" last --arg h "$(openssl pkey -pubin -in custody.json.pub -outform DER | sha256sum | cut -d' ' -f1)" \
	'any(.facts[]; .name == "signed by the tool'\''s key" and .value == "SHA-256 " + $h)'
ok "what it says" jq -e --arg s "$serial" '.custody_good and .attributes.CKA_EXTRACTABLE == false and .token.serial == $s and
	.key.type == "P-256" and .people == ["Ada Example, custodian"] and .format == "kdsign custody statement 1"' custody.json
ok "its members are sorted" jq -e 'keys_unsorted == keys' custody.json
ok "the module is named by its hash" jq -e --arg h "$(sha256sum <"$softhsm" | cut -d' ' -f1)" '.module.sha256 == $h' custody.json
ok "the public key is the token's" sh -c "jq -r .key.public_key custody.json | base64 -d >a; pkcs11-tool --module '$softhsm' \
	--token-label kdsign --read-object --type pubkey --label driver-2026 2>/dev/null | openssl pkey -pubin -inform DER -outform DER | cmp - a"
ok "SoftHSM offers no attestation of its own, which is said" jq -e '.vendor_attestation.certificates == [] and
	(.vendor_attestation.says | startswith("none:")) and (.basis | contains("as true as module and token are"))' custody.json
ok "the transcript's head is in it" jq -e --arg h "$(head -n "$(jq .transcript.lines custody.json)" "$T/state/ceremony.jsonl" |
	tail -n 1 | tr -d '\n' | sha256sum | cut -d' ' -f1)" '.transcript.head == $h' custody.json
sed 's/"CKA_EXTRACTABLE":false/"CKA_EXTRACTABLE":true/' custody.json >twin
cp custody.json.pub twin.pub && cp custody.json.sig twin.sig
fails 1 "a twin with one word changed: openssl refuses it" verified twin
cp custody.json.pub first.pub
ok "attest again" token attest --key driver-2026 --out custody.json
ok "with the same key" cmp custody.json.pub first.pub
chmod 644 "$T/state/attest.key"
fails 78 "a key that others can read is not used" token attest --key driver-2026 --out custody.json
says err "attest.key"
chmod 600 "$T/state/attest.key"
ok "a key that was written onto the token" sh -c "openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:3072 -outform DER \
	-out soft.der && openssl pkey -in soft.der -inform DER -pubout -outform DER -out softpub.der &&
	pkcs11-tool --module '$softhsm' --token-label kdsign --login --pin $pin --write-object soft.der --type privkey --id 78 --label soft --usage-sign &&
	pkcs11-tool --module '$softhsm' --token-label kdsign --login --pin $pin --write-object softpub.der --type pubkey --id 78 --label soft"
ok "attest" token attest --key soft --out soft.json
ok "says what is wrong with it" jq -e '(.custody_good | not) and (.custody_wrong | contains("not generated on the token"))' soft.json

# ---- rotate ----

later=$(date -u -d '+30 days' +%F)
fails 64 "no date" token rotate --key driver-2026 --label driver-2027
says err "--retire DATE"
fails 64 "a date that has passed" token rotate --key driver-2026 --label driver-2027 --retire 2020-01-01
fails 64 "no date at all" token rotate --key driver-2026 --label driver-2027 --retire soon
fails 64 "the same name" token rotate --key driver-2026 --label driver-2026 --retire "$later"
fails 78 "no such key" token rotate --key none --label driver-2027 --retire "$later"
ok "a dry run" token rotate --key driver-2026 --label driver-2027 --retire "$later" --dry-run
ok "rotate" token rotate --key driver-2026 --label driver-2027 --retire "$later"
says out "generated P-256 'driver-2027'"
says out "       retire = $later"
says out "       uri = pkcs11:object=driver-2027;type=private"
ok "both are there" sh -c "'$tool' list --module '$softhsm' --pin-file '$T/pin' --state '$T/state' >list &&
	grep -q \"key 'driver-2026'\" list && grep -q \"key 'driver-2027'\" list"
ok "the one's successor is on record" sh -c "grep '\"action\":\"rotate\",' '$T/state/ceremony.jsonl' | grep -q \"successor of\""

# ---- destroy ----

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout other.key -subj /CN=x -outform DER -out other.der 2>/dev/null
id=$(jq -r 'select(.key.label == "driver-2027") | .key.id' "$T/state/ceremony.jsonl" | tail -n 1)
pkcs11-tool --module "$softhsm" --token-label kdsign --login --pin "$pin" --write-object other.der --type cert --id "$id" --label old >/dev/null 2>&1
ok "a dry run" token destroy --key driver-2027 --dry-run
says out "would destroy"
fails 78 "without a terminal" setsid -w "$tool" destroy --module "$softhsm" --state "$T/state" --pin-file "$T/pin" --key driver-2027
says err "--yes-destroy=LABEL"
fails 64 "another label" token destroy --key driver-2027 --yes-destroy=driver-2026
says err "the key is called 'driver-2027'"
configure "$softhsm" driver-2027
fails 78 "a key that is still served" "$tool" destroy --config "$T/signer.conf" --key driver-2027 --yes-destroy=driver-2027
says err "still serves it, as [key driver-2027]"
fails 78 "which a dry run tells as well" "$tool" destroy --config "$T/signer.conf" --key driver-2027 --dry-run
says err "still serves it, as [key driver-2027]"
typed() { # FIRST SECOND - the two answers
	: >"$T/typescript"
	{
		wait_for 20 grep -q "Type the key's label" "$T/typescript"
		printf '%s\n' "$1"
		wait_for 20 grep -qE "Type the token's (serial|label)|nothing was destroyed" "$T/typescript"
		printf '%s\n' "$2"
		sleep 1
	} | script -qfec "$tool destroy --module ${typed_module:-$softhsm} --state $T/state --pin-file $T/pin --key ${typed_key:-driver-2027}" "$T/typescript"
}
fails 64 "the wrong label typed" typed driver-2026 "$serial"
says out "nothing was destroyed"
fails 64 "the wrong serial typed" typed driver-2027 0000
says out "nothing was destroyed"
ok "all is still there" sh -c "'$tool' list --module '$softhsm' --pin-file '$T/pin' --state '$T/state' | grep -q \"key 'driver-2027'\""
ok "both typed right" typed driver-2027 "$serial"
says out "certificate CN=x, until "
says out "OF ANOTHER KEY, but with this one's id"
says out "destroyed"
objects >after
ok "private key, public key and certificate are gone" sh -c '! grep -q driver-2027 after && ! grep -q "label: *old" after'
ok "the others are not" grep -q driver-2026 after
ok "on record, with what went" last '.action == "destroy" and .result == "done" and
	any(.facts[]; .name == "certificates" and .value == "1 destroyed")'
ok "a key" token generate --label zeros --type p256
echo "serial 0000000000000000" >"$T/mock/token"
typed_module=$mock typed_key=zeros
fails 64 "a serial that all tokens of its kind have is not asked for" typed zeros 0000000000000000
says out "Type the token's label ('kdsign')"
ok "its label is" typed zeros kdsign
says out "destroyed"
typed_module='' typed_key=''
rm -f "$T/mock/token"
# Labels that are shown alike, or not as they are: then the id is what is typed.
keypair() { # LABEL ID
	pkcs11-tool --module "$softhsm" --token-label kdsign --login --pin "$pin" --keypairgen --key-type EC:prime256v1 --label "$1" --id "$2" \
		>/dev/null 2>&1
}
ok "a key whose label has a control character" keypair "$(printf 'odd\001')" a1
ok "one whose label is how that is shown" keypair 'odd\x01' a2
ok "two of one label" keypair double a3
ok "the other" keypair double a4
ok "one that is called like another's id" keypair id:a1 a5
fails 64 "by what is shown of it" token destroy --key 'pkcs11:id=%a1' --yes-destroy='odd\x01'
says err "the key is called 'id:a1'"
fails 64 "nor by the one that is called so" token destroy --key 'pkcs11:id=%a2' --yes-destroy='odd\x01'
says err "the key is called 'id:a2'"
fails 78 "a label that two keys have" token destroy --key double --yes-destroy=double
says err "several private keys match"
fails 64 "one of them by its id, called by the label" token destroy --key 'pkcs11:id=%a4' --yes-destroy=double
says err "the key is called 'id:a4'"
fails 64 "a label that looks like an id" token destroy --key id:a1 --yes-destroy=id:a1
says err "the key is called 'id:a5'"
ok "all five are there" test "$(objects | grep -c 'ID: *a[1-5]$')" -ge 5
configure "$softhsm" unused
printf '[key odd]\nuri = pkcs11:object=odd%%01\n' >>"$T/signer.conf"
fails 78 "one that is served by that odd name" "$tool" destroy --config "$T/signer.conf" --key 'pkcs11:id=%a1' --yes-destroy=id:a1
says err "still serves it, as [key odd]"
for id in a1 a4 a5; do
	ok "by id:$id" token destroy --key "pkcs11:id=%$id" --yes-destroy=id:$id
done
objects >after
ok "just these are gone" sh -c '! grep -qE "ID: *a[145]$" after && [ "$(grep -cE "ID: *a[23]$" after)" -ge 4 ]'
ok "now that it is the only one, by its label" token destroy --key double --yes-destroy=double
ok "and this one" token destroy --key 'odd\x01' --yes-destroy='odd\x01'
ok "a key without an id" sh -c "openssl ecparam -name prime256v1 -genkey -noout -outform DER -out noid.der 2>/dev/null &&
	openssl pkcs8 -topk8 -nocrypt -inform DER -in noid.der -outform DER -out noid.p8 &&
	pkcs11-tool --module '$softhsm' --token-label kdsign --login --pin $pin --write-object noid.p8 --type privkey --label noid"
ok "its certificate, with another's id" pkcs11-tool --module "$softhsm" --token-label kdsign --login --pin "$pin" --write-object other.der \
	--type cert --label noid
ok "destroyed by its label" token destroy --key noid --yes-destroy=noid
says out "it has no id: public keys and certificates are left alone"
ok "what may be another's is still there" sh -c "pkcs11-tool --module '$softhsm' --token-label kdsign --list-objects --type cert | grep -q noid"
ok "by an option" token destroy --key soft --yes-destroy=soft
echo "C_DestroyObject fail 0x30" >"$T/mock/control"
fails 70 "a token that fails" mocked destroy --key driver-2026 --yes-destroy=driver-2026
ok "is on record" last '.result | startswith("failed: C_DestroyObject")'
rm -f "$T/mock/control"
# Killed between the first object and the next: who says the same again finishes it.
ok "a key" token generate --label halfway --type p256
id=$(tail -n 1 "$T/state/ceremony.jsonl" | jq -r .key.id)
pkcs11-tool --module "$softhsm" --token-label kdsign --login --pin "$pin" --write-object other.der --type cert --id "$id" \
	--label halfway >/dev/null 2>&1
destroyed() { # N - so many calls of C_DestroyObject were begun
	[ "$(grep -c '^C_DestroyObject$' "$T/mock/calls")" -ge "$1" ]
}
for many in 1 2; do
	rm -f "$T/mock/counts" && : >"$T/mock/calls"
	echo "C_DestroyObject hang at $many" >"$T/mock/control"
	start half "$tool" destroy --module "$mock" --token pkcs11:token=kdsign --state "$T/state" --pin-file "$T/pin" \
		--key halfway --yes-destroy=halfway
	ok "a destruction that hangs" wait_for 20 destroyed $many
	kill -KILL "$pid"
	wait "$pid" 2>/dev/null
	rm -f "$T/mock/control"
done
ok "after two that were killed, a third one finishes" token destroy --key halfway --yes-destroy=halfway
objects >after
ok "nothing of it is left" sh -c '! grep -q halfway after'
ok "the label is free" token generate --label halfway --type p256
echo "C_DestroyObject fail 0x1b at 1" >"$T/mock/control" && rm -f "$T/mock/counts"
fails 70 "a token that keeps public keys" mocked destroy --key halfway --yes-destroy=halfway
says err "private key destroyed, but C_DestroyObject (public key or certificate)"
rm -f "$T/mock/control"
ok "is on record" last 'any(.facts[]; .name == "left behind") and any(.facts[]; .name == "private key")'
ok "the transcript is whole" "$tool" transcript --state "$T/state" --check
done_testing
