#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Files, places and servers that are not right, given to kdsign-client sign with a service that is: a sentence, the
# right exit status, the file as it was, no temporary file. Then every hostile file through every command.
# shellcheck source=tests/tap.sh
. "${srcdir:-.}/tests/tap.sh"
# shellcheck source=tests/e2e/whole_lib.sh
. "$srcdir/tests/e2e/whole_lib.sh"

make_files
make_service
start_service
mkdir "$T/in"

# refused STATUS TITLE TEXT FILE [OPTION...] - sign refuses; a regular file there is byte for byte as it was
refused() {
	want=$1 title=$2 text=$3 file=$4
	shift 4
	was=$(sha256sum "$file" 2>/dev/null || echo none)
	fails "$want" "$title" timeout 20 "$client" --timeout 2s sign --key driver "$@" "$file"
	says err "$text"
	ok "$title: the file is as it was" test "$(sha256sum "$file" 2>/dev/null || echo none)" = "$was"
}

# files
: >"$T/in/empty.sys"
printf 'hello, world\n' >"$T/in/text.sys"
head -c 70 "$T/drv64.sys" >"$T/in/headless.sys"
head -c 1200 "$T/drv64.sys" >"$T/in/half.sys"
cp "$T/drv64.sys" "$T/in/large.sys"
truncate -s 4294967296 "$T/in/large.sys"
sign_file "$T/drv64.sys" "$T/in/moved.sys"
nt=$(od -An -tu4 -j60 -N4 "$T/in/moved.sys")
printf '\000\002\000\000' | dd of="$T/in/moved.sys" bs=1 seek=$((nt + 168)) conv=notrunc 2>/dev/null
refused 3 'an empty file' "'$T/in/empty.sys': " "$T/in/empty.sys"
refused 3 'no PE file' "'$T/in/text.sys': " "$T/in/text.sys"
refused 3 'a file that ends in its header' 'ends at' "$T/in/headless.sys"
refused 3 'a file that ends in its sections' "'$T/in/half.sys': " "$T/in/half.sys"
refused 3 'a certificate table in a wrong place' 'certificate table' "$T/in/moved.sys"
refused 3 'a folder' 'is a directory' "$T/in"
refused 3 'nothing' 'No such file' "$T/in/none.sys"
fails 3 'a file of 4 GiB' timeout 20 "$client" sign --key driver "$T/in/large.sys"
says err "'$T/in/large.sys': "
rm "$T/in/large.sys"
cp "$T/drv64.sys" "$T/in/a.sys"
refused 3 'a result folder that is not there' "'$T/in/none/b.sys': " "$T/in/a.sys" --output "$T/in/none/b.sys"
refused 2 'two results in one file' '--output' "$T/in/a.sys" --output "$T/in/b.sys" "$T/drv32.sys"
ok 'neither is there' test ! -e "$T/in/b.sys"
refused 2 'a URL of another scheme' 'url' "$T/in/a.sys" --url ftp://example.com/
refused 2 'a URL without a host' 'names no host' "$T/in/a.sys" --url https://
refused 2 'a URL with a blank' 'printable ASCII' "$T/in/a.sys" --url 'https://example.com/a b'
refused 2 'a description that is too long' 'description' "$T/in/a.sys" --description "$(repeated x 300)"
refused 2 'a description with a control character' 'control character' "$T/in/a.sys" --description "$(printf 'a\033[1mb')"
refused 2 'an empty description' 'description' "$T/in/a.sys" --description ''
ok 'nothing of this was asked of the service' test "$(record \
	"SELECT count(*) FROM event WHERE $(event event) = 'intent'")" = 0

# places
if [ "$(id -u)" = 0 ] && mkdir "$T/small" && mount -t tmpfs -o size=2M kdsign-test "$T/small" 2>/dev/null; then
	cp "$T/drv64.sys" "$T/small/full.sys"
	head -c 4M /dev/zero >"$T/small/fill" 2>/dev/null
	refused 7 'a disk that is full' 'No space left on device' "$T/small/full.sys"
	ok 'no temporary file takes its place' no_temporary_files
	rm "$T/small/fill"
	mount -o remount,ro "$T/small"
	refused 3 'a file system that is read-only' 'Read-only file system' "$T/small/full.sys"
	umount "$T/small"
else
	skip 'a disk that is full' 'no tmpfs can be mounted (needs root)'
