#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154
# kdsign-client verify --kernel and --installer, on what osslsigncode has signed.
. "${srcdir:-.}/tests/tap.sh"
# shellcheck source=/dev/null
. "$srcdir/tests/e2e/client_files.sh"
. "$srcdir/tests/e2e/tsa.sh"
need openssl osslsigncode

make_files
make_pki
drv=$T/drv64.sys
kernel() {
	"$client" verify --kernel --kernel-root "$T/kernel-root.pem" "$@"
}
# row WORD RELEASE - the last table has that row
row() {
	grep -qF "$(printf '    %-8s %s' "$1" "$2")" "$T/table"
}

# the loader's table
sign_file "$drv" "$T/signed.sys" -h sha256
ok "a cross-signed driver satisfies the policy" kernel "$T/signed.sys"
says out "kernel: satisfied: signature 0 is cross-signed, by 'Driver Leaf' through 'CA Root' to the root given"
cp "$T/out" "$T/table"
ok "Vista does not know its digest" row refused "Windows Vista, Server 2008"
ok "Windows 7 does after an update" row loads "Windows 7, Server 2008 R2 with KB3033929"
ok "it is too new for Secure Boot" row refused "Windows 10 1607 to 1803, installed with Secure Boot on"
ok "but not without" row loads "Windows 10 1607 to 1803, Secure Boot off"
ok "no more under the driver policy" row refused "Windows 11 24H2+, 2026 driver policy enforced"
ok "the reason of old Windows is said" grep -qF "does not know sha256" "$T/table"
ok "the reason of Secure Boot is said" grep -qF "not before 2015-07-29" "$T/table"
ok "the driver policy is explained" grep -q "note: .*April 2026" "$T/table"
sign_file "$drv" "$T/sha1.sys" -h sha1
kernel "$T/sha1.sys" >"$T/table"
ok "SHA-1 under certificates of SHA-256 is nothing for Vista" grep -qF "SHA-2, with which 'Driver Leaf'" "$T/table"

# without what makes it so
fails 1 "the kernel's own roots are not ours" "$client" verify --kernel "$T/signed.sys"
says err "which is no root of the kernel's"
says err "hint: sign with --ac"
osslsigncode sign -certs "$T/chain.pem" -key "$T/leaf.key" -in "$drv" -out "$T/nocross.sys" >"$T/log" 2>&1 || exit 99
fails 1 "the cross-certificate must be inside" kernel "$T/nocross.sys"
says err "ends at 'CA Root'"
fails 1 "--root does not make a kernel root" kernel --root "$T/ca-root.pem" "$T/nocross.sys"
fails 1 "an unsigned driver" kernel "$drv"
says err "no signature, embedded or in a catalog"
fails 1 "an unsigned driver of 32 bits" kernel "$T/drv32.sys"
cp "$T/out" "$T/table"
ok "still loads on 32-bit Windows" row loads "Windows 8, 8.1, Secure Boot off"
ok "but not with Secure Boot" row refused "Windows 8, 8.1, Secure Boot on"
for at in 1100 1600; do
	flip "$T/signed.sys" "$T/flipped.sys" $at
	fails 1 "byte $at changed" kernel "$T/flipped.sys"
	says err "kernel: signature 0: image digest: "
done
fails 2 "--kernel-root wants --kernel" "$client" verify --kernel-root "$T/kernel-root.pem" "$T/signed.sys"
fails 2 "--trusted-publisher wants --installer" "$client" verify --trusted-publisher "$T/leaf.pem" "$T/signed.sys"
fails 3 "no PE image" kernel "$T/leaf.pem"
ok "as JSON" "$client" --json verify --kernel --kernel-root "$T/kernel-root.pem" "$T/signed.sys"
says out '"kernel":{"ok":true,"why":"signature 0 is cross-signed'
says out '{"release":"Windows Vista, Server 2008","loads":false,"why":"this Windows does not know sha256'
ok "quiet" "$client" --quiet verify --kernel --kernel-root "$T/kernel-root.pem" "$T/signed.sys"
silent

