#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# kdsign-token csr and install: requests that openssl verifies, certificates that are put in place only when they are the
# key's, for code signing, valid and lead somewhere.
# shellcheck source=tests/tap.sh
. "${srcdir:-.}/tests/tap.sh"
# shellcheck source=tests/e2e/signer_lib.sh
. "$srcdir/tests/e2e/signer_lib.sh"
need jq

tool=$builddir/kdsign-token
token() { # COMMAND OPTION...
	token_command=$1
	shift
	"$tool" "$token_command" --module "$softhsm" --token pkcs11:token=kdsign --state "$T/state" --pin-file "$T/pin" "$@"
}

ok "a token" new_token
for type in rsa3072 rsa4096 p256 p384; do
	ok "a key $type" token generate --label "key-$type" --type $type
done

# ---- csr ----

name='CN=Example Drivers,O=Example\, Inc.,C=DE'
for type in rsa3072 rsa4096 p256 p384; do
	ok "csr of $type" token csr --key "key-$type" --subject "$name" --out "$T/$type.csr" --person "Ada Example, custodian"
	says out "SHA-256 of the file       $(sha256sum <"$T/$type.csr" | cut -d' ' -f1)"
	says out "SHA-256 of the public key $(openssl req -in "$T/$type.csr" -noout -pubkey | openssl pkey -pubin -outform DER |
		sha256sum | cut -d' ' -f1)"
	ok "openssl verifies it" openssl req -in "$T/$type.csr" -verify -noout
	says err 'verify OK'
	ok "its subject" test "$(openssl req -in "$T/$type.csr" -noout -subject -nameopt RFC2253)" = "subject=$name"
	openssl req -in "$T/$type.csr" -noout -text >"$T/text"
	ok "it asks for code signing" grep -q 'Code Signing' "$T/text"
	ok "and for digital signatures" grep -q 'Digital Signature' "$T/text"
	ok "its public key is the token's" sh -c "[ \"\$(openssl req -in '$T/$type.csr' -noout -pubkey | openssl pkey -pubin -outform DER |
		sha256sum | cut -d' ' -f1)\" = \"\$(jq -r 'select(.action == \"csr\" and .key.label == \"key-$type\") | .key.spki_sha256' \
		'$T/state/ceremony.jsonl' | tail -n 1)\" ]"
	flat=$(openssl asn1parse -in "$T/$type.csr" | sed -n '2s/ *\([0-9]*\):d=.*hl=\([0-9]*\) *l= *\([0-9]*\) .*/\1 \2 \3/p')
	# shellcheck disable=SC2086 # three numbers
	set -- $flat
	md=sha256
	[ $type != p384 ] || md=sha384
	digest=$(openssl req -in "$T/$type.csr" -outform DER | tail -c +$(($1 + 1)) | head -c $(($2 + $3)) |
		openssl dgst -$md -r | cut -d' ' -f1)
	ok "the digest that the key signed is on record, from before it did" jq -se --arg d "$digest" 'any(.[]; .action == "csr" and
		.phase == "begin" and any(.facts[]; .name == "digest that the key signs" and .value == $d))' "$T/state/ceremony.jsonl"
done
ok "a subject as openssl's -subj has it" token csr --key key-p256 --subject '/C=DE/O=Example, Inc./CN=Example Drivers' --out "$T/slash.csr"
ok "is the same name" test "$(openssl req -in "$T/slash.csr" -noout -subject -nameopt RFC2253)" = "subject=$name"
ok "to standard output" sh -c "'$tool' csr --module '$softhsm' --state '$T/state' --pin-file '$T/pin' --key key-p256 \
	--subject CN=x | openssl req -verify -noout"
lines=$(wc -l <"$T/state/ceremony.jsonl")
ok "a dry run" token csr --key key-p256 --subject CN=x --dry-run
says out "would ask the key 'key-p256'"
for command in "csr --subject CN=x" attest "install --certificate $T/x.pem"; do
	# shellcheck disable=SC2086 # several words
	fails 78 "$command, dry, where there is no place for the file" token $command --key key-p256 --out "$T/nowhere/x" --dry-run
	says err "'$T/nowhere/x'"
