#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2154
# kdsign-client cab: driver packages become a cabinet that other programs read; what is wrong with one is said with file and
# line, and then nothing is written; cabinets made elsewhere are listed and checked, hostile ones refused.
. "${srcdir:-.}/tests/tap.sh"
# shellcheck source=/dev/null
. "$srcdir/tests/e2e/client_files.sh"
need cabextract gcab jq openssl osslsigncode

make_files
P=$T/packages
mkdir "$T/tmp"
export TMPDIR="$T/tmp"

# package FOLDER - hello.inf, hello.sys, its symbols and catalog, and what a build leaves beside them
package() {
	mkdir -p "$P/$1"
	{
		printf '[Version]\r\nSignature="$WINDOWS NT$"\r\n%s' "${catalog-CatalogFile=hello.cat$eol}"
		printf 'DriverVer=%s,1.2.3.4\r\n' "${date:-01/02/2020}"
		printf '[Manufacturer]\r\nTest=Models,%s\r\n[Models.%s]\r\n' "${arch:-NTamd64}" "${arch:-NTamd64}"
		printf 'Device=Install,USB\\VID_1234&PID_0001\r\n[Install]\r\nCopyFiles=Files\r\n'
		printf '[Files]\r\nhello.sys\r\n%s[SourceDisksNames]\r\n1=Disk\r\n' "${more-}"
		printf '[SourceDisksFiles]\r\nhello.sys=1%s\r\n%s' "${place-}" "${sources-}"
	} >"$P/$1/hello.inf"
	mkdir -p "$P/$1${place:+/x64}"
	cp "$T/drv64.sys" "$P/$1/${place:+x64/}hello.sys"
	printf symbols >"$P/$1/hello.pdb"
	printf catalog >"$P/$1/Hello.CAT"
	printf secret >"$P/$1/signing.pfx"
}

eol=$(printf '\r\nx')
eol=${eol%x}

cab() {
	"$client" cab "$@"
}

# patch FILE OFFSET BYTES - BYTES as printf has them
patch() {
	# shellcheck disable=SC2059
	printf "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc 2>/dev/null
}

nothing_left() {
	[ -z "$(ls -A "$T/tmp")" ] && no_temporary_files
}

# ---- packing ----

package Hello
place=,x64 package Second
ok "two packages are packed" cab --output "$T/out.cab" "$P/Hello" "$P/Second/."
says out "$T/out.cab: 2 driver packages, 8 files, "
says out "not signed yet"
says out "left out: 2 files that no INF names"
ok "cabextract unpacks it" cabextract -q -d "$T/there" "$T/out.cab"
for file in Hello/hello.inf Hello/hello.sys Hello/hello.pdb Hello/Hello.CAT Second/hello.inf Second/x64/hello.sys; do
	ok "$file comes out as it went in" cmp "$P/$file" "$T/there/$file"
done
ok "without the key that lay beside" test ! -e "$T/there/Hello/signing.pfx"
ok "cabextract finds no damage" cabextract -t "$T/out.cab"
says out "All done, no errors."
ok "gcab lists it" gcab -l "$T/out.cab"
says out 'Second\x64\hello.sys'
ok "so do we" cab "$T/out.cab"
says out 'Second\x64\hello.sys'
says out "8 files, "
says out "MSZIP, not signed"
ok "with --list, too, as JSON" cab --json --list "$T/out.cab"
ok "which jq reads" jq -e '.ok and (.files | length) == 8 and .data_folders[0].compression == "MSZIP" and (.signed | not)' "$T/out"
ok "it passes its own check" cab --check "$T/out.cab"
says out "good, 2 driver packages, 8 files, not signed yet"
ok "one data folder, no set, no reserved area" test "$(od -An -tu2 -j26 -N6 "$T/out.cab" | tr -s ' ')" = " 1 8 0"
ok "--json tells what went in" cab --json --output "$T/json.cab" "$P/Hello"
ok "file by file" jq -e '.packages == 1 and .left_out == 1 and (.files | map(.name) | index("Hello\\hello.inf") != null)' "$T/out"

SOURCE_DATE_EPOCH=1600000000
export SOURCE_DATE_EPOCH
ok "with the build's date" cab --output "$T/one.cab" "$P/Hello" "$P/Second"
touch "$P/Hello/hello.sys"
ok "again, the other way round, later" cab --output "$T/two.cab" "$P/Second" "$P/Hello"
ok "the bytes are the same" cmp "$T/one.cab" "$T/two.cab"
fails 2 "a date that is none" env SOURCE_DATE_EPOCH=now "$client" cab --output "$T/two.cab" "$P/Hello"
says err "SOURCE_DATE_EPOCH: 'now': not a whole number"
unset SOURCE_DATE_EPOCH

