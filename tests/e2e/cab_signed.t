#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2154
# Signed cabinets: a submission through osslsigncode's hands and ours, twins with one byte changed, and cabinets in which a
# signature has or has not its place. Signing by the service is in kinds_formats.t.
. "${srcdir:-.}/tests/tap.sh"
# shellcheck source=/dev/null
. "$srcdir/tests/e2e/client_files.sh"
need cabextract gcab osslsigncode openssl

make_pki
mkdir "$T/in"
head -c 40000 /dev/urandom >"$T/in/random.bin"
printf 'text\n' >"$T/in/text.txt"
(cd "$T/in" && gcab -cz "$T/plain.cab" random.bin text.txt) >"$T/gcab.log" 2>&1

theirs() { # IN OUT [options]
	theirs_in=$1 theirs_out=$2
	shift 2
	rm -f "$theirs_out"
	osslsigncode sign -certs "$T/chain.pem" -key "$T/leaf.key" "$@" -in "$theirs_in" -out "$theirs_out"
}
judge() { # FILE
	osslsigncode verify -CAfile "$T/ca-root.pem" -in "$1"
}
verify() {
	"$client" verify --root "$T/ca-root.pem" "$@"
}
u32() {
	printf '\\%03o\\%03o\\%03o\\%03o' $(($1 & 255)) $(($1 >> 8 & 255)) $(($1 >> 16 & 255)) $(($1 >> 24 & 255))
}
patch() { # FILE OFFSET BYTES - BYTES as printf has them
	# shellcheck disable=SC2059
	printf "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc 2>/dev/null
}

for digest in sha1 sha256 sha384; do
	ok "osslsigncode signs with $digest" theirs "$T/plain.cab" "$T/signed.cab" -h $digest
	ok "we verify" verify "$T/signed.cab"
	says out "ok      file digest: $digest "
done
ok "the digest of the unsigned one is the same" same_digest "$T/plain.cab" "$T/signed.cab"
ok "extract" "$client" extract --output "$T/sig.p7" "$T/signed.cab"
ok "attach" "$client" attach --signature "$T/sig.p7" --output "$T/ours.cab" "$T/plain.cab"
ok "gives osslsigncode's file" cmp "$T/signed.cab" "$T/ours.cab"
ok "attach to the signed one" "$client" attach --signature "$T/sig.p7" --output "$T/ours.cab" "$T/signed.cab"
ok "gives it, too" cmp "$T/signed.cab" "$T/ours.cab"
ok "cabextract unpacks it" cabextract -q -d "$T/there" "$T/ours.cab"
ok "to what went in" cmp "$T/in/random.bin" "$T/there/random.bin"
ok "gcab lists it" gcab -l "$T/ours.cab"
says out text.txt
ok "so do we" "$client" cab "$T/ours.cab"
says out "MSZIP, signed"
ok "remove" "$client" remove "$T/ours.cab"
ok "gives the unsigned one" cmp "$T/plain.cab" "$T/ours.cab"
ok "osslsigncode signs after that" theirs "$T/ours.cab" "$T/again.cab"
ok "and we verify" verify "$T/again.cab"
if osslsigncode remove-signature -in "$T/signed.cab" -out "$T/removed.cab" >"$T/log" 2>&1; then
	ok "osslsigncode removes as we do" cmp "$T/plain.cab" "$T/removed.cab"
else
	skip "osslsigncode removes as we do" "this one does not take signatures out of cabinets"
fi

# ---- one byte changed ----