done
fails 64 "a subject that is none" token csr --key key-p256 --subject 'Example'
says err "expected NAME=VALUE"
fails 64 "an attribute that is none" token csr --key key-p256 --subject 'ZZ=x'
says err "unknown attribute 'ZZ'"
fails 64 "a country of three letters" token csr --key key-p256 --subject 'CN=x,C=GER'
fails 64 "no key" token csr --subject CN=x
says err "which key?"
fails 78 "a key that is not there" token csr --key none --subject CN=x
says err "'kdsign-token list' shows keys"
says err "key 'none': no private key on token 'kdsign' matches"
ok "none of these used a key" test "$(wc -l <"$T/state/ceremony.jsonl")" = "$lines"
fails 78 "a place where nothing can be written" token csr --key key-p256 --subject CN=x --out "$T/nowhere/x.csr"
ok "the key did not sign for that" test "$(wc -l <"$T/state/ceremony.jsonl")" = "$lines"
ok "a request for a key of Linux kernel modules" token csr --key key-p256 --subject CN=x --kind module --out "$T/module.csr"
openssl req -in "$T/module.csr" -verify -noout -text >"$T/text" 2>&1
ok "asks for digital signatures" grep -q 'Digital Signature' "$T/text"
fails 1 "and for no extended key usage" grep -q 'Extended Key Usage' "$T/text"
fails 64 "a kind that is none" token csr --key key-p256 --subject CN=x --kind driver
says err "--kind 'driver': expected 'module'"

# ---- a CA ----

