#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154
# kdsign-client sign --efi and verify --efi, judged by sbverify: an EFI application of ours, and those that the distribution
# ships signed.
. "${srcdir:-.}/tests/tap.sh"
# shellcheck source=/dev/null
. "$srcdir/tests/e2e/client_files.sh"
need sbverify sbsign openssl x86_64-w64-mingw32-gcc
# shellcheck source=/dev/null
. "$srcdir/tests/e2e/client_service.sh"

make_service
start_service
export KDSIGN_IDENTITY="$T/two.identity"
make_files

sign() { "$client" sign --key driver --efi "$@"; }
verify() { "$client" verify --efi --root "$T/driver.pem" "$@"; }
judge() { sbverify --cert "$T/driver.pem" "$1"; }

# An application with what a loader needs: relocations, .sbat, NX.
cat >"$T/app.c" <<'END'
static int one(int x) { return x; }
int (*call)(int) = one;
int efi_main(void *image, void *table) { return call(image == table); }
#ifdef SBAT
__attribute__((section(".sbat"), used)) const char sbat[] =
    "sbat,1,SBAT Version,sbat,1,https://github.com/rhboot/shim/blob/main/SBAT.md\n"
    "hello,1,Test,hello,1,https://example.com/\n";
#endif
END
efi_app() { # OUT [gcc options]
	efi_out=$1
	shift
	x86_64-w64-mingw32-gcc -O1 -nostdlib -shared -s -Wl,--subsystem,10,--entry,efi_main,--dynamicbase,--nxcompat "$@" \
		-o "$efi_out" "$T/app.c" 2>"$T/gcc.log" || { sed 's/^/# /' "$T/gcc.log"; exit 99; }
}
efi_app "$T/bare.efi"
efi_app "$T/sbat.efi" -DSBAT

cp "$T/bare.efi" "$T/app.efi"
ok "an EFI application" sign "$T/app.efi"
says err "warning: '$T/app.efi': sbat: no .sbat section"
ok "sbverify takes it" judge "$T/app.efi"
efi_app "$T/two.efi" -Wl,--disable-nxcompat
ok "one with two things to say" sign "$T/two.efi"
says err "warning: '$T/two.efi': sbat: no .sbat section"
says err "warning: '$T/two.efi': nx: DllCharacteristics lacks NX_COMPAT"
ok "our verify takes it" verify "$T/app.efi"
says out 'ok      machine: x64'
says out 'ok      subsystem: EFI application'
says out 'ok      sections: '
says out 'ok      certificate table: at the end'
says out 'warning sbat: no .sbat section'
says out 'ok      secure boot: sha256'
ok "in JSON, too" "$client" --json verify --efi --root "$T/driver.pem" "$T/app.efi"
says out '"efi":{"ok":true,"steps":[{"name":"machine","result":"ok","detail":"x64"}'
ok "a root above it will do as well" "$client" verify --efi --root "$T/ca-root.pem" "$T/app.efi"
fails 1 "another certificate does not" "$client" verify --efi --root "$T/other.pem" "$T/app.efi"
# several signatures, as sbsign leaves them: which one is meant nobody knows, unless all are
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$T/sb.key" -out "$T/sb.pem" -subj /CN=Other -days 10 2>"$T/log"
cp "$T/bare.efi" "$T/several.efi"
sbsign --key "$T/sb.key" --cert "$T/sb.pem" --output "$T/several.efi" "$T/several.efi" 2>"$T/log"
sbsign --key "$T/sb.key" --cert "$T/sb.pem" --output "$T/several.efi" "$T/several.efi" 2>"$T/log"
ok "another program signed it twice" test "$(sbverify --list "$T/several.efi" | grep -c ^signature)" = 2
ok "verify judges each" verify --root "$T/sb.pem" "$T/several.efi"
says out "signature 1: sha256"
cp "$T/several.efi" "$T/keep.efi"
for how in "sign --key driver --append" extract "timestamp --timestamp http://127.0.0.1:1/"; do
	# shellcheck disable=SC2086
	fails 3 "$how would have to guess" "$client" $how "$T/several.efi"
	says err "certificate table has 2 entries"
