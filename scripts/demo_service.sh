# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2154
# scripts/demo_service.sh - sourced by demo after lib.sh: token, demo PKI, configuration, and the service itself.
#
# $state is demo-state/, $built the folder of the programs. Everything is made once and kept for the next run;
# a run that was cut short leaves no half-made part, since each is made aside and renamed when it is whole.

service_users=(kdsign-front kdsign-keeper kdsign-signer kdsign-relay)
key_name=driver-2026

softhsm_module() {
	local m
	for m in /usr/lib/softhsm/libsofthsm2.so /usr/lib/*/softhsm/libsofthsm2.so; do
		[[ ! -e $m ]] || { printf '%s' "$m"; return; }
	done
	die "no SoftHSM module found" "apt-get install softhsm2"
}

make_users() {
	local u
	for u in "${service_users[@]}"; do
		getent passwd "$u" >/dev/null || useradd --system --user-group --no-create-home --home-dir /nonexistent \
			--shell /usr/sbin/nologin --comment "kdsign" "$u"
	done
}

# custodian DIR COMMAND [OPTION...] - what a token's custodian does, recorded in DIR/latch
custodian() {
	local dir=$1 command=$2
	shift 2
	"$built/kdsign-token" "$command" --module "$(softhsm_module)" --token pkcs11:token=kdsign-demo --state "$dir/latch" \
		--pin-file "$dir/pin" --person 'scripts/demo, custodian' "$@"
}

# A SoftHSM token with a random PIN, and an RSA-3072 key generated on it: sensitive, never extractable.
make_token() {
	[[ ! -d $state/signer ]] || return 0
	local new=$state/signer.new
	rm -rf "$new" && mkdir -m 700 "$new" "$new/tokens" "$new/latch"
	printf 'directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n' "$new/tokens" >"$new/softhsm.new"
	SOFTHSM2_CONF=$new/softhsm.new "$built/demo-token" "$(softhsm_module)" kdsign-demo "$new/pin"
	SOFTHSM2_CONF=$new/softhsm.new custodian "$new" generate --label "$key_name" --type rsa3072 >&2
	rm "$new/softhsm.new"
	mv "$new" "$state/signer"
}

# issue NAME SUBJECT ISSUER EXTENSIONS [openssl x509 OPTION...] - NAME.pem from NAME.key, made when it is not there
issue() {
	local name=$1 subject=$2 issuer=$3 ext=$4
	shift 4
	[[ -e $name.key || -e $name.pub ]] || openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$name.key"
	[[ -e $name.pub ]] || openssl pkey -in "$name.key" -pubout -out "$name.pub"
	printf '%b\nsubjectKeyIdentifier=hash\n' "$ext" >ext
	if [[ $issuer == self ]]; then
		openssl req -x509 -new -key "$name.key" -subj "$subject" -sha256 -out "$name.pem" -config empty.cnf -extensions v3 "$@"
	else
		openssl x509 -new -force_pubkey "$name.pub" -subj "$subject" -CA "$issuer.pem" -CAkey "$issuer.key" -sha256 \
			-set_serial "0x$(openssl rand -hex 16 | sed 's/^./4/')" -extfile ext -out "$name.pem" "$@" 2>>openssl.log
	fi
}

self_signed() { # NAME SUBJECT EXTENSIONS DAYS [TYPE]
	printf '[req]\ndistinguished_name=dn\n[dn]\n[v3]\nsubjectKeyIdentifier=hash\n%b\n' "$3" >empty.cnf
	[[ ${5-} != rsa ]] || openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:3072 -out "$1.key"
	issue "$1" "$2" self "$3" -days "$4"
}

# The classic chain of a kernel driver: the vendor's CA has a root of its own, which the kernel does not know; the
# cross-certificate - that root's name and key, issued by the root that the kernel does know - joins the two.
make_pki() {
	[[ ! -d $state/pki ]] || return 0
	local new=$state/pki.new ca='basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign'
	rm -rf "$new" && mkdir -m 700 "$new"
	(
		cd "$new"
		self_signed kernel-root '/O=kdsign demo/CN=Demo Code Verification Root' "$ca" 3650 rsa
		self_signed ca-root '/O=kdsign demo/CN=Demo Certification Authority' "$ca" 3650 rsa
		openssl pkey -in ca-root.key -pubout -out cross.pub
		issue cross '/O=kdsign demo/CN=Demo Certification Authority' kernel-root "$ca" -days 3000
		openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:3072 -out intermediate.key
		issue intermediate '/O=kdsign demo/CN=Demo Code Signing CA' ca-root "$ca,cRLSign\nextendedKeyUsage=codeSigning" -days 2500
		token_public_key >leaf.pub
		issue leaf '/O=kdsign demo/CN=Demo Driver Vendor' intermediate \
			'basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=codeSigning' -days 365
		self_signed service-ca '/O=kdsign demo/CN=Demo Service CA' "$ca" 3650
		issue server '/O=kdsign demo/CN=kdsignd' service-ca \
			'subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth' -days 825
		self_signed client-ca '/O=kdsign demo/CN=Demo Client CA' "$ca" 3650
		issue client '/O=kdsign demo/CN=build host' client-ca \
			'keyUsage=critical,digitalSignature\nextendedKeyUsage=clientAuth' -days 365
		cat client.pem client.key >identity.pem
		chmod 600 ./*.key identity.pem
		rm -f empty.cnf ext openssl.log
	) || die "the demo PKI could not be made" "what was made so far: $new"
	mv "$new" "$state/pki"
}

# SubjectPublicKeyInfo in PEM, out of the request that the token's custodian hands to a CA.
token_public_key() {
	softhsm_conf "$state/signer"
	SOFTHSM2_CONF=$state/signer/softhsm.conf custodian "$state/signer" csr --key "$key_name" \
		--subject '/O=kdsign demo/CN=Demo Driver Vendor' | openssl req -verify -pubkey -noout 2>>openssl.log
}

softhsm_conf() { # DIR as the signer sees it
	printf 'directories.tokendir = %s/tokens\nobjectstore.backend = file\nlog.level = ERROR\n' "$1" >"$state/signer/softhsm.conf"
}

# The spki's SHA-256: a grant that names it survives the renewal of the client's certificate.
spki_sha256() { openssl x509 -in "$1" -pubkey -noout | openssl pkey -pubin -outform DER | openssl dgst -sha256 -r | cut -d' ' -f1; }

# write_configuration DIR - as the service sees demo-state/
write_configuration() {
	local d=$1 front='' keeper='' signer='' relay=''
	if [[ $separate == yes ]]; then
		front='user = kdsign-front' keeper='user = kdsign-keeper' signer='user = kdsign-signer' relay='user = kdsign-relay'
	fi
	mkdir -p "$state/service" "$state/record"
	chmod 755 "$state/service"
	softhsm_conf "$d/signer"
	cat >"$state/service/kdsignd.conf" <<-END
		listen = 127.0.0.1:${KDSIGN_DEMO_PORT:-0}
		tls-certificate = $d/front/server.pem
		tls-key = $d/front/server.key
		client-ca = $d/front/client-ca.pem
		keeper = $d/run/keeper.sock
		${keeper:+keeper-user = kdsign-keeper}
		relay = $d/run/relay.sock
		${relay:+relay-user = kdsign-relay}
		$front
	END
	cat >"$state/service/relay.conf" <<-END
		socket = $d/run/relay.sock
		${front:+front-user = kdsign-front}
		$relay
		upstream = $tsa
		legacy-upstream = $tsa_legacy
	END
	cat >"$state/service/keeper.conf" <<-END
		socket = $d/run/keeper.sock
		${front:+front-user = kdsign-front}
		$keeper
		store = $d/record/record.db
		client-ca = $d/record/client-ca.pem

		[signer softhsm]
		socket = $d/run/signer.sock
		${signer:+user = kdsign-signer}

		[key $key_name]
		signer = softhsm
		certificates = $d/record/leaf.pem
		certificates = $d/record/intermediate.pem
		cross-certificates = $d/record/cross.pem

		[grant build-host]
		client-spki-sha256 = $(spki_sha256 "$state/pki/client.pem")
		keys = $key_name
		kinds = pe catalog
		digests = sha256 sha384 sha512 sha1
	END
	cat >"$state/service/signer.conf" <<-END
		socket = $d/run/signer.sock
		${keeper:+keeper-user = kdsign-keeper}
		$signer
		module = $(softhsm_module)
		module-environment = SOFTHSM2_CONF=$d/signer/softhsm.conf
		token = pkcs11:token=kdsign-demo
		pin-file = $d/signer/pin
		state-dir = $d/signer/latch
		sessions = $(nproc)

		[key $key_name]
		uri = pkcs11:object=$key_name;type=private
	END
	chmod 644 "$state"/service/*.conf
	mkdir -p "$state/front" "$state/run"
	chmod 700 "$state/front" "$state/record" "$state/signer"
	chmod 755 "$state/run" "$state"
	cp "$state/pki/server.pem" "$state/pki/server.key" "$state/pki/client-ca.pem" "$state/front/"
	cp "$state"/pki/{client-ca,leaf,intermediate,cross}.pem "$state/record/"
}

# Each process's files go to its own user while it runs, and back to the caller afterwards.
hand_over() {
	[[ $separate == yes ]] || return 0
	chown -R kdsign-front: "$state/front"
	chown -R kdsign-keeper: "$state/record"
	chown -R kdsign-signer: "$state/signer"
	chown root: "$state/run" "$state"/service/*.conf
}

take_back() {
	[[ $(id -u) != 0 ]] || chown -R "$owner_uid:$owner_gid" "$state"
}

# A checkout in a home folder of mode 0700 cannot be reached by the service's users; then the service gets a
# mount namespace of its own in which it stands elsewhere.
reachable() {
	local u
	for u in "${service_users[@]}"; do
		setpriv --reuid "$u" --regid "$u" --clear-groups test -r "$1" -a -x "$1" 2>/dev/null || return 1
	done
}

start_service() {
	local seen=$top run=()
	separate=no
	if [[ $(id -u) == 0 ]]; then
		make_users
		separate=yes
		if ! reachable "$built/kdsignd"; then
			seen=/run/kdsign-demo
			mkdir -p "$seen"
			# shellcheck disable=SC2016
			run=(unshare --mount --propagation private sh -c 'mount --bind "$1" "$2" && shift 2 && exec "$@"' sh "$top" "$seen")
			if ! "${run[@]}" true 2>/dev/null; then
				step "the service's users cannot reach $top, and no mount namespace is to be had: one user for all"
				separate=no seen=$top run=()
			fi
		fi
	fi
	[[ $separate == yes || $(id -u) != 0 || $owner_uid == 0 ]] || run=("${owner_run[@]}")
	write_configuration "$seen/${state#"$top/"}"
	take_back
	hand_over
	rm -f "$state/port"
	"${run[@]}" "$seen/${built#"$top/"}/kdsignd" --standalone "$seen/${state#"$top/"}/service" \
		--port-file "$state/port" >"$state/service.log" 2>&1 </dev/null &
	service=$!
	printf '%s\n' "$service" >"$state/pid"
	local i
	for ((i = 0; i < 200; i++)); do
		[[ ! -s $state/port ]] || break
		kill -0 "$service" 2>/dev/null || die "the service did not start: $(tail -n 3 "$state/service.log")" "the whole log: $state/service.log"
		sleep 0.1
	done
	[[ -s $state/port ]] || die "the service was not ready within 20 s" "its log: $state/service.log"
	port=$(<"$state/port")
	[[ $(id -u) != 0 ]] || chown "$owner_uid:$owner_gid" "$state/port" "$state/pid" "$state/service.log"
}

# alive PID - there, and not only waiting for its parent to notice
alive() { [[ $(sed -n 's/^State:\t\(.\).*/\1/p' "/proc/$1/status" 2>/dev/null) == [!Z] ]]; }

# stop_service PID - by its process id, and only when it is still our kdsignd
stop_service() {
	local pid=$1 i
	if [[ -e /proc/$pid && $(tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null) == *kdsignd\ --standalone* ]]; then
		kill "$pid" 2>/dev/null || die "the service (process $pid) is another user's" "sudo scripts/demo --stop"
		for ((i = 0; i < 150; i++)); do
			alive "$pid" || break
			sleep 0.1
		done
		! alive "$pid" || kill -KILL "$pid" 2>/dev/null || true
	fi
	rm -f "$state/pid" "$state/port"
	take_back
}
