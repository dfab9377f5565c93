#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# docs/CUSTODY.md's rehearsal, command by command as it stands there, and then its key in the real service: a driver
# signed with it, judged by osslsigncode; both keys of a rotation served, until the old one retires.
# shellcheck source=tests/tap.sh
. "${srcdir:-.}/tests/tap.sh"
need softhsm2-util pkcs11-tool openssl osslsigncode jq
builddir=$(cd "$builddir" && pwd)
page=$(cd "$srcdir" && pwd)/docs/CUSTODY.md
R=$T/rehearsal

# block NAME - the fenced block after "<!-- tested: NAME -->"
block() {
	awk -v want="<!-- tested: $1 -->" '
		$0 == want { found = 1; next }
		found && /^```sh$/ { inside = 1; next }
		inside && /^```$/ { exit }
		inside
	' "$page"
}
# page NAME - it is run, where the blocks before have led
page() {
	block "$1" >"$T/block" && [ -s "$T/block" ] || return 1
	(
		[ ! -d "$R" ] || cd "$R" || exit 1
		[ -d "$R" ] || cd "$T" || exit 1
		PATH=$builddir:$PATH SOFTHSM2_CONF=$R/softhsm.conf sh -e "$T/block"
	)
}
ok "a token" page token
ok "what is on it" page look
says out "token 'rehearsal', serial "
says out "CKM_RSA_PKCS sha256 ok"
ok "the key" page generate
says out "would generate on token 'rehearsal'"
says out "generated RSA-3072 'driver-2026'"
says out "born on the token, sensitive, never extractable"
ok "the request" page csr
says err "verify OK"
ok "the CA" page ca
ok "the certificate" page install
says out "leads to: CN=Rehearsal Root"
says out "    certificates = $(realpath "$R")/driver-2026.pem"
ok "the statement" page attest
says out "Signature Verified Successfully"
ok "the page, and the hash to keep" page transcript
says out "has that hash"
ok "the page names who was there" grep -qF '| present | Ada Example, custodian |' "$R/transcript.md"
ok "and what was done" grep -qF '## 8. install: done' "$R/transcript.md"
ok "a successor" page rotate
says out "generated RSA-3072 'driver-2027'"
says out "retire = "
cp -r "$R" "$T/kept" # both keys, before the page destroys one of them
ok "a PIN mistyped" page pin
says out "refused, and latched"
says out "not tried"
says out "the PIN is right: unlatched"
ok "the end of a key" page destroy
says out "destroyed"
ok "every block of the page was run" test "$(grep -c '^<!-- tested: ' "$page")" = 11

# ---- the service, with what came out of it ----

# shellcheck source=/dev/null
. "$srcdir/tests/e2e/client_files.sh"
# shellcheck source=/dev/null
. "$srcdir/tests/e2e/client_service.sh"
rm -r "$R" && mv "$T/kept" "$R"
token() {
	token_command=$1
	shift
	(cd "$R" && "$builddir/kdsign-token" "$token_command" --config signer.conf "$@")
}
make_token() {
	export SOFTHSM2_CONF="$R/softhsm.conf"
	token_conf="module-environment = SOFTHSM2_CONF=$SOFTHSM2_CONF"
}
token_key() { # NAME: the keys are there; "second" is the successor, and gets its certificate in the same way
	case $1 in
	driver) cp "$R/driver-2026.pem" "$T/driver.pem" && cp "$R/inter.pem" "$T/middle.pem" ;;
	second)
		token csr --key driver-2027 --subject /CN=Successor --out driver-2027.csr &&
			(cd "$R" && openssl x509 -req -in driver-2027.csr -CA inter.pem -CAkey inter.key -CAcreateserial \
				-extfile leaf.ext -days 30 -out driver-2027.crt 2>/dev/null) &&
			token install --key driver-2027 --certificate driver-2027.crt --certificate inter.pem --out "$T/second.pem"
		;;
	esac >"$T/keygen.log" 2>&1 || { sed 's/^/# /' "$T/keygen.log"; exit 99; }
}
make_files
make_service
sed -i 's/token=kdsign-test/token=rehearsal/; s/object=driver;/object=driver-2026;/; s/object=second;/object=driver-2027;/; /^relax/d' \
	"$T/etc/signer.conf"
printf 739218 >"$T/etc/pin"
start_service
cp "$T/drv64.sys" "$T/a.sys"
judged() { osslsigncode verify -CAfile "$R/root.pem" -in "$T/$1"; }
KDSIGN_IDENTITY=$T/two.identity
ok "the service serves the key of the ceremony" "$client" --json keys
cp "$T/out" "$T/keys.json"
ok "with the public key that the transcript names" sh -c "[ \"\$(openssl x509 -in '$R/driver-2026.crt' -noout -pubkey |
	openssl pkey -pubin -outform DER | sha256sum | cut -d' ' -f1)\" = \"\$(jq -r 'select(.action == \"generate\") |
	.key.spki_sha256 | select(. != \"\")' '$R/state/ceremony.jsonl' | head -n 1)\" ]"
ok "a driver is signed with it" "$client" sign --key driver "$T/a.sys"
ok "osslsigncode accepts it, with the rehearsal's root" judged a.sys
cp "$T/drv64.sys" "$T/b.sys"
ok "another with its successor" "$client" sign --key second "$T/b.sys"
ok "which osslsigncode accepts as well" judged b.sys
printf 'X' | dd of="$T/b.sys" bs=1 seek=700 conv=notrunc 2>/dev/null
fails 1 "but not when it was changed" judged b.sys
sed -i "s|^certificates = $T/driver.pem|&\\nretire = $(date -u +%F)|" "$T/etc/keeper.conf"
kill -HUP "$service"
ok "the old key retires" wait_for 20 sh -c "grep -q 'configuration reloaded' '$T/service.err'"
cp "$T/drv64.sys" "$T/c.sys"
fails 4 "it signs no more" "$client" --timeout 5s sign --key driver "$T/c.sys"
says err "is retired"
ok "its successor does" "$client" sign --key second "$T/c.sys"
ok "osslsigncode accepts that" judged c.sys
stop_service
done_testing
