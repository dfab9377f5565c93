# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2154
# tests/e2e/tamper_lib.sh - sourced by tamper.t: which bytes of a signed file stand for what, and a twin for each.
#
#	image_bytes FILE               "CLASS OFFSET" of bytes of each header field and section of a PE image
#	blob_of FILE OUT               its first signature; $blob_at is where that begins
#	blob_bytes BLOB AT             "CLASS OFFSET" of bytes of each element of a SignedData that stands at AT
#	make_twins FILE                from "CLASS OFFSET" lines: $T/twins/CLASS@OFFSET, one bit changed
#	refused TITLE CLASS WORDS COMMAND...   one check: all twins of the CLASS are refused by the COMMAND, which
#	                               prints JSON, with exit 1 or 3 and a sentence in which the regular expression
#	                               WORDS matches

twins=$builddir/tests/e2e/twins

u16() { od -An -tu2 -j"$2" -N2 "$1" | tr -d ' '; }
u32() { od -An -tu4 -j"$2" -N4 "$1" | tr -d ' '; }

# Every second or third byte of the headers, three of each section's data. CheckSum has no class: nothing signed covers it.
image_bytes() {
	ib_nt=$(u32 "$1" 60) ib_n=$(u16 "$1" $((ib_nt + 6))) ib_opt=$(u16 "$1" $((ib_nt + 20)))
	ib_table=$((ib_nt + 24 + ib_opt))
	awk -v nt="$ib_nt" -v n="$ib_n" -v table="$ib_table" 'BEGIN {
		print "mz", 0
		print "mz", 1
		for (i = 2; i < 60; i += 2) print "dos-header", i
		for (i = 60; i < 64; i++) print "e_lfanew", i
		for (i = 64; i < nt; i += 2) print "dos-stub", i
		for (i = 0; i < 4; i++) print "pe-signature", nt + i
		for (i = 4; i < 24; i++) print "coff-header", nt + i
		for (i = nt + 24; i < table; i += 2) {
			if (i >= nt + 88 && i < nt + 92 || i >= nt + 168 && i < nt + 176) continue
			print "optional-header", i
		}
		for (i = 168; i < 176; i++) print "directory-entry", nt + i
		for (i = table; i < table + 40 * n; i += 3) print "section-table", i
	}'
	ib_i=0
	while [ $ib_i -lt "$ib_n" ]; do
		ib_size=$(u32 "$1" $((ib_table + 40 * ib_i + 16))) ib_at=$(u32 "$1" $((ib_table + 40 * ib_i + 20)))
		[ "$ib_size" = 0 ] || printf 'section %d\n' "$ib_at" $((ib_at + ib_size / 2)) $((ib_at + ib_size - 1))
		ib_i=$((ib_i + 1))
	done
	ib_cert=$(u32 "$1" $((ib_nt + 168)))
	for ib_i in 0 1 2 3; do echo "entry-length $((ib_cert + ib_i))"; done
	for ib_i in 4 5; do echo "entry-revision $((ib_cert + ib_i))"; done
	for ib_i in 6 7; do echo "entry-type $((ib_cert + ib_i))"; done
}

blob_of() {
	bo_nt=$(u32 "$1" 60)
	blob_at=$(($(u32 "$1" $((bo_nt + 168))) + 8))
	tail -c +$((blob_at + 1)) "$1" >"$2"
}

