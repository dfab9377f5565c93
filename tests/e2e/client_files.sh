# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2154
# tests/e2e/client_files.sh - sourced by client_*.t: PE files, a PKI like a driver maker's, small helpers.

client=$builddir/kdsign-client
# Settings of whoever runs the tests are none of the tests'.
unset KDSIGN_SERVER KDSIGN_IDENTITY KDSIGN_CA KDSIGN_TIMEOUT XDG_CONFIG_HOME
: >"$T/no.conf"
export KDSIGN_CONFIG="$T/no.conf" HOME="$T"

# drv64.sys, drv32.sys from mingw; an odd length shows the padding. padded.sys: as a signed one begins;
# padded.bin: padded.sys without CheckSum and the directory entry, which is what the digest covers.
make_files() {
	printf 'int DriverEntry(void *d, void *p) { return d == p; }\n' >"$T/drv.c"
	for bits in 64 32; do
		cc=x86_64-w64-mingw32-gcc entry=DriverEntry
		[ $bits = 64 ] || cc=i686-w64-mingw32-gcc entry=_DriverEntry
		command -v $cc >/dev/null || skip_all "$cc is not installed"
		$cc -O2 -nostdlib -shared -s -Wl,--subsystem,native,--entry,$entry -o "$T/drv$bits.sys" "$T/drv.c" ||
			exit 99
	done
	printf 'overlay' >>"$T/drv64.sys"
	pad=$(((8 - $(stat -c %s "$T/drv64.sys") % 8) % 8))
	{ cat "$T/drv64.sys" && head -c "$pad" /dev/zero; } >"$T/padded.sys"
	nt=$(od -An -tu4 -j60 -N4 "$T/drv64.sys")
	{
		head -c $((nt + 88)) "$T/padded.sys"
		tail -c +$((nt + 93)) "$T/padded.sys" | head -c $((168 - 92))
		tail -c +$((nt + 177)) "$T/padded.sys"
	} >"$T/padded.bin"
}

# issue NAME SUBJECT ISSUER EXTENSIONS - certificate NAME.pem over key NAME.key, by ISSUER's key
issue() {
	[ -e "$T/$1.key" ] || openssl ecparam -genkey -name prime256v1 -noout -out "$T/$1.key" || exit 99
	openssl req -new -key "$T/$1.key" -subj "$2" -out "$T/req" 2>/dev/null || exit 99
	printf '%b' "$4" >"$T/ext"
	if [ "$3" = self ]; then
		openssl x509 -req -in "$T/req" -signkey "$T/$1.key" -days "${days:-30}" -extfile "$T/ext" \
			-out "$T/$1.pem" 2>/dev/null || exit 99
	else
		openssl x509 -req -in "$T/req" -CA "$T/$3.pem" -CAkey "$T/$3.key" -CAcreateserial \
			-days "${days:-30}" -extfile "$T/ext" -out "$T/$1.pem" 2>/dev/null || exit 99
	fi
}

# A verification root, a CA root, the cross-certificate of the CA's key by the verification root, a leaf.
make_pki() {
	ca='basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n'
	issue kernel-root '/CN=Kernel Verification Root' self "$ca"
	issue ca-root '/O=Test/CN=CA Root' self "$ca"
	issue other '/CN=Other Root' self "$ca"
	cp "$T/ca-root.key" "$T/cross.key"
	issue cross '/O=Test/CN=CA Root' kernel-root "$ca"
	issue middle '/O=Test/CN=Middle' ca-root "$ca"
	issue leaf '/O=Test/CN=Driver Leaf' middle \
		'keyUsage=critical,digitalSignature\nextendedKeyUsage=codeSigning\n'
	cat "$T/leaf.pem" "$T/middle.pem" >"$T/chain.pem"
}

# sign_file IN OUT [osslsigncode options] - a signature that is not ours
sign_file() {
	in=$1 out=$2
	shift 2
	rm -f "$out"
	osslsigncode sign -certs "$T/chain.pem" -key "$T/leaf.key" -ac "$T/cross.pem" -n "Test driver" \
		-i https://example.com/ "$@" -in "$in" -out "$out" >"$T/sign.log" 2>&1 ||
		{ sed 's/^/# /' "$T/sign.log"; exit 99; }
}

# flip IN OUT OFFSET - a copy with one byte changed
flip() {
	cp "$1" "$2"
	byte=$(od -An -tu1 -j"$3" -N1 "$1")
	# shellcheck disable=SC2059
	printf "\\$(printf %o $((byte ^ 1)))" | dd of="$2" bs=1 seek="$3" conv=notrunc 2>/dev/null
}

same_digest() {
	[ "$("$client" digest "$1" | cut -d' ' -f1)" = "$("$client" digest "$2" | cut -d' ' -f1)" ]
}

same_but_checksum() {
	nt=$(od -An -tu4 -j60 -N4 "$2")
	[ "$(cmp -l "$1" "$2" | awk -v from=$((nt + 89)) '$1 < from || $1 > from + 3' | wc -l)" = 0 ] &&
		[ "$(stat -c %s "$1")" = "$(stat -c %s "$2")" ]
}

no_temporary_files() {
	! find "$T" -name '.*kdsign-*' | grep .
}

# interrupt SIGNAL FILE - ends a removal once its temporary file is there; tried again when that came too late.
# A shell ignores SIGINT for what it starts in the background; env takes that back.
interrupt() {
	cp "$2" "$T/whole"
	for try in 1 2 3 4 5 6 7 8; do
		start large env --default-signal=INT,HUP "$client" remove "$2"
		until [ -n "$(find "$T" -maxdepth 1 -name '.*kdsign-*')" ] || tap_ended "$pid"; do
			:
		done
		kill -s "$1" "$pid"
		wait "$pid"
		[ $? -gt 128 ] && return
		echo "try $try: was faster than the signal"
		cp "$T/whole" "$2"
	done
	return 1
}

# A signed image with a 100 MB overlay, so that there is time to interrupt.
make_large() {
	cp "$T/drv64.sys" "$T/large.in"
	head -c 100M /dev/zero >>"$T/large.in"
	sign_file "$T/large.in" "$1"
	rm "$T/large.in"
}

# The program as a user who owns nothing; the test's folder must be passable.
as_nobody() {
	setpriv --reuid=65534 --regid=65534 --clear-groups env KDSIGN_CONFIG= HOME=/nonexistent "$@"
}
