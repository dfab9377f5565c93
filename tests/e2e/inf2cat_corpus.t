#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154
# kdsign-client inf2cat against Inf2Cat: packages whose catalog Inf2Cat made become the same catalog, but for the
# identifier and the time, and for differences that stand here with their reason. All INFs of the corpus are read.
. "${srcdir:-.}/tests/tap.sh"
corpus packages

client=$builddir/kdsign-client
tool=$builddir/tests/unit/authenticode/cat_tool
: >"$T/no.conf"
export KDSIGN_CONFIG="$T/no.conf" HOME="$T"

# utf16 TEXT - as cat_tool prints a value of that text, without the NUL; '\' is itself
utf16() {
	printf %s "$1" | od -An -v -tx1 | tr -d ' \n' | sed 's/../&00/g'
}

# same PACKAGE CATALOG OS [sed script over Inf2Cat's dump] - CATALOG is the name in the corpus
same() {
	rm -rf "$T/ours" && mkdir "$T/ours" && cp -r "$C/$1/." "$T/ours" && chmod -R u+w "$T/ours" &&
		rm -f "$T/ours"/*.cat || return 1
	"$client" inf2cat --os "$3" "$T/ours" || return 1
	"$tool" "$T/ours/$(echo "$2" | tr '[:upper:]' '[:lower:]')" >"$T/ours.txt" && "$tool" "$C/$1/$2" >"$T/theirs.txt" ||
		return 1
	# Before 2012 the link of a PE image was "<<<Obsolete>>>", now it is empty; being shorter, it also stands
	# elsewhere in the set of attributes, so these are sorted.
	sed "s/link=obsolete/link=empty/;${4-}" "$T/theirs.txt" | sort >"$T/theirs.sorted"
	sort "$T/ours.txt" >"$T/ours.sorted"
	diff "$T/theirs.sorted" "$T/ours.sorted"
}

for part in audio camera motor; do
	name=Xbox_NUI_$(echo "$part" | cut -c1 | tr '[:lower:]' '[:upper:]')$(echo "$part" | cut -c2-)
	ok "libfreenect $part: three architectures, one dll renamed" \
		same "libfreenect-xbox-nui-$part" "$name.cat" 7_X64
done

# Inf2Cat of the 2015 kits called Windows 10 "10X86" and 2:6.4; later ones, and we, "_v100" and 2:10.0. HWID2 is of
# an INF that lay in that folder and is not in the corpus.
old=XP_X86,XP_X64,Server2003_X86,Server2003_IA64,Server2003_X64,Vista_X86,Vista_X64,Server2008_X86,Server2008_IA64
old=$old,Server2008_X64,7_X86,7_X64,Server2008R2_IA64,Server2008R2_X64,8_X86,8_X64,8_ARM,Server8_X64
old=$old,6_3_X86,6_3_X64,6_3_ARM,Server6_3_X64
ok "OSVR: an INF alone, strings in CatalogFile" same osvr-hdk-cdc-nocross osvr_cdc.cat "$old"
kits="s/$(utf16 10X86,10X64)/$(utf16 _v100,_v100_X64)/;s/$(utf16 2:6.4)/$(utf16 2:10.0)/"
absent='/^  HWID2 /d'
for n in 3 4 5 6 7 8 9; do
	absent="$absent;s/^  HWID$n /  HWID$((n - 1)) /"
done
for name in osvr_cdc osvr_hdk_display osvr_hdk_hid osvr_hdk_ircam; do
	ok "OSVR: $name, the ids of four INFs in each catalog" \
		same osvr-hdk-inf-nosys $name.cat "10_X64,$old,10_X86" "$kits;$absent"
done

# HWID1 to HWID47 are of INFs that lay in that folder and are not in the corpus.
ok "ScpVBus: two architectures" same scpdriverinterface-scpvbus ScpVBus.cat \
	XP_X86,Vista_X86,Vista_X64,Server2008_X86,Server2008_X64,7_X86,7_X64,Server2008R2_X64 \
	'/^  HWID48 /!{/^  HWID[0-9]/d;};s/^  HWID48 /  HWID1 /'

# Server2012X64 stands twice in these: a token is listed once here.
twice="s/$(utf16 ,Server2012X64,Server2012X64)/$(utf16 ,Server2012X64)/"
x64=XP_X64,Server2003_X64,Vista_X64,Server2008_X64,7_X64,Server2008R2_X64,8_X64,Server8_X64
ok "zttap200 x64, old" same zerotier-zttap-x64-old zttap200.cat $x64 "$twice"
ok "zttap200 x64" same zerotier-zttap200-x64-ndis5 zttap200.cat $x64 "$twice"
ok "zttap200 x86: Windows 2000" same zerotier-zttap200-x86-ndis5 zttap200.cat \
	8_X86,7_X86,Server2008_X86,Vista_X86,Server2003_X86,XP_X86,2000
ok "zttap100: unsigned" same zerotier-zttap-x86-unsigned-cat zttap100.cat Vista_X86
ok "zttap300 x64" same zerotier-zttap300-x64-crosssigned zttap300.cat Vista_X64,7_X64,8_X64
ok "zttap300 x86, with an INF for x64" same zerotier-zttap300-x86-crosssigned zttap300.cat Vista_X64,7_X64,8_X64

# Microsoft's portal made these, with Inf2Cat, and adds four attributes that nobody else may.
portal='/^  Submission ID /d;/^  BundleID /d;/^  Universal /d;/^  Declarative /d'
ok "attested arm64" same zerotier-zttap300-arm64-attest zttap300.cat \
	10_RS3_ARM64,10_RS4_ARM64,10_RS5_ARM64,10_19H1_ARM64,10_VB_ARM64,10_NI_ARM64 "$portal"
ok "attested x64: version 2" same zerotier-zttap300-x64-attest2020 zttap300.cat \
	10_X64,10_AU_X64,10_RS2_X64,10_RS3_X64,10_RS4_X64,10_RS5_X64,10_19H1_X64,10_VB_X64 "$portal"
ok "attested x86" same zerotier-zttap300-x86-attest2020 zttap300.cat \
	10_X86,10_AU_X86,10_RS2_X86,10_RS3_X86,10_RS4_X86,10_RS5_X86,10_19H1_X86,10_VB_X86 "$portal"

# Sources of drivers: what they copy is not there yet (22.9.1), templates have no date or catalog (22.9.6, 22.9.4).
# Nothing else is wrong with them but in those named.
checked() { # INF
	"$client" inf check "$1" >"$T/check.out" 2>"$T/check.err"
	status=$?
	[ "$status" -eq 0 ] || [ "$status" -eq 3 ] || return 1
	grep -q 'error: ' "$T/check.err" || return "$status"
	case ${1##*/} in
	virtio--netkvm--a839d4c0.inf) # to go through a preprocessor first
		grep -qF 'line 10: text before the first [section] (InfVerif 1005)' "$T/check.err" ;;
	libwine--wine.inf) ! grep 'error: ' "$T/check.err" | grep -vE ': 22\.9\.(1|4|6|10): ' ;;
	winusb-driver-generator*) ! grep 'error: ' "$T/check.err" | grep -vE ': 22\.9\.(1|4|6|10): |NT.* decorated' ;;
	*) ! grep 'error: ' "$T/check.err" | grep -vE ': 22\.9\.(1|4|6): ' ;;
	esac
}
for inf in "$C"/../inf/*; do
	ok "${inf##*/}" checked "$inf"
done
done_testing
