#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2154,SC2317
# kdsign-client package against the real daemons and authorities of openssl's own: whole driver packages, signed by one
# request, judged by osslsigncode; left alone when they are right.
. "${srcdir:-.}/tests/tap.sh"
# shellcheck source=/dev/null
. "$srcdir/tests/e2e/whole_lib.sh"
need osslsigncode cabextract jq sqlite3 make i686-w64-mingw32-gcc x86_64-w64-mingw32-gcc
# shellcheck source=/dev/null
. "$srcdir/tests/e2e/tsa.sh"

make_files
make_service
sed -i 's/^kinds = pe catalog$/kinds = pe catalog cabinet/' "$T/etc/keeper.conf"
start_service
ok "authorities" start_tsa
example=$srcdir/examples/twin-driver
make -s -C "$example" OUT="$T/built" >"$T/make.log" 2>&1 || { sed 's/^/# /' "$T/make.log"; exit 99; }

fresh() { # PACKAGE...
	for fresh_one; do
		rm -rf "$fresh_one" && cp -r "$T/built" "$fresh_one"
	done
}

package() {
	"$client" package --key driver --ac "$T/cross.pem" --timestamp "$TSA_URL" "$@"
}

# All of a file that could change: content, time, mode, inode, name.
sums() {
	(cd "$1" && find . -type f -printf '%p %T@ %m %i\n' | sort && find . -type f -exec sha256sum {} + | sort)
}

keep() { # DIR - for unchanged
	sums "$1" >"$T/sums"
}

unchanged() {
	sums "$1" | diff "$T/sums" -
}

requests() {
	record "SELECT count(*) FROM event WHERE $(event event) = 'request'"
}

signatures() {
	record "SELECT count(*) FROM event WHERE $(event event) = 'result'"
}

# asked N M - since the last time: N requests, M signatures
asked() {
	now_requests=$(requests) now_signatures=$(signatures)
	got="$((now_requests - ${last_requests:-0})) $((now_signatures - ${last_signatures:-0}))"
	last_requests=$now_requests last_signatures=$now_signatures
	[ "$got" = "$1 $2" ] || { echo "asked $got, want $1 $2"; return 1; }
}

# A program that is not ours, the timestamp too.
judge() {
	if ! osslsigncode verify -CAfile "$T/kernel-root.pem" -TSA-CAfile "$TSA_ROOT" "$@" >"$T/judge" 2>&1 ||
		grep -q 'Timestamp is not available' "$T/judge"; then
		cat "$T/judge"
		return 1
	fi
}

binaries='x64/twin.sys x64/twinapi.dll x86/twin.sys x86/twinapi.dll'
filters='x64/twinflt.sys x86/twinflt.sys'
judge_all() { # DIR
	for file in $binaries; do
		judge -in "$1/$file" && judge -catalog "$1/twin.cat" -in "$1/$file" || return
	done
	for file in $filters; do
		judge -in "$1/$file" && judge -catalog "$1/twinflt.cat" -in "$1/$file" || return
	done
	judge -in "$1/twin.cat" && judge -in "$1/twinflt.cat"
}

# what Windows would say, asked separately
trusting() {
	"$client" verify --root "$T/kernel-root.pem" --tsa-root "$TSA_ROOT" "$@"
}

# one package
P=$T/pkg
fresh "$P"
keep "$P"
ok "dry run" package --dry-run "$P"
says out "$P: would sign x64/twin.sys"
says out "$P: would make twin.cat and sign it: lists 6 files, version 2"
says_not out twin.dat
ok "nothing is changed" unchanged "$P"
ok "nobody was asked" asked 0 0
ok "dry run in JSON" "$client" --json package --dry-run "$P"
cp "$T/out" "$T/json"
ok "its plan" jq -e '.ok and .dry_run and ([.files[] | select(.action == "sign")] | length) == 6 and
	([.files[] | select(.action == "make") | .path] == ["twin.cat", "twinflt.cat"])' "$T/json"