# Of each element its tag and the last byte of its length; of those without elements in them the first byte, one in
# the middle and the last. The class comes from where it stands: paths are numbers of children, from 0 on.
blob_bytes() {
	openssl asn1parse -inform DER -in "$1" 2>/dev/null | awk -v at="$2" '
	function signer_info(rest) {
		if (rest ~ /^0/) return "version"
		if (rest ~ /^1/) return "signer"
		if (rest ~ /^2/) return "digest-algorithm"
		if (rest ~ /^3/) return "attributes"
		if (rest ~ /^4/) return "signature-algorithm"
		if (rest ~ /^5/) return "signature"
		return "frame"
	}
	function content(rest) {
		if (ctl == "") return "content"
		if (rest ~ /^4\.[0-9]+\.0/) return "member-hash"
		if (rest ~ /^4\.[0-9]+\.1/) return "member-attribute"
		if (rest ~ /^4/) return "members"
		if (rest ~ /^5/) return "header-attribute"
		if (rest ~ /^3/) return "ctl-algorithm"
		if (rest ~ /^2/) return "ctl-time"
		if (rest ~ /^1/) return "ctl-identifier"
		return "ctl-usage"
	}
	function content_info(rest,   k, inner) {
		if (rest ~ /^0/) return "frame"
		if (rest ~ /^1\.0\.0/) return "version"
		if (rest ~ /^1\.0\.1/) return "digest-algorithms"
		if (rest ~ /^1\.0\.2\.1\.0\./) return content(substr(rest, 11))
		if (rest ~ /^1\.0\.2/) return "content"
		if (rest ~ /^1\.0\.3/) return "certificates"
		if (rest ~ /^1\.0\.4\.0\.6\.[0-9]+\.1\.[0-9]/) {
			k = substr(rest, 11)
			sub(/\..*/, "", k)
			inner = substr(rest, 14 + length(k))
			sub(/^[0-9]+\.?/, "", inner)
			if (kind[k] == "legacy") return "legacy-" signer_info(inner)
			if (kind[k] == "token") return "token-" content_info(inner)
			if (kind[k] == "nested") return "nested-" content_info(inner)
			return "unsigned"
		}
		if (rest ~ /^1\.0\.4\.0\.6/) return "unsigned"
		if (rest ~ /^1\.0\.4\.0\./) return signer_info(substr(rest, 9))
		return "frame"
	}
	function put(class, offset) { if (!((class, offset) in done)) print class, at + offset; done[class, offset] = 1 }
	# A certificate that is its own issuer: name[PATH] are the texts of its issuer and its subject.
	function root_of(path) {
		if (!match(path, /(1\.0\.3|1\.0\.4\.0\.6\.[0-9]+\.1\.[0-9]+\.1\.0\.3)\.[0-9]+/)) return 0
		path = substr(path, RSTART, RLENGTH)
		if (path ".0.3" in name) return name[path ".0.3"] == name[path ".0.5"]
		return 0
	}
	{
		line = $0
		gsub(/[ ]*=[ ]*/, "=", line)
		sub(/^ +/, "", line)
		n = split(line, f, /[ :=]+/)
		depth = f[3] + 0
		if (depth == 0 && NR > 1) exit # the padding
		if (depth > deepest) number[depth] = 0
		else number[depth]++
		deepest = depth
		path = ""
		for (d = 1; d <= depth; d++) path = path (d > 1 ? "." : "") number[d]
		if (path ~ /^1\.0\.4\.0\.6\.[0-9]+\.0$/) {
			split(path, part, ".")
			kind[part[6]] = line ~ /:1\.3\.6\.1\.4\.1\.311\.3\.3\.1$/ ? "token" : line ~ /:countersign/ ? "legacy" : \
				line ~ /:1\.3\.6\.1\.4\.1\.311\.2\.4\.1$/ ? "nested" : "other"
		}
		if (path == "1.0.2.0" && line ~ /:1\.3\.6\.1\.4\.1\.311\.10\.1$/) ctl = 1
		if (match(path, /\.3\.[0-9]+\.0\.[35]\./) && line ~ /STRING/) {
			part_of = substr(path, 1, RSTART + RLENGTH - 2)
			sub(/.*STRING *:/, "", line)
			name[part_of] = name[part_of] "/" line
		}
		rows++
		paths[rows] = path; offsets[rows] = f[1]; headers[rows] = f[5]
		lengths[rows] = f[8] == "prim" ? f[7] : 0
	}
	END {
		for (i = 1; i <= rows; i++) {
			class = content_info(paths[i])
			if (class ~ /certificates$/ && root_of(paths[i])) sub(/certificates$/, "root", class)
			put(class, offsets[i])
			put(class, offsets[i] + headers[i] - 1)
			if (lengths[i] == 0) continue
			offset = offsets[i] + headers[i]
			put(class, offset)
			put(class, offset + int(lengths[i] / 2))
			put(class, offset + lengths[i] - 1)
		}
	}'
}

make_twins() {
	rm -rf "$T/twins" && mkdir "$T/twins"
	awk '{ print $1 "@" $2, $2, 1 }' | sort -u | "$twins" "$1" "$T/twins"
}

# outcomes CLASS COMMAND... - a line "NAME<tab>OK<tab>CODE<tab>SENTENCE" for each twin. Accepted is a file whose every
# signature is, and that still has as many as $signatures. (With --catalog that is told of, too.)
outcomes() {
	oc_class=$1
	shift
	# shellcheck disable=SC2046 # a list; their names have no blanks
	"$@" $(find "$T/twins" -name "$oc_class@*" | sort) 2>"$T/outcomes.err" |
		jq -r --argjson n "${signatures:-1}" 'def sentence: .error.detail //
			([.signatures[]? | select(.ok | not) | .steps[]? | select(.result == "failed") |
				"\(.name): \(.detail)"][0]) // "\(.signatures | length) signatures are left";
			select(.file | contains("/twins/")) |
			(.ok and ([.signatures[]? | .ok] | all) and (.signatures | length) >= $n) as $ok |
			[(.file | sub(".*/"; "")), $ok, (.error.code // "not_verified"), sentence] | @tsv'
}

all_refused() {
	ar_class=$1 ar_words=$2
	shift 2
	outcomes "$ar_class" "$@" >"$T/outcomes"
	[ "$(wc -l <"$T/outcomes")" = "$(find "$T/twins" -name "$ar_class@*" | wc -l)" ] || {
		echo "not every twin has an outcome" && tail -n 3 "$T/outcomes.err"
		return 1
	}
	[ -s "$T/outcomes" ] || { echo "no twins" && return 1; }
	awk -F '\t' -v words="$ar_words" '
		$2 != "false" || $3 !~ /^(not_verified|unsigned|malformed|limit|file)$/ || $4 !~ words { print; bad = 1 }
		END { exit bad }' "$T/outcomes"
}

refused() {
	rf_title="$1: $2, $(find "$T/twins" -name "$2@*" | wc -l) twins"
	shift
	ok "$rf_title" all_refused "$@"
}
