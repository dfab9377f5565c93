#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2154,SC2317
# kdsign-client sign, keys and status against the real daemons over SoftHSM.
. "${srcdir:-.}/tests/tap.sh"
# shellcheck source=/dev/null
. "$srcdir/tests/e2e/client_files.sh"
need osslsigncode openssl jq
# shellcheck source=/dev/null
. "$srcdir/tests/e2e/client_service.sh"

# Some small ones are enough here; each has other bytes.
copies() {
	mkdir -p "$1"
	for i in $(seq "$2"); do
		{ cat "$T/drv64.sys" && echo "$i"; } >"$1/$i.sys"
	done
}

judge() { # FILE: a program that is not ours
	osslsigncode verify -CAfile "$T/kernel-root.pem" -in "$1"
}

make_files
make_service
start_service

ok "status" "$client" status
says out "key         driver: ready"
ok "keys" "$client" keys
says out "driver  rsa-2048"
thumbprint=$(openssl x509 -in "$T/driver.pem" -noout -fingerprint -sha1 | cut -d= -f2)
says out "$(echo "$thumbprint" | tr -d : | tr A-F a-f)"

ok "several keys in JSON" sh -c '"$1" --json --identity "$2/two.identity" keys | jq -r .name >"$2/names"' - "$client" "$T"
ok "one object a line" test "$(tr '\n' ' ' <"$T/names")" = "driver second "

# one file
cp "$T/drv64.sys" "$T/a.sys" && chmod 751 "$T/a.sys"
ok "sign without naming the only key" "$client" sign --ac "$T/cross.pem" --description "Ünï driver" \
	--url https://example.com/x "$T/a.sys"
says out "$T/a.sys: signed with driver (sha256)"
ok "our verify takes it" "$client" verify --root "$T/kernel-root.pem" "$T/a.sys"
says out "description: Ünï driver"
ok "osslsigncode takes it" judge "$T/a.sys"
ok "mode is kept" test "$(stat -c %a "$T/a.sys")" = 751
digest=$("$client" digest "$T/a.sys")
ok "signing again replaces" "$client" sign --sha1 "$thumbprint" --ac "$T/cross.pem" "$T/a.sys"
says out "old signature replaced"
ok "digest stays" test "$("$client" digest "$T/a.sys")" = "$digest"
ok "there is one signature" sh -c 'test "$("$1" inspect "$2" | grep -c "^  signature ")" = 1' - "$client" "$T/a.sys"
openssl x509 -in "$T/cross.pem" -outform DER -out "$T/cross.cer"
cp "$T/drv32.sys" "$T/b.sys"
ok "cross-certificate in DER, file behind a link, into another file" \
	sh -c 'ln -s b.sys "$2/l.sys" && "$1" sign --ac "$2/cross.cer" --output "$2/new.sys" "$2/l.sys"' - "$client" "$T"
ok "osslsigncode takes the new file" judge "$T/new.sys"
ok "the input is as it was" cmp "$T/drv32.sys" "$T/b.sys"
ok "in place through a link" "$client" sign --key driver "$T/l.sys"
ok "the link stays" test -L "$T/l.sys"
for alg in sha1 sha384 sha512; do
	cp "$T/drv64.sys" "$T/$alg.sys"
	ok "digest $alg" "$client" --identity "$T/two.identity" sign --key driver --digest $alg \
		--ac "$T/cross.pem" "$T/$alg.sys"
	ok "osslsigncode takes $alg" judge "$T/$alg.sys"
done
cp "$T/drv64.sys" "$T/ec.sys"
ok "ECDSA key" "$client" --identity "$T/two.identity" sign --key second --ac "$T/cross.pem" "$T/ec.sys"
ok "our verify takes ECDSA" "$client" verify --root "$T/kernel-root.pem" "$T/ec.sys"

# which key
cp "$T/drv64.sys" "$T/c.sys"
fails 2 "several keys, none named" "$client" --identity "$T/two.identity" sign "$T/c.sys"
says err "name one with --key: driver, second"
fails 4 "unknown key" "$client" sign --key third "$T/c.sys"
says err "'third'"
says err "granted to this client: driver"
fails 4 "key that is not granted" "$client" sign --key second "$T/c.sys"
says err "'second'"
fails 4 "digest that is not granted" "$client" sign --digest sha1 "$T/c.sys"
says err "sha1"
fails 4 "thumbprint that is not granted" "$client" sign --sha1 "$(printf %040d 7)" "$T/c.sys"
says err "no key with a certificate of that thumbprint"
fails 2 "thumbprint of wrong length" "$client" sign --sha1 12:34 "$T/c.sys"
fails 2 "key and thumbprint that differ" "$client" --identity "$T/two.identity" sign --key second \
	--sha1 "$thumbprint" "$T/c.sys"
fails 4 "client without any grant" "$client" --identity "$T/nobody.identity" sign "$T/c.sys"
fails 3 "--ac without a certificate" "$client" sign --ac "$T/drv.c" "$T/c.sys"
ok "nothing of this touched the file" cmp "$T/drv64.sys" "$T/c.sys"

# many files
copies "$T/many" 230
printf 'no driver' >"$T/many/0.sys"
fails 3 "231 files, one of them bad" "$client" --json sign "$T"/many/*.sys
says err "'$T/many/0.sys': "
cp "$T/out" "$T/json"
ok "a line each" test "$(wc -l <"$T/json")" = 231
ok "230 are signed" test "$(grep -c '"ok":true' "$T/json")" = 230
rm "$T/many/0.sys"
ok "all verify" "$client" --quiet verify --root "$T/ca-root.pem" "$T"/many/*.sys
ok "few requests carried them" test "$(grep -c 'POST /v1/signatures 200' "$T/service.err")" -lt 60
ok "one file named twice is signed once" sh -c '"$1" --json sign "$2" "$3/../many/1.sys" | wc -l | grep -qx 1' \
	- "$client" "$T/many/1.sys" "$T/many"

# a token that goes away and comes back, daemons that do
copies "$T/again" 40
stop_service
start other sh -c 'exec "$1" --timeout 30s sign "$2"/*.sys' - "$client" "$T/again"
waiting=$pid
ok "a client waits for the service" wait_for 10 grep -q 'trying again' "$T/other.err"
port=$(cat "$T/port")
sed -i "s/^listen = .*/listen = 127.0.0.1:$port/" "$T/etc/kdsignd.conf"
start_service
wait "$waiting"
status=$?
ok "and signs when it is there (exit $status)" test "$status" = 0
ok "all of it" "$client" --quiet verify --root "$T/ca-root.pem" "$T"/again/*.sys
stop_service
cp "$T/drv64.sys" "$T/d.sys"
fails 5 "no service" "$client" --timeout 1s sign "$T/d.sys" "$T/c.sys"
says err "1 more files are not signed, for the same reason"
ok "the file is as it was" cmp "$T/drv64.sys" "$T/d.sys"
ok "no temporary file stays" no_temporary_files
done_testing