ok "a package of two INFs, x86 and x64" package --kernel-root "$T/kernel-root.pem" --root "$T/ca-root.pem" \
	--tsa-root "$TSA_ROOT" "$P"
says out "$P: signed 6 files and 2 catalogs with driver (sha256), timestamped"
cp "$T/out" "$T/table"
ok "by one request" asked 1 8
ok "osslsigncode takes all of it" judge_all "$P"
ok "and so do we, file by file" trusting --catalog "$P/twin.cat" "$P/twin.inf" "$P/twin.dat" "$P/x64/twin.sys"
ok "no other file is there" test "$(find "$P" -type f | wc -l)" = 11
ok "a catalog has the usual mode" test "$(stat -c %a "$P/twin.cat")" = 644
row() { # FILE REGEX - of the table
	grep -E "^  $P/$1 +$2\$" "$T/table" || { cat "$T/table"; return 1; }
}
ok "the kernel is asked about a driver" row x64/twin.sys '.*R[0-9]+.* L[0-9]+.* \|  ?P[0-9]+'
ok "and not about a library" row x64/twinapi.dll '( +-)+ \|  ?P[0-9]+'
ok "nor an INF" row twin.inf '( +-)+ \|  ?P[0-9]+'
says table 'an administrator is asked whether to trust'
says table '32-bit Windows without Secure Boot asks only boot-start'

# left alone
keep "$P"
ok "what is right is left alone" package --if-needed "$P"
says out "$P: nothing to do, all is signed as asked"
ok "not a byte, not a time" unchanged "$P"
ok "nobody was asked to sign" asked 0 0
sha1=$(openssl x509 -in "$T/driver.pem" -noout -fingerprint -sha1 | cut -d= -f2)
ok "without any service, by the thumbprint" env KDSIGN_SERVER=https://127.0.0.1:1 "$client" --timeout 1s package \
	--if-needed --sha1 "$sha1" --ac "$T/cross.pem" --timestamp "$TSA_URL" "$P"
ok "not a byte" unchanged "$P"
ok "in JSON, with the verdicts" "$client" --json package --if-needed --key driver --ac "$T/cross.pem" \
	--trusted-publisher "$T/driver.pem" --root "$T/ca-root.pem" --kernel-root "$T/kernel-root.pem" "$P"
cp "$T/out" "$T/json"
ok "as in the table" jq -e '.ok and ([.files[] | select(.action == "leave")] | length) == 8 and
	([.files[] | select(.path == "x64/twin.sys") | .kernel.releases[] | select(.loads)] | length) > 3 and
	([.files[].installer.releases[] | select(.outcome == "silent" and .release == "every Windows")] | length) == 11 and
	([.files[] | select(.path == "twinflt.inf") | .kernel] == [null])' "$T/json"

# touched: a new build of the one, a new line in the other
cp "$T/built/x86/twinflt.sys" "$P/x86/twinflt.sys"
printf '%s\r\n' '0 1 2 3' >"$P/twin.dat"
ok "what is new is signed, and listed" package --if-needed "$P"
says out "$P: signed 1 file and 1 catalog with driver (sha256), timestamped, left 6 files"
ok "by one request" asked 1 2
ok "osslsigncode takes all of it" judge_all "$P"
ok "the data, too" trusting --catalog "$P/twin.cat" "$P/twin.dat"
for change in '--description Twin' '--url https://example.org/twin' '--digest sha384' --page-hashes; do
	# shellcheck disable=SC2086
	ok "otherwise asked for: $change" "$client" package --sha1 "$sha1" --if-needed --no-timestamp $change "$P"
	last_requests=$(requests) last_signatures=$(signatures)
	keep "$P"
	# shellcheck disable=SC2086
	ok "and so only once" "$client" package --sha1 "$sha1" --if-needed --no-timestamp $change "$P"
	ok "not a byte" unchanged "$P"
	ok "nobody was asked" asked 0 0
