#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tests/e2e/bench.t - scripts/bench measures every layer. Its figures are not judged: a test has company.
. "${srcdir:-.}/tests/tap.sh"
need bash openssl softhsm2-util pkcs11-tool curl pgrep
# It loads vendors' modules into itself to measure them raw, and those leak.
! grep -q '^#define KD_SANITIZE' "$builddir/config.h" || skip_all "a sanitized program measures nothing"
export KDSIGN_BENCH_DIR="$T"

has_row() { # TOKEN ROW
	grep -q "^$1 *$2 *[1-9]" "$T/table"
}

ok "a quick run ends well" \
	"$srcdir/scripts/bench" --quick --build "$builddir" --token soft-ec --token null-rsa --token pool --token guard --token files \
	--token many --token package
cp "$T/out" "$T/table"
for token in soft-ec null-rsa; do
	for row in raw-1 raw-2 raw-4 signer keeper https-8x1 https-32x1 https-8x32 https-4x100 client-50; do
		ok "$token: row $row" has_row $token $row
	done
done
ok "the release check's cost is measured" has_row null-rsa verify
ok "hashing is compared with openssl dgst" grep -q '^hashing one big PE: openssl dgst [1-9]' "$T/table"
for what in "verifying 20 drivers" "a catalog of 200 files"; do
	ok "$what is compared with others" grep -qE "^$what.*: [a-z0-9-]+ [1-9][0-9]* ms, kdsign-client [1-9][0-9]* ms" "$T/table"
done
ok "packages are compared with a loop over osslsigncode" \
	grep -qE '^4 packages of 10 files.*kdsign-client package [1-9][0-9]* ms' "$T/table"
ok "a key on two tokens is compared with one" grep -q '^a key on one token .*: [1-9][0-9]* sign/s, on two: [1-9]' "$T/table"
ok "breaker and quarantine cost next to nothing" grep -q '^breaker and quarantine: 0*[0-9]\.[0-9] ns a signature; .* 0\.00[0-9]* (' "$T/table"
ok "the gate asks once for each key" grep -qE '^a start: .* in 1 of [0-9]+ C_GetAttributeValue a key: 0\.' "$T/table"
ok "no aim is judged in a quick run" grep -q 'less check <= 130: not judged' "$T/table"
fails 64 "an unknown option is refused" "$srcdir/scripts/bench" --frobnicate
ok "nothing is left behind" test -z "$(find "$T" -name 'kdsign-bench.*')"
done_testing