openssl req -x509 -newkey rsa:2048 -nodes -keyout "$T/key" -out "$T/cert" -subj /CN=Test -days 30 \
	-addext extendedKeyUsage=codeSigning >"$T/openssl.log" 2>&1 || exit 99
ok "osslsigncode signs it" osslsigncode sign -certs "$T/cert" -key "$T/key" -in "$T/one.cab" -out "$T/signed.cab"
ok "then it passes the check, too" cab --check "$T/signed.cab"
says out "good, 2 driver packages, 8 files, signed (verify tells whether well)"
ok "and verify's" "$client" verify --root "$T/cert" "$T/signed.cab"

more="größe.sys$eol" sources="größe.sys=1$eol" package Umlaut
cp "$T/drv64.sys" "$P/Umlaut/größe.sys"
ok "a name beyond ASCII" cab --output "$T/umlaut.cab" "$P/Umlaut"
says err "no symbols (.pdb) for 'Umlaut\\größe.sys'"
ok "comes out as it went in" cabextract -q -d "$T/there" "$T/umlaut.cab"
ok "under its name" cmp "$T/drv64.sys" "$T/there/Umlaut/größe.sys"
ok "and passes the check" cab --check "$T/umlaut.cab"

# ---- what is wrong with a package ----

cp "$T/out.cab" "$T/before"
# refuses TITLE WORDS DIR... - with status 3, and the cabinet that was there stays
refuses() {
	refuses_title=$1 refuses_words=$2
	shift 2
	fails 3 "$refuses_title" cab --output "$T/out.cab" "$@"
	says err "$refuses_words"
	ok "what was there stays" cmp "$T/out.cab" "$T/before"
	fails 3 "$refuses_title, and nothing there" cab --output "$T/none.cab" "$@"
	ok "nothing is written" test ! -e "$T/none.cab"
}

catalog='' package NoCatalog
refuses "no CatalogFile" "'$P/NoCatalog/hello.inf' line 1: 22.9.4: Missing CatalogFile entry" "$P/Hello" "$P/NoCatalog"
date=01/02/2999 package Future
refuses "a DriverVer of tomorrow" "'$P/Future/hello.inf' line 4: " "$P/Future"
package Gone
rm "$P/Gone/hello.sys"
refuses "a file that is not there" "22.9.1: \\hello.sys in \\hello.inf is missing" "$P/Gone"
package Other
cp "$T/drv32.sys" "$P/Other/hello.sys"
refuses "a driver for another machine" "hello.sys is built for x86" "$P/Other"
arch=NTarm64 package Arm
rm "$P/Arm/hello.sys"
printf 'no PE image' >"$P/Arm/hello.sys"
refuses "packages for other architectures" "'$P/Arm': is for arm64, but '$P/Hello' for amd64" "$P/Hello" "$P/Arm"
ok "which alone are fine" cab --output "$T/arm.cab" "$P/Arm"
package A23456789012345678901234567890123456789
package A234567890123456789012345678901234567890
ok "a folder of 39 characters" cab --output "$T/39.cab" "$P/A23456789012345678901234567890123456789"
mkdir "$P/more"
mv "$P/A234567890123456789012345678901234567890" "$P/more/"
refuses "a folder of 40" "has a name of 40 characters, expected fewer than 40" \
	"$P/more/A234567890123456789012345678901234567890"
package 'more/Hello & more'
refuses "a folder with a special character" "folder 'Hello & more' has special characters" "$P/more/Hello & more"
package more/hello
refuses "two packages of one name" "would be folder 'hello' in the cabinet, as another package is" "$P/Hello" "$P/more/hello"
mkdir "$P/empty"
refuses "a folder without an INF" "'$P/empty'" "$P/empty"
refuses "a folder that is not there" "'$P/nowhere'" "$P/nowhere"
cp "$P/Hello/hello.inf" "$T/kept"
fails 3 "the cabinet in the place of a file that goes in" cab --output "$P/Hello/hello.inf" "$P/Hello"
says err "goes into the cabinet, which would replace it"
ok "the file stays" cmp "$P/Hello/hello.inf" "$T/kept"
fails 3 "a folder that cannot be written to" cab --output "$T/nowhere/out.cab" "$P/Hello"
fails 2 "no folder at all" cab --output "$T/out.cab"
fails 2 "--output and --check" cab --output "$T/out.cab" --check "$P/Hello"
fails 2 "--list and --check" cab --list --check "$T/out.cab"
fails 2 "an unknown version of Windows" cab --os 10_X46 --check "$T/out.cab"
ok "nothing is left behind" nothing_left