done
ok "a timestamp, now" package --if-needed --page-hashes "$P"
says out "$P: signed 6 files and 2 catalogs"
ok "osslsigncode takes all of it" judge_all "$P"
ok "another key" env KDSIGN_IDENTITY="$T/two.identity" "$client" package --if-needed --key second "$P"
says out "$P: signed 6 files and 2 catalogs with second (sha256)"
last_requests=$(requests) last_signatures=$(signatures)
ok "without --if-needed all is done anew" package "$P"
ok "by one request" asked 1 8
ok "osslsigncode takes all of it" judge_all "$P"

# many at once
many=
for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
	many="$many $T/many$i"
done
# shellcheck disable=SC2086
fresh $many
# shellcheck disable=SC2086
ok "twelve packages" package --jobs 4 $many "$T/many3/"
says err 'named twice'
sed -n 's/: signed .*//p' "$T/out" >"$T/told"
# shellcheck disable=SC2086
printf '%s\n' $many >"$T/order"
ok "told in order" diff "$T/order" "$T/told"
ok "by one request" asked 1 96
ok "osslsigncode takes the last one" judge_all "$T/many12"
# shellcheck disable=SC2086
ok "the second time" package --if-needed --jobs 4 $many
ok "nobody is asked" asked 0 0

# a catalog for each architecture, of version 1, names in any case, a file that ends at no multiple of 8
fresh "$P"
sed -i 's/^CatalogFile = twin.cat/CatalogFile.NTx86 = Twin86.cat\r\nCatalogFile.NTamd64 = TWIN64.cat/' "$P/twin.inf"
mv "$P/x64" "$P/X64"
cp "$T/drv64.sys" "$P/X64/TWIN.sys" && rm "$P/X64/twin.sys"
ok "two catalogs of one INF" package --os 7_X64,7_X86 --page-hashes "$P"
says out "$P: signed 6 files and 3 catalogs"
for arch in 64 86; do
	ok "osslsigncode finds the driver in twin$arch.cat" judge -catalog "$P/twin$arch.cat" -in "$P/X64/TWIN.sys"
done
ok "its page hashes, too" trusting --catalog "$P/twin64.cat" "$P/X64/TWIN.sys" "$P/x86/twin.sys"
ok "version 1" "$client" inspect "$P/twin64.cat"
says out 'version 1'
keep "$P"
ok "again" package --if-needed --os 7_X64,7_X86 --page-hashes "$P"
ok "not a byte" unchanged "$P"
ok "for other Windows" package --if-needed --os 10_X64,10_X86 --page-hashes "$P"
says out "$P: signed 3 catalogs with driver"
says out 'left 6 files'

# the cabinet of a submission
fresh "$T/twin1" "$T/twin2"
ok "two packages and their cabinet" package --cab "$T/submit.cab" "$T/twin1" "$T/twin2"
says out "$T/submit.cab: 2 packages, 22 files, "
listed() {
	mkdir -p "$T/unpacked" && cabextract -q -d "$T/unpacked" "$1" && diff -r "$T/twin1" "$T/unpacked/twin1" &&
		diff -r "$T/twin2" "$T/unpacked/twin2"
}
ok "cabextract finds just what was signed" listed "$T/submit.cab"
ok "it is one that Hardware Dev Center takes" "$client" cab --check "$T/submit.cab"
cp "$T/submit.cab" "$T/before.cab"
ok "again" package --if-needed --cab "$T/submit.cab" "$T/twin1" "$T/twin2"
says out "$T/submit.cab: nothing to do, it holds just these files"
ok "it is as it was" cmp "$T/before.cab" "$T/submit.cab"
osslsigncode sign -certs "$T/chain.pem" -key "$T/leaf.key" -in "$T/before.cab" -out "$T/signed.cab" >"$T/judge" 2>&1 &&
	cp "$T/signed.cab" "$T/submit.cab"
