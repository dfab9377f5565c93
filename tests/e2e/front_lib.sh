# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2154 # pid, srcdir: tap.sh
# front_lib.sh - sourced by front*.t after tap.sh: a PKI, a front before a fake keeper, and requests.
#
#	front_pki                 $T/pki: ca, server, good, second, and the clients that must be refused
#	front_conf [LINE...]      $T/kdsignd.conf
#	front_start               starts fake_keeper and kdsignd; $port, $front_pid, $keeper_pid
#	call [curl options] PATH  one request as "good"; its status on stdout, body in $T/body
#	raw [options] FILE        FILE's bytes over TLS as "good"; see below
#	asked ROUTE               how many asks of that route the keeper saw (3 is POST /v1/signatures)

need openssl curl
P=$T/pki
KDSIGND=${builddir:=.}/kdsignd

# issue NAME CN EKU [extra openssl-x509 options]: an end-entity certificate of the CA "ca"
issue() {
	issue_name=$1 issue_cn=$2 issue_eku=$3
	shift 3
	{
		echo "basicConstraints=critical,CA:false"
		echo "subjectAltName=IP:127.0.0.1"
		[ -z "$issue_eku" ] || echo "extendedKeyUsage=$issue_eku"
	} >"$P/$issue_name.ext"
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$issue_cn" \
		-keyout "$P/$issue_name.key" -out "$P/$issue_name.csr" 2>/dev/null
	openssl ca -batch -config "$P/ca.cnf" -in "$P/$issue_name.csr" -out "$P/$issue_name.crt" \
		-extfile "$P/$issue_name.ext" -notext "$@" 2>/dev/null
	cat "$P/$issue_name.crt" "$P/$issue_name.key" >"$P/$issue_name.pem"
}

make_ca() { # NAME
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 \
		-subj "/CN=test $1" -keyout "$P/$1.key" -out "$P/$1.crt" \
		-addext keyUsage=critical,keyCertSign,cRLSign 2>/dev/null
}

crl() { # $P/crl.pem from what is revoked by now
	openssl ca -config "$P/ca.cnf" -gencrl -out "$P/crl.pem" -crldays 7 2>/dev/null
}

revoke() {
	openssl ca -config "$P/ca.cnf" -revoke "$P/$1.crt" 2>/dev/null
}

front_pki() {
	(
		umask 077
		mkdir -p "$P/new"
		: >"$P/index.txt"
		echo 1000 >"$P/serial"
		echo 01 >"$P/crlnumber"
		cat >"$P/ca.cnf" <<-END
			[ca]
			default_ca=d
			[d]
			database=$P/index.txt
			new_certs_dir=$P/new
			serial=$P/serial
			crlnumber=$P/crlnumber
			certificate=$P/ca.crt
			private_key=$P/ca.key
			default_md=sha256
			default_days=20
			unique_subject=no
			policy=p
			[p]
			commonName=supplied
		END
		make_ca ca
		make_ca foreign
		issue server 127.0.0.1 serverAuth
		issue good "build host" clientAuth
		issue second "other host" clientAuth
		issue late "left host" clientAuth
		issue revoked "stolen host" clientAuth
		issue expired "old host" clientAuth -startdate 20200101000000Z -enddate 20200201000000Z
		issue early "future host" clientAuth -startdate 20400101000000Z -enddate 20410101000000Z
		issue servereku "a server" serverAuth
		issue noeku "anything"  ""
		revoke revoked
		crl
		# Signed by a CA of another key, though it says the same names.
		openssl x509 -req -in "$P/good.csr" -CA "$P/foreign.crt" -CAkey "$P/foreign.key" \
			-CAcreateserial -days 5 -extfile "$P/good.ext" -out "$P/alien.crt" 2>/dev/null
		cat "$P/alien.crt" "$P/good.key" >"$P/alien.pem"
	)
}

front_conf() {
	{
		echo "listen = 127.0.0.1:0"
		echo "tls-certificate = $P/server.crt"
		echo "tls-key = $P/server.key"
		echo "client-ca = $P/ca.crt"
		echo "client-crl = $P/crl.pem"
		echo "keeper = $T/keeper.sock"
		for front_line; do
			echo "$front_line"
		done
	} >"$T/kdsignd.conf"
	chmod 644 "$T/kdsignd.conf"
}

keeper_start() {
	start keeper "$builddir/tests/unit/front/fake_keeper" "$T/keeper.sock"
	keeper_pid=$pid
	wait_for 10 test -S "$T/keeper.sock"
}

front_start() {
	[ -n "$keeper_pid" ] || keeper_start
	rm -f "$T/port"
	start front "$KDSIGND" --config "$T/kdsignd.conf" --port-file "$T/port"
	front_pid=$pid
	wait_for 20 test -s "$T/port" || {
		sed 's/^/# /' "$T/front.err"
		return 1
	}
	port=$(cat "$T/port")
	wait_for 10 grep -q ': connected' "$T/front.err"
}
keeper_pid=

call() {
	call_path=$(eval "echo \"\${$#}\"")
	call_n=$(($# - 1)) call_i=0
	for call_arg; do
		shift
		call_i=$((call_i + 1))
		[ "$call_i" -gt "$call_n" ] || set -- "$@" "$call_arg"
	done
	curl --silent --show-error --max-time 20 --cacert "$P/ca.crt" --cert "$P/good.pem" \
		--output "$T/body" --dump-header "$T/header" --write-out '%{http_code}\n' "$@" \
		"https://127.0.0.1:$port$call_path"
}

# status WANT [curl options] PATH
status() {
	status_want=$1
	shift
	status_got=$(call "$@") || true
	[ "$status_got" = "$status_want" ] || {
		echo "status $status_got, want $status_want"
		cat "$T/header" "$T/body" 2>/dev/null
		return 1
	}
}

# raw [raw_client options] FILE: what came back in $T/reply, its last line 'closed MS' or 'open MS'
raw() {
	"$builddir/tests/unit/front/raw_client" --port "$port" --cert "$P/good.crt" \
		--key "$P/good.key" "$@" >"$T/reply"
}

asked() {
	grep -c "^route=$1 " "$T/keeper.out" || true
}

front_stop() {
	stop "$front_pid"
}
