#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# kdsign-token attest where the module offers a vendor's attestation, as Yubico's YKCS11 does for PIV: certificates that are
# made when they are read (CKA_TOKEN false, the key's id), issued by one that is stored. What the statement hands on leads to
# the vendor's root by openssl's judgement, and what does not is refused.
# shellcheck source=tests/tap.sh
. "${srcdir:-.}/tests/tap.sh"
# shellcheck source=tests/e2e/signer_lib.sh
. "$srcdir/tests/e2e/signer_lib.sh"
need jq
builddir=$(cd "$builddir" && pwd)

tool=$builddir/kdsign-token
export MOCK_MODULE="$softhsm" MOCK_DIR="$T/mock"
token() { # COMMAND OPTION...
	token_command=$1
	shift
	"$tool" "$token_command" --module "$mock" --token pkcs11:token=kdsign --state "$T/state" --pin-file "$T/pin" "$@"
}
last() { # JQ-FILTER - of the transcript's last line
	tail -n 1 "$T/state/ceremony.jsonl" | jq -e "$@"
}
ok "a token" new_token
echo "serial 12345678" >"$T/mock/token" # a YubiKey's is a number
ok "a key" token generate --label driver-2026 --type p256 --id 02
ok "another" token generate --label other --type p256 --id 03
cd "$T" || exit 99

# ---- a vendor ----

ca='basicConstraints=critical,CA:TRUE'
root() { # NAME
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -keyout "$1.key" -subj "/CN=Vendor $1" -days 3650 -out "$1.pem"
}
below() { # NAME ISSUER
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -keyout "$1.key" -subj "/CN=Vendor $1" -out "$1.csr" &&
		echo "$ca" >ext &&
		openssl x509 -req -in "$1.csr" -CA "$2.pem" -CAkey "$2.key" -CAcreateserial -extfile ext -days 3650 -out "$1.pem"
}
pki() {
	root root && root stranger && below middle root && below f9 middle
}
ok "a vendor's root, intermediate, and the device's own" pki
public() { # LABEL FILE
	pkcs11-tool --module "$softhsm" --token-label kdsign --read-object --type pubkey --label "$1" 2>/dev/null |
		openssl pkey -pubin -inform DER -out "$2"
}
ok "the keys' public halves" public driver-2026 driver.pub
public other other.pub
# attested NAME PUBLIC-KEY SERIAL ISSUER [DAYS] - of that key, in that device
attested() {
	printf '1.3.6.1.4.1.41482.3.3=DER:05:04:03\n1.3.6.1.4.1.41482.3.7=ASN1:INTEGER:%s\n' "$3" >ext
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -keyout any.key -subj "/CN=YubiKey PIV Attestation 9c" -out any.csr 2>/dev/null &&
		openssl x509 -req -in any.csr -force_pubkey "$2" -CA "$4.pem" -CAkey "$4.key" -CAcreateserial -extfile ext -days "${5:-3650}" \
			-out "$1.pem" 2>/dev/null
}
ok "attestations" attested good driver.pub 12345678 f9
attested alien driver.pub 87654321 f9
attested late driver.pub 12345678 f9 -1
attested forged driver.pub 12345678 stranger
attested others other.pub 12345678 f9
# offer N KIND ID NAME LABEL - the module has it
offer() {
	openssl x509 -in "$4.pem" -outform DER -out "mock/value.$1"
	echo "$2 $3 $5" >"mock/made.$1"
}
attest() {
	token attest --key driver-2026 --out custody.json --person "Ada Example, custodian" "$@"
}
verified() {
	openssl pkeyutl -verify -rawin -pubin -inkey custody.json.pub -in custody.json -sigfile custody.json.sig
}
# by_openssl ROOT - what the statement hands on, and nothing else but the root and the vendor's intermediate
by_openssl() {
	jq -r '.vendor_attestation.certificates[0].der' custody.json | base64 -d | openssl x509 -inform DER -out made.pem &&
		jq -r '.vendor_attestation.issuers[].der' custody.json | while read -r der; do
			echo "$der" | base64 -d | openssl x509 -inform DER
		done >issuers.pem && openssl verify -CAfile "$1" -untrusted issuers.pem -untrusted middle.pem made.pem
}

# ---- none ----

ok "a module that offers none" attest
says out "none: the module offers no certificate for this key"
ok "which is said, as what it is" jq -e '.vendor_attestation | .certificates == [] and .verified == false and (.says | startswith("none:"))' custody.json
rm -f custody.json*
fails 78 "but it was to be checked" attest --vendor-root root.pem
says err "vendor attestation: none: the module offers no certificate"
ok "no statement then" test ! -e custody.json
ok "which is on record" last '.action == "attest" and (.result | startswith("failed: vendor attestation: none"))'

