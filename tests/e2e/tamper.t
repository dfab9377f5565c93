#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154
# One bit of everything that a signed file consists of: what was accepted is then refused, and a sentence says
# what does not match. Of every format that we write.
#
# Not flipped here, because nothing signed covers it and no meaning hangs on it: CheckSum, and the zero bytes behind
# a signature (verify warns of both); a self-signed root that an authority put into its timestamp (one's own counts);
# the token's own version and digestAlgorithms. A timestamp or a nested signature is itself an unsigned attribute:
# taken off as a whole, it is as if it had never been, so twins of a timestamped file are judged after the
# certificate has expired.
. "${srcdir:-.}/tests/tap.sh"
# shellcheck source=/dev/null
. "$srcdir/tests/e2e/client_files.sh"
need openssl osslsigncode jq
# shellcheck source=/dev/null
. "$srcdir/tests/e2e/client_service.sh"
# shellcheck source=/dev/null
. "$srcdir/tests/e2e/tamper_lib.sh"
# shellcheck source=/dev/null
. "$srcdir/tests/e2e/tsa.sh"

make_files
make_service
start_service
start_tsa || exit 99
KDSIGN_IDENTITY=$T/two.identity
later=$(date -u -d '+60 days' +%F)
at=

sign() { # FILE OUT [OPTION...] - by us, with the cross-certificate
	sign_in=$1 sign_out=$2
	shift 2
	"$client" --quiet sign --key driver --ac "$T/cross.pem" --description 'Tamper test' --output "$sign_out" \
		"$@" "$sign_in"
}
verify() {
	"$client" --json verify --root "$T/kernel-root.pem" --tsa-root "$TSA_ROOT" ${at:+--at "$at"} "$@"
}
by_catalog() {
	verify --catalog "$T/hello.cat" "$@"
}
judge() { # FILE
	osslsigncode verify -CAfile "$T/kernel-root.pem" -TSA-CAfile "$TSA_ROOT" ${at:+-time "$(date -u -d "$at" +%s)"} -in "$1"
}
judge_by_catalog() { # FILE [CATALOG]
	osslsigncode verify -CAfile "$T/kernel-root.pem" -TSA-CAfile "$TSA_ROOT" -catalog "${2:-$T/hello.cat}" -in "$1"
}

# judge_refuses JUDGE [CLASS...] - on the first twin of each class but these, which it does not look at
judge_refuses() {
	jr_judge=$1 jr_bad=0
	shift
	for jr_class in $(find "$T/twins" -type f | sed 's|.*/||; s|@.*||' | sort -u); do
		case " $* " in *" $jr_class "*) continue ;; esac
		jr_twin=$(find "$T/twins" -name "$jr_class@*" | sort | head -n 1)
		"$jr_judge" "$jr_twin" >"$T/judge.out" 2>&1 || continue
		echo "accepted: $jr_twin" && jr_bad=1
	done
	return "$jr_bad"
}

image_refused() { # TITLE VERIFY WORDS - WORDS: of an image whose headers can be read
	refused "$1" mz "not a PE image|$3" "$2"
	for class in dos-header dos-stub; do
		refused "$1" $class "$3" "$2"
	done
	refused "$1" e_lfanew "e_lfanew|PE signature|$3" "$2"
	refused "$1" pe-signature "PE signature|$3" "$2"
	refused "$1" coff-header "$3|section table" "$2"
	refused "$1" optional-header "$3|optional header" "$2"
	refused "$1" section-table "$3|section [0-9]+: " "$2"
	refused "$1" section "$3" "$2"
}

entry_refused() { # TITLE
	refused "$1" directory-entry 'certificate table' verify
	refused "$1" entry-length 'certificate table entry' verify
	refused "$1" entry-revision 'certificate table entry has revision' verify
	refused "$1" entry-type 'certificate table entry has type' verify
}

# What every SignedData has; the frame is what holds the parts together.
signer_refused() { # TITLE PREFIX
	refused "$1" "$2signer" "signer's certificate|[iI]ssuer|serialNumber|SignerInfo" verify
	refused "$1" "$2digest-algorithm" 'digestAlgorithm|digest algorithms: ' verify
	refused "$1" "$2attributes" 'attribute|signature|message digest: |SpcSpOpusInfo|SpcLink|SpcString|SignerInfo|time' verify
	refused "$1" "$2signature-algorithm" 'signature algorithm|digestEncryptionAlgorithm' verify
	refused "$1" "$2signature" 'signature|encryptedDigest|SignerInfo' verify
}
blob_refused() { # TITLE PREFIX
	refused "$1" "$2frame" 'at offset|signedData expected|unexpected bytes' verify
	refused "$1" "$2certificates" 'certificate|chain: |validity: |usage: |timestamp: ' verify
	signer_refused "$1" "$2"
}
unsigned_data_refused() { # TITLE PREFIX - what only a reader of PKCS #7 looks at
	refused "$1" "$2version" 'version|at offset' verify
	refused "$1" "$2digest-algorithms" 'digestAlgorithms|contentInfo|digest algorithms: ' verify
}

twins_of() { # FILE - of image and signature
	blob_of "$1" "$T/blob"
	{
		image_bytes "$1"
		blob_bytes "$T/blob" "$blob_at"
	} | make_twins "$1"
}

accepted() { # TITLE FILE
	ok "$1: the untouched one is accepted" verify "$2"
	ok "$1: also by osslsigncode" judge "$2"
}

# ---- a signed image, and one with page hashes ----

