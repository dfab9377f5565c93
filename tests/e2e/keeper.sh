# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2034,SC2154 # variables of tap.sh and of the tests
# tests/e2e/keeper.sh - sourced by keeper*.t after tap.sh: certificates, a keeper, and both its neighbours played.
#
#	make_pki             client CA, CRL, clients, code signing CA and leaf, under $T
#	make_conf            $T/keeper.conf
#	start_signer, start_keeper
#	body ID [BYTE] [MORE-MEMBERS]   a request with one item whose digest is BYTE repeated
#	ask CLIENT ROUTE [TARGET]       the answer's status line and body; sign reads the body from stdin
#	sql STATEMENT        one, over the record

need openssl sqlite3
tools=$builddir/tests/unit/keeper
[ -x "$tools/fake_front_tool" ] || skip_all "tests/unit/keeper/fake_front_tool is not built"

quietly() { "$@" 2>"$T/openssl.err" || { cat "$T/openssl.err" >&2; exit 99; }; }

# issue NAME ISSUER EXTENSIONS [x509 options...] - key, request, certificate, and chain with its issuer
issue() {
	name=$1 issuer=$2 ext=$3
	shift 3
	quietly openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$T/$name.key" \
		-subj "/O=Farm/CN=$name" -out "$T/$name.csr"
	printf '%b' "$ext" >"$T/$name.ext"
	quietly openssl x509 -req -in "$T/$name.csr" -CA "$T/$issuer.pem" -CAkey "$T/$issuer.key" \
		-extfile "$T/$name.ext" -sha256 "$@" -out "$T/$name.pem"
	[ $# -gt 0 ] || quietly openssl x509 -req -in "$T/$name.csr" -CA "$T/$issuer.pem" \
		-CAkey "$T/$issuer.key" -extfile "$T/$name.ext" -sha256 -days 30 -out "$T/$name.pem"
	cat "$T/$name.pem" >"$T/$name.chain"
}

make_ca() {
	quietly openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$T/$1.key" \
		-out "$T/$1.pem" -subj "/CN=$1" -days 300 -addext keyUsage=critical,keyCertSign,cRLSign
}

client_ext='extendedKeyUsage=clientAuth\nkeyUsage=digitalSignature\n'

make_crl() { # NEXT-UPDATE [REVOKED...]
	until=$1
	shift
	: >"$T/index.txt"
	echo 01 >"$T/crlnumber"
	cat >"$T/ca.cnf" <<END
[ca]
default_ca = d
[d]
database = $T/index.txt
crlnumber = $T/crlnumber
default_md = sha256
certificate = $T/clients.pem
private_key = $T/clients.key
END
	for revoked; do
		quietly openssl ca -config "$T/ca.cnf" -revoke "$T/$revoked.pem"
	done
	quietly openssl ca -config "$T/ca.cnf" -gencrl -crl_lastupdate 20200101000000Z \
		-crl_nextupdate "$until" -out "$T/clients.crl"
}

spki_sha256() {
	openssl x509 -in "$T/$1.pem" -noout -pubkey | openssl pkey -pubin -outform DER | sha256sum | cut -c1-64
}

make_pki() {
	make_ca clients
	make_ca code
	for client in host1 host2 stranger; do
		issue "$client" clients "$client_ext"
	done
	quietly openssl genrsa -out "$T/leaf.key" 3072
	quietly openssl req -new -key "$T/leaf.key" -subj "/O=Maker/CN=Driver signing" -out "$T/leaf.csr"
	printf 'extendedKeyUsage=codeSigning\nkeyUsage=critical,digitalSignature\n' >"$T/leaf.ext"
	quietly openssl x509 -req -in "$T/leaf.csr" -CA "$T/code.pem" -CAkey "$T/code.key" \
		-extfile "$T/leaf.ext" -days 30 -sha256 -out "$T/leaf.pem"
}

make_conf() {
	cat >"$T/keeper.conf" <<END
socket = $T/keeper.sock
store = ${STORE:-$T/record.db}
store-reserve = ${RESERVE:-0}
client-ca = $T/clients.pem
sign-deadline = ${SIGN_DEADLINE:-2s}
${CONF_MORE:-}
[signer one]
socket = $T/signer.sock
[key driver]
signer = one
certificates = $T/leaf.pem
[grant farm]
client-spki-sha256 = $(spki_sha256 host1)
client-spki-sha256 = $(spki_sha256 host2)
keys = driver
END
	chmod 600 "$T/keeper.conf"
}

ask() {
	client=$1
	shift
	"$tools/fake_front_tool" -s "$T/keeper.sock" -c "$T/$client.chain" ${DEADLINE:+-d "$DEADLINE"} \
		${WAIT:+-w "$WAIT"} "$@"
}

ready() { "$tools/fake_front_tool" -s "$T/keeper.sock" ready | grep -q '^200'; }

start_signer() {
	[ -e "$T/mode" ] || echo sign >"$T/mode"
	start signer "$tools/fake_signer_tool" -s "$T/signer.sock" -k "$T/leaf.key" -n driver \
		-j "$T/journal" -m "$T/mode" "$@"
	signer_pid=$pid
}

start_keeper() {
	start keeper "$builddir/kdsign-keeper" --config "$T/keeper.conf"
	keeper_pid=$pid
	wait_for 10 ready
}

repeated() { # BYTE - 32 times
	i=0
	while [ $i -lt 32 ]; do
		printf %s "$1"
		i=$((i + 1))
	done
}

item() {
	printf '{"kind":"pe","name":"hello.sys","size":6680,"digest_algorithm":"sha256","digest":"%s"}' \
		"$(repeated "${1:-ab}")"
}

body() {
	printf '{"id":"%s",%s"items":[%s]}' "$1" "${3:-}" "$(item "${2:-ab}")"
}

sql() { sqlite3 "${STORE:-$T/record.db}" "$1"; }
