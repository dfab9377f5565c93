#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2154
# kdsign-client inf check and inf2cat, and Microsoft's spelling of it: packages become catalogs that other programs read;
# what is wrong with one is said with number, file and line, and then nothing is written.
. "${srcdir:-.}/tests/tap.sh"
# shellcheck source=/dev/null
. "$srcdir/tests/e2e/client_files.sh"
need openssl osslsigncode jq

tool=$builddir/tests/unit/authenticode/cat_tool
make_files
make_pki
ln -s "$(cd "$builddir" && pwd)/kdsign-client" "$T/inf2cat.exe"
P=$T/pkg

# Lines that one test changes: $version for [Version], $copied for the list, $disks for the place of the files.
write_inf() { # NAME
	{
		printf '[Version]\r\n%s' "$version"
		printf '[Manufacturer]\r\n%%Maker%%=Models,%s\r\n' "${models:-NTx86,NTamd64}"
		printf '[Models.NTx86]\r\n%%Device%%=Install,USB\\VID_1234&PID_0001\r\n'
		printf '[Models.NTamd64]\r\n%%Device%%=Install,USB\\VID_1234&PID_0001,USB\\VID_1234\r\n'
		printf '[Install]\r\nCopyFiles=@hello.sys,Copied\r\n%s' "${install-}"
		printf '[Copied]\r\n%s' "${copied-helper.dll, Helper64.dll ; renamed$eol}"
		printf '[SourceDisksNames]\r\n1="Disk ; one",,,\r\n[SourceDisksFiles.x86]\r\nhello.sys=1,x86\r\n'
		printf '[SourceDisksFiles.amd64]\r\n%s' "${disks-hello.sys=1,X64${eol}helper64.dll=1,x64$eol}"
		printf '[strings]\r\nMaker="Test"\r\nDevice="Test %%Maker%%"\r\nNAME=hello\r\n'
	} >"$P/$1"
}

eol=$(printf '\r\nx')
eol=${eol%x}
usual="Signature=\"\$WINDOWS NT\$\"${eol}CatalogFile=%name%.CAT${eol}DriverVer=01/02/2020,1.2.3.4$eol"

fresh() {
	rm -rf "$P"
	mkdir -p "$P/x64" "$P/x86"
	cp "$T/drv64.sys" "$P/x64/Hello.sys"
	cp "$T/drv64.sys" "$P/x64/helper64.dll"
	printf more >>"$P/x64/helper64.dll"
	printf 'no PE image' >"$P/x86/hello.sys"
	version=$usual
	unset models install copied disks
	write_inf Hello.INF
}

utf16() {
	printf %s "$1" | od -An -v -tx1 | tr -d ' \n' | sed 's/../&00/g'
}

# value NAME TEXT - the catalog just dumped has this attribute
value() {
	grep -qF "  $1 0x10010001 $(utf16 "$2")0000" "$T/dump"
}

members() {
	grep -c '^member' "$T/dump"
}

nothing_written() {
	! find "$P" \( -name '*.cat' -o -name '.*kdsign-*' \) | grep .
}

# wrong STATUS TITLE TEXT - with the package as it is: refused in both spellings, nothing written
wrong() {
	fails 3 "$1" "$client" inf2cat --os "${os:-7_X64,10_X86}" "$P"
	says err "$2"
	ok "$1: nothing is written" nothing_written
	fails 1 "$1, in Inf2Cat's words" "$T/inf2cat.exe" "/driver:$P" "/os:${os:-7_X64,10_X86}"
	says out 'Signability test failed.'
}