image='image digest: .* the file has'
for format in plain page-hashes; do
	option=--page-hashes
	[ $format = page-hashes ] || option=
	ok "$format: signed" sign "$T/padded.sys" "$T/$format.sys" $option
	accepted $format "$T/$format.sys"
	twins_of "$T/$format.sys"
	image_refused $format verify "$image"
	entry_refused $format
	refused $format content 'content|data|digest|SpcPeImageData|SpcSerializedObject|page hash' verify
	blob_refused $format ''
	unsigned_data_refused $format ''
	ok "$format: osslsigncode refuses them too" judge_refuses judge
done

# ---- timestamps: what was accepted for them alone ----

at=$later
ok 'RFC 3161: signed' sign "$T/padded.sys" "$T/stamped.sys" --timestamp "$TSA_URL"
accepted 'RFC 3161' "$T/stamped.sys"
twins_of "$T/stamped.sys"
image_refused 'RFC 3161' verify "$image"
refused 'RFC 3161' unsigned 'unsigned attribute|there is no timestamp|SignerInfo' verify
refused 'RFC 3161' token-content 'timestamp: ' verify
refused 'RFC 3161' signature 'signature|encryptedDigest|SignerInfo' verify
blob_refused 'RFC 3161' token-
ok 'RFC 3161: osslsigncode refuses them too' judge_refuses judge token-version token-digest-algorithms token-root

ok 'legacy: signed' sign "$T/padded.sys" "$T/legacy.sys" --timestamp-legacy "$TSA_LEGACY_URL"
accepted legacy "$T/legacy.sys"
twins_of "$T/legacy.sys"
image_refused legacy verify "$image"
refused legacy unsigned 'unsigned attribute|there is no timestamp|SignerInfo' verify
refused legacy certificates 'certificate|chain: |validity: |usage: |timestamp: ' verify
refused legacy signature 'signature|encryptedDigest|SignerInfo' verify
signer_refused legacy legacy-
ok 'legacy: osslsigncode refuses them too' judge_refuses judge root legacy-version
at=

# ---- SHA-1 first, SHA-256 nested ----

ok 'nested: signed' sign "$T/padded.sys" "$T/first.sys" --digest sha1
ok 'nested: signed again' sign "$T/first.sys" "$T/nested.sys" --append
signatures=2
accepted nested "$T/nested.sys"
twins_of "$T/nested.sys"
image_refused nested verify "$image"
refused nested unsigned 'unsigned|unauthenticated|SignerInfo|1 signatures are left' verify
refused nested nested-content 'content|data|digest|SpcPeImageData' verify
blob_refused nested nested-
unsigned_data_refused nested nested-
blob_refused nested ''
# osslsigncode says yes when one of several signatures is right, so it is not asked.
signatures=1

# ---- a catalog, and the files that it lists ----

printf '[Version]\r\nSignature="$Windows NT$"\r\nCatalogFile=hello.cat\r\n' >"$T/hello.inf"
cp "$T/padded.sys" "$T/hello.sys"
printf '%s\n' '[CatalogHeader]' Name=hello.cat CatalogVersion=2 HashAlgorithms=SHA256 CATATTR1=0x10010001:OSAttr:2:10.0 \
	'[CatalogFiles]' '<HASH>hello.sys=hello.sys' '<HASH>hello.inf=hello.inf' \
	'<HASH>hello.infATTR1=0x10010001:File:hello.inf' >"$T/hello.cdf"
ok 'catalog: made' "$client" --quiet catalog --output "$T/unsigned.cat" "$T/hello.cdf"
ok 'catalog: signed' sign "$T/unsigned.cat" "$T/hello.cat"
accepted catalog "$T/hello.cat"
blob_bytes "$T/hello.cat" 0 | make_twins "$T/hello.cat"
list='message digest: |member|attribute|list|CTL|catalog|at offset|unexpected bytes|time'
for class in ctl-usage ctl-identifier ctl-time ctl-algorithm members member-hash member-attribute header-attribute; do
	refused catalog $class "$list" verify
done
refused catalog content 'content|CTL|catalog' verify
blob_refused catalog ''
unsigned_data_refused catalog ''
lists_nothing() { # CATALOG... - none of them speaks for the driver any more
	for ln_catalog; do
		if "$client" --quiet verify --root "$T/kernel-root.pem" --catalog "$ln_catalog" "$T/hello.sys" 2>"$T/lists.err" ||
			! grep -qE "$list" "$T/lists.err"; then
			echo "$ln_catalog" && cat "$T/lists.err"
			return 1
		fi
	done
}
ok 'catalog: with a member or its hash changed it speaks for no file' lists_nothing "$T"/twins/member-*
ok 'catalog: osslsigncode refuses them too' judge_refuses judge

listed='listed: none of the catalog'
ok 'listed image: the untouched one' by_catalog "$T/hello.sys"
ok 'listed image: osslsigncode finds it' judge_by_catalog "$T/hello.sys"
image_bytes "$T/hello.sys" | grep -v '^directory-entry\|^entry' | make_twins "$T/hello.sys"
image_refused 'listed image' by_catalog "$listed"
ok 'listed image: osslsigncode refuses them too' judge_refuses judge_by_catalog
# Text is nothing that osslsigncode reads.
ok 'listed INF: the untouched one' by_catalog "$T/hello.inf"
awk -v n="$(stat -c %s "$T/hello.inf")" 'BEGIN { for (i = 0; i < n; i++) print "byte", i }' | make_twins "$T/hello.inf"
refused 'listed INF' byte "$listed" by_catalog
tr -d '\r' <"$T/hello.inf" >"$T/twins/ends@0"
refused 'listed INF' ends "$listed" by_catalog
ok 'a signed image is listed still' by_catalog "$T/plain.sys"
done_testing
