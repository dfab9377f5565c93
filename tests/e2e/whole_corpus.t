#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Real files through the whole: signed, taken by programs that are not ours, and given back by remove.
# shellcheck source=tests/tap.sh
. "${srcdir:-.}/tests/tap.sh"
# shellcheck source=tests/e2e/whole_lib.sh
. "$srcdir/tests/e2e/whole_lib.sh"
need osslsigncode sbverify

make_files
make_service
start_service
mkdir "$T/in" "$T/signed" "$T/plain" "$T/removed"
C=${KDSIGN_CORPUS:-$srcdir/../shared/corpus}

# take PREFIX FILE... - those that are there, under names that tell where they come from
take() {
	prefix=$1
	shift
	for path; do
		[ ! -f "$path" ] || cp "$path" "$T/in/$prefix-${path##*/}"
	done
}
take mingw "$T/drv64.sys" "$T/drv32.sys"
take unsigned "$C"/pe-unsigned/*
take signed "$C"/pe-signed/*
take shim /usr/lib/shim/*.efi /usr/lib/shim/*.efi.signed
take grub /usr/lib/grub/*/monolithic/*.efi
[ -e "$C/pe-unsigned" ] || skip 'files of the corpus' 'no corpus (KDSIGN_CORPUS names its folder)'
[ -e /usr/lib/shim ] || skip 'EFI files' 'shim-signed is not installed'

signed_by_us() { # FILE - the one signature there names our leaf
	"$client" inspect "$1" | grep -c '^  signature ' | grep -qx 1 && "$client" inspect "$1" | grep -q 'CN=Driver Key'
}
judged() {
	osslsigncode verify -CAfile "$T/ca-root.pem" -in "$1"
}
# What remove must give: an unsigned file padded to 8 but for CheckSum, a signed one as remove leaves the original.
given_back() { # NAME
	if [ -e "$T/plain/$1" ]; then
		cmp "$T/plain/$1" "$T/removed/$1"
		return
	fi
	length=$(stat -c %s "$T/in/$1")
	truncate -s $(((length + 7) / 8 * 8)) "$T/in/$1" && same_but_checksum "$T/in/$1" "$T/removed/$1"
}

ok "all are signed: $(find "$T/in" -type f | wc -l) files" "$client" --json sign --key driver --output "$T/signed" "$T"/in/*
ok 'all verify' "$client" --quiet verify --root "$T/ca-root.pem" "$T"/signed/*
"$client" --json remove --output "$T/plain" "$T"/in/* >"$T/plain.json" 2>/dev/null
ok 'the signatures come out of all' "$client" --quiet remove --output "$T/removed" "$T"/signed/*
for path in "$T"/in/*; do
	name=${path##*/}
	ok "$name: one signature, ours" signed_by_us "$T/signed/$name"
	ok "$name: osslsigncode takes it" judged "$T/signed/$name"
	case $name in
	*.efi*) sbverify --cert "$T/driver.pem" "$T/signed/$name" >"$T/sb.out" 2>&1
		tap_report $? "$name: sbverify takes it" ;;
	esac
	ok "$name: remove gives it back" given_back "$name"
done
ok 'no temporary file stays' no_temporary_files
done_testing
