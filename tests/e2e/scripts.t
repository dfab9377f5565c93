#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154,SC2317
# kdsign-client and the service: PowerShell's scripts in every encoding, both ways against osslsigncode, and those that
# must not be signed.
. "${srcdir:-.}/tests/tap.sh"
# shellcheck source=/dev/null
. "$srcdir/tests/e2e/client_files.sh"
need osslsigncode openssl iconv
# shellcheck source=/dev/null
. "$srcdir/tests/e2e/client_service.sh"
# shellcheck source=/dev/null
. "$srcdir/tests/e2e/tsa.sh"

make_service
sed -i '/grant one/,/grant two/s/^kinds = .*/kinds = pe catalog/; /grant two/,$s/^kinds = .*/kinds = pe script/' "$T/etc/keeper.conf"
start_service
ok "authorities" start_tsa
export KDSIGN_IDENTITY="$T/two.identity"

sign() { "$client" sign --key driver "$@"; }
verify() { "$client" verify --root "$T/ca-root.pem" --tsa-root "$TSA_ROOT" "$@"; }
judge() { # FILE
	osslsigncode verify -CAfile "$T/ca-root.pem" -TSA-CAfile "$TSA_ROOT" -in "$1" >"$T/judge" 2>&1
	judge_status=$?
	cat "$T/judge"
	return "$judge_status"
}
theirs() { # IN OUT
	rm -f "$2"
	osslsigncode sign -h sha256 -certs "$T/chain.pem" -key "$T/leaf.key" -in "$1" -out "$2"
}

printf 'Write-Host "probe"\r\n' >"$T/probe.ps1"
judges=
theirs "$T/probe.ps1" "$T/probed.ps1" >"$T/log" 2>&1 && judges=yes

# judged NAME COMMAND... - the same as ok, where this osslsigncode knows scripts and the file's encoding
judged() {
	if [ -z "$judges" ]; then
		skip "$1" "this osslsigncode does not know scripts; from 2.6 on it does"
	elif [ "$suffix" = be.ps1 ]; then
		skip "$1" "osslsigncode does not read UTF-16BE"
	else
		ok "$@"
	fi
}

# script SUFFIX - the unsigned script in $T/plain.SUFFIX through everything
script() {
	suffix=$1
	plain=$T/plain.$suffix file=$T/file.$suffix twin=$T/twin.$suffix again=$T/again.$suffix
	cp "$plain" "$file"
	fails 1 "$suffix: is not signed yet" verify "$file"
	ok "$suffix: is signed" sign --description "A script" --url https://example.com/ --timestamp "$TSA_URL" "$file"
	says out 'signed with driver (sha256), timestamped'
	judged "$suffix: osslsigncode takes it" judge "$file"
	ok "$suffix: our verify takes it" verify "$file"
	says out '  script, '
	says out 'ok      timestamp: RFC 3161'
	ok "$suffix: the text is as it was" cmp -n "$(stat -c %s "$plain")" "$plain" "$file"
	flip "$file" "$twin" 6
	fails 1 "$suffix: a twin with another byte is refused" verify "$twin"
	says out 'failed  file digest: '
	ok "$suffix: extract" "$client" extract --output "$T/sig.p7" "$file"
	ok "$suffix: attach" "$client" attach --signature "$T/sig.p7" --output "$again" "$plain"
	ok "$suffix: gives the same file" cmp "$file" "$again"
	ok "$suffix: a second signature beside it" sign --append --digest sha384 "$file"
	ok "$suffix: our verify takes both" verify "$file"
	says out 'nested signature 1: sha384'
	judged "$suffix: osslsigncode takes it" judge "$file"
	ok "$suffix: signing again replaces both" sign "$file"
	says out 'old signature replaced'
	ok "$suffix: remove" "$client" remove "$file"
	ok "$suffix: gives the script as it was" cmp "$plain" "$file"
	judged "$suffix: osslsigncode signs it" theirs "$plain" "$again"
	judged "$suffix: we verify that" verify "$again"
}

