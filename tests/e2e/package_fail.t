#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2154,SC2317
# kdsign-client package when something is wrong: with the INFs, the files, the service, the authority, the disk, or with
# itself. Each time the package is told of, and every file of it is as it was.
. "${srcdir:-.}/tests/tap.sh"
# shellcheck source=/dev/null
. "$srcdir/tests/e2e/whole_lib.sh"
need jq sqlite3 make i686-w64-mingw32-gcc x86_64-w64-mingw32-gcc
# shellcheck source=/dev/null
. "$srcdir/tests/e2e/tsa.sh"

make_service
use_mock
start_service
ok "authorities" start_tsa
make -s -C "$srcdir/examples/twin-driver" OUT="$T/built" >"$T/make.log" 2>&1 ||
	{ sed 's/^/# /' "$T/make.log"; exit 99; }
P=$T/pkg
good=$T/good

fresh() { # PACKAGE...
	for fresh_one; do
		rm -rf "$fresh_one" && cp -r "$T/built" "$fresh_one"
	done
}

package() {
	"$client" package --key driver "$@"
}

sums() {
	(cd "$1" && find . -type f -printf '%p %T@ %m %i\n' | sort && find . -type f -exec sha256sum {} + | sort)
}

unchanged() {
	sums "$P" | diff "$T/sums" -
}

signatures() {
	record "SELECT count(*) FROM event WHERE $(event event) = 'intent'"
}

# wrong STATUS TITLE TEXT [OPTION...] - with the package as it is, and another one behind it that is in order
wrong() {
	wrong_status=$1 wrong_title=$2 wrong_text=$3
	shift 3
	fresh "$good"
	sums "$P" >"$T/sums"
	fails "$wrong_status" "$wrong_title" package "$@" "$P" "$good"
	says err "$wrong_text"
	[ -z "${hint-}" ] || says err "hint: $hint"
	says err '1 of 2 packages failed; their files are as they were'
	ok "$wrong_title: every file is as it was" unchanged
	ok "$wrong_title: the other package is signed" test -e "$good/twinflt.cat"
}

edit() { # FILE SED-SCRIPT - of a fresh package
	fresh "$P"
	sed -i "$2" "$P/$1"
}

# the INFs
edit twin.inf '/^\[Version\]/,/^\[Dest/{/^\[Dest/!d}'
wrong 3 'no [Version]' "'$P/twin.inf': InfVerif 1001: no section [Version]"
edit twin.inf /^CatalogFile/d
wrong 3 'no CatalogFile' "Missing AMD64 CatalogFile entry from [Version] section of \\twin.inf"
edit twin.inf /^DriverVer/d
wrong 3 'no DriverVer' "'$P/twin.inf' line 5: 22.9.6: DriverVer missing or in incorrect format in \\twin.inf"
edit twin.inf 's|^DriverVer.*|DriverVer = 13/20/2026,1.0.0.0\r|'
wrong 3 'a DriverVer out of range' "'$P/twin.inf' line 11: 22.9.6: DriverVer missing or in incorrect format in \\twin.inf"
edit twin.inf 's|^DriverVer.*|DriverVer = 11/20/2999,1.0.0.0\r|'
wrong 3 'a DriverVer in the future' "line 11: 22.9.7: DriverVer set to incorrect date"
fresh "$P"
rm "$P/x86/twinapi.dll"
wrong 3 'a file that is not there' \
	"'$P/twin.inf' line 56: 22.9.1: \\twinapi.dll in \\twin.inf is missing or cannot be decompressed from source media"
edit twin.inf 's/^twin.sys\r$/twin.sys\r\ntwin.sys,twinflt.sys\r/;s/^twin.dat *= 2/&\r\ntwinflt.sys = 1/'
wrong 3 'one name, two contents' "line 55: InfVerif 1330: 'twin.sys' is copied from"
edit twin.inf 's/^CopyFiles.*/&\nInclude = twinflt.inf\r\nNeeds = Filter.Install.NT\r/'
sed -i 's/^CopyFiles.*/&\nInclude = twin.inf\r\nNeeds = Twin.Install.NT\r/' "$P/twinflt.inf"
wrong 3 'a cycle in includes' 'by its own Needs comes back to it: a cycle'
fresh "$P"
cp "$T/built/x64/twin.sys" "$P/x86/twin.sys"
hint='put the right build in its place'
wrong 3 'a driver for another machine' \
	"'$P/twin.inf' line 53: \\x86/twin.sys is built for x64, and [Twin.Drivers] copies it to Windows for x86"
