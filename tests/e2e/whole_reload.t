#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What SIGHUP changes while the whole runs: grants, revoked clients, the keys' own certificates. And how clients are named.
# shellcheck source=tests/tap.sh
. "${srcdir:-.}/tests/tap.sh"
# shellcheck source=tests/e2e/whole_lib.sh
. "$srcdir/tests/e2e/whole_lib.sh"

make_service
make_files
cat >"$T/ca.cnf" <<-END
	[ca]
	default_ca = d
	[d]
	database = $T/index.txt
	crlnumber = $T/crlnumber
	default_md = sha256
	certificate = $T/client-ca.pem
	private_key = $T/client-ca.key
	[signing]
	database = $T/signing.txt
	new_certs_dir = $T
	serial = $T/signing.serial
	default_md = sha256
	certificate = $T/middle.pem
	private_key = $T/middle.key
	policy = any
	[any]
	commonName = supplied
END
: >"$T/index.txt"
: >"$T/signing.txt"
echo 7000 >"$T/signing.serial"
echo 01 >"$T/crlnumber"

crl() { # REVOKED...
	for name; do
		openssl ca -config "$T/ca.cnf" -revoke "$T/$name.pem" 2>/dev/null || exit 99
	done
	openssl ca -config "$T/ca.cnf" -gencrl -crldays 7 -out "$T/new.crl" 2>/dev/null || exit 99
	cat "$T/new.crl" >"$T/client.crl"
}

# host NAME SUBJECT - a client's certificate; the key of that name is kept when there is one
host() {
	issue "$1" "$2" client-ca 'extendedKeyUsage=clientAuth\n'
	cat "$T/$1.pem" "$T/$1.key" >"$T/$1.identity"
	chmod 600 "$T/$1.identity"
}

spki_of() {
	openssl x509 -in "$1" -noout -pubkey | openssl pkey -pubin -outform DER | openssl dgst -sha256 -r | cut -d' ' -f1
}

