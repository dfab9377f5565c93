# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# scripts/bench_files.sh - sourced by bench: whole programs over files, ours and others doing the same.

make_files() {
	local i
	mkdir "$D/small"
	for ((i = 1; i <= files_n; i++)); do
		"$build/bench/kdbench" pe "$D/small/driver$i.sys" 6k "$i" || die "no PE file"
	done
	! wants files || "$build/bench/kdbench" pe "$D/big.sys" "$big" 1 || die "no PE file"
}

# Drivers of a usual size, and what a large package lists: half of them images, half of them not.
make_many() {
	local i
	mkdir "$D/drivers" "$D/listed"
	for ((i = 1; i <= drivers_n; i++)); do
		"$build/bench/kdbench" pe "$D/drivers/driver$i.sys" 64k "$i" || die "no PE file"
	done
	printf '%s\n' '[CatalogHeader]' 'Name=many.cat' 'CatalogVersion=2' 'HashAlgorithms=SHA256' '[CatalogFiles]' >"$D/many.cdf"
	for ((i = 1; i <= listed_n; i++)); do
		"$build/bench/kdbench" pe "$D/listed/file$i.sys" 32k "$((i + drivers_n))" || die "no PE file"
		[ $((i % 2)) = 0 ] || printf 'no' | dd of="$D/listed/file$i.sys" conv=notrunc status=none
		printf '<HASH>file%d=%s\n' "$i" "$D/listed/file$i.sys" >>"$D/many.cdf"
	done
}

# Driver packages of ten files: an INF, six images, three others; packages differ in all but the INF.
make_packages() {
	local i k dir
	for ((i = 1; i <= packages_n; i++)); do
		dir=$D/packages/p$i
		mkdir -p "$dir"
		for ((k = 1; k <= 6; k++)); do
			"$build/bench/kdbench" pe "$dir/driver$k.sys" 64k "$((10 * i + k))" || die "no PE file"
		done
		for ((k = 1; k <= 3; k++)); do
			head -c 8192 /dev/urandom >"$dir/data$k.bin"
		done
		{
			printf '[Version]\nSignature="$Windows NT$"\nCatalogFile=many.cat\nDriverVer=01/02/2026,1.0.0.0\n'
			printf '[Manufacturer]\nx=M,NTamd64\n[M.NTamd64]\nx=I,root\\bench\n[I.NT]\nCopyFiles=F\n[F]\n'
			(cd "$dir" && ls -- *.sys *.bin)
			printf '[SourceDisksNames]\n1=x\n[SourceDisksFiles]\n'
			(cd "$dir" && ls -- *.sys *.bin) | sed 's/$/=1/'
		} >"$dir/many.inf"
	done
}

# What a shell script does without us: every image, the catalog (which osslsigncode cannot make), each looked at again.
package_with_osslsigncode() {
	local dir file
	for dir in "$1"/*; do
		sign_with_osslsigncode "$dir" || return 1
		for file in "$dir"/*.sys; do
			mv "$file.signed" "$file" || return 1
		done
		client inf2cat --os 10_X64 "$dir" && mv "$dir/many.cat" "$dir/list.sys" || return 1
		osslsigncode sign -pkcs11module "$softhsm" -certs "$D/soft-rsa.pem" \
			-key "pkcs11:token=soft;object=rsa;type=private" -readpass "$D/pin" -h sha256 \
			-in "$dir/list.sys" -out "$dir/many.cat" && rm "$dir/list.sys" || return 1
		for file in "$dir"/*.sys; do
			osslsigncode verify -CAfile "$D/code.pem" -in "$file" &&
				osslsigncode verify -CAfile "$D/code.pem" -catalog "$dir/many.cat" -in "$file" || return 1
		done
	done
}

# osslsigncode once a file, as a build script would. It finds the engine by its name; Debian 12's own takes no path.
sign_with_osslsigncode() {
	local file
	for file in "$1"/*.sys; do
		osslsigncode sign -pkcs11module "$softhsm" -certs "$D/soft-rsa.pem" \
			-key "pkcs11:token=soft;object=rsa;type=private" -readpass "$D/pin" -h sha256 \
			-in "$file" -out "$file.signed" || return 1
	done
}

verify_with_osslsigncode() {
	local file
	for file in "$1"/*.sys; do
		osslsigncode verify -CAfile "$D/code.pem" -in "$file" || return 1
	done
}

client() {
	"$build/kdsign-client" --quiet --server "https://127.0.0.1:$port" --identity "$D/identity.pem" \
		--ca "$D/clients.pem" "$@"
}

# fresh FOLDER NUMBER - so many copies of files of it in $D/fresh, none signed
fresh() {
	rm -rf "$D/fresh" && mkdir "$D/fresh"
	find "$1" -name '*.sys' | sort -V | head -n "$2" | xargs cp -t "$D/fresh"
}

files_round() {
	measure files openssl-dgst bench run 1 openssl dgst -sha256 "$D/big.sys"
	measure files client-digest bench run 1 "$build/kdsign-client" digest "$D/big.sys"
	[ -n "$engine" ] || return 0
	fresh "$D/small" "$few_n"
	measure files osslsigncode bench run "$few_n" bash -c 'sign_with_osslsigncode "$D/fresh"'
	fresh "$D/small" "$few_n"
	measure files client-sign bench run "$few_n" bash -c 'client sign --key soft-rsa "$D"/fresh/*.sys'
}

# Whoever verifies reads files that are in memory, as they are right after they were signed.
many_round() {
	if [ -n "$engine" ]; then
		fresh "$D/drivers" "$drivers_n"
		measure many osslsigncode-sign bench run "$drivers_n" bash -c 'sign_with_osslsigncode "$D/fresh"'
	fi
	fresh "$D/drivers" "$drivers_n"
	measure many client-sign bench run "$drivers_n" bash -c 'client sign --key soft-rsa "$D"/fresh/*.sys'
	! command -v osslsigncode >/dev/null ||
		measure many osslsigncode-verify bench run "$drivers_n" bash -c 'verify_with_osslsigncode "$D/fresh"'
	measure many client-verify bench run "$drivers_n" bash -c 'client verify --root "$D/code.pem" "$D"/fresh/*.sys'
	measure many sha256sum bench run "$listed_n" bash -c 'sha256sum "$D"/listed/*'
	measure many sha1sum bench run "$listed_n" bash -c 'sha1sum "$D"/listed/*'
	measure many openssl-dgst bench run "$listed_n" bash -c 'openssl dgst -sha256 "$D"/listed/*'
	measure many client-catalog bench run "$listed_n" bash -c 'client catalog --output "$D/many.cat" "$D/many.cdf"'
}

package_round() {
	if [ -n "$engine" ]; then
		rm -rf "$D/fresh" && cp -r "$D/packages" "$D/fresh"
		measure package osslsigncode bench run "$packages_n" bash -c 'package_with_osslsigncode "$D/fresh"'
	fi
	rm -rf "$D/fresh" && cp -r "$D/packages" "$D/fresh"
	measure package client-package bench run "$packages_n" bash -c \
		'client package --key soft-rsa --root "$D/code.pem" "$D"/fresh/*'
	measure package client-again bench run "$packages_n" bash -c \
		'client package --if-needed --key soft-rsa --root "$D/code.pem" "$D"/fresh/*'
}
export -f sign_with_osslsigncode package_with_osslsigncode verify_with_osslsigncode client