size=$(stat -c %s "$T/signed.cab")
at=$(od -An -tu4 -j44 -N4 "$T/signed.cab" | tr -d ' ')
accepted() {
	verify "$T/twin.cab" >"$T/twin.out" 2>"$T/twin.err"
	accepted_status=$?
	[ $accepted_status -ne 1 ] && [ $accepted_status -ne 3 ]
}
# twins TITLE OFFSET... - each refused, with a sentence
twins() {
	twins_title=$1 twins_bad=
	shift
	for offset; do
		flip "$T/signed.cab" "$T/twin.cab" "$offset"
		if accepted || ! [ -s "$T/twin.err" ]; then
			twins_bad="$twins_bad $offset"
		fi
	done
	ok "twins with another $twins_title are refused" test -z "$twins_bad"
	[ -z "$twins_bad" ] || echo "# accepted:$twins_bad"
}
between() { # FROM TO STEP
	seq "$1" "$3" $(($2 - 1))
}
# shellcheck disable=SC2046
{
	twins "signature of a cabinet" $(between 0 4 1)
	twins "reserved1" $(between 4 8 1)
	twins "length" $(between 8 12 1)
	twins "place of files" $(between 16 20 1)
	twins "version, counts or flags" $(between 24 32 1)
	twins "set" 32 33
	twins "size of the reserved areas" $(between 36 40 1)
	twins "mark" $(between 40 44 1)
	twins "place of the signature" $(between 44 48 1)
	twins "length of the signature" $(between 48 52 1)
	twins "rest of the reserved area" $(between 52 60 1)
	twins "folder" $(between 60 68 1)
	twins "file" $(between 68 100 1)
	twins "data" $(between 110 "$at" 3001)
	twins "signature" $(between "$at" $((size - 8)) 53)
}
cp "$T/signed.cab" "$T/twin.cab"
head -c 8 /dev/zero >>"$T/twin.cab"
fails 3 "eight bytes more of padding, which the header does not count" verify "$T/twin.cab"
says err "signature's length at offset 0x30 is $((size - at)), expected $((size - at + 8))"
patch "$T/twin.cab" 48 "$(u32 $((size - at + 8)))"
fails 3 "nor eight that it counts" verify "$T/twin.cab"
says err "bytes follow the signature, expected fewer than 8, of padding"
head -c $((size - 8)) "$T/signed.cab" >"$T/twin.cab"
fails 3 "eight bytes less" verify "$T/twin.cab"
cp "$T/signed.cab" "$T/twin.cab"
patch "$T/twin.cab" 44 '\000\000\000\000\000\000\000\000'
fails 1 "no place of a signature" verify "$T/twin.cab"
says err "has no signature"

# ---- places for a signature ----

# with_area FILE OUT COUNT - a copy with a reserved area of zero bytes in its header
with_area() {
	area_more=$(($3 + 4))
	cp "$1" "$T/area"
	for area_off in 8 16 36; do
		area_v=$(od -An -tu4 -j$area_off -N4 "$1" | tr -d ' ')
		patch "$T/area" $area_off "$(u32 $((area_v + area_more)))"
	done
	patch "$T/area" 30 '\004\000'
	{
		head -c 36 "$T/area"
		# shellcheck disable=SC2059
		printf "$(u32 "$3")"
		head -c "$3" /dev/zero
		tail -c +37 "$T/area"
	} >"$2"
}

for area in 20 6144; do
	with_area "$T/plain.cab" "$T/area.cab" $area
	ok "$area bytes kept free: cabextract takes it" cabextract -t "$T/area.cab"
	ok "$area bytes kept free: the digest is that without" same_digest "$T/plain.cab" "$T/area.cab"
	ok "$area bytes kept free: attach" "$client" attach --signature "$T/sig.p7" "$T/area.cab"
	ok "$area bytes kept free: they give way" cmp "$T/signed.cab" "$T/area.cab"
done
with_area "$T/plain.cab" "$T/area.cab" 30
patch "$T/area.cab" 50 'something'
fails 3 "something else in the area" "$client" digest "$T/area.cab"
says err "holds 30 bytes of something else, where a signature's place would be"
cp "$T/area.cab" "$T/twin.cab"
fails 3 "attach" "$client" attach --signature "$T/sig.p7" "$T/area.cab"
ok "leaves it as it was" cmp "$T/twin.cab" "$T/area.cab"
{ cat "$T/plain.cab" && echo more; } >"$T/more.cab"
fails 3 "bytes behind the cabinet" "$client" attach --signature "$T/sig.p7" "$T/more.cab"
says err "5 bytes follow the cabinet"
ok "no file is left behind" no_temporary_files

done_testing