# time: nine years later the leaf has expired
later=2035-01-01
fails 1 "expired without a timestamp" kernel --at $later "$T/signed.sys"
says err "'Driver Leaf' expired on "
says err "no timestamp says"
ok "authorities" start_tsa 300
for kind in -ts -t; do
	[ $kind = -ts ] && url=$TSA_URL || url=$TSA_LEGACY_URL
	sign_file "$drv" "$T/stamped.sys" -h sha256 $kind "$url"
	ok "expired with a timestamp ($kind)" kernel --tsa-root "$TSA_ROOT" --at $later "$T/stamped.sys"
	fails 1 "the same of an authority that nobody trusts" kernel --at $later "$T/stamped.sys"
	says err "the timestamp is not trusted: "
done

# the installer
printf '[Version]\r\nSignature="$WINDOWS NT$"\r\nCatalogFile=drv.cat\r\n' >"$T/drv.inf"
{
	printf '[CatalogHeader]\r\nName=drv.cat\r\nCatalogVersion=2\r\nHashAlgorithms=SHA256\r\n[CatalogFiles]\r\n'
	printf '<HASH>drv.inf=drv.inf\r\n<HASH>drv64.sys=drv64.sys\r\n'
	for file in drv.inf drv64.sys; do
		printf '<HASH>%sATTR1=0x10010001:File:%s\r\n' $file $file
	done
} >"$T/drv.cdf"
(cd "$T" && "$client" catalog drv.cdf) >"$T/log" 2>&1 || { sed 's/^/# /' "$T/log"; exit 99; }
sign_file "$T/drv.cat" "$T/signed.cat" -h sha256
package() {
	"$client" verify --installer --catalog "$T/signed.cat" "$@" "$T/drv.inf" "$drv"
}
ok "a package of a publisher that nobody knows" package --root "$T/ca-root.pem"
says out "installer: installs: signed by a publisher of unknown trust"
says out "    prompt   every Windows"
says_not out "no INF was named"
says out "whether to trust 'Driver Leaf'"
says_not out "$T/signed.cat"
ok "of a trusted publisher" package --root "$T/ca-root.pem" --trusted-publisher "$T/leaf.pem"
says out "    silent   every Windows"
fails 1 "of a root that the machine does not have" package
says err "installer: signed, its chain not trusted: "
fails 1 "the verification root is none of user mode's" package --kernel --kernel-root "$T/kernel-root.pem"
says err "drv.inf': installer: "
ok "a catalog by itself" "$client" verify --installer --root "$T/ca-root.pem" "$T/signed.cat"
fails 1 "an embedded signature does not count" "$client" verify --installer --root "$T/ca-root.pem" "$T/signed.sys"
says err "installer: unsigned: no catalog"
fails 1 "an unsigned catalog" "$client" verify --installer --root "$T/ca-root.pem" --catalog "$T/drv.cat" "$drv"
says err "the catalog lists it and has no signature"
ok "the driver signed afterwards is listed all the same" "$client" verify --installer --root "$T/ca-root.pem" \
	--catalog "$T/signed.cat" "$T/signed.sys"
fails 1 "a file that is not listed" "$client" verify --installer --root "$T/ca-root.pem" --catalog "$T/signed.cat" "$T/drv32.sys"
says err "installer: unsigned: none of the catalog's"
cp "$T/drv.inf" "$T/keep.inf"
tr -d '\r' <"$T/keep.inf" >"$T/drv.inf"
fails 1 "an INF with other line ends" package --root "$T/ca-root.pem"
says err "drv.inf': installer: altered: the INF itself must be listed: "
cp "$T/keep.inf" "$T/drv.inf"
size=$(stat -c %s "$T/signed.cat")
flip "$T/signed.cat" "$T/flipped.cat" $((size - 40))
fails 1 "a catalog whose signature is broken" "$client" verify --installer --root "$T/ca-root.pem" \
	--catalog "$T/flipped.cat" "$drv"

