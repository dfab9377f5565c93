#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154
# Files made to cost their reader something: whatever is asked about them, kdsign-client takes at most 64 MiB and
# two seconds of CPU time, ends by itself, and says in a sentence what is wrong. The service does not notice.
. "${srcdir:-.}/tests/tap.sh"
! grep -q '^#define KD_SANITIZE' "$builddir/config.h" || skip_all "a sanitized program needs far more memory"
# shellcheck source=/dev/null
. "$srcdir/tests/e2e/client_files.sh"
need openssl jq
# shellcheck source=/dev/null
. "$srcdir/tests/e2e/client_service.sh"
# shellcheck source=/dev/null
. "$srcdir/tests/e2e/tsa.sh"
# shellcheck source=/dev/null
. "$srcdir/tests/e2e/tamper_lib.sh"

make_files
make_service
start_service
start_tsa || exit 99
openssl x509 -in "$T/driver.pem" -outform DER -out "$T/driver.der" || exit 99
hostile_make=$builddir/tests/e2e/hostile_make
C=${KDSIGN_CORPUS:-$srcdir/../shared/corpus}
mkdir "$T/files" "$T/images" "$T/out"

bounded() {
	"$builddir/tests/e2e/bounds" 64 2 "$@"
}

# within STATUSES COMMAND... - in bounds, with one of these exit statuses, and a sentence unless it is 0
within() {
	wi_statuses=$1
	shift
	bounded "$@" >"$T/within.out" 2>"$T/within.err"
	wi_status=$?
	case " $wi_statuses " in
	*" $wi_status "*) ;;
	*) echo "exit $wi_status" && head -c 2000 "$T/within.err" && return 1 ;;
	esac
	[ "$wi_status" = 0 ] || grep -q '^kdsign-client: error: .......' "$T/within.err"
}

# The commands that read a file that somebody else made.
asked() { # TITLE FILE
	ok "$1: verify" within '1 3' "$client" verify --root "$T/ca-root.pem" "$2"
	ok "$1: verify a file by it" within '1 3' "$client" verify --root "$T/ca-root.pem" --catalog "$2" "$T/padded.sys"
	ok "$1: as kernel and installer" within '1 3' "$client" verify --kernel --installer --kernel-root "$T/ca-root.pem" \
		--catalog "$2" "$2"
	ok "$1: verify as Windows would" within '1 3' "$client" verify --kernel --installer "$2"
	ok "$1: inspect" within '0 1 3' "$client" inspect "$2"
	ok "$1: extract" within '0 1 3' "$client" extract --output "$T/out/p7" "$2"
	ok "$1: attach" within '1 3' "$client" attach --signature "$2" --output "$T/out/attached" "$T/padded.sys"
	ok "$1: remove" within '0 1 3' "$client" remove --output "$T/out/removed" "$2"
	ok "$1: timestamp" within '0 1 3' "$client" timestamp --timestamp "$TSA_URL" --output "$T/out/stamped" "$2"
	ok "$1: digest" within '0 3' "$client" digest "$2"
	ok "$1: sign" within '0 3 7' "$client" sign --key driver --output "$T/out/signed" "$2"
	printf '[CatalogHeader]\nName=h.cat\nCatalogVersion=2\nHashAlgorithms=SHA256\nPageHashes=true\n[CatalogFiles]\n<HASH>h=%s\n' \
		"$2" >"$T/h.cdf"
	ok "$1: catalog" within '0 3' "$client" catalog --output "$T/out/h.cat" "$T/h.cdf"
}

for kind in $("$hostile_make"); do
	"$hostile_make" "$kind" "$T/driver.der" "$T/files/$kind" "$T/padded.sys" || exit 99
	asked "$kind" "$T/files/$kind"
	rm -f "$T/files/$kind"
done

# Every file cut short: all pieces in one run, which then stays in bounds for each.
cut_short() { # FILE - forty pieces
	rm -rf "$T/images" && mkdir "$T/images"
	cs_size=$(stat -c %s "$1") cs_i=0
	while [ $cs_i -lt 40 ]; do
		head -c $((cs_size * cs_i / 40)) "$1" >"$T/images/$cs_i"
		cs_i=$((cs_i + 1))
	done
}
ok 'a signed image' "$client" --quiet sign --key driver --output "$T/signed.sys" "$T/padded.sys"
cut_short "$T/signed.sys"
ok 'cut short: none verifies' within '1 3' "$client" --json verify --root "$T/ca-root.pem" "$T"/images/*
ok 'cut short: a sentence for each' sh -c 'test "$(jq -r "select(.ok == false) | .error.detail" "$1" | grep -c .)" = 40' \
	- "$T/within.out"
ok 'cut short: inspect' within '1 3' "$client" --json inspect "$T"/images/*

# Numbers grown large: each byte of the headers inverted, and the top bit of each tag and length of the signature.
grown() { # TITLE MASK - from "CLASS OFFSET" lines; four runs
	rm -rf "$T/images" && mkdir "$T/images"
	awk -v mask="$2" '{ print $2, $2, mask }' | sort -u | "$twins" "$T/signed.sys" "$T/images"
	for digit in 0 1 2 3; do
		# shellcheck disable=SC2046 # a list; their names are numbers
		ok "$1: verify, part $digit" within '1 3' "$client" --json verify --root "$T/ca-root.pem" \
			$(find "$T/images" -type f | awk -v part=$digit 'NR % 4 == part')
	done
}
image_bytes "$T/signed.sys" | grep -v '^section ' >"$T/header.bytes"
grown 'headers inverted' 255 <"$T/header.bytes"
blob_of "$T/signed.sys" "$T/blob"
blob_bytes "$T/blob" "$blob_at" >"$T/blob.bytes"
grown 'lengths grown' 128 <"$T/blob.bytes"

if [ -e "$C/pe-hostile" ]; then
	for path in "$C"/pe-hostile/*; do
		asked "${path##*/}" "$path"
	done
else
	skip 'hostile files of the corpus' 'no corpus (KDSIGN_CORPUS names its folder)'
fi

# A CDF is also somebody else's file.
head -c 40000000 /dev/zero | tr '\0' '[' >"$T/huge.cdf"
ok 'a huge CDF' within 3 "$client" catalog "$T/huge.cdf"
{
	printf '[CatalogHeader]\nName=h.cat\n[CatalogFiles]\n'
	yes '<HASH>a=a.sys' | head -n 200000
} >"$T/same.cdf"
ok 'a CDF of one line again and again' within 3 "$client" catalog "$T/same.cdf"
{
	printf '[CatalogHeader]\nName=h.cat\n[CatalogFiles]\n'
	awk 'BEGIN { for (i = 0; i < 200000; i++) printf "<HASH>%d=%d.sys\n", i, i }'
} >"$T/many.cdf"
ok 'a CDF of two hundred thousand files that are not there' within 3 "$client" catalog "$T/many.cdf"

ok 'the service goes on' "$client" --quiet status
ok 'no temporary file stays' no_temporary_files
done_testing
