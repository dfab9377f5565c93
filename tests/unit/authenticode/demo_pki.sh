#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# demo_pki.sh DIR - a driver signer's world in miniature, made by the openssl command line:
#
#	root      plays the kernel's verification root      other     a root nobody trusts
#	ca        a CA root of its own (self-signed)        cross     ca's name and key, issued by root
#	inter     issued by ca
#	rsa2048 rsa3072 rsa4096 p256 p384                   code-signing leaves of inter
# and leaves and CAs with one thing wrong each; see the list below. Each is NAME.pem, NAME.key.
set -eu
cd "$1"

ca='basicConstraints=critical,CA:TRUE
keyUsage=critical,keyCertSign,cRLSign'
leaf='basicConstraints=CA:FALSE
keyUsage=critical,digitalSignature
extendedKeyUsage=codeSigning'

key() { # NAME KIND
	case $2 in
	rsa*) openssl genpkey -quiet -algorithm RSA -pkeyopt "rsa_keygen_bits:${2#rsa}" -out "$1.key" ;;
	*) openssl genpkey -algorithm EC -pkeyopt "ec_paramgen_curve:$2" -out "$1.key" ;;
	esac
}

serial=100
cert() { # NAME KEY SUBJECT ISSUER EXTENSIONS [-md]; ISSUER "self" signs with KEY
	serial=$((serial + 1))
	openssl req -new -utf8 -key "$2.key" -subj "$3" -out tmp.csr
	printf '%s\n' "$5" >tmp.ext
	if [ "$4" = self ]; then
		set -- "$1" "-signkey $2.key" "${6:--sha256}"
	else
		set -- "$1" "-CA $4.pem -CAkey $4.key" "${6:--sha256}"
	fi
	# shellcheck disable=SC2086 # several words
	openssl x509 -req -in tmp.csr $2 "$3" -set_serial "$serial" -days 3650 -extfile tmp.ext \
		-out "$1.pem"
}

for name in root other ca inter sick; do key "$name" rsa2048; done
key p256 P-256
key p384 P-384
for bits in 2048 3072 4096; do key "rsa$bits" "rsa$bits"; done

cert root root '/CN=Verification Root' self "$ca"
cert other other '/CN=Other Root' self "$ca"
cert ca ca '/CN=CA Root' self "$ca"
cert cross ca '/CN=CA Root' root "$ca" -sha1
cert inter inter '/CN=Code Signing CA' ca "$ca"
for name in rsa2048 rsa3072 rsa4096 p256 p384; do
	cert "$name" "$name" "/O=Häppy Drivers/CN=Leaf $name" inter "$leaf"
	cat "$name.pem" inter.pem cross.pem >"$name.chain"
done

# Leaves with one thing wrong.
cert no-eku p256 '/CN=No EKU' inter 'keyUsage=digitalSignature'
cert any-eku p256 '/CN=Any EKU' inter 'extendedKeyUsage=anyExtendedKeyUsage'
cert tls p256 '/CN=TLS Server' inter 'extendedKeyUsage=serverAuth'
cert no-ku p256 '/CN=No KU' inter 'extendedKeyUsage=codeSigning'
cert bad-ku p256 '/CN=Bad KU' inter 'keyUsage=keyEncipherment
extendedKeyUsage=codeSigning'
cert critical p256 '/CN=Critical' inter "$leaf
1.2.3.4=critical,ASN1:NULL"
cert selfie p256 '/CN=Selfie' self "$leaf"
cert no-cn p256 '/O=Some Org/OU=First Unit/OU=Second Unit' inter "$leaf"
cert no-unit p256 '/C=DE/O=Some Org' inter "$leaf"

# CAs with one thing wrong, and a leaf of each.
sick() { # NAME EXTENSIONS [-md]
	cert "$1" sick "/CN=$1" ca "$2" "${3:--sha256}"
	cp sick.key "$1.key"
	cert "$1-leaf" p256 "/CN=leaf of $1" "$1" "$leaf"
}
sick not-a-ca 'basicConstraints=CA:FALSE'
sick no-certsign 'basicConstraints=CA:TRUE
keyUsage=cRLSign'
sick tls-ca "$ca
extendedKeyUsage=serverAuth"
sick any-ca "$ca
extendedKeyUsage=anyExtendedKeyUsage"
sick sha1-ca "$ca" -sha1
sick md5-ca "$ca" -md5
openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:2048 \
	-pkeyopt rsa_keygen_pubexp:36893488147419103363 -out slow.key # 2^65 + 131
cert slow slow '/CN=slow' ca "$ca"
cert slow-leaf p256 '/CN=leaf of slow' slow "$leaf"
key tiny rsa512
cert tiny tiny '/CN=Tiny' inter "$leaf"
sick pathlen 'basicConstraints=critical,CA:TRUE,pathlen:0
keyUsage=keyCertSign'
cert below sick '/CN=below' pathlen "$ca"
cp sick.key below.key
cert below-leaf p256 '/CN=leaf of below' below "$leaf"
cert below-again sick '/CN=below' ca "$ca"

# Timestamp authorities, and what is none.
cert tsa p256 '/CN=TSA' inter 'keyUsage=nonRepudiation
extendedKeyUsage=timeStamping'
cert tsa-ku p256 '/CN=TSA without' inter 'keyUsage=keyEncipherment
extendedKeyUsage=timeStamping'
sick signing-ca "$ca
extendedKeyUsage=codeSigning"
cert tsa-signing p256 '/CN=TSA of signing-ca' signing-ca 'extendedKeyUsage=timeStamping'

# A maze: sixty certificates of one name and key, each of which signed all.
cp sick.key maze.key
n=0
while [ $n -lt 60 ]; do
	cert maze1 sick '/CN=maze' self "$ca"
	cat maze1.pem >>maze.pem
	n=$((n + 1))
done
cert maze-leaf p256 '/CN=leaf of maze' maze "$leaf"

# For EV code signing, by the policy of all CAs.
cert ev p256 "/CN=EV leaf" inter "$leaf
certificatePolicies=1.2.3.4,2.23.140.1.3"

# The intermediate's name with another key: has the name, did not sign the leaf.
cert impostor other '/CN=Code Signing CA' other "$ca"
openssl x509 -in rsa2048.pem -outform DER -out rsa2048.der
rm tmp.csr tmp.ext
