#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154,SC2317
# kdsign-client and the service: a kernel's worth of modules, and files that are not to be signed as one. What one module
# goes through is in kinds_formats.t.
. "${srcdir:-.}/tests/tap.sh"
# shellcheck source=/dev/null
. "$srcdir/tests/e2e/client_files.sh"
need openssl gcc gzip strip
# shellcheck source=/dev/null
. "$srcdir/tests/e2e/client_service.sh"

make_service
sed -i '/grant one/,/grant two/s/^kinds = .*/kinds = module/; /grant two/,$s/^keys = .*/keys = second/' "$T/etc/keeper.conf"
start_service

sign() { "$client" sign --key driver "$@"; }
verify() { "$client" verify --root "$T/driver.pem" "$@"; }

for i in 1 2 3 4 5 6 7 8; do
	printf 'int init_module(void) { return %d; }\nconst char m[] __attribute__((section(".modinfo"))) = "license=GPL";\n' $i |
		gcc -x c -c -o "$T/m$i.ko" - || exit 99
done
cp "$T/m1.ko" "$T/plain.ko"
ok "many modules in one request" sign "$T"/m?.ko
says out "$T/m8.ko: signed with driver (sha256)"
ok "verify takes all" verify "$T"/m?.ko
ok "they end as the kernel wants it" sh -c 'tail -c 28 "$1" | grep -qx "~Module signature appended~"' - "$T/m3.ko"
if command -v modinfo >/dev/null || [ -x /sbin/modinfo ]; then
	ok "modinfo names the issuer and the digest" sh -c "PATH=\$PATH:/sbin &&
		test \"\$(modinfo -F signer '$T/m3.ko') \$(modinfo -F sig_hashalgo '$T/m3.ko')\" = 'Middle sha256'"
else
	skip "modinfo names the issuer and the digest" "modinfo is not installed"
fi
cp "$T/m1.ko" "$T/m1.was"
ok "and again, with another digest" sign --digest sha512 "$T/m1.ko"
ok "remove" "$client" remove "$T/m1.ko"
ok "gives the module as gcc made it" cmp "$T/plain.ko" "$T/m1.ko"

# The kernel's own program around the signature that the token made.
for sign_file in /usr/lib/linux-kbuild-*/scripts/sign-file; do :; done
ok "extract" "$client" extract --output "$T/m3.p7" "$T/m3.ko"
ok "the module without it" "$client" remove --output "$T/m3.bare" "$T/m3.ko"
if [ -x "$sign_file" ]; then
	ok "sign-file appends it" "$sign_file" -s "$T/m3.p7" sha256 "$T/driver.pem" "$T/m3.bare" "$T/m3.theirs"
	ok "and gives the same file" cmp "$T/m3.ko" "$T/m3.theirs"
	cp "$T/m3.ko" "$T/twice.ko"
	ok "it signs a signed one, too" "$sign_file" sha256 "$T/leaf.key" "$T/leaf.pem" "$T/twice.ko"
	ok "which verifies by the last signature, as for the kernel" "$client" verify --root "$T/leaf.pem" "$T/twice.ko"
	cp "$T/twice.ko" "$T/twice.was"
	fails 3 "and is not signed once more" sign "$T/twice.ko"
	says err "'$T/twice.ko': is signed 2 times over: the signature at offset 0x"
	says err 'hint: take all of them off with kdsign-client remove, then sign'
	ok "nothing is written" cmp "$T/twice.ko" "$T/twice.was"
	ok "remove takes all of them" "$client" remove "$T/twice.ko"
	ok "and leaves the module as gcc made it" cmp "$T/m3.bare" "$T/twice.ko"
else
	for part in "sign-file appends it" "and gives the same file" "it signs a signed one, too" "which verifies" \
		"and is not signed once more" "remove takes all of them"; do
		skip "$part" "linux-kbuild is not installed"
	done
fi

# ---- what is not to be signed as it is ----
pack() { # PROGRAM SUFFIX REMEDY
	command -v "$1" >/dev/null || { skip "a module packed by $1" "$1 is not installed"; return; }
	"$1" -c "$T/plain.ko" >"$T/packed.ko.$2"
	cp "$T/packed.ko.$2" "$T/packed.was"
	fails 3 "a module packed by $1" sign "$T/packed.ko.$2"
	says err "'$T/packed.ko.$2': is a compressed module (.ko.$2), whose signature is inside"
	says err "hint: unpack it ($3 FILE.ko.$2), sign what comes out"
	ok "nothing is written" cmp "$T/packed.ko.$2" "$T/packed.was"
	fails 3 "verify says so, too" verify "$T/packed.ko.$2"
}
pack gzip gz 'gzip -d'
pack xz xz 'xz -d'
pack zstd zst 'zstd -d --rm'
cp "$T/m2.ko" "$T/stripped.ko"
ok "strip takes the signature along" strip --strip-debug "$T/stripped.ko"
fails 1 "and verify misses it" verify "$T/stripped.ko"
says err 'has no signature appended'
size=$(stat -c %s "$T/m2.ko")
flip "$T/m2.ko" "$T/damaged.ko" $((size - 38))
fails 3 "a damaged trailer" verify "$T/damaged.ko"
says err "'$T/damaged.ko': module_signature at offset 0x"
says err 'id_type is 3, expected 2'
{ cat "$T/plain.ko" && printf '\0\0\2\0\0\0\0\0\377\377\377\377~Module signature appended~\n'; } >"$T/long.ko"
fails 3 "a signature longer than the file" sign "$T/long.ko"
says err 'sig_len is 4294967295, expected 1 to '
size=$(stat -c %s "$T/plain.ko")
head -c $((size - 1)) "$T/plain.ko" >"$T/cut.ko" && cp "$T/cut.ko" "$T/cut.was"
fails 3 "a module that is cut short" sign "$T/cut.ko"
says err "'$T/cut.ko': section headers end at 0x$(printf %x "$size"); the module ends at 0x$(printf %x $((size - 1)))"
says err "hint: the file is cut short; copy it again and compare its size"
ok "nothing is written" cmp "$T/cut.ko" "$T/cut.was"
cp "$T/plain.ko" "$T/huge.ko" && truncate -s 5G "$T/huge.ko"
fails 3 "a module of 5 GB" sign "$T/huge.ko"
says err "'$T/huge.ko': is a module of 5368709120 bytes, at most 4294967295 are accepted"
rm "$T/huge.ko"
: >"$T/empty.ko"
fails 3 "an empty module" sign "$T/empty.ko"
says err "'$T/empty.ko': is empty"
flip "$T/m2.ko" "$T/twin.ko" 100
fails 1 "a twin with another byte" verify "$T/twin.ko"
fails 3 "a program is no module" sign "$client"
fails 4 "a key that is not for modules" "$client" --identity "$T/two.identity" sign --key second "$T/plain.ko"
ok "no temporary file stays" no_temporary_files
done_testing
