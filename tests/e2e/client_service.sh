# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2154
# tests/e2e/client_service.sh - sourced after client_files.sh: the real daemons over SoftHSM, two keys, three clients.
#
#	make_service     token, keys, certificates, configuration under $T
#	launch_service   kdsignd --standalone; KDSIGN_SERVER, KDSIGN_IDENTITY, KDSIGN_CA are set; $service
#	start_service    the same, and waits until it is ready to sign
#	stop_service
#
# A test of another token sets module and defines make_token before it makes the service.
#
# Clients: one.identity may use "driver"; two.identity "driver" and "second"; nobody.identity has no grant.

service=
module=
for candidate in /usr/lib/softhsm/libsofthsm2.so /usr/lib/*/softhsm/libsofthsm2.so /usr/lib/*/libsofthsm2.so; do
	[ -e "$candidate" ] && module=$candidate
done
[ -n "$module" ] || skip_all "SoftHSM is not installed"
need softhsm2-util pkcs11-tool openssl

second_type=EC:prime256v1
# make_token - an empty token "kdsign-test", its PIN 123456; for tools that use it the
# environment, for signer.conf the lines of token_conf
make_token() {
	mkdir -m 700 "$T/tokens"
	printf 'directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n' "$T/tokens" >"$T/softhsm.conf"
	export SOFTHSM2_CONF="$T/softhsm.conf"
	token_conf="module-environment = SOFTHSM2_CONF=$SOFTHSM2_CONF"
	softhsm2-util --init-token --free --label kdsign-test --so-pin 12345678 --pin 123456 >"$T/keygen.log" 2>&1
}

# token_generate NAME TYPE ID
token_generate() {
	pkcs11-tool --module "$module" --token-label kdsign-test --login --pin 123456 --keypairgen \
		--key-type "$2" --label "$1" --id "$3" --usage-sign
}

# token_key NAME TYPE SUBJECT ID - a key pair on the token and its certificate by "middle" in NAME.pem
token_key() {
	token_generate "$1" "$2" "$4" >"$T/keygen.log" 2>&1 || exit 99
	pkcs11-tool --module "$module" --token-label kdsign-test --read-object --type pubkey --label "$1" \
		-o "$T/$1.spki" >"$T/keygen.log" 2>&1 || exit 99
	openssl pkey -pubin -inform DER -in "$T/$1.spki" -out "$T/$1.pub" || exit 99
	printf 'keyUsage=critical,digitalSignature\nextendedKeyUsage=codeSigning\n' >"$T/ext"
	openssl x509 -new -force_pubkey "$T/$1.pub" -subj "$3" -CA "$T/middle.pem" -CAkey "$T/middle.key" \
		-CAcreateserial -days 30 -extfile "$T/ext" -out "$T/$1.pem" 2>/dev/null || exit 99
}

sha256_of() {
	openssl x509 -in "$1" -outform DER | openssl dgst -sha256 -r | cut -d' ' -f1
}

make_service() {
	make_pki
	mkdir -m 700 "$T/etc" "$T/state"
	make_token || exit 99
	token_key driver rsa:2048 '/CN=Driver Key' 01
	token_key second $second_type '/CN=Second Key' 02
	issue client-ca '/CN=Client CA' self 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n'
	issue server '/CN=server' client-ca 'subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\n'
	for name in one two nobody; do
		issue $name /CN=$name client-ca 'extendedKeyUsage=clientAuth\n'
		cat "$T/$name.pem" "$T/$name.key" >"$T/$name.identity"
		chmod 600 "$T/$name.identity"
	done
	(
		umask 077
		printf 123456 >"$T/etc/pin"
		cat >"$T/etc/kdsignd.conf" <<-END
			listen = 127.0.0.1:0
			tls-certificate = $T/server.pem
			tls-key = $T/server.key
			client-ca = $T/client-ca.pem
			keeper = $T/state/keeper.sock
			$front_extra
		END
		cat >"$T/etc/keeper.conf" <<-END
			socket = $T/state/keeper.sock
			store = $T/state/record.db
			client-ca = $T/client-ca.pem
			[signer softhsm]
			socket = $T/state/signer.sock
			[key driver]
			signer = softhsm
			certificates = $T/driver.pem
			certificates = $T/middle.pem
			[key second]
			signer = softhsm
			certificates = $T/second.pem
			certificates = $T/middle.pem
			[grant one]
			client-sha256 = $(sha256_of "$T/one.pem")
			keys = driver
			kinds = pe catalog
			[grant two]
			client-sha256 = $(sha256_of "$T/two.pem")
			keys = driver second
			kinds = pe catalog
			digests = sha1 sha256 sha384 sha512
		END
		cat >"$T/etc/signer.conf" <<-END
			socket = $T/state/signer.sock
			module = $module
			$token_conf
			token = pkcs11:token=kdsign-test
			pin-file = $T/etc/pin
			state-dir = $T/state
			[key driver]
			uri = pkcs11:object=driver;type=private
			relax = rsa-2048
			[key second]
			uri = pkcs11:object=second;type=private
		END
	)
}

launch_service() {
	rm -f "$T/port"
	start service "$builddir/kdsignd" --standalone "$T/etc" --port-file "$T/port"
	service=$pid
	wait_for 20 test -s "$T/port" || return 1
	KDSIGN_SERVER=https://127.0.0.1:$(cat "$T/port")
	export KDSIGN_SERVER KDSIGN_IDENTITY="$T/one.identity" KDSIGN_CA="$T/client-ca.pem"
}

start_service() {
	launch_service || { sed 's/^/# /' "$T/service.err"; exit 99; }
	wait_for 20 "$client" --quiet --timeout 2s status 2>"$T/status.err" ||
		{ sed 's/^/# /' "$T/service.err" "$T/status.err"; exit 99; }
}

stop_service() {
	stop "$service"
}
