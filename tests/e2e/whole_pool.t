#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# One key on two tokens, as clients of the whole see it: while one is away, latched or killed, files are signed.
# shellcheck source=tests/tap.sh
. "${srcdir:-.}/tests/tap.sh"
# shellcheck source=tests/e2e/whole_lib.sh
. "$srcdir/tests/e2e/whole_lib.sh"

make_service
make_files

# A second token with the same key: SoftHSM knows no clones, so it comes from outside, and custody is relaxed.
mkdir -m 700 "$T/spare-tokens" "$T/spare-state"
sed "s|$T/tokens|$T/spare-tokens|" "$T/softhsm.conf" >"$T/spare-softhsm.conf"
SOFTHSM2_CONF=$T/spare-softhsm.conf softhsm2-util --init-token --free --label kdsign-test --so-pin 12345678 --pin 123456 \
	>"$T/keygen.log" 2>&1 || exit 99
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$T/shared.pem" 2>"$T/keygen.log" || exit 99
openssl pkey -in "$T/shared.pem" -pubout -out "$T/shared.pub"
for conf in softhsm spare-softhsm; do
	SOFTHSM2_CONF=$T/$conf.conf softhsm2-util --import "$T/shared.pem" --token kdsign-test --label shared --id 07 \
		--pin 123456 >"$T/keygen.log" 2>&1 || exit 99
done
printf 'keyUsage=critical,digitalSignature\nextendedKeyUsage=codeSigning\n' >"$T/ext"
openssl x509 -new -force_pubkey "$T/shared.pub" -subj '/CN=Shared Key' -CA "$T/middle.pem" -CAkey "$T/middle.key" \
	-CAcreateserial -days 300 -extfile "$T/ext" -out "$T/driver.pem" 2>"$T/keygen.log" || exit 99
sed -i -e 's/^uri = pkcs11:object=driver;/uri = pkcs11:object=shared;/' \
	-e 's/^relax = rsa-2048/relax = rsa-2048 not-local not-always-sensitive not-never-extractable/' "$T/etc/signer.conf"
sed -e "s|$T/state/signer.sock|$T/state/spare.sock|" -e "s|^state-dir = .*|state-dir = $T/spare-state|" \
	-e "s|=$T/softhsm.conf|=$T/spare-softhsm.conf|" -e "s|^pin-file = .*|pin-file = $T/etc/spare-pin|" \
	"$T/etc/signer.conf" >"$T/etc/signer-spare.conf"
chmod 600 "$T/etc/signer-spare.conf"
(umask 077 && cp "$T/etc/pin" "$T/etc/spare-pin")
sed -i '/^\[key driver\]/,/^signer/ s|^signer = softhsm|signer = softhsm spare|' "$T/etc/keeper.conf"
# The other key stays on the first token alone.
sed -i '/^\[key second\]/,$ d' "$T/etc/signer-spare.conf"
printf '[signer spare]\nsocket = %s\n' "$T/state/spare.sock" >>"$T/etc/keeper.conf"
start_service

number=0
sign() { # N [CLIENT-OPTION...] - as many fresh files
	rm -rf "$T/work" && mkdir "$T/work"
	i=0
	while [ "$i" -lt "$1" ]; do
		number=$((number + 1)) i=$((i + 1))
		{ cat "$T/drv64.sys" && printf %08d "$number"; } >"$T/work/$i.sys"
	done
	shift
	"$client" --timeout 20s "$@" sign --key driver "$T"/work/*.sys
}
all_verify() {
	"$client" verify --root "$T/ca-root.pem" "$T"/work/*.sys
}
signs() { # TITLE N
	fails 0 "$1" sign "$2"
	fails 0 'all verify' all_verify
}
driver_ready() { # "second" is on one of the tokens alone
	api /readyz >"$T/status"
	jq -e '.keys[] | select(.name == "driver") | .ready' "$T/body"
}
member() { # spare|softhsm - the signer's pid
	case $1 in
	spare) pgrep -P "$service" -f '/signer-spare.conf' ;;
	*) pgrep -P "$service" -f '/signer.conf' ;;
	esac
}

signs 'two tokens sign' 100
for which in tokens spare-tokens; do
	mv "$T/$which" "$T/away" && mkdir "$T/$which"
	signs "with $which away, files are signed" 40
	ok 'and the key is ready' driver_ready
	rmdir "$T/$which" && mv "$T/away" "$T/$which"
	signs 'back again' 20
done

for which in softhsm spare; do
	kill -KILL "$(member $which)"
	signs "the signer of $which killed: files are signed" 40
done

both_ready() {
	"$client" --timeout 2s status >"$T/status" 2>&1 && pgrep -P "$(member spare)" >"$T/pids" && pgrep -P "$(member softhsm)" >"$T/pids"
}
ok 'both are there again' wait_for 20 both_ready

# while a request is under way: what the killed one had begun is told, and nothing else fails
many pool-under-way-0001 600 >"$T/many.json"
sed -i 's/{"id"/{"key":"driver","id"/' "$T/many.json"
api --data-binary "@$T/many.json" /v1/signatures >"$T/status" &
asking=$!
sleep 0.2
kill -KILL "$(pgrep -P "$(member softhsm)")"
wait $asking
counts=$(jq -r '[.items[].status] | group_by(.) | map("\(.[0]) \(length)") | join(", ")' "$T/body")
ok "killed under load: every item has its answer ($counts)" jq -e '.items | length == 600 and
	all(.status == "signed" or (.status == "failed" and .error.code == "outcome_unknown"))' "$T/body"
ok 'few were lost' jq -e '[.items[] | select(.status == "failed")] | length <= 40' "$T/body"

# a PIN that one token refuses
stop_service
printf 000000 >"$T/etc/spare-pin"
start_service
signs 'with one token latched, files are signed' 40
ok 'and the key is ready' driver_ready
printf 123456 >"$T/etc/spare-pin"
stop_service
done_testing
