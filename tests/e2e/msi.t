#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154,SC2317
# MSI packages through the real service: what we sign osslsigncode accepts and msiinfo still reads, what osslsigncode
# signs we accept, everything but the signature stays as it was, and one changed bit is refused.
. "${srcdir:-.}/tests/tap.sh"
# shellcheck source=/dev/null
. "$srcdir/tests/e2e/client_files.sh"
need osslsigncode openssl jq wixl msiinfo
# shellcheck source=/dev/null
. "$srcdir/tests/e2e/client_service.sh"
# shellcheck source=/dev/null
. "$srcdir/tests/e2e/tsa.sh"
# shellcheck source=/dev/null
. "$srcdir/tests/e2e/tamper_lib.sh"

tool=$builddir/tests/unit/client/msi_tool
made=$srcdir/fuzz/corpus/cfb

judge() { # FILE: osslsigncode, and no word of a mismatch
	osslsigncode verify -CAfile "$T/kernel-root.pem" -TSA-CAfile "$TSA_ROOT" -in "$1" >"$T/judge" 2>&1
	judge_status=$?
	cat "$T/judge"
	[ "$judge_status" = 0 ] && ! grep -q MISMATCH "$T/judge"
}

verify() {
	"$client" verify --root "$T/kernel-root.pem" --tsa-root "$TSA_ROOT" "$@"
}

json() {
	verify --json "$@"
}

sign() {
	"$client" --identity "$T/two.identity" sign --key driver --ac "$T/cross.pem" "$@"
}

# package NAME BYTES - an MSI with a file of so many bytes in its cabinet
package() {
	head -c "$2" /dev/urandom >"$T/payload.bin"
	cat >"$T/$1.wxs" <<-END
		<Wix xmlns='http://schemas.microsoft.com/wix/2006/wi'><Product Name='Net' Id='*' Language='1033' Codepage='1252'
		  Version='1.0.0' Manufacturer='Test' UpgradeCode='ABCDDCBA-7349-453F-94F6-BCB5110BA4FD'>
		  <Package Id='*' InstallerVersion='100' Languages='1033' Compressed='yes' SummaryCodepage='1252'/>
		  <Media Id='1' Cabinet='Net.cab' EmbedCab='yes'/>
		  <Directory Id='TARGETDIR' Name='SourceDir'><Directory Id='ProgramFilesFolder'><Directory Id='D' Name='Net'>
		    <Component Id='C' Guid='ABCDDCBA-83F1-4F22-985B-FDB3C8ABD471'>
		      <File Id='F' Name='payload.bin' DiskId='1' Source='payload.bin' KeyPath='yes'/></Component>
		  </Directory></Directory></Directory>
		  <Feature Id='F' Level='1'><ComponentRef Id='C'/></Feature></Product></Wix>
	END
	(cd "$T" && wixl -o "$1.msi" "$1.wxs")
}

# What msiinfo sees of a package: every table, every stream.
contents() {
	for table in $(msiinfo tables "$1" | sort); do
		echo "table $table" && msiinfo export "$1" "$table" || return 1
	done
	msiinfo suminfo "$1" && msiinfo streams "$1" | grep -v DigitalSignature | sort >"$T/streams" || return 1
	while read -r stream; do
		echo "stream $stream" && msiinfo extract "$1" "$stream" | sha256sum || return 1
	done <"$T/streams"
}

same_contents() { # FILE FILE
	contents "$1" >"$T/contents.1" && contents "$2" >"$T/contents.2" && cmp "$T/contents.1" "$T/contents.2"
}

# Names, class ids, state bits, times, lengths and bytes of everything, in the same entries of the directory.
same_facts() {
	"$tool" facts "$1" >"$T/facts.1" && "$tool" facts "$2" >"$T/facts.2" && cmp "$T/facts.1" "$T/facts.2"
}