# a file that the loader never sees must be listed all the same
ok "an INF that the catalog lists" kernel --catalog "$T/signed.cat" "$T/drv.inf"
says out "kernel: not asked: this is no driver image"
fails 1 "an unsigned catalog lists nothing" kernel --catalog "$T/drv.cat" "$T/drv.inf"
says err "no signature, embedded or in a catalog"
fails 1 "a catalog of a root that is none of the kernel's" "$client" verify --kernel --catalog "$T/signed.cat" "$T/drv.inf"
tr -d '\r' <"$T/keep.inf" >"$T/drv.inf"
fails 1 "an INF that has changed since" kernel --catalog "$T/signed.cat" "$T/drv.inf"
says err "drv.inf': kernel: the catalog's signature: listed: the catalog lists 'drv.inf'"
fails 1 "as JSON" "$client" --json verify --kernel --kernel-root "$T/kernel-root.pem" --catalog "$T/signed.cat" "$T/drv.inf"
says out '"ok":false'
cp "$T/keep.inf" "$T/drv.inf"

# a driver that the loader takes for its own signature, and the catalog does not list
sign_file "$T/drv32.sys" "$T/alone.sys" -h sha256
ok "its own signature will do" kernel "$T/alone.sys"
fails 1 "but this catalog does not list it" kernel --catalog "$T/signed.cat" "$T/alone.sys"
says out "kernel: satisfied: "
says err "alone.sys': by '$T/signed.cat': "
fails 1 "as JSON, too" "$client" --json verify --kernel --kernel-root "$T/kernel-root.pem" --catalog "$T/signed.cat" "$T/alone.sys"
says out '"ok":false,"kernel":{"ok":true'
fails 1 "a catalog whose signature is broken covers nothing" kernel --catalog "$T/flipped.cat" "$T/signed.sys"
says err "listed, but the signature of '$T/flipped.cat' does not verify"
fails 1 "nor one without any" kernel --catalog "$T/drv.cat" "$T/signed.sys"
ok "one that lists it and is signed does" kernel --catalog "$T/signed.cat" "$T/signed.sys"

# both: the loader takes the catalog's signature for an unsigned driver
ok "kernel and installer" package --kernel --kernel-root "$T/kernel-root.pem" --root "$T/ca-root.pem"
says out "kernel: not asked: this is no driver image"
says out "kernel: satisfied: the catalog's signature is cross-signed"
says out "a boot-start driver needs an embedded signature, too"
ok "without the INF" "$client" verify --installer --root "$T/ca-root.pem" --catalog "$T/signed.cat" "$drv"
says out "note: no INF was named"
ok "JSON of both" "$client" --json verify --installer --kernel --kernel-root "$T/kernel-root.pem" --root "$T/ca-root.pem" \
	--catalog "$T/signed.cat" "$drv"
says out '"installer":{"ok":true,"releases":[{"release":"every Windows","outcome":"prompt"'

# real ones, without any root given
corpus=${KDSIGN_CORPUS:-$srcdir/../shared/corpus}/packages
if [ -d "$corpus" ]; then
	p=$corpus/zerotier-zttap300-x64-attest2020
	ok "Microsoft's attestation out of the box" "$client" verify --kernel --installer --catalog "$p/zttap300.cat" \
		"$p/zttap300.inf" "$p/zttap300.sys"
	says out "Microsoft's attestation"
	says out "    silent   Windows 10, 11, Server 2016 and later (10.0)"
	ok "a cross-signed driver out of the box" "$client" verify --kernel "$corpus/zerotier-zttap300-x64-crosssigned/zttap300.sys"
	says out "through 'DigiCert High Assurance EV Root CA'"
	says out "expired on 2021-04-15: no new signature"
	p=$corpus/zerotier-zttap-x86-unsigned-cat
	fails 1 "a signed driver with an unsigned catalog" "$client" verify --installer --catalog "$p/zttap100.cat" "$p/ztTap100.sys"
else
	skip "real packages" "no corpus at '$corpus': set KDSIGN_CORPUS"
fi
done_testing