# links that lead out of the folder: whatever they lead to was not put into the package
printf 'a key' >"$T/key.pem"
for name in hello.sys hello.pdb Hello.CAT hello.inf; do
	package Linked
	cp "$P/Linked/$name" "$T/outside"
	[ $name != hello.pdb ] || cp "$T/key.pem" "$T/outside"
	ln -sf "$T/outside" "$P/Linked/$name"
	refuses "$name is a link out of the folder" "'$P/Linked/$name' is a link out of the folder, to '$T/outside'" "$P/Linked"
	fails 3 "$name: with what to do" cab --output "$T/new.cab" "$P/Linked"
	says err "hint: copy the file itself into the package"
	rm -r "$P/Linked"
done
package Linked
mkdir "$P/Linked/symbols"
mv "$P/Linked/hello.pdb" "$P/Linked/symbols/" && ln -s symbols/hello.pdb "$P/Linked/hello.pdb"
ok "a link inside of it is the file" cab --output "$T/linked.cab" "$P/Linked"
rm -rf "$P/Linked"

# ---- cabinets made elsewhere ----

made() { # NAME FILE... - by gcab, from the folder of packages
	made_name=$1
	shift
	(cd "$P" && gcab -cz "$T/$made_name.cab" "$@") >"$T/gcab.log" 2>&1 || { sed 's/^/# /' "$T/gcab.log"; exit 99; }
}

made good Hello/hello.inf Hello/hello.sys Hello/hello.pdb
ok "one of gcab's" cab --check "$T/good.cab"
says out "good, 1 driver package, 3 files"
(cd "$P" && gcab -c "$T/stored.cab" Hello/hello.inf Hello/hello.sys) >"$T/gcab.log" 2>&1
ok "one that is not compressed" cab --check "$T/stored.cab"
says err "data folder 1 is not compressed by MSZIP"
says err "no symbols (.pdb) for 'Hello\\hello.sys'"
cp "$P/Hello/hello.inf" "$P/top.inf"
made top top.inf Hello/hello.inf Hello/hello.sys
fails 3 "a file at the top" cab --check "$T/top.cab"
says err "'$T/top.cab': 'top.inf' lies at the top of the cabinet"
made noinf Hello/hello.inf Hello/hello.sys Second/x64/hello.sys
fails 3 "a folder without an INF" cab --check "$T/noinf.cab"
says err "folder 'Second' has no INF in it"
made missing Hello/hello.inf Hello/hello.pdb
fails 3 "an INF whose driver is not there" cab --check "$T/missing.cab"
says err "'Hello/hello.inf' line 12: 22.9.1"
made other Other/hello.inf Other/hello.sys
fails 3 "a driver for another machine" cab --check "$T/other.cab"
says err "is built for x86"
made arms Hello/hello.inf Hello/hello.sys Arm/hello.inf Arm/hello.sys
fails 3 "packages for other architectures" cab --check "$T/arms.cab"
says err "is for amd64, but 'Arm' for arm64"
fails 3 "and as JSON" cab --json --check "$T/arms.cab"
ok "with the finding" jq -e '(.ok | not) and (.findings | map(select(.severity == "error")) | length) == 1' "$T/out"
package HellO
made spelling Hello/hello.inf Hello/hello.sys HellO/hello.pdb
fails 3 "one folder in two spellings" cab --check "$T/spelling.cab"
says err "is there in several spellings, which are one to Windows"
fails 3 "no cabinet at all" cab --check "$P/Hello/hello.sys"
says err "no MSCF signature at offset 0"

# ---- hostile ones ----

# damaged TITLE WORDS - the twin in $T/bad.cab, by list or check
damaged() {
	fails 3 "$1" cab --check "$T/bad.cab"
	says err "$2"
}

