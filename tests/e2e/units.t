#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tests/e2e/units.t - systemd takes the units, finds them well locked up, and starts what the build makes.
. "${srcdir:-.}/tests/tap.sh"
need systemd-analyze

builddir=$(cd "$builddir" && pwd)
units=$T/units
mkdir "$units"
for unit in "$builddir"/systemd/*.service "$builddir"/systemd/*.socket "$srcdir"/systemd/*.socket; do
	sed "s|^ExecStart=[^ ]*/kdsign|ExecStart=$builddir/kdsign|" "$unit" >"$units/${unit##*/}"
done
ln -s kdsign-signer@.service "$units/kdsign-signer@second.service"
ln -s kdsign-signer@.socket "$units/kdsign-signer@second.socket"

ok "no name is left to be filled in" sh -c '! grep -n "@[a-z]*@" "$1"/*' sh "$units"

# verified UNIT - no complaint; only warnings about the machine's own units are not ours
verified() {
	SYSTEMD_UNIT_PATH="$units:" systemd-analyze --man=no verify "$units/$1" >"$T/verify" 2>&1
	status=$?
	grep -F kdsign "$T/verify" && return 1
	[ "$status" -eq 0 ] || cat "$T/verify"
	return "$status"
}

cat >"$units/kdsign-probe.service" <<-END
	[Service]
	ExecStart=/bin/true
	NoSuchSetting=yes
END
if verified kdsign-probe.service >"$T/probe" 2>&1; then
	skip "units are well formed" "systemd-analyze verify finds nothing in a wrong unit here"
elif ! grep -q NoSuchSetting "$T/probe"; then
	skip "units are well formed" "systemd-analyze verify does not run here: $(head -n 1 "$T/probe")"
else
	for unit in kdsignd.service kdsignd.socket kdsignd-status.socket kdsign-keeper.service kdsign-keeper.socket \
		kdsign-relay.service kdsign-relay.socket \
		kdsign-signer.service kdsign-signer.socket kdsign-signer@second.service kdsign-signer@second.socket; do
		ok "$unit is well formed" verified "$unit"
	done
fi

# The scale goes from 0 to 100, on which an ordinary service has 96.
exposure() {
	systemd-analyze security --offline=true --threshold="$1" --no-pager "$units/$2"
}
if exposure 100 kdsignd.service >"$T/out" 2>&1; then
	ok "kdsignd.service: exposure at most 5" exposure 5 kdsignd.service
	ok "kdsign-keeper.service: exposure at most 5" exposure 5 kdsign-keeper.service
	ok "kdsign-relay.service, which needs the network: at most 15" exposure 15 kdsign-relay.service
	ok "kdsign-signer.service: exposure at most 5" exposure 5 kdsign-signer.service
	ok "kdsign-signer@second.service: exposure at most 5" exposure 5 kdsign-signer@second.service
else
	skip "exposure" "systemd-analyze security --offline does not run here"
fi

for kind in sysusers tmpfiles; do
	if command -v systemd-$kind >/dev/null; then
		mkdir -p "$T/root/etc" "$T/root/run"
		how=--create
		[ $kind = tmpfiles ] || how=--no-pager
		ok "$kind.d: applied in an empty tree" systemd-$kind --root="$T/root" "$how" \
			"$(cd "$srcdir" && pwd)/systemd/kdsign.$kind"
	else
		skip "$kind.d" "systemd-$kind is not installed"
	fi
done
if [ -e "$T/root/etc/passwd" ]; then
	sed -n 's/^User=//p; s/^SocketUser=//p' "$units"/*.service "$units"/*.socket | sort -u >"$T/users"
	while IFS= read -r user; do
		ok "sysusers.d makes $user" grep -q "^$user:" "$T/root/etc/passwd"
	done <"$T/users"
fi

# What needs GLib, the packer of cabinets and the container of an MSI, is the client's; no daemon ever loads it.
for program in kdsignd kdsign-keeper kdsign-signer kdsign-relay kdsign-token; do
	ok "$program: its libraries" sh -c "ldd '$builddir/$program' >'$T/ldd' && grep -q 'libcrypto\|libgnutls' '$T/ldd'"
	ok "$program: GLib is none of them" sh -c "! grep -E 'libglib|libgobject|libgio|libgsf|libgcab' '$T/ldd'"
done

# Sockets and programs have to agree on names and paths: the defaults of the settings are the units' paths.
default_of() {
	sed -n "s|^#$2 = ||p" "$srcdir/etc/$1"
}
listens() {
	grep -qxF "ListenStream=$1" "$units/$2"
}
ok "keeper's socket is where both look" listens "$(default_of keeper.conf socket)" kdsign-keeper.socket
ok "relay's socket is where both look" listens "$(default_of relay.conf socket)" kdsign-relay.socket
ok "and where the front's example says" listens "$(default_of kdsignd.conf relay)" kdsign-relay.socket
ok "signer's socket is where its configuration says" listens "$(default_of signer.conf socket)" kdsign-signer.socket
ok "status socket is where the example says" listens "$(default_of kdsignd.conf status-listen)" kdsignd-status.socket
done_testing
