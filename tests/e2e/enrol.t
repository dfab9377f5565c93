#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tests/e2e/enrol.t - README.md's commands to enrol, renew and revoke a build host, as they stand there.
. "${srcdir:-.}/tests/tap.sh"
. "$srcdir/tests/e2e/client_files.sh"
. "$srcdir/tests/e2e/client_service.sh"
need awk openssl

readme=$(cd "$srcdir" && pwd)/README.md
make_files
front_extra="client-crl = $T/etc/client-crl.pem"
make_service

# block NAME FILE - the fenced block after "<!-- tested: NAME -->"; /etc/kdsign is ours
block() {
	awk -v want="<!-- tested: $1 -->" '
		$0 == want { found = 1; next }
		found && /^```sh$/ { inside = 1; next }
		inside && /^```$/ { exit }
		inside
	' "$readme" | sed "s|/etc/kdsign/|$T/etc/|g" >"$2"
	[ -s "$2" ]
}

# The CA's password, which openssl asks for on a terminal, comes from a file; the rest is as in README.md.
mkdir "$T/bin" "$T/ca" "$T/host"
printf 'correct horse\n' >"$T/password"
openssl=$(command -v openssl)
cat >"$T/bin/openssl" <<-END
	#!/bin/sh
	case "\$1 \$*" in
	"ca "*) exec $openssl "\$@" -passin file:$T/password -batch ;;
	"req "*" -x509 "*) exec $openssl "\$@" -passout file:$T/password ;;
	*) exec $openssl "\$@" ;;
	esac
END
cat >"$T/bin/systemctl" <<-END
	#!/bin/sh
	[ "\$1" = reload ] || exit 1
	exec kill -HUP \$(cat $T/pid)
END
chmod 755 "$T/bin/openssl" "$T/bin/systemctl"

# readme FOLDER NAME - run the block there
readme() {
	block "$2" "$T/block" || return 1
	(cd "$T/$1" && PATH="$T/bin:$builddir:$PATH" farm7=$farm7 sh -e "$T/block")
}
# carry FROM TO FILE - between machines
carry() {
	cp "$T/$1/$3" "$T/$2/$3"
}
builddir=$(cd "$builddir" && pwd)
client=$builddir/kdsign-client

ok "a CA and its first CRL" readme ca ca
carry ca etc client-ca.pem
carry ca etc client-crl.pem
sed "s|^client-ca = .*|client-ca = $T/etc/client-ca.pem|" "$T/etc/kdsignd.conf" >"$T/conf"
cat "$T/conf" >"$T/etc/kdsignd.conf"
# The key that README.md grants is called driver-2026.
sed -e "s|^client-ca = .*|client-ca = $T/etc/client-ca.pem\nclient-crl = $T/etc/client-crl.pem|" \
	-e 's|^\[key driver\]|[key driver-2026]|' -e 's|^keys = driver|keys = driver-2026|' "$T/etc/keeper.conf" >"$T/conf"
cat "$T/conf" >"$T/etc/keeper.conf"
sed 's|^\[key driver\]|[key driver-2026]|' "$T/etc/signer.conf" >"$T/conf"
cat "$T/conf" >"$T/etc/signer.conf"

ok "the host's key and request" readme host request
farm7=$(cut -d' ' -f1 "$T/out")
ok "the hash is 64 hex digits" test "${#farm7}" -eq 64
carry host ca farm7.csr
ok "the CA issues a certificate" readme ca issue
carry ca host farm7.pem
ok "certificate and key in one file" readme host identity

export KDSIGN_IDENTITY="$T/host/farm7.identity" KDSIGN_CA="$T/client-ca.pem"
start service "$builddir/kdsignd" --standalone "$T/etc" --port-file "$T/port" --pid-file "$T/pid"
service=$pid
wait_for 20 test -s "$T/port" || { sed 's/^/# /' "$T/service.err"; exit 99; }
KDSIGN_SERVER=https://127.0.0.1:$(cat "$T/port")
export KDSIGN_SERVER

# Each on a fresh file.
signs() {
	cp "$T/drv64.sys" "$T/net.sys" && "$client" --quiet --timeout 5s sign "$T/net.sys"
}
refused() {
	cp "$T/drv64.sys" "$T/net.sys"
	"$client" --quiet --timeout 5s sign --key driver-2026 "$T/net.sys"
	[ $? -eq 4 ] && cmp -s "$T/drv64.sys" "$T/net.sys"
}
reloaded() {
	[ "$(grep -c 'configuration reloaded' "$T/service.err")" -ge "$1" ] &&
		[ "$(grep -c 'read again' "$T/service.err")" -ge "$1" ]
}

ok "known to the CA, but not granted anything" refused
says err "not granted"
ok "the grant is added" readme etc grant
ok "the service has reloaded" wait_for 10 reloaded 1
ok "the enrolled host signs" signs

cp "$T/host/farm7.pem" "$T/first.pem"
ok "renewed: issued again from the same request" readme ca issue
carry ca host farm7.pem
ok "renewed: put together again" readme host identity
fails 1 "the certificate is another one" cmp -s "$T/first.pem" "$T/host/farm7.pem"
ok "the renewed host signs, and nobody touched the signing host" signs

ok "every certificate of the host is revoked" readme ca revoke
mkdir "$T/inbox"
carry ca inbox client-crl.pem
ok "the new CRL is installed" readme inbox reload
ok "the service has reloaded" wait_for 10 reloaded 2
ok "the revoked host is refused, its file untouched" refused
cat "$T/first.pem" "$T/host/farm7.key" >"$T/host/farm7.identity"
ok "so is its first certificate" refused

stop_service
done_testing