fi
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null && chmod 711 "$T" && as_nobody "$client" --version >"$T/out" 2>&1; then
	cp "$T/one.identity" "$T/nobody-runs.identity"
	chown 65534 "$T/nobody-runs.identity"
	mkdir -m 755 "$T/shut"
	cp "$T/drv64.sys" "$T/shut/readable.sys"
	cp "$T/drv64.sys" "$T/shut/secret.sys"
	chmod 666 "$T/shut/readable.sys"
	chmod 600 "$T/shut/secret.sys"
	# as_refused TEXT TITLE FILE
	as_refused() {
		fails 3 "$2" as_nobody KDSIGN_IDENTITY="$T/nobody-runs.identity" "$client" --timeout 2s \
			sign --key driver "$T/shut/$3"
		says err "$1"
		ok "$2: it is as it was" cmp "$T/drv64.sys" "$T/shut/$3"
	}
	as_refused 'cannot create a file beside it: Permission denied' 'a folder that is read-only' readable.sys
	as_refused 'Permission denied' 'a file that cannot be read' secret.sys
else
	skip 'files and folders without permission' 'needs root and setpriv, and a program that others may run'
fi

# servers and identities, each with its service running
cp "$T/server.pem" "$T/server.was"
issue server '/CN=server' client-ca 'subjectAltName=DNS:kdsign.example.com\nextendedKeyUsage=serverAuth\n'
kill -HUP "$service"
ok 'the server takes a certificate of another name' wait_for 5 grep -q 'read again' "$T/service.err"
refused 7 'a server of another name' 'certificate is not accepted' "$T/in/a.sys"
cp "$T/server.was" "$T/server.pem"
kill -HUP "$service"
ok 'and its right one again' wait_for 5 "$client" --quiet --timeout 1s status
refused 7 'a server of another CA' 'certificate is not accepted' "$T/in/a.sys" --ca "$T/other.pem"
days=-1 issue expired /CN=expired client-ca 'extendedKeyUsage=clientAuth\n'
issue noclient /CN=noclient client-ca 'extendedKeyUsage=serverAuth\n'
issue foreign /CN=foreign other 'extendedKeyUsage=clientAuth\n'
for host in expired noclient foreign; do
	cat "$T/$host.pem" "$T/$host.key" >"$T/$host.identity"
	chmod 600 "$T/$host.identity"
done
refused 4 'an expired client certificate' 'expired' "$T/in/a.sys" --identity "$T/expired.identity"
refused 4 'a certificate that is for servers' 'refuses this client' "$T/in/a.sys" --identity "$T/noclient.identity"
refused 4 "a client certificate of another CA" 'refuses this client' "$T/in/a.sys" --identity "$T/foreign.identity"
who=expired
ok 'the server does not let the expired one in either' test "$(api /v1/keys 2>/dev/null)" = 000
who=one
before=$(date +%s)
refused 5 'a server that is not there' 'trying again' "$T/in/a.sys" --server https://127.0.0.1:1
took=$(($(date +%s) - before))
ok "is tried again for as long as --timeout says ($took s)" test "$took" -ge 1 -a "$took" -le 5
ok 'no temporary file stays' no_temporary_files
ok 'and the service is as ready as before' "$client" --quiet status

# hostile files
C=${KDSIGN_CORPUS:-$srcdir/../shared/corpus}/pe-hostile
if [ ! -e "$C" ]; then
	skip 'hostile files' "no corpus 'pe-hostile' (KDSIGN_CORPUS names its folder)"
	done_testing
fi
# The heap and stacks of a sanitized program are larger; there only crash and time count.
memory=65536
! grep -q '^#define KD_SANITIZE' "$builddir/config.h" || memory=unlimited
limited() { # SECONDS COMMAND... - stacks, too, are data in this sense
	timeout "$1" bash -c 'ulimit -s 1024 && ulimit -d "$0" && shift && exec "$@"' "$memory" "$@"
}
verdict() { # COMMAND FILE - 0, or 1 or 3 with a sentence about this file
	limited 2 "$client" "$@" >"$T/out" 2>"$T/err"
	verdict_status=$?
	case $verdict_status in
	0) ;;
	1 | 3) grep -qF "error: '" "$T/err" ;;
	*) false ;;
	esac && return
	echo "exit $verdict_status: $*"
	cat "$T/err"
	return 1
}
for path in "$C"/*; do
	[ -f "$path" ] || continue
	hostile=$T/in/hostile.sys
	all_right=yes
	for command in 'digest' 'inspect' "verify --root $T/ca-root.pem" 'remove' 'sign --key driver'; do
		cp "$path" "$hostile"
		chmod 644 "$hostile"
		# shellcheck disable=SC2086 # a command and its options
		verdict $command "$hostile" >"$T/why" || { all_right=no && sed 's/^/# /' "$T/why"; }
		case $verdict_status:$command in
		0:remove | 0:sign*) verdict inspect "$hostile" >"$T/why" || all_right=no ;;
		*) cmp "$path" "$hostile" || all_right=no ;;
		esac
	done
	ok "hostile file ${path##*/}" test $all_right = yes
done
ok 'no temporary file of those stays' no_temporary_files
done_testing