fresh
ok "made" "$client" inf2cat --os 10_X64,7_X86 "$P"
says out "$P/hello.cat: lists 4 files and 2 hardware ids, version 1, not signed yet"
ok "its parts" "$tool" "$P/hello.cat"
cp "$T/out" "$T/dump"
ok "OS in its order" value OS 7X86,_v100_X64
ok "HWID1" value HWID1 'usb\vid_1234&pid_0001'
ok "HWID2" value HWID2 'usb\vid_1234'
ok "OSAttr" value OSAttr 2:6.1,2:10.0
ok "the INF" value File hello.inf
ok "a file by its name where it is copied to" value File helper.dll
ok "four members" test "$(members)" = 4
sign_and_check() {
	osslsigncode sign -h sha256 -certs "$T/chain.pem" -key "$T/leaf.key" -in "$P/hello.cat" -out "$T/signed.cat" &&
		for file in x64/Hello.sys x64/helper64.dll; do
			osslsigncode verify -CAfile "$T/ca-root.pem" -catalog "$T/signed.cat" -in "$P/$file" || return
		done
}
fresh
ok "version 2 for Windows 10 alone" "$client" --json inf2cat --os 10_VB_X64,10_X86 --page-hashes "$P"
says out '"version":2'
says out '"hardware_ids":2'
ok "another program signs it and finds the files" sign_and_check
ok "the installer finds the INF" "$client" verify --root "$T/ca-root.pem" --catalog "$T/signed.cat" "$P/Hello.INF"
ok "its parts" "$tool" "$P/hello.cat"
says out 'link=pages-sha256'
ok "version as asked" "$client" inf2cat --os 10_X64 --catalog-version 1 -v "$P"
says out 'version 1, not signed yet'
says out "$P/x64/Hello.sys"
fresh
ok "only tested" "$client" inf2cat --no-catalog --os 10_X64 "$P"
says out "$P: good, 2 hardware ids"
ok "nothing is written" nothing_written
ok "inf check" "$client" inf check --os 10_X64 "$P/Hello.INF"

: >"$P/HELLO.Cat"
ok "a catalog that is there in another case is replaced" "$client" --json inf2cat --os 10_X64 "$P"
says out "\"output\":\"$P/HELLO.Cat\""
ok "and there is one" test ! -e "$P/hello.cat"
rm -r "$P/x86"
fails 3 "as JSON" "$client" --json inf2cat --os 10_X64 "$P"
cp "$T/out" "$T/json"
ok "with what was found" jq -e '.ok == false and (.findings | length == 1) and .findings[0].number == "22.9.1" and
	.findings[0].line == 12 and .findings[0].severity == "error" and .catalogs == null' "$T/json"

# UTF-16, both ways round; one that is cut is read to its end
for code in UTF-16LE UTF-16BE; do
	fresh
	{
		if [ $code = UTF-16LE ]; then printf '\377\376'; else printf '\376\377'; fi
		iconv -f UTF-8 -t $code "$P/Hello.INF"
	} >"$T/wide" && mv "$T/wide" "$P/Hello.INF"
	ok "$code" "$client" inf2cat --os 7_X64 "$P"
	says out "$P/hello.cat: lists 4 files and 2 hardware ids"
done
says err 'InfVerif 1003: \Hello.INF is encoded in big-endian UTF-16'

# a catalog for each architecture
fresh
version="${usual}CatalogFile.ntx86=hello86.cat${eol}CatalogFile.NTAMD64=hello64.cat$eol"
write_inf Hello.INF
ok "two catalogs" "$client" inf2cat --os 7_X64,7_X86,10_X64 "$P"
ok "that for x86" "$tool" "$P/hello86.cat"
cp "$T/out" "$T/dump"
ok "has the Windows of x86" value OS 7X86
ok "and all ids" value HWID2 'usb\vid_1234'
ok "that for x64" "$tool" "$P/hello64.cat"
cp "$T/out" "$T/dump"
ok "has the Windows of x64" value OS 7X64,_v100_X64
ok "no third one" test ! -e "$P/hello.cat"

# Microsoft's words
fresh
(cd "$T" && mkdir -p Up && cp -r "$P" Up/Pkg)
cd_tool() {
	(cd "$T" && ./inf2cat.exe "$@")
}
ok "inf2cat.exe" cd_tool "/DRIVER:.\\up\\pkg\\" /os:7_x64,10_X86 /Verbose -uselocaltime /pe
says out 'Signability test complete.'
says out 'None'
says out 'Catalog generation complete.'
says out 'Up/Pkg/hello.cat'
ok "as a command" "$client" inf2cat "/drv:$P" /os:10_X64 /nocat
says_not out 'Catalog generation'
ok "nothing is written" nothing_written
ok "help" cd_tool '/?'
says out 'Server2016_X64'
fails 1 "an unknown Windows" cd_tool "/driver:$P" /os:10_X65
says err 'Parameter format not correct.'
says err "'10_X65': unknown version of Windows"
fails 1 "a blank in the list" cd_tool "/driver:$P" /os:10_X64, 7_X64
says err 'Parameter format not correct.'
fails 1 "no folder" cd_tool /os:10_X64
fails 1 "a folder that is not there" cd_tool /driver:none /os:10_X64
fails 2 "our own without --os" "$client" inf2cat "$P"
fails 2 "an unknown Windows" "$client" inf2cat --os 10_X46 "$P"
says err "did you mean '10_X86'?"
fails 2 "inf without check" "$client" inf test "$P/Hello.INF"
fails 3 "a folder without an INF" "$client" inf2cat --os 10_X64 "$P/x64"
says err 'no INF in this folder'