hint=
fresh "$P"
cp "$T/built/x64/twinapi.dll" "$P/x86/twinapi.dll"
wrong 3 'a library that Windows cannot run there' "line 56: \\x86/twinapi.dll is built for x64"
fresh "$P"
truncate -s 1000 "$P/x64/twin.sys"
wrong 3 'half a driver' "'$P/x64/twin.sys': begins like a PE image, but cannot be signed"
fresh "$P"
: >"$P/x64/twin.sys"
echo 'version https://git-lfs.github.com/spec/v1' >"$P/x86/twinapi.dll"
ok 'a driver that is none is signed all the same, but not without a word' package "$P"
says err "warning: '$P/twin.inf' line 53: '$P/x64/twin.sys' is empty: it is listed as data"
says err "warning: '$P/twin.inf' line 56: '$P/x86/twinapi.dll' is no program: it is listed as data"
says out 'signed 4 files and 2 catalogs'
fails 3 'an INF in place of its folder' package "$P/twin.inf"
says err 'hint: name the folder that the INF is in'
fresh "$P"
printf 'MSCF\000\000\000\000\060\000\000\000\000\000\000\000\054\000\000\000\000\000\000\000\003\001' >"$P/twin.dat"
printf '\000\000\000\000\004\000\000\000\000\000\000\000\000\000\000\000\000\000' >>"$P/twin.dat"
wrong 3 'a file that no catalog can list' "'$P/twin.dat':"
edit twin.inf 's/^twin.dat\r$/twin.dat\r\ntwinflt.cat\r/;s/^twin.dat *= 2/&\r\ntwinflt.cat = 2/'
: >"$P/twinflt.cat"
wrong 3 'a catalog that lists another' "'$P/twinflt.cat': an INF copies it, and it is the catalog of one"
# links: what they lead to out of the folder is nobody's to sign or list; inside of it they are fine
mkdir "$T/else"
hint='copy the file itself into the package'
for name in twin.dat x64/twin.sys twinflt.inf; do
	fresh "$P"
	mv "$P/$name" "$T/else/"
	ln -s "$T/else/${name##*/}" "$P/$name"
	wrong 3 "$name is a link out of the folder" "'$P/$name' is a link out of the folder, to '$T/else/${name##*/}'"
	ok "$name: the link stays" test -L "$P/$name"
done
fresh "$P"
mv "$P/x64" "$T/else/x64"
ln -s "$T/else/x64" "$P/x64"
wrong 3 "a folder is one" "'$P/x64/twin.sys' is a link out of the folder, to '$T/else/x64/twin.sys'"
fresh "$P"
printf precious >"$T/else/precious"
ln -s "$T/else/precious" "$P/twin.cat"
hint='remove the link'
wrong 3 "a catalog's place is one" "'$P/twin.cat' is a link out of the folder, to '$T/else/precious'"
ok "and what it leads to is as it was" grep -qx precious "$T/else/precious"
hint=
fresh "$P"
mkdir "$P/data"
mv "$P/twin.dat" "$P/data/twin.dat"
ln -s data/twin.dat "$P/twin.dat"
ln -s "$P" "$T/else/package"
ok "links inside of it, and one to it, are fine" package "$T/else/package"
fresh "$P"
sums "$P" >"$T/sums"
printf '[Strings]\r\n' >"$P/twin.inf"
fails 3 'as JSON' "$client" --json package --key driver "$P"
cp "$T/out" "$T/json"
ok 'with what was found' jq -e '(.ok | not) and .findings[0].number == "1001" and (.findings[0].file | endswith("twin.inf"))
	and .files == null' "$T/json"

# the service
before=$(signatures)
fresh "$P" "$good"
sums "$P" >"$T/sums"
fails 5 'no service' env KDSIGN_SERVER=https://127.0.0.1:1 "$client" --timeout 1s package --key driver "$P" "$good"
says err '1 more packages are not signed, for the same reason'
says err '2 of 2 packages failed'
ok 'every file is as it was' unchanged
fails 4 'a key that is not granted' "$client" package --key second "$P"
ok 'every file is as it was' unchanged
fails 4 'nobody' env KDSIGN_IDENTITY="$T/nobody.identity" "$client" package --key driver "$P"
ok 'every file is as it was' unchanged
for fault in nonce garbage imprint; do
	fails 5 "an authority that answers wrongly: $fault" package --timestamp "$TSA_BASE/fault/$fault" \
		--timestamp-timeout 1s "$P"
	says err 'no timestamp'
	ok 'every file is as it was' unchanged