ok "signed meanwhile" package --if-needed --cab "$T/submit.cab" "$T/twin1" "$T/twin2"
ok "it keeps its signature" cmp "$T/signed.cab" "$T/submit.cab"
cp "$T/built/twin.dat" "$T/twin2/twin.dat" && printf more >>"$T/twin2/twin.dat"
ok "a file changed" package --if-needed --cab "$T/submit.cab" "$T/twin1" "$T/twin2"
says out "$T/submit.cab: 2 packages"
fresh "$T/a+b"
keep "$T/a+b"
fails 3 "a folder's name that Hardware Dev Center does not take" package --cab "$T/new.cab" "$T/a+b"
ok "nothing is signed" unchanged "$T/a+b"
ok "nor written" test ! -e "$T/new.cab"
rm "$T/twin2/twin.inf" "$T/twin2/twin.dat"
printf '[Version]\r\n' >"$T/twin2/twin.inf"
fails 3 "a package that fails" package --cab "$T/new.cab" "$T/twin1" "$T/twin2"
says err "'$T/new.cab' is not written: it would lack 1 of 2 packages"
ok "no cabinet" test ! -e "$T/new.cab"

# demands
fresh "$P"
keep "$P"
fails 1 "a root that it does not lead to" package --root "$T/other.pem" "$P"
ok "nothing is changed" unchanged "$P"
fails 1 "the kernel's policy" "$client" package --key driver --require-kernel "$P"
says err 'kernel: '
ok "nothing is changed" unchanged "$P"
ok "is satisfied with the cross-certificate" package --require-kernel --kernel-root "$T/kernel-root.pem" "$P"
fresh "$P"
keep "$P"
fails 1 "the installer's" package --require-installer "$P"
says err 'installer: '
ok "nothing is changed" unchanged "$P"
ok "is satisfied with the root" package --require-installer --root "$T/ca-root.pem" "$P"

# Microsoft's
if [ -d "${KDSIGN_CORPUS:-$srcdir/../shared/corpus}/packages" ]; then
	corpus packages
	ms=$C/zerotier-zttap300-x64-attest2020
	rm -rf "$P" && cp -r "$ms" "$P" && chmod -R u+w "$P"
	keep "$P"
	fails 3 "a package that Microsoft has signed" package "$P"
	says err 'Microsoft has signed this catalog: the package is finished'
	ok "is as it was" unchanged "$P"
	rm "$P"/*.cat
	cp "$P/zttap300.sys" "$T/theirs"
	ok "without its catalog" package --os 10_X64 "$P"
	says out "$P: signed 1 catalog with driver (sha256), timestamped, left 1 file"
	ok "the driver keeps Microsoft's signature" cmp "$T/theirs" "$P/zttap300.sys"
else
	skip "a package that Microsoft has signed" "no corpus"
fi

# README's lines, as they stand there
mkdir "$T/guide" "$T/bin" && ln -s "$(cd "$builddir" && pwd)/kdsign-client" "$T/bin/kdsign-client"
ln -s "$(cd "$srcdir" && pwd)/examples" "$T/guide/examples"
awk '$0 == "<!-- tested: submission -->" { found = 1; next } found && /^```sh$/ { inside = 1; next }
	inside && /^```$/ { exit } inside' "$srcdir/README.md" |
	sed "s/driver-2026/driver/; s/account-2026/second/; s|http://ts.example.com|$TSA_URL|" >"$T/guide/lines"
guide() {
	[ -s "$T/guide/lines" ] && (cd "$T/guide" && PATH=$T/bin:$PATH KDSIGN_IDENTITY=$T/two.identity sh -ex ./lines)
}
ok "README: from build output to a submission" guide
says out 'submit.cab: nothing to do, it holds just these files'
ok "osslsigncode takes the cabinet" osslsigncode verify -CAfile "$T/ca-root.pem" -TSA-CAfile "$TSA_ROOT" \
	-in "$T/guide/submit.cab"

# usage
fails 2 "no folder" "$client" package
fails 2 "an unknown Windows" package --os 10_X46 "$P"
fails 2 "timestamps and none" "$client" package --no-timestamp --timestamp "$TSA_URL" "$P"
fails 3 "no such folder" package "$T/none"
fails 3 "a folder without an INF" package "$T/etc"
done_testing
