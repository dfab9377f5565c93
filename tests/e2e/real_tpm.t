#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The whole over a TPM 2.0: tpm2-pkcs11 over swtpm. A process that dies leaves objects and sessions in it, with
# which nobody could log in: pre-start flushes them.
# shellcheck source=tests/tap.sh
. "${srcdir:-.}/tests/tap.sh"
need swtpm tpm2_flushcontext osslsigncode
# shellcheck source=tests/e2e/whole_lib.sh
. "$srcdir/tests/e2e/whole_lib.sh"
# shellcheck source=tests/e2e/real_lib.sh
. "$srcdir/tests/e2e/real_lib.sh"

module=
for candidate in /usr/lib/*/libtpm2_pkcs11.so.1 /usr/lib/*/pkcs11/libtpm2_pkcs11.so; do
	[ -e "$candidate" ] && module=$candidate
done
[ -n "$module" ] || skip_all "libtpm2-pkcs11-1 is not installed"

tpm_port=
# Two ports beside each other that nobody has; who takes one meanwhile makes swtpm end, and the next are tried.
start_tpm() {
	for tpm_port in $(shuf -i 20000-29998 -n 10); do
		start tpm swtpm socket --tpm2 --tpmstate dir="$T/tpm" --flags not-need-init,startup-clear \
			--ctrl type=tcp,port=$((tpm_port + 1)),bindaddr=127.0.0.1 \
			--server type=tcp,port="$tpm_port",bindaddr=127.0.0.1,disconnect=false
		wait_for 2 sh -c "TPM2TOOLS_TCTI=swtpm:host=127.0.0.1,port=$tpm_port tpm2_getrandom 4 >/dev/null 2>&1" && return
		stop "$pid"
	done
	return 1
}

make_token() {
	mkdir -m 700 "$T/tpm" "$T/store"
	export TSS2_LOG=all+error TPM2_PKCS11_LOG_LEVEL=0 TPM2_PKCS11_STORE="$T/store"
	start_tpm || { sed 's/^/# /' "$T/tpm.err"; return 1; }
	export TPM2_PKCS11_TCTI="swtpm:host=127.0.0.1,port=$tpm_port" TPM2TOOLS_TCTI="swtpm:host=127.0.0.1,port=$tpm_port"
	token_conf=$(for name in TSS2_LOG TPM2_PKCS11_LOG_LEVEL TPM2_PKCS11_STORE TPM2_PKCS11_TCTI TPM2TOOLS_TCTI; do
		eval "echo \"module-environment = $name=\$$name\""
	done
	for kind in -t -l -s; do
		echo "pre-start = $(command -v tpm2_flushcontext) $kind"
	done)
	{ pkcs11-tool --module "$module" --slot-index 0 --init-token --label kdsign-test --so-pin 12345678 &&
		pkcs11-tool --module "$module" --token-label kdsign-test --login --login-type so --so-pin 12345678 \
			--init-pin --pin 123456; } >"$T/keygen.log" 2>&1
}
real_suite