done
fails 3 'a cabinet in no folder' package --cab "$T/none/x.cab" "$P"
says err "'$T/none/x.cab': cannot create a file beside it: No such file or directory"
fails 3 'a cabinet in the place of what goes in' package --cab "$P/twin.inf" "$P"
fails 3 'a cabinet in the place of a folder' package --cab "$T" "$P"
ok 'every file is as it was' unchanged
if [ "$(id -u)" = 0 ]; then
	chmod 711 "$T"
	cp "$KDSIGN_IDENTITY" "$T/theirs" && chown 65534 "$T/theirs"
	chown -R 65534 "$P" && chmod 444 "$P/x64/twin.sys"
	fails 3 'a driver that is read-only' as_nobody KDSIGN_IDENTITY="$T/theirs" "$client" package --key driver "$P"
	says err "'$P/x64/twin.sys': cannot write: Permission denied"
	fails 3 'and alone' as_nobody KDSIGN_IDENTITY="$T/theirs" "$client" sign --key driver "$P/x64/twin.sys"
	says err "'$P/x64/twin.sys': cannot write: Permission denied"
	chmod 644 "$P/x64/twin.sys" && chmod 555 "$P/x64"
	fails 3 'a folder that is' as_nobody KDSIGN_IDENTITY="$T/theirs" "$client" package --key driver "$P"
	says err 'cannot create a file beside it: Permission denied'
	fresh "$P"
	sums "$P" >"$T/sums"
fi
ok 'and no token has signed for it' test "$(signatures)" = "$before"
ok 'unless that is only wished for' package --timestamp "$TSA_BASE/fault/garbage" --timestamp-timeout 1s \
	--timestamp-optional "$good"
says err 'no timestamp'

# one item of a package is refused: this key may sign images alone
sed -i '/^\[grant one\]/,/^\[grant two\]/s/^kinds = .*/kinds = pe/' "$T/etc/keeper.conf"
stop_service
start_service
fresh "$P"
sums "$P" >"$T/sums"
fails 4 'no grant for catalogs' package "$P"
ok 'every file is as it was' unchanged
sed -i '/^\[grant one\]/,/^\[grant two\]/s/^kinds = .*/kinds = pe catalog/' "$T/etc/keeper.conf"
stop_service
start_service

# a token that fails for some of them
fresh "$P"
sums "$P" >"$T/sums"
order C_Sign fail 0x54 every 3
fails 7 'a token that fails for each third' "$client" --timeout 3s package --key driver "$P"
order
ok 'every file is as it was' unchanged

# the disk
if [ "$(id -u)" = 0 ] && mkdir "$T/small" && mount -t tmpfs -o size=200k kdsign-test "$T/small" 2>/dev/null; then
	fresh "$T/small/pkg"
	head -c 4M /dev/zero >"$T/small/fill" 2>/dev/null
	truncate -s -20k "$T/small/fill"
	P=$T/small/pkg
	sums "$P" >"$T/sums"
	fails 7 'disk full' package "$P"
	says err 'No space left on device'
	ok 'every file is as it was' unchanged
	rm "$T/small/fill"
	ok 'with room again' package "$P"
	P=$T/pkg
	umount "$T/small"
else
	skip 'disk full' 'no tmpfs can be mounted'
fi

# Killed at any moment: as it was, or done. By SIGKILL in the middle of renaming, and only then, a mixture, which
# --if-needed completes.
sha1=$(openssl x509 -in "$T/driver.pem" -noout -fingerprint -sha1 | cut -d= -f2)
is_done() {
	env KDSIGN_SERVER=https://127.0.0.1:1 "$client" --quiet package --sha1 "$sha1" --timestamp "$TSA_URL" --if-needed "$P"
}
as_it_was_or_done() {
	diff -r "$T/whole" "$P" >"$T/diff" || is_done
}
as_it_was_or_completed() {
	as_it_was_or_done || { package --timestamp "$TSA_URL" --if-needed "$P" && is_done; }
}
fresh "$T/whole"
for signal in TERM KILL; do
	for ms in 02 04 06 08 10 12 14 16 18 20 25 30 40; do
		rm -rf "$P" && cp -rp "$T/whole" "$P"
		"$client" --quiet package --key driver --timestamp "$TSA_URL" "$P" 2>/dev/null &
		victim=$!
		sleep 0.$ms
		kill -$signal $victim 2>/dev/null
		wait $victim 2>/dev/null
		if [ $signal = TERM ]; then
			ok "TERM after 0.$ms s: no temporary file" test -z "$(find "$P" -name '.*kdsign-*')"
			ok "TERM after 0.$ms s: as it was, or done" as_it_was_or_done
		else
			find "$P" -name '.*kdsign-*' -delete
			ok "KILL after 0.$ms s: as it was, or to be completed" as_it_was_or_completed
		fi
	done
done
done_testing