# ---- offered ----

offer 0 module 03 others "X.509 Certificate for PIV Attestation 9d"
offer 1 module 02 good "X.509 Certificate for PIV Attestation 9c"
offer 2 token 19 f9 "X.509 Certificate for PIV Attestation"
ok "list tells what the module makes from what is stored" token list
says out "certificate 'X.509 Certificate for PIV Attestation 9c', id 02, made by the module: CN=YubiKey PIV Attestation 9c"
says out "certificate 'X.509 Certificate for PIV Attestation', id 19: CN=Vendor f9"
ok "attest, unchecked" attest
says out "whether it leads to the vendor's root has not been checked here"
says out "--vendor-root FILE"
ok "it is said not to be verified" jq -e '.vendor_attestation.verified == false' custody.json
ok "attest, checked" attest --vendor-root root.pem --vendor-root middle.pem
says out "leads to the root 'CN=Vendor root' of SHA-256 $(openssl x509 -in root.pem -outform DER | sha256sum | cut -d' ' -f1)"
ok "the statement says so" jq -e '.vendor_attestation | .verified and (.certificates | length == 1) and
	.certificates[0].device_serial == 12345678 and [.issuers[].subject] == ["CN=Vendor f9"]' custody.json
ok "and the record" last 'any(.facts[]; .name == "vendor attestation" and (.value | contains("leads to the root")))'
ok "openssl verifies the statement" verified
ok "openssl verifies the attestation, too" by_openssl root.pem
says out "made.pem: OK"
fails 2 "but not to another root" by_openssl stranger.pem
ok "its public key is the key's" sh -c "openssl x509 -in made.pem -noout -pubkey | cmp - driver.pub"
ok "its members are sorted" jq -e 'keys_unsorted == keys and (.vendor_attestation | keys_unsorted == keys and
	(.certificates[0] | keys_unsorted == keys))' custody.json
ok "a bundle does as well" sh -c 'cat middle.pem root.pem >bundle.pem'
ok "attest" attest --vendor-root bundle.pem
ok "a stored certificate of the key is none of the vendor's" sh -c "jq -e '.certificates == []' custody.json"

# ---- what is no attestation of this key ----

rm -f custody.json*
refused() { # SENTENCE TITLE OPTION...
	refused_says=$1 refused_title=$2
	shift 2
	fails 78 "$refused_title" attest "$@"
	says err "$refused_says"
	ok "no statement" sh -c '! ls custody.json* 2>/dev/null | grep .'
}
refused "unable to get" "the intermediate is missing" --vendor-root root.pem
refused "unable to get" "another vendor's root" --vendor-root stranger.pem --vendor-root middle.pem
refused "is a root, signed by itself" "no root at all" --vendor-root middle.pem
refused "No such file" "no file" --vendor-root nothing.pem
offer 1 module 02 alien "X.509 Certificate for PIV Attestation 9c"
refused "it is of the device with serial 87654321, the token has '12345678'" "another device's" --vendor-root bundle.pem
offer 1 module 02 late "X.509 Certificate for PIV Attestation 9c"
refused "certificate has expired" "an expired one" --vendor-root bundle.pem
offer 1 module 02 forged "X.509 Certificate for PIV Attestation 9c"
refused "unable to get" "one that somebody else signed" --vendor-root bundle.pem
offer 1 module 02 others "X.509 Certificate for PIV Attestation 9c"
refused "none: the module offers no certificate" "one of another key, under this one's id" --vendor-root bundle.pem
offer 1 module 02 good "X.509 Certificate for PIV Attestation 9c"
offer 3 module 02 forged "X.509 Certificate for PIV Attestation 9c"
refused "unable to get" "a genuine one, and one that is not" --vendor-root bundle.pem
rm -f mock/made.3
echo "C_GetAttributeValue fail 0x30 at 60" >mock/control
for at in 20 35 50 65; do
	rm -f mock/counts
	echo "C_GetAttributeValue fail 0x30 at $at" >mock/control
	fails 70 "a token that fails at its $at. attribute" attest --vendor-root bundle.pem
	ok "no statement of what could not be read" sh -c '! ls custody.json* 2>/dev/null | grep .'
done
rm -f mock/control
ok "attest" attest --vendor-root bundle.pem

# ---- destroy ----

ok "what the module makes is nobody's to destroy" token destroy --key driver-2026 --yes-destroy=driver-2026
says out "private key, 1 public, 0 certificates"
ok "the transcript is whole" "$tool" transcript --state state --check
done_testing