# what is wrong
fresh
printf '[Strings]\r\na=b\r\n' >"$P/Hello.INF"
wrong "no [Version]" "'$P/Hello.INF': InfVerif 1001: no section [Version]"
fresh
version="Signature=\"\$Windows NT\$\"${eol}DriverVer=01/02/2020,1.2.3.4$eol"
write_inf Hello.INF
wrong "no CatalogFile" '22.9.4: Missing AMD64 CatalogFile entry from [Version] section of \Hello.INF'
fails 3 "no CatalogFile, whatever the Windows" "$client" inf check "$P/Hello.INF"
says err "'$P/Hello.INF' line 1: 22.9.4: Missing CatalogFile entry from [Version] section of \\Hello.INF"
for bad in '' 13/01/2020,1.0.0.0 02/30/2020,1.0.0.0 2020/01/02,1.0.0.0 01.02.2020,1.0.0.0 01/02/2020,1.2.3.65535 \
	01/02/2020,0.0.0.0 01/02/2020,1.2.3.4.5; do
	fresh
	version="${usual%DriverVer*}DriverVer = $bad$eol"
	write_inf Hello.INF
	wrong "DriverVer '$bad'" "'$P/Hello.INF' line 4: 22.9.6: DriverVer missing or in incorrect format in \\Hello.INF"
done
fresh
version=${usual%DriverVer*}
write_inf Hello.INF
wrong "no DriverVer" "'$P/Hello.INF' line 1: 22.9.6: DriverVer missing or in incorrect format in \\Hello.INF"
fresh
version="${usual%DriverVer*}DriverVer=12/31/2999,1.0.0.0$eol"
write_inf Hello.INF
wrong "a date in the future" 'line 4: 22.9.7: DriverVer set to incorrect date (postdated DriverVer not allowed) in \Hello.INF'
fresh
version="${usual%DriverVer*}DriverVer=04/20/2009,1.0.0.0$eol"
write_inf Hello.INF
wrong "a date before Windows 7" \
	'line 4: 22.9.7: DriverVer set to incorrect date (must be postdated to 4/21/2009 for newest OS) in \Hello.INF'
ok "good for Vista" "$client" inf2cat --os Vista_X64 "$P"
fresh
rm "$P/x64/helper64.dll"
wrong "a file that is not there" \
	"line 14: 22.9.1: \\Helper64.dll in \\Hello.INF is missing or cannot be decompressed from source media: '$P/x64/Helper64.dll'"
: >"$P/x64/helper64.dl_"
fails 3 "compressed" "$client" inf2cat --os 7_X64 "$P"
says err 'there is a compressed one: unpack it first'
fresh
disks="hello.sys=1,X64$eol"
write_inf Hello.INF
wrong "no source" 'line 14: 22.9.10: \Helper64.dll in \Hello.INF is missing from [SourceDisksFiles] section'
fresh
disks="hello.sys=1,X64${eol}helper64.dll=7,x64$eol"
write_inf Hello.INF
wrong "no such disk" 'line 14: InfVerif 1008: \Helper64.dll: its disk in [SourceDisksFiles] is not in [SourceDisksNames]'
fresh
disks="hello.sys=1,X64${eol}helper64.dll=1,x64\\..\\..$eol"
write_inf Hello.INF
wrong "out of the folder" 'is not in the folder of \Hello.INF'
fresh
copied="helper.dll, Helper64.dll${eol}helper.dll, Other.dll$eol"
disks="hello.sys=1,X64${eol}helper64.dll=1,x64${eol}other.dll=1,x64$eol"
cp "$P/x64/Hello.sys" "$P/x64/other.dll"
write_inf Hello.INF
wrong "one name, two contents" "line 15: InfVerif 1330: 'helper.dll' is copied from '$P/x64/Other.dll' here"
fresh
disks="hello.sys=1,X64${eol}helper64.dll=1,x64${eol}HELLO.sys=1,x86$eol"
write_inf Hello.INF
wrong "one file, two places" "line 22: InfVerif 1330: 'HELLO.sys' has one place in [SourceDisksFiles.amd64] here, and another at line 20"
fresh
cp "$T/drv64.sys" "$P/x86/hello.sys"
wrong "a driver for another machine" \
	"'$P/Hello.INF' line 12: \\x86/hello.sys is built for x64, and [Install] copies it to Windows for x86"