same_digest() {
	[ "$("$tool" digest "$1" sha256)" = "$("$tool" digest "$2" sha256)" ]
}

make_pki
make_service
sed -i 's/kinds = pe catalog/& msi/' "$T/etc/keeper.conf"
start_service
ok "authorities" start_tsa
ok "a small package" package small 100
ok "one whose FAT needs more than the header's 109 places" package large 9000000
# two storages, one in the other, streams of every kind of length; made by libgsf's writer
cp "$made/nested" "$T/nested.msi"
cp "$made/nested-4096-byte-sectors" "$T/nested4096.msi"
chmod u+w "$T"/*.msi

# there and back again
for name in small large nested nested4096; do
	f=$T/$name.msi
	cp "$f" "$T/bare.msi"
	ok "$name: signed" sign --description "Net" --timestamp "$TSA_URL" "$f"
	says out "$f: signed with driver (sha256), timestamped"
	ok "$name: osslsigncode takes it" judge "$f"
	ok "$name: with MsiDigitalSignatureEx" grep -q 'Calculated MsiDigitalSignatureEx' "$T/judge"
	ok "$name: our verify takes it" verify "$f"
	says out "ok      MsiDigitalSignatureEx"
	ok "$name: nothing else has changed" same_facts "$T/bare.msi" "$f"
	case $name in
	nested*) ;; # no tables in these
	*) ok "$name: msiinfo reads the same tables and streams" same_contents "$T/bare.msi" "$f" ;;
	esac
	cp "$f" "$T/once.msi"
	ok "$name: signing again replaces" sign "$f"
	says out "old signature replaced"
	ok "$name: osslsigncode takes that" judge "$f"
	ok "$name: a second one beside it" sign --append --timestamp "$TSA_URL" "$f"
	ok "$name: osslsigncode takes both" judge "$f"
	ok "$name: our verify takes both" verify "$f"
	ok "$name: timestamp of the first" "$client" timestamp --timestamp "$TSA_URL" "$f"
	ok "$name: osslsigncode still takes it" judge "$f"
	ok "$name: our verify, too" verify "$f"
	ok "$name: extract" "$client" extract --output "$T/sig.p7" "$f"
	ok "$name: remove" "$client" remove "$f"
	fails 1 "$name: nothing left to verify" verify "$f"
	ok "$name: the file is what it was" same_facts "$T/bare.msi" "$f"
	ok "$name: its digest, too" same_digest "$T/bare.msi" "$f"
	ok "$name: attach" "$client" attach --signature "$T/sig.p7" "$f"
	ok "$name: osslsigncode takes what is attached" judge "$f"
	ok "$name: our verify takes it" verify "$f"
	# sectors that became free are used again
	before=$(stat -c %s "$f")
	"$client" remove "$f" >"$T/log" 2>&1
	sign --timestamp "$TSA_URL" "$f" >"$T/log" 2>&1
	ok "$name: it does not grow" [ "$(stat -c %s "$f")" -le "$before" ]
	asked=$(grep -c 'POST /v1/signatures' "$T/service.err")
	fails 2 "$name: no SHA-1 beside SHA-256 over one MsiDigitalSignatureEx" sign --append --digest sha1 "$f"
	says err "a sha1 signature beside a sha256 one"
	ok "$name: nobody was asked to sign" test "$(grep -c 'POST /v1/signatures' "$T/service.err")" = "$asked"
	ok "$name: which leaves it as it was" verify "$f"
done

# what osslsigncode signs
cat "$T/leaf.pem" "$T/middle.pem" "$T/cross.pem" >"$T/leaf-chain.pem"
"$client" remove "$T/small.msi" >"$T/log"
for how in "" -add-msi-dse; do
	for alg in sha1 sha256 sha384; do
		rm -f "$T/theirs.msi"
		# shellcheck disable=SC2086 # one option or none
		ok "osslsigncode signs by $alg $how" osslsigncode sign $how -h $alg -certs "$T/leaf-chain.pem" -key "$T/leaf.key" \
			-in "$T/small.msi" -out "$T/theirs.msi"
		ok "our verify takes it" verify "$T/theirs.msi"
		if [ -n "$how" ]; then
			says out "ok      MsiDigitalSignatureEx"
		else
			says out "warning MsiDigitalSignatureEx: not there"
		fi
		ok "a timestamp can be added" "$client" timestamp --timestamp "$TSA_URL" "$T/theirs.msi"
		ok "osslsigncode takes it so" judge "$T/theirs.msi"
		ok "our verify does" verify "$T/theirs.msi"
		"$client" remove "$T/theirs.msi" >"$T/log"
		ok "removed, and the digest is that of before" same_digest "$T/small.msi" "$T/theirs.msi"
	done
done

# one bit of everything that the signature covers
sign "$T/nested.msi" >"$T/log" 2>&1
"$tool" places "$T/nested.msi" | make_twins "$T/nested.msi"
words='file digest: |MsiDigitalSignatureEx: |stream |FAT: |directory entr|compound file'
for class in name class-id state time size stream ex; do
	refused "a signed package" $class "$words" json
done

# twins of more than a bit
cp "$T/nested.msi" "$T/t.msi"
printf 'more' >>"$T/t.msi"
fails 3 "bytes behind the last sector are never signed over" sign "$T/t.msi"
says err "4 bytes follow the last sector that the FAT knows of, expected none"
sign "$T/small.msi" >"$T/log" 2>&1
cp "$T/small.msi" "$T/t.msi"
if command -v msibuild >/dev/null && msibuild "$T/t.msi" -a Added "$T/leaf.pem" >"$T/log" 2>&1; then
	fails 1 "a stream added by msibuild" verify "$T/t.msi"
	says err "'$T/t.msi': "
else
	skip "a stream added by msibuild" "it cannot"
fi

# A sanitized program needs far more of both.
bounded() {
	grep -q '^#define KD_SANITIZE' "$builddir/config.h" || set -- "$builddir/tests/e2e/bounds" 64 2 "$@"
	"$@"
}

# files that are none, or broken
for f in "$made"/*; do
	name=${f##*/}
	case $name in nested* | bytes-behind-it) continue ;; esac
	cp "$f" "$T/t.msi"
	chmod u+w "$T/t.msi"
	fails 3 "$name" sign "$T/t.msi"
	says err "'$T/t.msi': "
	ok "$name: left as it was" cmp "$f" "$T/t.msi"
	bounded "$client" verify --root "$T/kernel-root.pem" "$T/t.msi" >"$T/out" 2>"$T/err"
	ok "$name: verify stays in bounds" [ $? = 3 ]
done
# right, but as laborious as a file of 16384 entries can be made
ok "a crowd" "$tool" crowd "$T/crowd.msi"
ok "is signed" sign "$T/crowd.msi"
ok "verify stays in bounds" bounded "$client" verify --root "$T/kernel-root.pem" "$T/crowd.msi"
cp "$made/fat-cycle" "$T/t.msi"
fails 3 "a broken FAT chain" sign "$T/t.msi"
says err "stream 'abc': FAT: its chain goes on in sector 0x1 after 4 of them, which is in use already"
says err "hint: the file is damaged or was cut short: build it again, or copy it again and compare sizes"
cp "$made/nested" "$T/t.doc"
chmod u+w "$T/t.doc"
at=$((($(u32 "$T/t.doc" 48) + 1) * 512 + 80))
printf '\006\011\002\000' | dd of="$T/t.doc" bs=1 seek=$at conv=notrunc 2>/dev/null
fails 3 "a document" sign "$T/t.doc"
says err "class id {00020906-...}, expected {000c1084-...}"

ok "the keeper links no GLib" sh -c "! ldd '$builddir/kdsign-keeper' | grep -E 'libglib|libgsf|libgobject'"
done_testing
