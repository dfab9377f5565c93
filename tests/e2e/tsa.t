#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tsa.t - the authority that other tests ask is one: openssl ts and osslsigncode take its answers.
. "${srcdir:-.}/tests/tap.sh"
. "$srcdir/tests/e2e/tsa.sh"
need openssl curl osslsigncode

# ask URL TYPE FILE: its status on stdout, the answer in $T/answer
ask() {
	curl -s --max-time "${4:-60}" -o "$T/answer" -w '%{http_code}' -H "Content-Type: $2" --data-binary "@$3" "$1"
}

query() { # URL: as RFC 3161
	[ "$(ask "$1" application/timestamp-query "$T/query")" = 200 ]
}

is_refused() { # PATTERN: openssl ts says no, and why
	! openssl ts -verify -in "$T/answer" -queryfile "$T/query" -CAfile "$TSA_ROOT" >"$T/verify" 2>&1 &&
		grep -q "$1" "$T/verify"
}

ok "starts" start_tsa 300
echo something >"$T/data"
openssl ts -query -data "$T/data" -sha256 -cert -out "$T/query" 2>/dev/null

for name in tsa ec; do
	ok "$name answers" query "$TSA_BASE/$name"
	ok "$name is right" openssl ts -verify -in "$T/answer" -queryfile "$T/query" -CAfile "$TSA_ROOT"
done
ok "slow answers at last" query "$TSA_BASE/fault/slow"
ok "slow is right" openssl ts -verify -in "$T/answer" -queryfile "$T/query" -CAfile "$TSA_ROOT"

ok "error answers" query "$TSA_BASE/fault/error"
ok "error is a refusal" is_refused "Requested policy is not supported"
ok "nonce answers" query "$TSA_BASE/fault/nonce"
ok "nonce is another" is_refused "nonce mismatch"
ok "imprint answers" query "$TSA_BASE/fault/imprint"
ok "imprint is another" is_refused "message imprint mismatch"
ok "expired answers" query "$TSA_BASE/fault/expired"
ok "expired is expired" is_refused "certificate has expired"
ok "noeku answers" query "$TSA_BASE/fault/noeku"
ok "noeku is no authority" is_refused "certificate purpose"
ok "otherroot answers" query "$TSA_BASE/fault/otherroot"
ok "otherroot has another root" is_refused "self-signed certificate in certificate chain"

ok "garbage answers" query "$TSA_BASE/fault/garbage"
ok "garbage is HTML" grep -q "<html>" "$T/answer"
ok "big answers" query "$TSA_BASE/fault/big"
ok "big is 64 MiB" test "$(wc -c <"$T/answer")" -eq 67108864
ok "status500 is one" test "$(ask "$TSA_BASE/fault/status500" application/timestamp-query "$T/query")" = 500
ok "redirect is one" test "$(ask "$TSA_BASE/fault/redirect" application/timestamp-query "$T/query")" = 302
ok "hang says nothing" test "$(ask "$TSA_BASE/fault/hang" application/timestamp-query "$T/query" 1)" = 000
ok "another content type is refused" test "$(ask "$TSA_URL" text/plain "$T/query")" = 415
ok "garbage asked is refused" test "$(ask "$TSA_URL" application/timestamp-query "$T/data")" = 400
ok "requests are counted" test "$(tsa_asked /tsa)" -eq 3

# osslsigncode takes both kinds from it, and finds them right.
openssl req -x509 -newkey rsa:2048 -nodes -subj "/CN=Test" -addext extendedKeyUsage=codeSigning \
	-keyout "$T/key" -out "$T/cert" 2>/dev/null
for kind in -ts -t; do
	url=$TSA_URL
	[ $kind = -ts ] || url=$TSA_LEGACY_URL
	if [ -e "${KDSIGN_CORPUS:-$srcdir/../shared/corpus}/pe-unsigned" ]; then
		set -- "${KDSIGN_CORPUS:-$srcdir/../shared/corpus}"/pe-unsigned/*
		rm -f "$T/signed"
		ok "osslsigncode $kind" osslsigncode sign -certs "$T/cert" -key "$T/key" $kind "$url" \
			-in "$1" -out "$T/signed"
		ok "osslsigncode verifies it" osslsigncode verify -CAfile "$T/cert" -TSA-CAfile "$TSA_ROOT" \
			-in "$T/signed"
		says out "Timestamp Server Signature verification: ok"
	else
		skip "osslsigncode $kind" "no corpus"
	fi
done

ok "ends when told" stop "$tsa_pid"
ok "leaves nothing behind" test -z "$(find "$T/tsa" -name 'work.*')"
done_testing
