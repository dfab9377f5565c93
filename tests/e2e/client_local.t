#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2154
# kdsign-client without a server: digest, inspect, verify, remove, and input that is not right.
. "${srcdir:-.}/tests/tap.sh"
# shellcheck source=/dev/null
. "$srcdir/tests/e2e/client_files.sh"
need openssl osslsigncode

make_files
make_pki

# digest
printf '%s  %s\n' "$(openssl dgst -sha256 -r <"$T/padded.bin" | cut -d' ' -f1)" "$T/drv64.sys" >"$T/want"
"$client" digest "$T/drv64.sys" >"$T/got" 2>&1
ok "digest is that of the image without its holes" cmp "$T/want" "$T/got"
for alg in sha1 sha256 sha384 sha512; do
	sign_file "$T/drv64.sys" "$T/s.sys" -h "$alg"
	osslsigncode verify -in "$T/s.sys" 2>/dev/null |
		sed -n 's/^Calculated message digest *: *//p' | tr -d ' ' | tr A-F a-f | head -n 1 >"$T/want"
	"$client" digest --digest "$alg" "$T/s.sys" | cut -d' ' -f1 >"$T/got"
	ok "digest $alg of a signed file is what osslsigncode calculates" cmp "$T/want" "$T/got"
done
ok "digest of several files" "$client" digest "$T/drv64.sys" "$T/drv32.sys"
says out "  $T/drv32.sys"
name="$T/odd
name.sys"
cp "$T/drv64.sys" "$name"
"$client" digest "$name" >"$T/got"
ok "a line end in a name is escaped as sha256sum does" \
	sh -c 'grep -q "^\\\\[0-9a-f]*  .*odd\\\\nname.sys\$" "$1" && test "$(wc -l <"$1")" = 1' - "$T/got"

# verify
sign_file "$T/drv64.sys" "$T/signed.sys"
ok "verify through the cross-certificate" "$client" verify --root "$T/kernel-root.pem" "$T/signed.sys"
says out "verified"
says out "Kernel Verification Root"
ok "verify to the CA's own root" "$client" verify --root "$T/ca-root.pem" "$T/signed.sys"
ok "several roots" "$client" verify --root "$T/other.pem" --root "$T/ca-root.pem" "$T/signed.sys"
fails 1 "verify with another root" "$client" verify --root "$T/other.pem" "$T/signed.sys"
says err "chain: "
fails 1 "verify with no root" "$client" verify "$T/signed.sys"
says err "--root"
printf 'root = ca-root.pem\n' >"$T/client.conf"
ok "roots of the configuration" "$client" --config "$T/client.conf" verify "$T/signed.sys"
fails 1 "an unsigned file does not verify" "$client" verify --root "$T/ca-root.pem" "$T/drv64.sys"
says err "'$T/drv64.sys': "
flip "$T/signed.sys" "$T/flipped.sys" 1100
fails 1 "one flipped byte" "$client" verify --root "$T/ca-root.pem" "$T/flipped.sys"
says err "image digest"
says out "not verified"
fails 3 "the worst of several files is the exit status" \
	"$client" verify --root "$T/ca-root.pem" "$T/flipped.sys" "$T/none.sys" "$T/signed.sys"
says out "$T/signed.sys: verified"
ok "quiet verify says nothing" "$client" --quiet verify --root "$T/ca-root.pem" "$T/signed.sys"
silent

# inspect
ok "inspect a signed file" "$client" inspect "$T/signed.sys"
says out "description: Test driver"
says out "url: https://example.com/"
says out "CN=Driver Leaf"
says out "no timestamp"
says out "PE32+, x64"
ok "inspect an unsigned file" "$client" inspect "$T/drv32.sys"
says out "PE32, x86"
says out "no signature"

