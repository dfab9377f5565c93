#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2154
# INFs made to cost their reader something: testing one takes at most 64 MiB and two seconds of CPU time, ends by itself,
# and says in a sentence what is wrong.
. "${srcdir:-.}/tests/tap.sh"
! grep -q '^#define KD_SANITIZE' "$builddir/config.h" || skip_all "a sanitized program needs far more memory"
client=$builddir/kdsign-client
: >"$T/no.conf"
export KDSIGN_CONFIG="$T/no.conf" HOME="$T"

version() {
	printf '[Version]\nSignature="$Windows NT$"\nCatalogFile=a.cat\nDriverVer=01/01/2020,1.0.0.0\n'
}

# hostile KIND - an INF of that kind
hostile() {
	case $1 in
	lines) yes a=b | head -c 8388000 | sed '1s/^/[a]\n/' ;;
	fields) echo '[a]' && yes , | tr -d '\n' | head -c 8000000 ;;
	field) echo '[a]' && yes a | tr -d '\n' | head -c 8000000 ;;
	backslashes) echo '[a]' && yes "\\" | tr -d '\n' | head -c 8000000 ;;
	continued) echo '[a]' && yes "\\" | head -c 8000000 ;;
	percents) echo '[a]' && yes '%' | tr -d '\n' | head -c 8000000 ;;
	quotes) echo '[a]' && yes '"' | head -c 8000000 ;;
	brackets) yes '[' | tr -d '\n' | head -c 8000000 ;;
	blanks) yes ' ' | tr -d '\n' | head -c 8000000 ;;
	ansi) echo '[a]' && yes 'x' | tr 'x\n' '\377\377' | head -c 8000000 ;;
	utf16) printf '\377\376' && yes x | tr 'x\n' '\377\177' | head -c 8000000 ;;
	sections) awk 'BEGIN { for (i = 0; i < 50001; i++) printf "[%d]\n", i }' ;;
	headers) awk 'BEGIN { for (i = 0; i < 49000; i++) print "[a]\nb=c" }' ;;
	one_key) version && awk 'BEGIN { print "[a]"; for (i = 0; i < 190000; i++) print "CopyFiles=l,m" }' ;;
	one_list) version && awk 'BEGIN { for (i = 0; i < 20000; i++) print "[s" i "]\nCopyFiles=l"
		print "[l]"; for (i = 0; i < 90000; i++) print "x.sys" }' ;;
	needs) version && awk 'BEGIN { print "[a]"; for (i = 0; i < 100000; i++) print "Needs=b,c"
		print "[b]\nNeeds=c\n[c]\nNeeds=d" }' ;;
	deep) version && awk 'BEGIN { for (i = 0; i < 49000; i++) print "[" i "]\nNeeds=" i + 1
		print "[49000]\nNeeds=0" }' ;;
	includes) version && awk 'BEGIN { print "[a]"; for (i = 0; i < 90000; i++) print "Include=x.inf\nNeeds=b" }' ;;
	files) version && awk 'BEGIN { print "[a]\nCopyFiles=l\n[SourceDisksNames]\n1=a\n[SourceDisksFiles]"
		for (i = 0; i < 9900; i++) print i ".sys=1,x\\y"
		print "[l]"; for (i = 0; i < 9900; i++) print i ".sys" }' ;;
	too_many_files) version && awk 'BEGIN { print "[a]\nCopyFiles=l\n[SourceDisksNames]\n1=a\n[SourceDisksFiles]"
		for (i = 0; i < 60000; i++) print i ".sys=1"
		print "[l]"; for (i = 0; i < 60000; i++) print i ".sys" }' ;;
	long_paths) version && awk 'BEGIN { s = "x"; for (i = 0; i < 11; i++) s = s s
		print "[a]\nCopyFiles=l\n[SourceDisksNames]\n1=a,,," s "\n[SourceDisksFiles]"
		for (i = 0; i < 9000; i++) print i ".sys=1," substr(s, 1, 500)
		print "[l]"; for (i = 0; i < 9000; i++) print i ".sys" }' ;;
	one_source) version && awk 'BEGIN { print "[SourceDisksFiles]"; for (i = 0; i < 190000; i++) print "a.sys=" i }' ;;
	strings) version && awk 'BEGIN { s = "x"; for (i = 0; i < 11; i++) s = s s
		print "[Manufacturer]\na=m\n[m]"; for (i = 0; i < 20000; i++) print "a=b,%s%" i "%s%"
		print "[Strings]\ns=" s; for (i = 0; i < 100000; i++) print i "=b" }' ;;
	languages) version && awk 'BEGIN { print "[Manufacturer]\na=m\n[m]"; for (i = 0; i < 19000; i++) print "a=b,%" i "%"
		for (i = 0; i < 40000; i++) print "[Strings." i "]\n" i "=b" i }' ;;
	ids) version && awk 'BEGIN { print "[Manufacturer]\na=m\n[m]"; for (i = 0; i < 90000; i++) print "a=b,usb\\" i }' ;;
	makers) version && awk 'BEGIN { print "[Manufacturer]"; for (i = 0; i < 90000; i++) print "a=m,NTx86,NTamd64"
		print "[m]"; for (i = 0; i < 19000; i++) print "a=b,c" }' ;;
	dates) version && awk 'BEGIN { print "[a]"; for (i = 0; i < 190000; i++) print "DriverVer=1/1" }' ;;
	esac
}

within() { # COMMAND...
	"$builddir/tests/e2e/bounds" 64 2 "$@" >"$T/within.out" 2>"$T/within.err"
	status=$?
	case $status in
	0) ;;
	3) grep -q '^kdsign-client: error: .......' "$T/within.err" ;;
	*) echo "exit $status" && head -c 2000 "$T/within.err" && return 1 ;;
	esac
}

mkdir "$T/pkg"
for kind in lines fields field backslashes continued percents quotes brackets blanks ansi utf16 sections headers one_key one_list \
	needs deep includes files too_many_files long_paths one_source strings languages ids makers dates; do
	hostile $kind >"$T/pkg/hostile.inf"
	ok "$kind: check" within "$client" inf check "$T/pkg/hostile.inf"
	ok "$kind: inf2cat" within "$client" inf2cat --os 10_X64,7_X86 "$T/pkg"
done
fails 3 "larger than any INF" sh -c 'head -c 8388609 /dev/zero >"$1" && "$2" inf check "$1"' - "$T/big.inf" "$client"
says err 'larger than'

# Every name that a section needs, looked for in all INFs that it includes, of a folder full of them.
rm "$T"/pkg/*
for i in $(seq 255); do
	version >"$T/pkg/other$i.inf"
done
{
	version && printf '[a]\nInclude=gone1.inf'
	seq -f ',gone%g.inf' 2 16 | tr -d '\n'
	seq -f ',other%g.inf' 16 | tr -d '\n'
	awk 'BEGIN { print ""; for (i = 0; i < 100000; i++) print "Needs=b,c,d,e" }'
} >"$T/pkg/hostile.inf"
ok "includes of a full folder" within "$client" inf2cat --os 10_X64,7_X86 "$T/pkg"
done_testing
