#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154,SC2317
# kdsign-client sign and timestamp with "--timestamp server": the service's relay asks the authorities.
. "${srcdir:-.}/tests/tap.sh"
# shellcheck source=/dev/null
. "$srcdir/tests/e2e/client_files.sh"
need osslsigncode openssl
# shellcheck source=/dev/null
. "$srcdir/tests/e2e/client_service.sh"
# shellcheck source=/dev/null
. "$srcdir/tests/e2e/tsa.sh"

judge() { # FILE: a program that is not ours
	osslsigncode verify -CAfile "$T/kernel-root.pem" -TSA-CAfile "$TSA_ROOT" -in "$1" >"$T/judge" 2>&1 &&
		grep -q 'Timestamp Server Signature verification: ok' "$T/judge"
}

sign() {
	"$client" sign --ac "$T/cross.pem" "$@"
}

make_files
# shellcheck disable=SC2034 # for make_service
front_extra="relay = $T/state/relay.sock"
make_service
cp "$T/etc/kdsignd.conf" "$T/with-relay"
sed -i '/^relay = /d' "$T/etc/kdsignd.conf"
start_service
ok "authorities" start_tsa

cp "$T/drv64.sys" "$T/a.sys"
fails 5 "a service without a relay" sign --timestamp server "$T/a.sys"
says err "'$T/a.sys': no timestamp: "
ok "the file is as it was" cmp "$T/drv64.sys" "$T/a.sys"
ok "an authority of our own is the next" sign --timestamp server --timestamp "$TSA_URL" "$T/a.sys"
stop_service

cp "$T/with-relay" "$T/etc/kdsignd.conf"
printf 'socket = %s\nupstream = %s\nlegacy-upstream = %s\n' "$T/state/relay.sock" "$TSA_URL" "$TSA_LEGACY_URL" \
	>"$T/etc/relay.conf"
chmod 600 "$T/etc/relay.conf"
start_service
cp "$T/drv64.sys" "$T/b.sys"
ok "RFC 3161 through the service" sign --timestamp server --tsa-root "$TSA_ROOT" "$T/b.sys"
says out ", timestamped 20"
ok "osslsigncode takes it" judge "$T/b.sys"
ok "legacy through the service" "$client" timestamp --timestamp-legacy server --tsa-root "$TSA_ROOT" "$T/b.sys"
says out "(legacy), old timestamp replaced"
ok "osslsigncode takes that" judge "$T/b.sys"
fails 5 "an authority that we do not trust" "$client" timestamp --timestamp server --tsa-root "$T/ca-root.pem" "$T/b.sys"
says err "the service's timestamp: certificate of the authority: "
mkdir "$T/many"
for i in $(seq 100); do
	{ cat "$T/drv64.sys" && echo "$i"; } >"$T/many/$i.sys"
done
ok "100 files" sign --timestamp server "$T"/many/*.sys
cp "$T/out" "$T/many.out"
ok "all are stamped" test "$(grep -c timestamped "$T/many.out")" = 100

relay_pid=$(pgrep -P "$service" -f '/kdsign-relay --config')
kill -STOP "$relay_pid"
cp "$T/drv64.sys" "$T/hung.sys"
ok "a relay that hangs: the next authority is asked" timeout 60 "$client" --timeout 300s sign --timestamp server \
	--timestamp "$TSA_URL" --timestamp-timeout 2s "$T/hung.sys"
says out ", timestamped 20"
ok "osslsigncode takes it" osslsigncode verify -CAfile "$T/ca-root.pem" -TSA-CAfile "$TSA_ROOT" -in "$T/hung.sys"
cp "$T/drv64.sys" "$T/hung.sys"
fails 5 "alone it fails" "$client" --timeout 6s sign --timestamp server "$T/hung.sys"
says err "the relay does not answer"
ok "the file is as it was" cmp "$T/drv64.sys" "$T/hung.sys"
kill -CONT "$relay_pid"
ok "and it goes on" sign --timestamp server "$T/hung.sys"

stop "$tsa_pid"
cp "$T/drv64.sys" "$T/c.sys"
fails 5 "the relay's authorities are gone" "$client" --timeout 3s sign --timestamp server "$T/c.sys"
says err "'$T/c.sys': no timestamp: "
ok "the file is as it was then, too" cmp "$T/drv64.sys" "$T/c.sys"
ok "optional" "$client" --timeout 3s sign --timestamp server --timestamp-optional "$T/c.sys"
says err "warning: '$T/c.sys': no timestamp: "
done_testing