# remove
cp "$T/signed.sys" "$T/removed.sys"
chmod 750 "$T/removed.sys"
ok "remove" "$client" remove "$T/removed.sys"
ok "digest is the same without the signature" same_digest "$T/removed.sys" "$T/drv64.sys"
ok "the padded file but for CheckSum is back" same_but_checksum "$T/removed.sys" "$T/padded.sys"
ok "mode is kept" sh -c 'test "$(stat -c %a "$1")" = 750' - "$T/removed.sys"
fails 1 "nothing to remove" "$client" remove "$T/removed.sys"
says err "has no signature to remove"
ln -s signed.sys "$T/link.sys"
ok "remove into another file" "$client" remove --output "$T/plain.sys" "$T/link.sys"
ok "the input stays signed" "$client" verify --quiet --root "$T/ca-root.pem" "$T/signed.sys"
mkdir "$T/out.d"
ok "remove into a folder" "$client" remove --output "$T/out.d" "$T/signed.sys" "$T/flipped.sys"
ok "both are there" test -s "$T/out.d/signed.sys" -a -s "$T/out.d/flipped.sys"
fails 2 "two results in one file" "$client" remove --output "$T/one.sys" "$T/signed.sys" "$T/flipped.sys"

# JSON
if command -v jq >/dev/null; then
	"$client" --json verify --root "$T/ca-root.pem" "$T/signed.sys" "$T/flipped.sys" "$T/none.sys" \
		>"$T/json" 2>"$T/err"
	ok "three objects" sh -c 'test "$(jq -c .ok "$1" | tr "\n" " ")" = "true false false "' - "$T/json"
	ok "a failed step has its reason" jq -es '.[1].signatures[0].steps[] |
		select(.name == "image digest" and .result == "failed")' "$T/json"
	ok "an error has its code" jq -es '.[1].error.code == "not_verified" and .[2].error.code == "file"' "$T/json"
	"$client" --json inspect "$T/signed.sys" >"$T/json"
	ok "inspect in JSON" jq -e '.pe.machine == "x64" and .signatures[0].description == "Test driver" and
		(.signatures[0].certificates | length) == 3' "$T/json"
	"$client" --json digest "$T/drv64.sys" >"$T/json"
	ok "digest in JSON" jq -e '.digest_algorithm == "sha256" and (.digest | length) == 64' "$T/json"
	"$client" --json remove --no-such 2>"$T/err" >"$T/json"
	ok "usage error in JSON" jq -e '.ok == false and .error.code == "usage"' "$T/json"
else
	skip "JSON" "jq is not installed"
fi

# input that is not right
: >"$T/empty.sys"
head -c 70 "$T/drv64.sys" >"$T/short.sys"
head -c $(($(stat -c %s "$T/drv64.sys") / 2)) "$T/drv64.sys" >"$T/half.sys"
printf 'hello, world\n' >"$T/text.sys"
mkfifo "$T/fifo.sys"
for command in digest inspect verify remove; do
	fails 3 "$command of an empty file" "$client" "$command" "$T/empty.sys"
	fails 3 "$command of a truncated file" "$client" "$command" "$T/short.sys"
	fails 3 "$command of half a file" "$client" "$command" "$T/half.sys"
	says err "hint: the file is cut short; copy it again"
	fails 3 "$command of something else" "$client" "$command" "$T/text.sys"
	says err "'$T/text.sys': "
	says err "is signed by a catalog that lists it"
	fails 3 "$command of a folder" "$client" "$command" "$T"
	says err "'$T': is a directory"
	fails 3 "$command of a FIFO" timeout 10 "$client" "$command" "$T/fifo.sys"
	says err "not a regular file"
	fails 3 "$command of nothing" "$client" "$command" "$T/none.sys"
	says err "'$T/none.sys': "
done
ok "no temporary file stays" no_temporary_files

# what stops in the middle
make_large "$T/large.sys"
sha256sum "$T/large.sys" >"$T/want"
for signal in INT TERM HUP; do
	ok "SIG$signal ends it in the middle" interrupt "$signal" "$T/large.sys"
	ok "SIG$signal leaves no temporary file" no_temporary_files
	ok "SIG$signal leaves the original as it was" sha256sum -c "$T/want"
