#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154
# One bit of everything that a signed file consists of: what was accepted is then refused, and a sentence says
# what does not match. Not covered, because nothing signed covers them, and so not flipped here: CheckSum, and
# the zero bytes behind a signature. verify warns of both.
. "${srcdir:-.}/tests/tap.sh"
# shellcheck source=/dev/null
. "$srcdir/tests/e2e/client_files.sh"
need openssl osslsigncode jq
# shellcheck source=/dev/null
. "$srcdir/tests/e2e/client_service.sh"
# shellcheck source=/dev/null
. "$srcdir/tests/e2e/tamper_lib.sh"

make_files
make_service
start_service

sign() { # OUT [OPTION...] - padded.sys, signed by us with the cross-certificate
	sign_out=$1
	shift
	"$client" --quiet sign --key driver --ac "$T/cross.pem" --description 'Tamper test' --output "$sign_out" \
		"$@" "$T/padded.sys"
}
verify() {
	"$client" --json verify --root "$T/kernel-root.pem" "$@"
}
judge() { # FILE
	osslsigncode verify -CAfile "$T/kernel-root.pem" -in "$1"
}

# osslsigncode on the first twin of each class but those that it does not look at.
judge_refuses_all_but() {
	jr_bad=0
	for jr_class in $(find "$T/twins" -type f | sed 's|.*/||; s|@.*||' | sort -u); do
		case " $* " in *" $jr_class "*) continue ;; esac
		jr_twin=$(find "$T/twins" -name "$jr_class@*" | sort | head -n 1)
		judge "$jr_twin" >"$T/judge.out" 2>&1 || continue
		echo "accepted: $jr_twin" && jr_bad=1
	done
	return "$jr_bad"
}

image_refused() { # TITLE
	refused "$1" mz 'not a PE image' verify
	for class in dos-header dos-stub; do
		refused "$1" $class 'image digest: .* the file has' verify
	done
	refused "$1" e_lfanew 'e_lfanew|PE signature' verify
	refused "$1" pe-signature 'PE signature' verify
	refused "$1" coff-header 'image digest: .* the file has|section table' verify
	refused "$1" optional-header 'image digest: .* the file has|optional header' verify
	refused "$1" section-table 'image digest: .* the file has|section [0-9]+: ' verify
	refused "$1" section 'image digest: .* the file has' verify
	refused "$1" directory-entry 'certificate table' verify
	refused "$1" entry-length 'certificate table entry' verify
	refused "$1" entry-revision 'certificate table entry has revision' verify
	refused "$1" entry-type 'certificate table entry has type' verify
}

# What every SignedData has; the frame is what holds the parts together.
blob_refused() { # TITLE PREFIX
	refused "$1" "$2frame" 'at offset|signedData expected|unexpected bytes' verify
	refused "$1" "$2version" 'version|digestAlgorithms at offset' verify
	refused "$1" "$2digest-algorithms" 'digestAlgorithms|contentInfo|digest algorithms: ' verify
	refused "$1" "$2digest-algorithm" 'digestAlgorithm|digest algorithms: ' verify
	refused "$1" "$2certificates" 'certificate|chain: |validity: |usage: ' verify
	refused "$1" "$2signer" "signer's certificate|issuer|serialNumber|SignerInfo" verify
	refused "$1" "$2attributes" 'attribute|signature: |message digest: |SpcSpOpusInfo|SpcLink|SpcString|SignerInfo' verify
	refused "$1" "$2signature-algorithm" 'signature algorithm|digestEncryptionAlgorithm' verify
	refused "$1" "$2signature" 'signature: |encryptedDigest|SignerInfo' verify
}

# tampered TITLE FILE
tampered() {
	ok "$1: the untouched one is accepted" verify "$2"
	ok "$1: also by osslsigncode" judge "$2"
	blob_of "$2" "$T/blob"
	{
		image_bytes "$2"
		blob_bytes "$T/blob" "$blob_at"
	} | make_twins "$2"
	image_refused "$1"
	refused "$1" content 'content|data|digest|SpcPeImageData' verify
	blob_refused "$1" ''
}

ok 'signed' sign "$T/plain.sys"
tampered 'signed image' "$T/plain.sys"
ok 'signed image: osslsigncode refuses them too' judge_refuses_all_but
done_testing
