# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2154
# tests/e2e/relay_lib.sh - sourced by relay*.t after whole_lib.sh: a service with a relay, and a TSA for it.
#
#	make_relay [LINE...]     $T/etc/relay.conf with those lines, and the front told of it
#	upstreams [LINE...]      other lines from now on: written, SIGHUP, waited for
#	rfc3161 [HEX], legacy    a request's body in $T/ask, over the signature value in $T/sig
#	stamp [CURL-OPTION...]   asks for it as the client $who: status on stdout, as api
#	is_token, is_countersignature   does openssl take what came back
#	relay_says TEXT          is it in the log

# shellcheck source=tests/e2e/tsa.sh
. "$srcdir/tests/e2e/tsa.sh"

relay_conf() {
	{
		echo "socket = $T/state/relay.sock"
		for relay_line; do
			echo "$relay_line"
		done
	} >"$T/etc/relay.conf"
}

make_relay() {
	relay_conf "$@"
	set_conf kdsignd.conf "relay = $T/state/relay.sock"
	openssl rand -out "$T/sig" 256
	digest=$(openssl dgst -sha256 -r "$T/sig" | cut -d' ' -f1)
}

relay_says() { grep -qF -e "$1" "$T/service.err"; }
relay_read() { [ "$(grep -c 'kdsign-relay: configuration read again' "$T/service.err")" -gt "$relay_reads" ]; }

upstreams() {
	relay_conf "$@"
	relay_reads=$(grep -c 'kdsign-relay: configuration read again' "$T/service.err")
	kill -HUP "$(process kdsign-relay)"
	wait_for 20 relay_read
}

rfc3161() {
	printf '{"kind":"rfc3161","digest_algorithm":"sha256","digest":"%s"}' "${1:-$digest}" >"$T/ask"
}

legacy() {
	printf '{"kind":"legacy","signature":"%s"}' "$(base64 -w0 "$T/sig")" >"$T/ask"
}

stamp() {
	api --data "@$T/ask" "$@" /v1/timestamps
}

is_token() {
	jq -r .token "$T/body" | base64 -d >"$T/token" &&
		openssl ts -verify -digest "${1:-$digest}" -in "$T/token" -token_in -CAfile "$TSA_ROOT"
}

is_countersignature() {
	jq -r .countersignature "$T/body" | base64 -d >"$T/token" &&
		openssl cms -verify -inform DER -in "$T/token" -CAfile "$TSA_ROOT" -purpose any -out "$T/content" &&
		cmp "$T/content" "$T/sig"
}
