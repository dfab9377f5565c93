#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The whole over openCryptoki's software token, which has RSA only. Its daemon and its modules have fixed places in
# /etc, /var and /run: a mount namespace of the test's own gives them other ones.
if [ -z "$KDSIGN_TEST_APART" ]; then
	unshare --mount --ipc --propagation private true 2>/dev/null ||
		{ echo '1..0 # SKIP a mount namespace of its own is not allowed here (root can)'; exit 0; }
	KDSIGN_TEST_APART=yes exec unshare --mount --ipc --propagation private "$0"
fi
# shellcheck source=tests/tap.sh
. "${srcdir:-.}/tests/tap.sh"
[ -x /usr/sbin/pkcsslotd ] || skip_all "opencryptoki is not installed"
need osslsigncode
# shellcheck source=tests/e2e/whole_lib.sh
. "$srcdir/tests/e2e/whole_lib.sh"
# shellcheck source=tests/e2e/real_lib.sh
. "$srcdir/tests/e2e/real_lib.sh"

for module in /usr/lib/*/opencryptoki/libopencryptoki.so.0; do :; done
second_type=rsa:4096

make_token() {
	for dir in /dev/shm /etc/opencryptoki /var/lib/opencryptoki /var/log/opencryptoki /run; do
		mount -t tmpfs tmpfs "$dir" || return 1
	done
	mkdir -p /run/lock
	chgrp pkcs11 /var/log/opencryptoki /var/lib/opencryptoki
	chmod 770 /var/log/opencryptoki /var/lib/opencryptoki
	cat >/etc/opencryptoki/opencryptoki.conf <<-END
		version opencryptoki-3.1
		slot 3
		{
		stdll = libpkcs11_sw.so
		tokname = swtok
		}
	END
	/usr/sbin/pkcsslotd || return 1
	wait_for 10 test -s /run/pkcsslotd.pid
	tap_pids="$tap_pids $(cat /run/pkcsslotd.pid)"
	wait_for 10 test -S /run/pkcsslotd.socket
	token_conf=
	{ pkcs11-tool --module "$module" --slot 3 --init-token --label kdsign-test --so-pin 87654321 &&
		pkcs11-tool --module "$module" --token-label kdsign-test --login --login-type so --so-pin 87654321 \
			--init-pin --pin 123456; } >"$T/keygen.log" 2>&1 || { sed 's/^/# /' "$T/keygen.log"; return 1; }
}

# What pkcs11-tool makes here can be extracted, for it does not ask for the contrary.
token_generate() {
	(umask 077 && printf 123456 >"$T/keygen.pin")
	case $2 in
	rsa:4096) set -- "$1" rsa4096 "$3" ;;
	*) set -- "$1" rsa3072 "$3" ;;
	esac
	"$builddir/kdsign-token" generate --module "$module" --token pkcs11:token=kdsign-test --state "$T/ceremony" \
		--pin-file "$T/keygen.pin" --label "$1" --type "$2" --id "$3"
}
real_suite
