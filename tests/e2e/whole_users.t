#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The processes started apart, as systemd does it: four users, each with files of its own.
# shellcheck source=tests/tap.sh
. "${srcdir:-.}/tests/tap.sh"
[ "$(id -u)" = 0 ] || skip_all "needs root, to start processes as four users"
# shellcheck source=tests/e2e/whole_lib.sh
. "$srcdir/tests/e2e/whole_lib.sh"
# shellcheck source=tests/e2e/relay_lib.sh
. "$srcdir/tests/e2e/relay_lib.sh"
need osslsigncode setpriv

# Users that every Debian has: daemon is the front, bin the keeper, sys the signer, man the relay, games a stranger.
as() { # USER COMMAND...
	as_user=$1
	shift
	setpriv --reuid="$as_user" --regid="$(id -g "$as_user")" --clear-groups "$@"
}

start_as() { # USER NAME COMMAND...
	as_user=$1 as_name=$2
	shift 2
	start "$as_name" setpriv --reuid="$as_user" --regid="$(id -g "$as_user")" --clear-groups "$@"
}

make_files
make_service
ok 'a time-stamping authority' start_tsa
make_relay "upstream = $TSA_URL"
tools=$T/tools
mkdir -m 755 "$tools"
cp "$builddir/kdsignd" "$builddir/kdsign-keeper" "$builddir/kdsign-signer" "$builddir/kdsign-relay" "$builddir/tests/e2e/signer_client" \
	"$builddir/tests/unit/keeper/fake_front_tool" "$builddir/tests/unit/front/fake_keeper" "$tools"
chmod 711 "$T"
as daemon "$tools/kdsignd" --version >"$T/out" 2>&1 ||
	skip_all "another user cannot run programs in $T: $(head -c 200 "$T/out")"

# own USER DIR FILE... - a folder that only this user can look into, with those files
own() {
	own_user=$1 own_dir=$2
	shift 2
	mkdir "$T/$own_dir"
	for own_file; do
		cp "$own_file" "$T/$own_dir/"
	done
	chmod -R go-rwx "$T/$own_dir"
	chown -R "$own_user:" "$T/$own_dir"
}
for name in keeper signer relay; do
	mkdir -m 755 "$T/run-$name"