done
rm -f "$T/large.sys"
if [ "$(id -u)" = 0 ] && mkdir "$T/small" && mount -t tmpfs -o size=2M kdsign-test "$T/small" 2>/dev/null; then
	tmpfs=$T/small
	cp "$T/signed.sys" "$tmpfs/full.sys"
	head -c 4M /dev/zero >"$tmpfs/fill" 2>/dev/null
	fails 7 "disk full" "$client" remove "$tmpfs/full.sys"
	says err "No space left on device"
	ok "the original is as it was" cmp "$T/signed.sys" "$tmpfs/full.sys"
	ok "no temporary file takes the place" no_temporary_files
	umount "$tmpfs"
else
	skip "disk full" "no tmpfs can be mounted"
fi

# a container's files are in the layer below until somebody opens them to write
mkdir "$T/layer" "$T/upper" "$T/work" "$T/merged"
for f in one two three; do
	cp "$T/signed.sys" "$T/layer/$f.sys"
done
ln "$T/layer/three.sys" "$T/layer/four.sys"
if [ "$(id -u)" = 0 ] && mount -t overlay -o "lowerdir=$T/layer,upperdir=$T/upper,workdir=$T/work" kdsign-test "$T/merged" 2>/dev/null; then
	for f in one two three four; do
		ok "remove in a container: $f" "$client" remove "$T/merged/$f.sys"
		fails 1 "which is done: $f" "$client" verify "$T/merged/$f.sys"
		says err "no signature"
	done
	umount "$T/merged"
else
	skip "files of a layer below" "no overlay can be mounted"
fi
if [ "$(id -u)" != 0 ]; then
	mkdir "$T/locked" && cp "$T/signed.sys" "$T/locked/" && chmod 555 "$T/locked"
	fails 3 "read-only folder" "$client" remove "$T/locked/signed.sys"
	says err "Permission denied"
	cp "$T/signed.sys" "$T/secret.sys" && chmod 0 "$T/secret.sys"
	fails 3 "unreadable file" "$client" digest "$T/secret.sys"
	says err "Permission denied"
	chmod 755 "$T/locked"
elif command -v setpriv >/dev/null; then
	mkdir "$T/locked" && cp "$T/signed.sys" "$T/locked/" && chmod 711 "$T"
	fails 3 "read-only folder" as_nobody "$client" remove "$T/locked/signed.sys"
	says err "Permission denied"
	cp "$T/signed.sys" "$T/secret.sys" && chmod 0 "$T/secret.sys"
	fails 3 "unreadable file" as_nobody "$client" digest "$T/secret.sys"
	says err "Permission denied"
	chmod 666 "$T/locked/signed.sys"
	fails 3 "writable file in a folder that is not" as_nobody "$client" remove "$T/locked/signed.sys"
	says err "cannot create a file beside it: Permission denied"
else
	skip "permissions" "no setpriv"
fi

# command line
fails 2 "no command" "$client"
fails 2 "unknown command" "$client" sing "$T/drv64.sys"
says err "did you mean 'sign'?"
fails 2 "unknown option" "$client" verify --rot x "$T/drv64.sys"
says err "did you mean '--root'?"
fails 2 "no file" "$client" digest
fails 2 "a word too many" "$client" keys driver
says err "'keys': 1 word too many"
fails 2 "unknown digest" "$client" digest --digest md5 "$T/drv64.sys"
fails 2 "no server" env -u KDSIGN_SERVER HOME="$T" "$client" sign "$T/drv64.sys"
says err "no signing service is named"
fails 2 "configuration that is not there" "$client" --config "$T/none.conf" digest "$T/drv64.sys"
ok "help" "$client" sign --help
says out "--sha1 THUMBPRINT"
ok "version" "$client" --version
set --
for i in $(seq 100); do
	set -- "$@" "$T/drv64.sys" "$T/none-$i.sys"
done
fails 3 "digests and errors in one log" sh -c '"$@" >"$0" 2>&1' "$T/log" "$client" digest "$@"
ok "each error has a line of its own" test "$(grep -c '^kdsign-client: error: ' "$T/log")" = 100
ok "and each digest" test "$(grep -c '^[0-9a-f]\{64\}  .*/drv64.sys$' "$T/log")" = 100
fails 7 "standard output is full" sh -c '"$1" digest "$2" >/dev/full' - "$client" "$T/drv64.sys"
says err "standard output cannot be written"
done_testing