cd "$T" || exit 99
ca='basicConstraints=critical,CA:TRUE
keyUsage=critical,keyCertSign,cRLSign'
leaf='basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature
extendedKeyUsage=codeSigning'
ca_key() { openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1.key"; }
root() { # NAME
	ca_key "$1" && openssl req -x509 -new -key "$1.key" -subj "/CN=$1" -days 3650 -out "$1.pem" \
		-addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign 2>/dev/null
}
# issue NAME CSR-or-KEY-NAME ISSUER EXTENSIONS [OPTION...]
issue() {
	issue_name=$1 issue_for=$2 issue_by=$3
	printf '%s\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n' "$4" >ext
	shift 4
	openssl x509 -req -in "$issue_for.csr" -CA "$issue_by.pem" -CAkey "$issue_by.key" -CAcreateserial -sha256 \
		-extfile ext -out "$issue_name.pem" "$@" 2>/dev/null
}
request() { ca_key "$1" && openssl req -new -key "$1.key" -subj "/CN=$2" -out "$1.csr" 2>/dev/null; }
{
	root root && root kernel && root stranger
	request inter 'Code Signing CA' && issue inter inter root "$ca" -days 3000
	# the cross-certificate: root's name and key, issued by kernel
	openssl req -new -key root.key -subj /CN=root -out cross.csr 2>/dev/null && issue cross cross kernel "$ca" -days 3000
	openssl req -new -key stranger.key -subj /CN=stranger -out other.csr 2>/dev/null && issue other other kernel "$ca" -days 3000
	issue late cross kernel "$ca" -days -1
} >"$T/ca.log" 2>&1
for type in rsa3072 p384; do
	ok "the CA issues for $type" issue "$type" "$type" inter "$leaf" -days 365
done
issue noeku rsa3072 inter 'basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature' -days 365
issue server rsa3072 inter 'extendedKeyUsage=serverAuth' -days 365
issue asca rsa3072 inter 'basicConstraints=critical,CA:TRUE
extendedKeyUsage=codeSigning' -days 365
issue expired rsa3072 inter "$leaf" -days -1

# ---- install ----

lines=$(wc -l <"$T/state/ceremony.jsonl")
refused() { # SENTENCE TITLE OPTION...
	refused_says=$1 refused_title=$2
	shift 2
	fails 78 "$refused_title" token install --key key-rsa3072 --out "$T/installed.pem" "$@"
	says err "$refused_says"
}
refused "none of the 2 certificates is of this key" "another key's certificate" --certificate p384.pem --certificate inter.pem
refused "no codeSigning in its extended key usage" "a certificate without an extended key usage" --certificate noeku.pem
refused "no codeSigning in its extended key usage" "one for servers" --certificate server.pem
refused "it is a CA's" "a CA's" --certificate asca.pem
refused "it is no part of the leaf's chain" "a certificate of another chain beside it" --certificate rsa3072.pem --certificate other.pem
refused "unable to get" "a chain that does not reach the root" --certificate rsa3072.pem --root root.pem
refused "unable to get" "a chain that reaches another root" --certificate rsa3072.pem --certificate inter.pem --root stranger.pem
refused "the chain does not lead to it" "a cross-certificate that does not fit" --certificate rsa3072.pem --certificate inter.pem \
	--root root.pem --cross other.pem
refused "No such file" "a file that is not there" --certificate nothing.pem
refused "holds no certificate" "a file of something else" --certificate rsa3072.csr
fails 78 "hint: without an extended key usage" token install --key key-rsa3072 --certificate noeku.pem --certificate inter.pem
says err "--kind module, if the key is to sign Linux kernel modules and nothing else"
refused "no codeSigning in its extended key usage" "for modules: one for servers all the same" --certificate server.pem --kind module
refused "it is a CA's" "for modules: a CA's all the same" --certificate asca.pem --kind module
openssl x509 -in rsa3072.pem -outform DER -out whole.der
{ head -c 200 whole.der && printf 'X' && tail -c +202 whole.der; } >broken.der
refused "certificate" "a certificate that was damaged" --certificate broken.der --certificate inter.pem
refused "certificate has expired" "an expired one" --certificate expired.pem --certificate inter.pem
refused "nothing shows that it is genuine" "a certificate alone" --certificate rsa3072.pem
fails 64 "no certificate" token install --key key-rsa3072
ok "nothing was written" test ! -e "$T/installed.pem"
ok "on the token neither" sh -c "! pkcs11-tool --module '$softhsm' --token-label kdsign --list-objects --type cert | grep -q Certificate"
ok "none of it was begun" test "$(wc -l <"$T/state/ceremony.jsonl")" = "$lines"
ok "a dry run" token install --key key-rsa3072 --certificate inter.pem --certificate rsa3072.pem --dry-run
says out "would install"

cat root.pem inter.pem rsa3072.pem >bundle.pem
ok "install: a bundle in any order, with a cross-certificate" token install --key key-rsa3072 --certificate bundle.pem \
	--cross cross.pem --out "$T/installed.pem" --person "Ada Example, custodian"
says out "certificate: CN=Example Drivers,O=Example"
says out "leads to: CN=root"
says out "    certificates = $T/installed.pem"
says out "    cross-certificates = $(realpath cross.pem)"
ok "the file has the leaf, then the intermediate, and no root" sh -c "cat rsa3072.pem inter.pem | grep -v '^ ' >want.pem;
	[ \"\$(openssl storeutl -noout -text -certs installed.pem | grep -c 'Certificate:')\" = 2 ] && openssl x509 -in installed.pem |
	cmp - rsa3072.pem"
ok "openssl verifies the chain" openssl verify -CAfile root.pem -untrusted installed.pem rsa3072.pem
ok "and by way of the cross-certificate" openssl verify -CAfile kernel.pem -untrusted installed.pem -untrusted cross.pem rsa3072.pem
id=$(jq -r 'select(.action == "install") | .key.id' "$T/state/ceremony.jsonl" | tail -n 1)
pkcs11-tool --module "$softhsm" --token-label kdsign --read-object --type cert --id "$id" -o "$T/read.der" >/dev/null 2>&1
ok "pkcs11-tool finds it under the key's id" sh -c "openssl x509 -inform DER -in '$T/read.der' | cmp - rsa3072.pem"
ok "installed again" token install --key key-rsa3072 --certificate bundle.pem
says out "it is there already"
ok "list shows it" token list
says out "certificate 'key-rsa3072', id $id: CN=Example Drivers"
ok "not onto the token" token install --key key-p384 --certificate p384.pem --certificate inter.pem --no-token --out p384.installed
ok "indeed not" sh -c "! '$tool' list --module '$softhsm' --pin-file '$T/pin' --state '$T/state' | grep -q \"certificate 'key-p384'\""
ok "for modules: one without an extended key usage" token install --key key-rsa3072 --certificate noeku.pem --certificate inter.pem \
	--root root.pem --kind module --no-token --out module.pem
says out "    and in its grants: kinds = module"
ok "which is on record" sh -c "tail -n 2 '$T/state/ceremony.jsonl' | grep -q '\"name\":\"kind\",\"value\":\"module: codeSigning is not asked for\"'"
ok "for modules: one that has it fits as well" token install --key key-rsa3072 --certificate bundle.pem --kind module --no-token
ok "an expired cross-certificate fits still" token install --key key-rsa3072 --certificate bundle.pem --cross late.pem
says err "a signature that is timestamped later cannot use it"
ok "the transcript is whole" "$tool" transcript --state "$T/state" --check
done_testing
