# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2154
# scripts/demo_tsa.sh - sourced by demo after demo_service.sh: a timestamp authority of the demo's own.
#
# It is tests/mock/tsa over `openssl ts` and `openssl cms`, on the loopback interface, as the caller. It ends with
# the demo, by --stop, or by itself: after an hour, kept up after thirty days.

# shellcheck source=tests/e2e/tsa.sh
. "$top/tests/e2e/tsa.sh"

make_tsa() {
	as_owner make -s -C "$built" --no-print-directory tests/mock/tsa >>"$built/make.log" 2>&1 ||
		die "the timestamp authority could not be built" "the whole log: $built/make.log"
	[[ ! -d $state/tsa ]] || return 0
	rm -rf "$state/tsa.new"
	make_tsa_pki "$state/tsa.new" || die "the authority's certificates could not be made" "the log: $state/tsa.new/log"
	# Its configuration names files by their whole paths.
	sed -i "s|$state/tsa\.new/|$state/tsa/|g" "$state/tsa.new/tsa.cnf"
	mv "$state/tsa.new" "$state/tsa"
	take_back
}

is_tsa() { [[ $(tr '\0' ' ' <"/proc/$1/cmdline" 2>/dev/null) == *tests/mock/tsa\ --dir\ $state* ]]; }

serve_tsa() {
	local i seconds=3600
	[[ $keep == no ]] || seconds=2592000
	rm -f "$state/tsa/port"
	"${owner_run[@]}" "$built/tests/mock/tsa" --dir "$state/tsa" --port-file "$state/tsa/port" --seconds "$seconds" \
		>"$state/tsa/log" 2>&1 </dev/null &
	printf '%s\n' "$!" >"$state/tsa.pid"
	for ((i = 0; i < 200; i++)); do
		[[ ! -s $state/tsa/port ]] || break
		sleep 0.1
	done
	[[ -s $state/tsa/port ]] || die "the timestamp authority did not start" "its log: $state/tsa/log"
	tsa=http://127.0.0.1:$(<"$state/tsa/port")/tsa
	tsa_legacy=${tsa%/tsa}/legacy
}

# By its process id, and only while that is still ours.
end_tsa() {
	local pid=''
	[[ ! -s $state/tsa.pid ]] || pid=$(<"$state/tsa.pid")
	[[ -z $pid ]] || ! is_tsa "$pid" || kill "$pid" 2>/dev/null || die "the timestamp authority (process $pid) is another user's" \
		"sudo scripts/demo --stop"
	rm -f "$state/tsa.pid"
}