utf8='# Gr\303\274\303\237e \342\202\254 \360\237\224\221\r\nexit 0\r\n'
printf 'Write-Host "hello"\r\nexit 0\r\n' >"$T/plain.crlf.ps1"
printf 'function f {\n}\n' >"$T/plain.lf.psm1"
printf '@{ ModuleVersion = "1.0" }' >"$T/plain.short.psd1"
# shellcheck disable=SC2059 # the text is a format
{
	printf "$utf8" >"$T/plain.utf8.ps1"
	printf "\357\273\277# first line, without anything beyond ASCII\r\n$utf8" >"$T/plain.bom.ps1"
	{ printf '\377\376' && printf "$utf8" | iconv -f UTF-8 -t UTF-16LE; } >"$T/plain.le.psm1"
	{ printf '\376\377' && printf "$utf8" | iconv -f UTF-8 -t UTF-16BE; } >"$T/plain.be.ps1"
}
printf '<?xml version="1.0"?>\r\n<Types/>\r\n' >"$T/plain.types.ps1xml"
for suffix in crlf.ps1 lf.psm1 short.psd1 utf8.ps1 bom.ps1 le.psm1 be.ps1 types.ps1xml; do
	script "$suffix"
done

# ---- what must not be signed, or is no signature ----
refused() { # NAME FILE WORDS HINT
	cp "$2" "$2.was"
	fails 3 "$1" sign "$2"
	says err "'$2': $3"
	says err "hint: $4"
	ok "$1: nothing is written" cmp "$2" "$2.was"
}
printf '1\r\n2\r\n3\n' >"$T/mixed.ps1"
refused "mixed line ends" "$T/mixed.ps1" 'line 3 ends with LF, line 1 with CRLF' 'make all line ends alike (unix2dos FILE'
# shellcheck disable=SC2059
printf "# thirty-two bytes without anything beyond ASCII\r\n$utf8" >"$T/late.ps1"
refused "UTF-8 without mark, where Windows would not see it" "$T/late.ps1" 'has characters beyond ASCII and no byte order mark' \
	'save it as UTF-8 with a byte order mark'
printf '# h\351llo\r\n' >"$T/ansi.ps1"
refused "a code page's letters" "$T/ansi.ps1" 'has characters beyond ASCII' 'save it as UTF-8'
printf '1\0\r\0\n\0' >"$T/unmarked.ps1"
refused "UTF-16 without mark" "$T/unmarked.ps1" 'line 1: a NUL' 'if it is UTF-16'
cp "$T/plain.crlf.ps1" "$T/signed.ps1" && sign "$T/signed.ps1" >"$T/log"
sed 's/\r$//' "$T/signed.ps1" >"$T/git.ps1"
refused "a signed script whose line ends git changed" "$T/git.ps1" \
	'line 4: the signature block does not stand behind CRLF' 'an editor or a version control system may have changed'
fails 3 "which verify says, too" verify "$T/git.ps1"
{ cat "$T/signed.ps1" && printf 'Remove-Item *\r\n'; } >"$T/behind.ps1"
refused "text behind the signature" "$T/behind.ps1" "line $(($(wc -l <"$T/signed.ps1") + 1)): text stands behind the" 'an editor'
fails 3 "which verify says, too" verify "$T/behind.ps1"
printf '\357\273\277# h\351llo\r\n' >"$T/malformed.ps1"
fails 3 "malformed UTF-8" sign "$T/malformed.ps1"
says err "'$T/malformed.ps1': line 1: malformed UTF-8"
: >"$T/empty.ps1"
fails 3 "an empty script" sign "$T/empty.ps1"
fails 1 "which has no signature" verify "$T/empty.ps1"
fails 4 "a key that is not granted for scripts" "$client" --identity "$T/one.identity" sign --key driver "$T/probe.ps1"

printf '1\r\n' >"$T/.ps1"
ok "a script without a name but for .ps1" sh -c 'c=$(realpath "$1") && cd "$2" && "$c" sign --key driver .ps1' - "$client" "$T"
ok "is a script to verify, too" sh -c 'c=$(realpath "$1") && cd "$2" && "$c" verify --root ca-root.pem .ps1' - "$client" "$T"

# several at once, one of them refused before the service hears of any
cp "$T/plain.crlf.ps1" "$T/a.ps1" && cp "$T/plain.lf.psm1" "$T/b.psm1"
ok "several in one request" sign "$T/a.ps1" "$T/b.psm1"
ok "all are signed" verify "$T/a.ps1" "$T/b.psm1"
ok "no temporary file stays" no_temporary_files
# what the code takes for a script, the manual says
while read -r suffix; do
	ok "kdsign-client(1) names $suffix" grep -qF " $suffix " "$srcdir/docs/kdsign-client.1"
done <<END
$(sed -n 's/^.*STYLE("\(\.[a-z0-9]*\)",.*$/\1/p' "$srcdir/authenticode/format_script.c")
END

done_testing