says_not err 'helper64.dll is built'
cp "$T/drv32.sys" "$P/x86/hello.sys"
disks="hello.sys=1,x86${eol}helper64.dll=1,x64$eol"
write_inf Hello.INF
ok "a driver that fits one of its machines" "$client" inf2cat --os 7_X64,10_X86 "$P"
says err "warning: '$P/Hello.INF' line 12: \\x86/hello.sys is built for x86, and [Install] copies it to Windows for amd64"
fresh
models=NTx86
write_inf Hello.INF
wrong "no models for x64" '\Hello.INF does not have NTAMD64 decorated model sections'
fresh
install="Include=other.inf${eol}Needs=Other$eol"
write_inf Hello.INF
printf '[Version]\r\n%s[Other]\r\nInclude=hello.inf\r\nNeeds=Install\r\n' "$usual" >"$P/other.inf"
wrong "a cycle in includes" '[Other] needs [Install] of \Hello.INF, which by its own Needs comes back to it: a cycle'
fails 3 "also for one of them" "$client" inf check "$P/Hello.INF"
says err "a cycle"
printf '[Version]\r\n%s[Other]\r\nCopyFiles=@more.dll\r\n[SourceDisksNames]\r\n1=x\r\n[SourceDisksFiles]\r\nmore.dll=1\r\n' \
	"Signature=\"\$Windows NT\$\"${eol}CatalogFile=other.cat${eol}DriverVer=01/02/2020,1.2.3.4$eol" >"$P/other.inf"
: >"$P/more.dll"
ok "what another INF's section copies" "$client" inf2cat --os 7_X64 "$P"
says out "$P/hello.cat: lists 5 files"
fresh
printf '[Version]\r\n%s' "$usual" >"$P/other.inf"
wrong "a string that is not there" "22.9.4: CatalogFile '%name%.CAT' in [Version] section of \\other.inf"
fresh
printf '[Version\r\nSignature="$Windows NT$"\r\n' >"$P/Hello.INF"
wrong_form() {
	fails 3 "$1" "$client" inf2cat --os 7_X64 "$P"
	says err "$2"
	ok "$1: nothing is written" nothing_written
}
wrong_form "a section without ']'" "'$P/Hello.INF' line 1: a section's name without ']'"
printf 'Signature="$Windows NT$"\r\n' >"$P/Hello.INF"
wrong_form "no section" "'$P/Hello.INF' line 1: text before the first [section] (InfVerif 1005)"
printf '[Version]\r\nS\000ignature\r\n' >"$P/Hello.INF"
wrong_form "a NUL" "'$P/Hello.INF': line 2: a NUL character"
fresh
for i in 1 2 3 4 5 6; do
	{ printf '[Version]\r\n' && head -c 7000000 /dev/zero | tr '\0' ';'; } >"$P/large$i.inf"
done
wrong_form "one folder's INFs grown large" "'$P': its INFs take more than 41943040 bytes of memory"
rm "$P"/large*.inf
fresh
# links
fresh
mv "$P/x64/Hello.sys" "$T/elsewhere.sys" && ln -s "$T/elsewhere.sys" "$P/x64/Hello.sys"
wrong "a file that is a link out of the folder" "'$P/x64/Hello.sys' is a link out of the folder, to '$T/elsewhere.sys'"
fails 3 "inf check says so, too" "$client" inf check "$P/Hello.INF"
says err "is a link out of the folder"
fresh
mv "$P/x64" "$P/amd64" && ln -s amd64 "$P/x64"
ok "one inside of it is what it leads to" "$client" inf2cat --os 10_X64,7_X86 "$P"
fresh

# CFHEADER with flag 4: room reserved for a signature
{
	printf 'MSCF\000\000\000\000\060\000\000\000\000\000\000\000\054\000\000\000\000\000\000\000\003\001'
	printf '\000\000\000\000\004\000\000\000\000\000\000\000\000\000\000\000\000\000'
} >"$P/x64/helper64.dll"
wrong_form "a file that no catalog can list" "'$P/Hello.INF' line 14: '$P/x64/helper64.dll':"
fails 1 "the same in Inf2Cat's words" "$T/inf2cat.exe" "/driver:$P" /os:7_X64
says out 'Signability test complete.'
says err 'Catalog generation failed.'
ok "nothing is written" nothing_written
done_testing
