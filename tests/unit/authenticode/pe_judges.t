#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# pe_judges.t - digests, CheckSums and embedded files against programs that are not ours: what mingw builds
# for x86 and x64, files of odd length, and Debian's signed EFI programs.
# shellcheck disable=SC2317 # the functions are called by ok
. "${srcdir:-.}/tests/tap.sh"
need osslsigncode openssl

tool=$builddir/tests/unit/authenticode/pe_tool

# The image digest as osslsigncode computes it (the last bytes of SpcIndirectDataContent).
osslsigncode_digest() {
	rm -f "$T/data.der"
	osslsigncode extract-data -h "$1" -in "$2" -out "$T/data.der" >/dev/null || return 1
	openssl asn1parse -inform DER -in "$T/data.der" | sed -n 's/.*\[HEX DUMP\]://p' | tail -n 1 |
		tr A-F a-f
}

# The same by pesign, padded as a signature of the file would be.
pesign_digest() {
	pesign --hash --padding --digest_type="$1" --in="$2" | sed -n 's/^hash: //p'
}

same_digest() { # JUDGE MD FILE
	want=$("$1" "$2" "$3") && got=$("$tool" digest "$2" "$3") || return 1
	[ -n "$want" ] || return 1
	[ "$want" = "$got" ] || { echo "ours $got, $1 $want" >&2 && return 1; }
}

checksum_is_right() {
	"$tool" checksum "$1" | (read -r is should && [ "$is" = "$should" ])
}

# Our embedding of the signature that osslsigncode made is the file that osslsigncode wrote.
same_embedding() {
	rm -f "$T/theirs" "$T/ours"
	osslsigncode sign -certs "$T/cert.pem" -key "$T/key.pem" -h sha256 -in "$1" -out "$T/theirs" &&
		"$tool" extract "$T/theirs" "$T/sig.der" &&
		"$tool" embed "$1" "$T/sig.der" "$T/ours" && cmp "$T/theirs" "$T/ours"
}

verifies() {
	osslsigncode verify -CAfile "$T/cert.pem" -in "$T/ours"
}

same_removal() { # of the signature in FILE
	rm -f "$T/bare-theirs"
	osslsigncode remove-signature -in "$1" -out "$T/bare-theirs" && cmp "$T/bare" "$T/bare-theirs"
}

# All judgements on one unsigned file.
judge_unsigned() {
	for md in sha1 sha256; do
		for judge in $judges; do
			ok "$2: $md as $judge says" same_digest "$judge" $md "$1"
		done
	done
	ok "$2: embedded as by osslsigncode" same_embedding "$1"
	ok "$2: osslsigncode accepts it" verifies
	ok "$2: its CheckSum is right" checksum_is_right "$T/ours"
	ok "$2: signature removed" "$tool" strip "$T/ours" "$T/bare"
	ok "$2: as by osslsigncode" same_removal "$T/ours"
}

# What remains without the signature is judged; ours must give it the digest of the signed file too.
judge_signed() {
	rm -f "$T/bare" "$T/unused"
	ok "$1: signature removed" "$tool" strip "$1" "$T/bare"
	ok "$1: CheckSum is right without" checksum_is_right "$T/bare"
	for judge in $judges; do
		ok "$1: sha256 without as $judge says" same_digest "$judge" sha256 "$T/bare"
	done
	ok "$1: sha256 with is the same" [ "$("$tool" digest sha256 "$1")" = "$("$tool" digest sha256 "$T/bare")" ]
	case $(osslsigncode remove-signature -in "$1" -out "$T/unused" 2>&1) in
	*"Corrupted attribute certificate table"*)
		skip "$1: removed as by osslsigncode" "it refuses a table of several entries"
		;;
	*) ok "$1: removed as by osslsigncode" same_removal "$1" ;;
	esac
}

build() { # COMPILER ARCH
	"$1" -Os -o "$T/$2.exe" "$T/program.c" &&
		"$1" -Os -shared -o "$T/$2.dll" "$T/program.c" &&
		"$1" -Os -shared -nostdlib -Wl,--subsystem,native,-e,0 -o "$T/$2.sys" "$T/driver.c"
}

openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=judge -addext keyUsage=digitalSignature \
	-addext extendedKeyUsage=codeSigning -keyout "$T/key.pem" -out "$T/cert.pem" 2>/dev/null
echo 'int main(void) { return 0; }' >"$T/program.c"
echo 'int DriverEntry(void *driver, void *path) { return driver == path; }' >"$T/driver.c"
judges=
osslsigncode --help 2>&1 | grep -q extract-data && judges=osslsigncode_digest
command -v pesign >/dev/null && judges="$judges pesign_digest"

for arch in i686 x86_64; do
	cc=$arch-w64-mingw32-gcc
	if ! command -v "$cc" >/dev/null; then
		skip "files for $arch" "no $cc"
		continue
	fi
	ok "builds for $arch" build "$cc" "$arch"
	for kind in exe dll sys; do
		judge_unsigned "$T/$arch.$kind" "$arch.$kind"
	done
	(cat "$T/$arch.sys" && printf odd) >"$T/odd.sys"
	judge_unsigned "$T/odd.sys" "$arch.sys of odd length"
done
for efi in /usr/lib/shim/*.efi.signed /usr/lib/grub/*-signed/*.efi.signed; do
	if [ -f "$efi" ]; then
		judge_signed "$efi"
	else
		skip "$efi" "not installed"
	fi
done
done_testing
