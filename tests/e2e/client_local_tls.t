#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2154
# kdsign-client against servers that are not there, or not who they should be: openssl s_server plays them.
. "${srcdir:-.}/tests/tap.sh"
# shellcheck source=/dev/null
. "$srcdir/tests/e2e/client_files.sh"
need openssl

ca='basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n'
for name in server-ca client-ca other-ca; do
	issue $name "/CN=$name" self "$ca"
done
issue server /CN=server server-ca 'subjectAltName=DNS:localhost\nextendedKeyUsage=serverAuth\n'
days=0 issue expired /CN=expired client-ca 'extendedKeyUsage=clientAuth\n'
issue host /CN=host client-ca 'extendedKeyUsage=clientAuth\n'
issue stranger /CN=stranger other-ca 'extendedKeyUsage=clientAuth\n'
for name in host stranger expired; do
	cat "$T/$name.pem" "$T/$name.key" >"$T/$name.identity"
	chmod 600 "$T/$name.identity"
done
ask="$client --identity $T/host.identity --ca $T/server-ca.pem --timeout 2s"

# listen NAME s_server-options... - $port; s_server prints the one it was given with "-accept 0"
listen() {
	name=$1
	shift
	start "$name" openssl s_server -accept 127.0.0.1:0 -cert "$T/server.pem" -key "$T/server.key" "$@"
	wait_for 10 grep -q '^ACCEPT [^ ]*:[0-9]' "$T/$name.out" || skip_all "openssl s_server does not start"
	port=$(sed -n 's/^ACCEPT .*:\([0-9]*\)$/\1/p' "$T/$name.out")
}

listen plain -tls1_3 -www
www=$port
ok "the played server answers" wait_for 10 sh -c 'curl -s --cacert "$1" "https://localhost:$2/" | grep -q s_server' \
	- "$T/server-ca.pem" "$www"
# shellcheck disable=SC2086
{
	fails 7 "an answer that is no API answer" $ask --server "https://localhost:$www" keys
	says err "answer of the server to /v1/keys"
	fails 7 "wrong server name" $ask --server "https://127.0.0.1:$www" keys
	says err "'https://127.0.0.1:$www': the server's certificate is not accepted"
	says err "hint: "
	fails 7 "server of another CA" $ask --ca "$T/other-ca.pem" --server "https://localhost:$www" keys
	says err "the server's certificate is not accepted"
	says err "--ca must name the CA"
	fails 7 "the system's CAs do not count beside --ca" env SSL_CERT_FILE="$T/server-ca.pem" \
		$ask --ca "$T/other-ca.pem" --server "https://localhost:$www" status
	ok "proxies of the environment are not used" sh -c '! HTTPS_PROXY=http://127.0.0.1:1 "$@" 2>&1 |
		grep -q 127.0.0.1:1' - $ask --server "https://localhost:$www" keys

	listen old -tls1_2 -www
	fails 7 "TLS 1.2" $ask --server "https://localhost:$port" keys
	says err "does not speak TLS 1.3"

	listen strict -tls1_3 -www -Verify 1 -verify_return_error -CAfile "$T/client-ca.pem"
	fails 4 "client certificate of a CA that the server does not know" \
		$ask --identity "$T/stranger.identity" --server "https://localhost:$port" keys
	says err "the server refuses this client's certificate"
	fails 7 "the right one passes the handshake" $ask --server "https://localhost:$port" keys
	says err "answer of the server to /v1/keys"
	stop "$pid"

	fails 5 "server that is not there" $ask --server "https://localhost:$port" keys
	says err "trying again for up to"
	says err "'https://localhost:$port': "
	before=$(date +%s)
	fails 5 "one second of trying" $ask --timeout 1s --server "https://localhost:$port" status
	ok "is not much more than one" test $(($(date +%s) - before)) -le 3
	fails 5 "a name that does not resolve" $ask --timeout 1s --server https://no-such-host.invalid keys

	ok "the certificate expires" wait_for 10 sh -c '! openssl x509 -checkend 0 -noout -in "$1"' - "$T/expired.pem"
	fails 4 "expired client certificate" $ask --identity "$T/expired.identity" \
		--server "https://localhost:$www" keys
	says err "client certificate 'CN=expired' expired "
	fails 2 "identity without a key" $ask --identity "$T/host.pem" --server "https://localhost:$www" keys
	says err "must hold the certificate and its unencrypted key"
	fails 2 "identity that is not there" $ask --identity "$T/none" --server "https://localhost:$www" keys
	says err "client certificate: '$T/none'"
	chmod 666 "$T/host.identity"
	fails 2 "identity that others may write" $ask --server "https://localhost:$www" keys
	chmod 644 "$T/host.identity"
	fails 2 "identity whose key others may read" $ask --server "https://localhost:$www" keys
	says err "host.identity': mode 0644: others can read its private key"
	says err "hint: chmod 6"
	if [ "$(id -u)" = 0 ]; then
		chmod 640 "$T/host.identity"
		fails 5 "root hands it out to a group" $ask --server https://127.0.0.1:1 keys
		chown 65534 "$T/host.identity"
		chmod 711 "$T"
		fails 2 "one's own is for oneself" as_nobody "$client" --identity "$T/host.identity" \
			--ca "$T/server-ca.pem" --timeout 2s --server https://127.0.0.1:1 keys
		says err "hint: chmod 600 '"
		chown 0 "$T/host.identity"
	fi
	chmod 600 "$T/host.identity"
	openssl ec -in "$T/host.key" -aes128 -passout pass:secret -out "$T/encrypted.key" 2>/dev/null
	cat "$T/host.pem" "$T/encrypted.key" >"$T/encrypted.identity" && chmod 600 "$T/encrypted.identity"
	fails 2 "an encrypted key is an error, not a question" timeout 10 $ask \
		--identity "$T/encrypted.identity" --server "https://localhost:$www" keys </dev/null
	fails 2 "CA that is not there" $ask --ca "$T/none" --server "https://localhost:$www" keys
	fails 2 "no identity" "$client" --server "https://localhost:$www" keys
	says err "no client certificate is named"
	fails 2 "a path in the address" $ask --server "https://localhost:$www/v1" keys
	fails 2 "not https" $ask --server "http://localhost:$www" keys
}
done_testing
