# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# scripts/lib.sh - sourced by demo, check and bench: packages, building as the caller, saying what happens.

set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
program=${0##*/}

# Through sudo, what is made belongs to who called it.
owner_uid=${SUDO_UID:-$(id -u)} owner_gid=${SUDO_GID:-$(id -g)}

say() { printf '%s\n' "$*"; }
step() { printf '%s: %s\n' "$program" "$*" >&2; }
die() {
	printf '%s: error: %s\n' "$program" "$1" >&2
	[[ -z ${2-} ]] || printf '%s: hint: %s\n' "$program" "$2" >&2
	exit "${3:-1}"
}

# What stands before a command that is not to run as root when root is only borrowed; what it becomes keeps the pid.
owner_run=()
if [[ $(id -u) == 0 && $owner_uid != 0 ]]; then
	owner_home=$(getent passwd "$owner_uid" | cut -d: -f6)
	owner_run=(setpriv --reuid "$owner_uid" --regid "$owner_gid" --init-groups
		env HOME="${owner_home:-/}" USER="${SUDO_USER-}")
fi
as_owner() { "${owner_run[@]}" "$@"; }

# need_packages KIND... - installs what is missing of scripts/packages
need_packages() {
	local kind line missing=() p
	for kind; do
		while read -r line; do
			for p in $line; do
				[[ $(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null) == installed ]] || missing+=("$p")
			done
		done < <(sed -n "s/^$kind\t//p" "$top/scripts/packages")
	done
	[[ ${#missing[@]} -gt 0 ]] || return 0
	[[ $(id -u) == 0 ]] || die "these packages are missing: ${missing[*]}" "run it as root: sudo scripts/$program" 2
	step "installing ${missing[*]}"
	local log
	log=$(mktemp)
	if ! { apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -qy --no-install-recommends install "${missing[@]}"; } \
		>"$log" 2>&1 </dev/null; then
		tail -n 20 "$log" >&2
		rm -f "$log"
		die "apt-get could not install: ${missing[*]}" "see above; is the package archive reachable?"
	fi
	rm -f "$log"
}

# build DIR [CONFIGURE-OPTION...] - configured once, then brought up to date
build() {
	local dir=$1
	shift
	[[ ! -e $top/config.status ]] || die "this tree is configured in place, so nothing can be built beside it" \
		"run 'make distclean' first"
	as_owner mkdir -p "$dir"
	# Bootstrapped anew when what it is made from is newer than what was made.
	if [[ ! -e $top/configure || $top/configure.ac -nt $top/configure || -n $(find "$top" -name local.mk -newer \
		"$top/Makefile.in" -print -quit 2>/dev/null) || $top/Makefile.am -nt $top/Makefile.in ]]; then
		step "making configure"
		(cd "$top" && as_owner autoreconf -fi >"$dir/autoreconf.log" 2>&1) ||
			{ tail -n 20 "$dir/autoreconf.log" >&2; die "autoreconf failed" "the whole log: $dir/autoreconf.log"; }
	fi
	if [[ ! -e $dir/config.status || $top/configure -nt $dir/config.status ]]; then
		step "configuring ${dir#"$top/"}"
		(cd "$dir" && as_owner "$top/configure" -q "$@" >configure.log 2>&1) ||
			{ tail -n 20 "$dir/configure.log" >&2; die "configure failed" "the whole log: $dir/config.log"; }
	fi
	step "building ${dir#"$top/"}"
	as_owner make -C "$dir" -j"$(nproc)" --no-print-directory >"$dir/make.log" 2>&1 ||
		{ grep -E -A3 'error|warning' "$dir/make.log" | head -n 30 >&2; die "the build failed" "the whole log: $dir/make.log"; }
	[[ $(id -u) != 0 ]] || chown "$owner_uid:$owner_gid" "$dir"/*.log
}