done
ok "which leaves it as it was" cmp "$T/keep.efi" "$T/several.efi"
ok "sign replaces both" sign "$T/several.efi"
ok "sbverify sees one" test "$(sbverify --list "$T/several.efi" | grep -c ^signature)" = 1
ok "and takes it" judge "$T/several.efi"
ok "remove takes out both" "$client" remove "$T/keep.efi"
ok "sbverify sees none" sh -c '! sbverify --list "$1" | grep ^signature' - "$T/keep.efi"
ok "one with .sbat" sign "$T/sbat.efi"
says_not err "sbat:"
ok "which verify sees" verify "$T/sbat.efi"
says out 'ok      sbat: there'
ok "and sbverify takes" judge "$T/sbat.efi"
size=$(stat -c %s "$T/bare.efi")
ok "it is padded to 8" test $(($(stat -c %s "$T/app.efi") % 8)) = 0
flip "$T/app.efi" "$T/twin.efi" $((size - 300))
fails 1 "a twin with another byte: sbverify" judge "$T/twin.efi"
fails 1 "and we" verify "$T/twin.efi"
says out 'failed  image digest: '
{ cat "$T/app.efi" && printf '12345678'; } >"$T/twin.efi"
fails 1 "a twin with bytes behind the certificate table" verify "$T/twin.efi"
says err 'certificate table: 8 bytes follow it'
ok "sbsign adds a second one" sbsign --key "$T/leaf.key" --cert "$T/leaf.pem" --output "$T/both.efi" "$T/app.efi"
ok "for firmware the second will do" "$client" verify --efi --root "$T/leaf.pem" "$T/both.efi"
ok "and so will the first" verify "$T/both.efi"
ok "what sbsign signs alone we verify" sh -c "sbsign --key '$T/leaf.key' --cert '$T/leaf.pem' --output '$T/theirs.efi' '$T/bare.efi' &&
	'$client' verify --efi --root '$T/leaf.pem' '$T/theirs.efi'"
ok "signed without --efi by SHA-384" "$client" sign --key driver --digest sha384 --output "$T/long.efi" "$T/bare.efi"
fails 1 "is none that firmware takes" verify "$T/long.efi"
says err 'secure boot: image digest is sha384; firmware compares sha256'

# what is refused before it is signed
nt=$(od -An -tu4 -j60 -N4 "$T/bare.efi")
patch_at() { # OUT OFFSET BYTES
	cp "$T/bare.efi" "$1"
	# shellcheck disable=SC2059
	printf "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc 2>/dev/null
}
refused() { # TITLE TEXT FILE
	cp "$3" "$T/was.efi"
	fails 3 "$1" sign "$3"
	says err "$2"
	ok "nothing is written" cmp "$3" "$T/was.efi"
}
refused "a driver of Windows" 'no EFI binary: subsystem: 1, expected 10' "$T/drv64.sys"
patch_at "$T/m.efi" $((nt + 4)) '\377\377'
refused "a machine that nobody knows" 'no EFI binary: machine: machine 0xffff' "$T/m.efi"
patch_at "$T/s.efi" $((nt + 22)) '\057'
refused "without relocations" 'no EFI binary: headers: relocations have been stripped' "$T/s.efi"
patch_at "$T/e.efi" $((nt + 40)) '\0\0\0\177'
refused "an entry point that is nowhere" 'no EFI binary: entry point: 0x7f000000, in 0 sections' "$T/e.efi"
sections=$((nt + 24 + 240))
patch_at "$T/g.efi" $((sections + 16)) '\0\0\0\0'
refused "a gap between sections" 'firmware would come to another digest' "$T/g.efi"
printf 'text\n' >"$T/text.efi"
fails 3 "no PE image at all" sign "$T/text.efi"
for option in '--digest sha1' --page-hashes --append; do
	# shellcheck disable=SC2086
	fails 2 "--efi with $option" sign $option "$T/app.efi"
done
fails 2 "verify --efi with --kernel" verify --kernel "$T/app.efi"

# ---- what the distribution ships ----
debian_ca=/usr/share/shim/debian-uefi-ca.der
for real in /usr/lib/shim/mmx64.efi.signed /usr/lib/shim/fbx64.efi.signed /usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed; do
	if [ ! -e "$real" ] || [ ! -e "$debian_ca" ]; then
		skip "$real: verified" "shim-unsigned or $real is not installed"
		skip "$real: a twin is refused" "not installed"
		skip "$real: is signed again" "not installed"
		skip "$real: sbverify takes that" "not installed"
		continue
	fi
	ok "$real: verified" "$client" verify --efi --root "$debian_ca" "$real"
	flip "$real" "$T/twin.efi" 8192
	fails 1 "$real: a twin is refused" "$client" verify --efi --root "$debian_ca" "$T/twin.efi"
	ok "$real: is signed again" sign --output "$T/ours.efi" "$real"
	ok "$real: sbverify takes that" judge "$T/ours.efi"
done
done_testing