done
chown bin: "$T/run-keeper"
chown sys: "$T/run-signer"
chown man: "$T/run-relay"
for name in keeper signer relay; do
	sed -i "s|= $T/state/$name.sock|= $T/run-$name/$name.sock|" "$T"/etc/*.conf
done
sed -i "s|$T/server|$T/front/server|; s|$T/client-ca|$T/front/client-ca|" "$T/etc/kdsignd.conf"
sed -i "s|$T/\(client-ca\|driver\|second\|middle\).pem|$T/keeper/\1.pem|; s|$T/state/record|$T/keeper/record|;
	s|^socket = .*signer.sock|&\nuser = sys|" "$T/etc/keeper.conf"
sed -i "s|$T/etc/pin|$T/signer/pin|; s|$T/state|$T/signer|; s|$T/softhsm.conf|$T/signer/softhsm.conf|" \
	"$T/etc/signer.conf"
set_conf kdsignd.conf 'keeper-user = bin' 'relay-user = man'
set_conf relay.conf 'front-user = daemon'
set_conf keeper.conf 'front-user = daemon'
set_conf signer.conf 'keeper-user = bin'
own daemon front "$T/etc/kdsignd.conf" "$T/server.pem" "$T/server.key" "$T/client-ca.pem"
own bin keeper "$T/etc/keeper.conf" "$T/client-ca.pem" "$T/driver.pem" "$T/second.pem" "$T/middle.pem"
sed -i "s|$T/tokens|$T/signer/tokens|" "$T/softhsm.conf"
own man relay "$T/etc/relay.conf"
own sys signer "$T/etc/signer.conf" "$T/etc/pin" "$T/softhsm.conf"
mv "$T/tokens" "$T/signer/"
chown -R sys: "$T/signer"
rm -r "${T:?}/etc"

export KDSIGN_IDENTITY="$T/one.identity" KDSIGN_CA="$T/client-ca.pem"
start_as sys signer "$tools/kdsign-signer" --config "$T/signer/signer.conf"
signer=$pid
start_as bin keeper "$tools/kdsign-keeper" --config "$T/keeper/keeper.conf"
keeper=$pid
start_as man relay "$tools/kdsign-relay" --config "$T/relay/relay.conf"
relay=$pid
start_as daemon front "$tools/kdsignd" --config "$T/front/kdsignd.conf" --port-file "$T/front/port"
front=$pid
ok 'the front has its port' wait_for 20 test -s "$T/front/port"
KDSIGN_SERVER=https://127.0.0.1:$(cat "$T/front/port")
export KDSIGN_SERVER
ok 'all are ready' wait_for 20 "$client" --quiet --timeout 2s status

for pair in "daemon $front" "bin $keeper" "sys $signer" "sys $(pgrep -P "$signer")" "man $relay"; do
	user=${pair% *}
	ok "$user has a process of its own, with no other user or group" sh -c \
		'test "$(sed -n "s/^[UG]id:\t//p" "/proc/$1/status" | tr -s "\t\n" "  ")" = "$(printf "$2 $2 $2 $2 $3 $3 $3 $3 ")"' \
		- "${pair#* }" "$(id -u "$user")" "$(id -g "$user")"
done
ok 'status' "$client" status
says out 'separation  four users'
says out 'relay       connected'
answers 200 'readyz' /readyz
ok 'says four users, and that the relay is there' jq -e '.separation == "four users" and .relay == "connected"' "$T/body"

cp "$T/drv64.sys" "$T/a.sys"
ok 'signing works' "$client" sign --ac "$T/cross.pem" "$T/a.sys"
ok 'our verify takes it' "$client" verify --root "$T/kernel-root.pem" "$T/a.sys"
ok 'osslsigncode takes it' osslsigncode verify -CAfile "$T/kernel-root.pem" -in "$T/a.sys"

rfc3161
timestamps() { [ "$(stamp)" = 200 ] && is_token; }
ok 'timestamps work' wait_for 10 timestamps

# Each reads its own, and nobody another's.
token_file=$(find "$T/signer/tokens" -name '*.object' | head -n 1)
for pair in "daemon front/kdsignd.conf" "daemon front/server.key" "bin keeper/keeper.conf" "bin keeper/record.db" \
	"sys signer/signer.conf" "sys signer/pin" "sys ${token_file#"$T/"}" "man relay/relay.conf"; do
	for user in daemon bin sys man games; do
		if [ "$user" = "${pair% *}" ]; then
			ok "$user reads its ${pair#* }" as "$user" cat "$T/${pair#* }"
		else
			fails 1 "$user cannot read ${pair#* }" as "$user" cat "$T/${pair#* }"
		fi
	done
done
# Not even its own user's other processes look into one; a sanitized program has to let them.
sanitized=no
! grep -q '^#define KD_SANITIZE' "$builddir/config.h" || sanitized=yes
for user in daemon bin sys man games; do
	for pair in "daemon $front" "bin $keeper" "sys $signer" "sys $(pgrep -P "$signer")" "man $relay"; do
		[ "$sanitized $user" != "yes ${pair% *}" ] || continue
		fails 1 "$user sees no memory of ${pair% *}'s process" as "$user" cat "/proc/${pair#* }/maps"
	done
done

# Who may ask whom.
keeper_asked() { # USER
	as "$1" "$tools/fake_front_tool" -s "$T/run-keeper/keeper.sock" ready
}
relay_asked() { # what the fake front sends is none of the relay's: who is let in at all is told that in the log
	relay_was=$(grep -c "$2" "$T/relay.err")
	as "$1" "$tools/fake_front_tool" -s "$T/run-relay/relay.sock" ready
	relay_more() { [ "$(grep -c "$2" "$T/relay.err")" -gt "$relay_was" ]; }
	wait_for 5 relay_more "$@"
}
signer_asked() {
	as "$1" "$tools/signer_client" "$T/run-signer/signer.sock" 5 state
}
ok 'the keeper answers daemon' keeper_asked daemon
for user in bin sys games root; do
	fails 3 "but not $user" keeper_asked "$user"
done
ok 'the relay reads what daemon sends' relay_asked daemon "is none of a front's"
for user in bin sys games root; do
	ok "but not what $user does" relay_asked "$user" "connection refused: the peer is user $(id -u "$user")"
done
ok 'the signer answers bin' signer_asked bin
for user in daemon sys games root; do
	fails 1 "but not $user" signer_asked "$user"
done
refusals() { [ "$(grep -c 'connection refused' "$T/$1.err")" -ge 4 ]; }
ok 'the keeper has them in its log' wait_for 20 refusals keeper
ok 'so has the signer' wait_for 20 refusals signer

# A socket that is not the right user's is not used.
stop "$keeper"
rm -f "$T/run-keeper/keeper.sock"
chown games: "$T/run-keeper"
start_as games impostor "$tools/fake_keeper" "$T/run-keeper/keeper.sock"
impostor=$pid
open_to_all() { chmod 666 "$T/run-keeper/keeper.sock"; }
ok 'another user puts a keeper there' wait_for 20 open_to_all
ok 'which is not trusted' wait_for 20 grep -q "the peer is user $(id -u games), must be" "$T/front.err"
unreachable() { [ "$(api /v1/keys)" = 503 ] && grep -q '"code":"unreachable"' "$T/body"; }
ok 'requests get 503' unreachable
ok 'and it hears nothing of them' test ! -s "$T/impostor.out"
stop "$impostor"
rm -f "$T/run-keeper/keeper.sock"
chown bin: "$T/run-keeper"
start_as bin keeper "$tools/kdsign-keeper" --config "$T/keeper/keeper.conf"
ok 'the right keeper comes back, and all is well' wait_for 20 "$client" --quiet --timeout 2s status
for one in "$front" "$pid" "$signer" "$relay"; do
	stop "$one"
	ok 'each stops with status 0' test $? = 0
done
done_testing
