# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2154 # pid, T: tap.sh
# tsa.sh - sourced by tests (after tap.sh) and by the demo: timestamp authorities in miniature.
#
#	make_tsa_pki DIR          by openssl(1); needs nothing else:
#	                          root.pem, ca.pem (the CA between), chain.pem (both), otherroot.pem, and the
#	                          authorities tsa, ec, expired, noeku, plain (EKU not critical) and other (of
#	                          otherroot): NAME.pem, NAME.key
#	start_tsa [SECONDS]       starts tests/mock/tsa over $T/tsa, which it makes when it is not there; sets
#	                          TSA_URL TSA_LEGACY_URL (http://127.0.0.1:PORT/tsa, /legacy), TSA_BASE (without
#	                          path: $TSA_BASE/fault/nonce), TSA_ROOT (a PEM file) and tsa_pid
#	tsa_asked PATH            how many requests for that path have come

# tsa_key NAME ALGORITHM
tsa_key() {
	case $2 in
	rsa*) openssl genpkey -quiet -algorithm RSA -pkeyopt "rsa_keygen_bits:${2#rsa}" -out "$1.key" ;;
	*) openssl genpkey -algorithm EC -pkeyopt "ec_paramgen_curve:$2" -out "$1.key" ;;
	esac
}

# tsa_cert NAME SUBJECT ISSUER EXTENSIONS [openssl-ca options]; ISSUER "self": a root
tsa_cert() {
	tsa_name=$1 tsa_subject=$2 tsa_issuer=$3
	printf '%s\n' "$4" >"$1.ext"
	shift 4
	openssl req -new -config tsa.cnf -key "$tsa_name.key" -subj "$tsa_subject" -out "$tsa_name.csr" || return
	if [ "$tsa_issuer" = self ]; then
		set -- -selfsign -keyfile "$tsa_name.key" "$@"
	else
		set -- -cert "$tsa_issuer.pem" -keyfile "$tsa_issuer.key" "$@"
	fi
	openssl ca -batch -config tsa.cnf -name issuing -md sha256 -notext -days 3650 \
		-in "$tsa_name.csr" -extfile "$tsa_name.ext" -out "$tsa_name.pem" "$@" &&
		rm "$tsa_name.csr" "$tsa_name.ext"
}

# What openssl ts and openssl ca read. TSA_SERIAL: each request of the server has a file of its own.
tsa_config() {
	cat <<-'EOF'
		[req]
		distinguished_name = nothing
		[nothing]
		[issuing]
		database = index
		serial = serial
		new_certs_dir = .
		policy = any_name
		unique_subject = no
		rand_serial = yes
		[any_name]
		commonName = supplied
		organizationName = optional
	EOF
	for tsa_name in tsa ec expired other; do
		tsa_chain=chain.pem
		[ "$tsa_name" != other ] || tsa_chain=otherroot.pem
		cat <<-EOF
			[tsa_$tsa_name]
			serial = \$ENV::TSA_SERIAL
			signer_cert = $PWD/$tsa_name.pem
			signer_key = $PWD/$tsa_name.key
			certs = $PWD/$tsa_chain
			signer_digest = sha256
			default_policy = 1.2.3.4.1
			digests = sha1, sha256, sha384, sha512
			accuracy = secs:1
			ordering = yes
			tsa_name = yes
			ess_cert_id_chain = no
			ess_cert_id_alg = sha256
			$([ "$tsa_name" != ec ] || echo "clock_precision_digits = 6")
		EOF
	done
}

tsa_make_all() {
	cd "$1" || return
	TSA_SERIAL=serial
	export TSA_SERIAL
	tsa_ca='basicConstraints=critical,CA:TRUE
keyUsage=critical,keyCertSign,cRLSign
subjectKeyIdentifier=hash'
	tsa_leaf='basicConstraints=CA:FALSE
keyUsage=critical,digitalSignature
subjectKeyIdentifier=hash'
	tsa_eku='extendedKeyUsage=critical,timeStamping'
	tsa_config >tsa.cnf
	: >index
	for tsa_name in root ca otherroot tsa expired noeku plain other; do
		tsa_key "$tsa_name" rsa2048 || return
	done
	tsa_key ec P-256 &&
		tsa_cert root '/CN=Test TSA Root' self "$tsa_ca" &&
		tsa_cert otherroot '/CN=Another TSA Root' self "$tsa_ca" &&
		tsa_cert ca '/CN=Test TSA CA' root "$tsa_ca" &&
		tsa_cert tsa '/O=Test/CN=Test TSA' ca "$tsa_leaf
$tsa_eku" &&
		tsa_cert ec '/O=Test/CN=Test ECDSA TSA' ca "$tsa_leaf
$tsa_eku" &&
		tsa_cert expired '/O=Test/CN=Expired TSA' ca "$tsa_leaf
$tsa_eku" -startdate 20150101000000Z -enddate 20200101000000Z &&
		tsa_cert noeku '/O=Test/CN=No TSA' ca "$tsa_leaf" &&
		tsa_cert plain '/O=Test/CN=Plain TSA' ca "$tsa_leaf
extendedKeyUsage=timeStamping" &&
		tsa_cert other '/O=Test/CN=TSA of another root' otherroot "$tsa_leaf
$tsa_eku" &&
		cat ca.pem root.pem >chain.pem
}

make_tsa_pki() {
	mkdir -p "$1" && (tsa_make_all "$1") >"$1/log" 2>&1
}

start_tsa() {
	if ! [ -e "$T/tsa/chain.pem" ] && ! make_tsa_pki "$T/tsa"; then
		sed 's/^/# /' "$T/tsa/log"
		return 1
	fi
	start tsa "$builddir/tests/mock/tsa" --dir "$T/tsa" --port-file "$T/tsa/port" --seconds "${1:-600}"
	tsa_pid=$pid
	wait_for 30 test -s "$T/tsa/port" || return 1
	TSA_BASE=http://127.0.0.1:$(cat "$T/tsa/port")
	TSA_URL=$TSA_BASE/tsa TSA_LEGACY_URL=$TSA_BASE/legacy TSA_ROOT=$T/tsa/root.pem
}

tsa_asked() {
	grep -c "^POST $1 " "$T/tsa.out"
}