# The subject's Name, that is the sixth value inside a TBSCertificate of version 3.
subject_of() {
	openssl x509 -in "$1" -outform DER -out "$T/one.der" &&
		subject_at=$(openssl asn1parse -inform DER -in "$T/one.der" | awk -F: '
			$2 ~ /d=2/ && ++n == 6 { print $1 + 0 }') &&
		openssl asn1parse -inform DER -in "$T/one.der" -strparse "$subject_at" -noout -out "$T/subject.der" >/dev/null &&
		od -An -v -tx1 "$T/subject.der" | tr -d ' \n'
}

hup() {
	hup_loads=$(grep -c 'configuration reloaded\|stays in force' "$T/service.err")
	kill -HUP "$service"
	wait_for 10 reloaded
}
reloaded() {
	[ "$(grep -c 'configuration reloaded\|stays in force' "$T/service.err")" -gt "$hup_loads" ]
}
number=0
asks() { # STATUS TITLE CLIENT - a request that is new each time
	number=$((number + 1))
	body "request-$(printf %09d $number)" "$(printf %02d $number)" '"key":"driver",' >"$T/request"
	who=$3
	answers "$1" "$2" --data-binary "@$T/request" /v1/signatures
}

crl
set_conf kdsignd.conf "client-crl = $T/client.crl"
set_conf keeper.conf "client-crl = $T/client.crl"
cp "$T/etc/keeper.conf" "$T/start.conf"
start_service
asks 200 'a granted client' one
asks 403 'one without a grant' nobody
body_says 'not_granted'

# a new grant, and files that are not right
grant="[grant later]
client-sha256 = $(sha256_of "$T/nobody.pem")
keys = driver"
echo "$grant" >>"$T/etc/keeper.conf"
ok 'SIGHUP with a new grant' hup
asks 200 'takes effect' nobody
cp "$T/start.conf" "$T/etc/keeper.conf"
printf '%s\nnonsense = 1\n' "$grant" >>"$T/etc/keeper.conf"
hup
ok 'a broken file is refused' grep -q 'stays in force' "$T/service.err"
asks 200 'nothing of the running grants is lost' nobody
asks 200 'neither of the others' one
cp "$T/start.conf" "$T/etc/keeper.conf"
hup
asks 403 'a grant that was taken away' nobody
printf '%s\nnonsense = 1\n' "$grant" >>"$T/etc/keeper.conf"
hup
asks 403 'does not come back by half of a broken file' nobody
cp "$T/start.conf" "$T/etc/keeper.conf"
cp "$T/client-ca.pem" "$T/client-ca.good"
echo 'no certificate' >"$T/client-ca.pem"
refusals=$(grep -c 'client-ca' "$T/service.err")
hup
ok 'a CA file that is none is refused by both' wait_for 5 sh -c \
	'test "$(grep -c client-ca "$1")" -ge $(($2 + 2))' - "$T/service.err" "$refusals"
cp "$T/client-ca.good" "$T/client-ca.pem"
asks 200 'and the one before stays in use' one

# three ways to name a client
host renewed /O=Farm/CN=renewed
host fixed /O=Farm/CN=fixed
host named '/O=Farm/CN=Ünamed'
host other '/O=Farm/CN=other'
cat >>"$T/etc/keeper.conf" <<-END
	[grant by-key]
	client-spki-sha256 = $(spki_of "$T/renewed.pem")
	keys = driver
	[grant by-certificate]
	client-sha256 = $(sha256_of "$T/fixed.pem")
	keys = driver
	[grant by-name]
	client-issuer-sha256 = $(sha256_of "$T/client-ca.pem")
	client-subject = $(subject_of "$T/named.pem")
	keys = driver
END
ok 'three more grants' hup
for name in renewed fixed named; do
	asks 200 "a client named in way '$name'" $name
done
asks 403 'the same issuer and another subject' other
host renewed /O=Farm/CN=renewed
host fixed /O=Farm/CN=fixed
rm "$T/named.key"
host named '/O=Farm/CN=Ünamed'
asks 200 'a renewed certificate, named by its public key' renewed
asks 403 'named by the certificate it was' fixed
asks 200 'named by issuer and subject, even with a new key' named
issue impostor-ca '/CN=Client CA' self 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n'
issue impostor '/O=Farm/CN=Ünamed' impostor-ca 'extendedKeyUsage=clientAuth\n'
cat "$T/impostor.pem" "$T/impostor.key" >"$T/impostor.identity"
chmod 600 "$T/impostor.identity"
who=impostor
ok 'the same names of another CA do not pass the handshake' test "$(api /v1/keys 2>/dev/null)" = 000

# a client is revoked while it is connected
who=renewed
mkfifo "$T/requests"
openssl s_client -quiet -verify_quiet -CAfile "$T/client-ca.pem" -cert "$T/renewed.pem" -key "$T/renewed.key" \
	-connect "${KDSIGN_SERVER#https://}" <"$T/requests" >"$T/kept.out" 2>"$T/kept.err" &
kept=$!
exec 8>"$T/requests"
ask_kept() {
	printf 'GET /v1/keys HTTP/1.1\r\nHost: x\r\n\r\n' >&8
}
kept_says() {
	grep -o "HTTP/1.1 $1 " "$T/kept.out" | grep -c . | grep -qx "$2"
}
ask_kept
ok 'a connection that is kept' wait_for 5 kept_says 200 1
crl renewed
ok 'its client is revoked' hup
ask_kept
ok 'the kept connection is refused' wait_for 5 kept_says 403 1
ok 'with a constant text' grep -q '"code":"client_refused"' "$T/kept.out"
refused_new() { [ "$(api /v1/keys 2>/dev/null)" = 000 ]; }
ok 'a new one does not pass the handshake' wait_for 5 refused_new
kill "$kept" # s_client -quiet does not end with its input
exec 8>&-
wait "$kept"
asks 200 'the others go on' one
export KDSIGN_IDENTITY="$T/renewed.identity"
fails 4 'kdsign-client of the revoked host' "$client" --timeout 2s keys
says err 'refuses this client'
KDSIGN_IDENTITY=$T/one.identity

# the key's own certificate
cp "$T/drv64.sys" "$T/a.sys"
key_certificate() { # NAME - SIGHUP with it, until readyz knows
	cp "$T/start.conf" "$T/etc/keeper.conf"
	sed -i "s|^certificates = $T/driver.pem|certificates = $T/$1.pem|" "$T/etc/keeper.conf"
	hup
}
openssl req -new -key "$T/leaf.key" -subj '/CN=Driver Key' -out "$T/early.csr" 2>/dev/null || exit 99
printf 'keyUsage=critical,digitalSignature\nextendedKeyUsage=codeSigning\n' >"$T/ext"
openssl x509 -new -force_pubkey "$T/driver.pub" -subj '/CN=Driver Key' -CA "$T/middle.pem" -CAkey "$T/middle.key" \
	-CAcreateserial -days -1 -extfile "$T/ext" -out "$T/expired.pem" 2>/dev/null || exit 99
openssl x509 -new -force_pubkey "$T/second.pub" -subj '/CN=Driver Key' -CA "$T/middle.pem" -CAkey "$T/middle.key" \
	-CAcreateserial -days 9 -extfile "$T/ext" -out "$T/alien.pem" 2>/dev/null || exit 99
openssl ca -batch -config "$T/ca.cnf" -name signing -in "$T/early.csr" -extfile "$T/ext" \
	-startdate 20400101000000Z -enddate 20410101000000Z -notext -out "$T/early.pem" 2>/dev/null || exit 99
for pair in 'expired:expired' 'early:valid from 2040' 'alien:another key'; do
	ok "a signing certificate: ${pair#*:}" key_certificate "${pair%%:*}"
	asks 403 'signs nothing' one
	body_says '"code":"certificate_invalid"'
	body_says "${pair#*:}"
	answers 503 'readyz' /readyz
	ok 'says which key' jq -e '.keys[] | select(.name == "driver") | .code == "certificate_invalid"' "$T/body"
	fails 4 'kdsign-client' "$client" --timeout 2s sign --key driver "$T/a.sys"
	says err "${pair#*:}"
	ok 'the file is as it was' cmp "$T/drv64.sys" "$T/a.sys"
done
ok 'the right one again' key_certificate driver
asks 200 'signs' one

# a key is retired at a date
retire() { # TIME - of the key "driver", from a SIGHUP on
	cp "$T/start.conf" "$T/etc/keeper.conf"
	sed -i "s|^certificates = $T/driver.pem|&\nretire = $1|" "$T/etc/keeper.conf"
	hup
}
ok 'a date to come' retire "$(date -u -d '+1 day' +%F)"
asks 200 'signs still' one
ok 'a date that has come' retire "$(date -u +%F)"
asks 403 'signs no more' one
body_says '"code":"key_retired"'
body_says "key 'driver' is retired: it signs no more since $(date -u +%F)T00:00:00.000Z"
ok 'that is recorded' test "$(record "SELECT count(*) FROM event WHERE json LIKE '%\"code\":\"key_retired\"%'")" -gt 0
answers 200 'readyz' /readyz
ok 'shows it, and is content' jq -e '.keys[] | select(.name == "driver") | .ready == false and .code == "key_retired"' "$T/body"
fails 4 'kdsign-client' "$client" --timeout 2s sign --key driver "$T/a.sys"
says err 'is retired'
says err "'kdsign-client keys'"
ok 'to the second' retire "$(date -u -d '-2 seconds' +%FT%TZ)"
asks 403 'signs no more' one
ok 'what is no date changes nothing' retire soon
asks 403 'signs no more' one
ok 'and stands in the log' grep -q "retire: 'soon' is no time" "$T/service.err"
done_testing
