# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2154
# scripts/demo_judge.sh - sourced by demo after demo_tsa.sh: what other programs and ours say of what was signed.
#
# Trusted are the demo's verification root and the root of its timestamp authority, and nothing else.

# refuses COMMAND...
refuses() { ! "$@" >/dev/null 2>&1; }

# check TEXT COMMAND... - one line when the command succeeds; else what it said, and the end
check() {
	local text=$1 out
	shift
	if out=$("$@" 2>&1); then
		say "  yes  $text"
	else
		printf '%s\n' "$out" >&2
		die "not so: $text"
	fi
}

client() { as_owner "$built/kdsign-client" --config "$state/client.conf" "$@"; }

judge() { # FILE [osslsigncode OPTION...]
	local file=$1
	shift
	osslsigncode verify -CAfile "$state/pki/kernel-root.pem" -TSA-CAfile "$state/tsa/root.pem" "$@" -in "$file"
}

# signed_data FILE DIR - its signature in DIR/cms, what that covers in DIR/content, the RFC 3161 token in DIR/token,
# what the token covers in DIR/value; taken apart by openssl asn1parse. DIR is the caller's who is not root
signed_data() {
	local dir=$2 content value token
	client extract --output "$dir/cms" "$1"
	read -r content value token < <(openssl asn1parse -inform DER -in "$dir/cms" | awk '
		{ match($0, /hl=[0-9]+/); head = substr($0, RSTART + 3, RLENGTH - 3)
		  match($0, / l= *[0-9]+/); len = substr($0, RSTART + 3, RLENGTH - 3) + 0
		  split($1, at, ":"); here = at[1] + head ":" len; whole = at[1] ":" head + len }
		/ d=5 |:d=5 / && /OCTET STRING/ { value = here }
		want == "content" && /SEQUENCE/ { content = here; want = "" }
		want == "token" && /SEQUENCE/ { token = whole; want = "" }
		/:1\.3\.6\.1\.4\.1\.311\.(2\.1\.4|10\.1)$/ && content == "" { want = "content" }
		/:1\.3\.6\.1\.4\.1\.311\.3\.3\.1$/ { want = "token" }
		END { print content, value, token }')
	cut_out "$dir/cms" "$content" >"$dir/content"
	cut_out "$dir/cms" "$value" >"$dir/value"
	cut_out "$dir/cms" "$token" >"$dir/token"
}

cut_out() { tail -c +$((${2%:*} + 1)) "$1" | head -c "${2#*:}"; } # FILE OFFSET:LENGTH

judge_package() { judge "$1/hello.sys" && judge "$1/hello.cat" && judge "$1/hello.sys" -catalog "$1/hello.cat"; } # DIR

both_refuse() { refuses client verify "$1" && refuses judge "$1"; } # FILE

openssl_judges() { # FILE - its signature, and its timestamp over that
	local dir rc=0
	dir=$(as_owner mktemp -d)
	signed_data "$1" "$dir" &&
		openssl smime -verify -inform DER -in "$dir/cms" -binary -content "$dir/content" -out /dev/null \
			-CAfile "$state/pki/kernel-root.pem" -purpose any &&
		openssl ts -verify -token_in -in "$dir/token" -data "$dir/value" -CAfile "$state/tsa/root.pem" || rc=1
	rm -r "$dir"
	return "$rc"
}

# flipped FILE TWIN - one bit of a byte a quarter into the file, which every digest covers
flipped() {
	local at byte
	as_owner cp "$1" "$2"
	at=$(($(stat -c %s "$1") / 4))
	byte=$(od -An -tu1 -j "$at" -N1 "$1")
	printf '%b' "$(printf '\\%03o' $((byte ^ 1)))" | dd of="$2" bs=1 seek="$at" conv=notrunc status=none
}
