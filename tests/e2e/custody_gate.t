#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The custody gate of kdsign-signer: which keys it will not touch, and that the others do not suffer for them.
# shellcheck source=tests/tap.sh
. "${srcdir:-.}/tests/tap.sh"
# shellcheck source=tests/e2e/signer_lib.sh
. "$srcdir/tests/e2e/signer_lib.sh"
relax=

# import LABEL ID TYPE-OPTION... - a key made by openssl, put into the token
import() {
	import_label=$1 import_id=$2
	shift 2
	openssl genpkey "$@" -out "$T/import.pem" 2>/dev/null &&
		openssl pkcs8 -topk8 -nocrypt -in "$T/import.pem" -out "$T/import.p8" &&
		softhsm2-util --import "$T/import.p8" --token kdsign --label "$import_label" --id "$import_id" --pin "$pin" >/dev/null
}

# made LABEL ID TYPE OPTION... - by the token, with pkcs11-tool's options
made() {
	made_label=$1 made_id=$2 made_type=$3
	shift 3
	pkcs11-tool --module "$softhsm" --token-label kdsign --login --pin "$pin" --keypairgen --key-type "$made_type" \
		--label "$made_label" --id "$made_id" "$@" >/dev/null 2>&1
}

# relaxed KEY WORDS - for that key alone, in the configuration that is there
relaxed() {
	sed "/^uri = pkcs11:object=$1\$/a relax = $2" "$T/signer.conf" >"$T/relaxed.conf" && mv "$T/relaxed.conf" "$T/signer.conf"
}

# line FILE TITLE PATTERN - one check that leaves what the last command printed
line() {
	grep -qE -e "$3" "$T/$1"
	tap_report $? "$2"
}

ok "a token" new_token
ok "a key as it should be" made good 01 EC:prime256v1 --usage-sign
ok "one that its token would hand out" made open 02 EC:prime256v1 --usage-sign --extractable
ok "one that is short" made short 03 rsa:2048 --usage-sign
ok "one made elsewhere" import brought 04 -algorithm EC -pkeyopt ec_paramgen_curve:P-256
ok "a short one made elsewhere" import both 05 -algorithm RSA -pkeyopt rsa_keygen_bits:2048
ok "one of a type that nobody here knows" made neighbour 06 EC:edwards25519
ok "one that may do more than sign" made busy 07 rsa:3072 --usage-sign --usage-decrypt --usage-wrap

configure "$softhsm" good open short brought both busy neighbour
run_signer
ok "the token is ready all the same" ask 20 state ready
ok "which key may be used" ask 5 state
line out "the good one may" '^key=good ready=1 '
line out "one with a warning may" '^key=busy ready=1 '
cp "$T/out" "$T/first"
for refused in "open extractable not-never-extractable" "short rsa-2048" \
	"brought not-always-sensitive not-never-extractable not-local" \
	"both not-always-sensitive not-never-extractable not-local rsa-2048"; do
	line first "${refused%% *}: refused, the flaws named" \
		"^key=${refused%% *} ready=0 .*detail=refused for how the token keeps it: ${refused#* }\$"
done
line first "a type that nobody knows: refused alone" '^key=neighbour ready=0 .*detail=key type'
line signer.err "the log names what is refused" "error: key 'brought': refused for how the token keeps it: not-always"
line signer.err "the log warns of what else a key may do" "key 'busy': the token says that it is also good for: decrypt unwrap"
ok "the good one signs" ask 5 sign good ecdsa sha256 "$(digest x)" "$T/sig"
for key in open brought; do
	fails 1 "$key does not" ask 5 sign "$key" ecdsa sha256 "$(digest x)" "$T/sig"
	says out "code=key_unusable heard=0"
done
stop "$signer_pid"

relaxed brought "not-always-sensitive not-never-extractable not-local"
relaxed open extractable
run_signer
ok "with relaxed keys" ask 20 state ready
line out "a key with all its flaws named is offered" '^key=brought ready=1 '
line out "one with a flaw left is not, and says which" '^key=open ready=0 .*keeps it: not-never-extractable$'
line out "another key with the same flaws is not" '^key=both ready=0 '
line signer.err "the log says what passes" \
	"key 'brought': the configuration lets pass: not-always-sensitive not-never-extractable not-local"
ok "it signs" ask 5 sign brought ecdsa sha256 "$(digest x)" "$T/sig"
kill -9 "$(child_pid)"
ok "a new child looks again" wait_for 10 ask 5 sign brought ecdsa sha256 "$(digest x)" "$T/sig"
ok "and refuses again" ask 5 state ready
line out "what was refused before" '^key=both ready=0 '
stop "$signer_pid"

sed 's/^relax = extractable$/relax = extractible/' "$T/signer.conf" >"$T/typo.conf"
fails 78 "a flaw that is none" "$signer" --config "$T/typo.conf" --check
says err "relax 'extractible': expected some of: extractable not-sensitive"
done_testing