twin() {
	cp "$T/good.cab" "$T/bad.cab"
	[ $# -eq 0 ] || patch "$T/bad.cab" "$@"
}

size=$(stat -c %s "$T/good.cab")
data=$(od -An -tu4 -j36 -N4 "$T/good.cab" | tr -d ' ')
twin 8 '\377\377\377\377'
damaged "more bytes than the file has" "cbCabinet at offset 0x8 is 4294967295, expected 36 to $size"
fails 3 "is not listed either" cab "$T/bad.cab"
twin 16 '\377\377\377\177'
damaged "files beyond the end" "coffFiles at offset 0x10 is 2147483647"
twin 36 '\377\377\377\377'
damaged "data beyond the end" "coffCabStart is 4294967295"
twin 36 '\010\000\000\000'
damaged "data in the header" "coffCabStart is 8, expected"
twin 40 '\377\377'
damaged "more blocks than there are" "block 1 of 65535: cbUncomp is"
twin 42 '\003\025'
damaged "packed by LZX" "typeCompress is 0x1503, expected 1 (MSZIP)"
twin 44 '\377\377\377\377'
damaged "a file of 4 GiB" "together more than the 32768 bytes"
twin 48 '\001'
damaged "files that overlap" "uoffFolderStart is "
twin 52 '\001'
damaged "a data folder that is not there" "iFolder is 1, expected less than 1"
twin 30 '\001'
damaged "one of a set without its names" "table of folders, in front of coffFiles at offset 0x27 needs 8 bytes"
twin $((data + 100)) '\252\252\252'
damaged "data that is damaged" "the data's sum is"
twin "$data" '\000\000\000\000'
patch "$T/bad.cab" $((data + 10)) '\007' # there is no fourth kind of deflate block
damaged "and so behind a block without a sum" "cannot be unpacked"
twin "$data" '\000\000\000\000'
unpacked=$(od -An -tu2 -j$((data + 6)) -N2 "$T/good.cab" | tr -d ' ')
patch "$T/bad.cab" $((data + 6)) "$(printf '\\%03o\\%03o' $(((unpacked + 1) & 255)) $(((unpacked + 1) >> 8)))"
patch "$T/bad.cab" 108 '\010'
damaged "a block with fewer bytes than it says" "cannot be unpacked"
says_not err WARNING
head -c $((size - 1)) "$T/good.cab" >"$T/bad.cab"
damaged "one byte too few" "cbCabinet at offset 0x8 is $size"
{ cat "$T/good.cab" && echo more; } >"$T/bad.cab"
damaged "bytes behind it" "5 bytes follow the cabinet"

# escaping NAME - the INF's name replaced, which has as many characters
escaping() {
	LC_ALL=C sed "s/Hello\\\\hello.inf/$1/" "$T/good.cab" >"$T/bad.cab"
	[ "$(stat -c %s "$T/bad.cab")" = "$size" ] || exit 99
}

escaping '..\\..\\hello.inf'
damaged "a name that leads out" "not a name that Windows takes"
escaping '\\tmp\\hello.inf\x01'
damaged "an absolute name" "not a name that Windows takes"
escaping 'C:\\dows\\evil.xx'
damaged "a drive" "not a name that Windows takes"
escaping 'Hello\/hello.inf'
damaged "a name with a slash" "not a name that Windows takes"
escaping 'Hello\\hello.pdb'
damaged "one name twice" "'Hello\\hello.pdb' is there twice"
escaping 'Hello\\h\xc3llo.inf'
damaged "a name in some code page" "in some code page's characters"
ok "is listed so that a terminal does not mind" cab "$T/bad.cab"
says out 'Hello\h\xc3llo.inf'
head -c 100M /dev/zero >"$P/Hello/zero.bin"
made bomb Hello/hello.inf Hello/hello.sys Hello/zero.bin
ok "100 MB of zero bytes in few" test "$(stat -c %s "$T/bomb.cab")" -lt 1000000
cp "$T/bomb.cab" "$T/bad.cab"
damaged "are not unpacked" "unpacks to more than 100 times its size, which no driver does"
rm "$P/Hello/zero.bin"
ok "nothing is left behind" nothing_left

# interrupted SIGNAL WHAT... - the command ends by the signal once it has something in the temporary folder or beside its output
interrupted() {
	signal=$1
	shift
	for try in 1 2 3 4 5 6 7 8; do
		start interrupted env --default-signal=INT,HUP "$client" cab "$@"
		until [ -n "$(ls -A "$T/tmp")" ] || [ -n "$(find "$T/made" -name '.*kdsign-*')" ] || tap_ended "$pid"; do
			:
		done
		kill -s "$signal" "$pid"
		wait "$pid"
		[ $? -gt 128 ] && return
		echo "try $try: was faster than the signal"
	done
	return 1
}

mkdir "$T/made"
for part in 1 2 3 4; do
	head -c 15M /dev/urandom >"$P/Hello/part$part.bin"
done
made large Hello/hello.inf Hello/hello.sys Hello/part1.bin Hello/part2.bin Hello/part3.bin Hello/part4.bin
for signal in INT TERM HUP; do
	ok "a check ends by SIG$signal" interrupted $signal --check "$T/large.cab"
	ok "and leaves nothing behind" nothing_left
done
more="part1.bin${eol}part2.bin${eol}part3.bin${eol}part4.bin$eol"
sources="part1.bin=1${eol}part2.bin=1${eol}part3.bin=1${eol}part4.bin=1$eol" package Hello
ok "so does packing, by SIGTERM" interrupted TERM --output "$T/made/large.cab" "$P/Hello"
ok "no cabinet is there" test -z "$(ls -A "$T/made")"

# ---- who links what ----

for daemon in kdsignd kdsign-keeper kdsign-signer kdsign-relay; do
	ok "$daemon has nothing of GLib" sh -c 'ldd "$1" >"$1.ldd" && ! grep -E "libglib|libgobject|libgio|libgcab|libgsf" "$1.ldd"; status=$?; rm -f "$1.ldd"; exit $status' - "$builddir/$daemon"
done

done_testing
