#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What the whole service says of its tokens, keys and certificates: over the API, in /readyz and /metrics, in the log, and
# by kdsign-client. And that a certificate out of its time signs nothing.
# shellcheck source=tests/tap.sh
. "${srcdir:-.}/tests/tap.sh"
# shellcheck source=tests/e2e/whole_lib.sh
. "$srcdir/tests/e2e/whole_lib.sh"

# last TITLE JQ-FILTER [ARG...] - one check of the last answer
last() {
	last_title=$1
	shift
	ok "$last_title" jq -e "$@" "$T/body"
}

# line FILE TITLE PATTERN
line() {
	grep -qE -e "$3" "$T/$1"
	tap_report $? "$2"
}

# valid NAME DAYS - the key's certificate again, good for that long from now on
valid() {
	openssl x509 -new -force_pubkey "$T/$1.pub" -subj "/CN=$1" -CA "$T/middle.pem" -CAkey "$T/middle.key" \
		-CAcreateserial -days "$2" -extfile "$T/code.ext" -out "$T/$1.pem" 2>/dev/null
}

# not_yet NAME - valid from 2040 on
not_yet() {
	mkdir -p "$T/ca" && : >"$T/ca/index" && echo 01 >"$T/ca/serial"
	printf '[ca]\ndefault_ca=c\n[c]\ndatabase=%s/ca/index\nserial=%s/ca/serial\nnew_certs_dir=%s/ca\npolicy=p\n[p]\nCN=supplied\n' \
		"$T" "$T" "$T" >"$T/ca/conf"
	"$builddir/kdsign-token" csr --module "$module" --token pkcs11:token=kdsign-test --state "$T/ceremony" \
		--pin-file "$T/etc/pin" --key "$1" --subject "CN=$1" --out "$T/ca/csr" &&
		openssl ca -batch -config "$T/ca/conf" -in "$T/ca/csr" -cert "$T/middle.pem" -keyfile "$T/middle.key" -md sha256 \
			-startdate 20400101000000Z -enddate 20410101000000Z -extfile "$T/code.ext" -notext -out "$T/$1.pem"
}

# metric NAME{LABELS} VALUE - one check; the value is a pattern
metric() {
	curl --silent --max-time 20 --unix-socket "$T/status.sock" http://localhost/metrics >"$T/metrics"
	grep -qx -e "$1 $2" "$T/metrics"
	tap_report $? "metrics: $1 $2"
}

hup() {
	hup_loads=$(grep -c 'configuration reloaded\|stays in force' "$T/service.err")
	kill -HUP "$service"
	wait_for 20 reloaded
}
reloaded() {
	[ "$(grep -c 'configuration reloaded\|stays in force' "$T/service.err")" -gt "$hup_loads" ]
}

# shellcheck disable=SC2034 # for make_service
front_extra="relay = $T/relay.sock"
printf 'keyUsage=critical,digitalSignature\nextendedKeyUsage=codeSigning\n' >"$T/code.ext"
make_service
set_conf kdsignd.conf "status-listen = $T/status.sock"
sed -i 's/^keys = driver$/keys = driver second/' "$T/etc/keeper.conf"
ok "a certificate for six days" valid driver 6
ok "and one for two months" valid second 60
use_mock
start_service

answers 200 "a key" /v1/keys/driver
last "its custody facts" '.custody == {"sensitive":true,"extractable":false,"always_sensitive":true,"never_extractable":true,
	"local":true,"known":true,"relaxed":["rsa-2048"],"also":["decrypt","unwrap","modifiable"]}'
last "the token that holds it" '.tokens | length == 1 and (.[0] | test("^signer softhsm: kdsign-test \\([0-9a-f]+\\), ready$"))'
last "its warnings" '.warnings | length == 3 and (.[0] | test("^certificate expires in [56] days, on 20")) and
	.[1] == "custody is relaxed: rsa-2048" and .[2] == "the token says that it is also good for: decrypt unwrap modifiable"'
answers 200 "all keys" /v1/keys
last "the other one: nothing is relaxed" '.keys[] | select(.name == "second") | .custody.relaxed == [] and
	(.warnings | length == 2 and (.[0] | test("expires in (59|60) days")))'

answers 200 "readyz" /readyz
last "the token, its sessions" '.tokens | length == 1 and (.[0] | .signer == "softhsm" and .label == "kdsign-test" and
	.state == "ready" and .sessions == 4 and .sessions_in_use == 0 and .restarts == 0)'
last "each key's warnings" '.keys[0].warnings[0] | test("expires in [56] days")'
last "the relay that is not there" '.relay == "not connected" and .ready'
ok "kdsign-client --json keys" "$client" --json keys
cp "$T/out" "$T/keys.json"
ok "is one object a line" jq -se 'map(.name) == ["driver", "second"]' "$T/keys.json"
ok "kdsign-client keys" "$client" keys
line out "says how a key is kept" '^driver: made on the token, never to leave it$'
line out "and where" '^  signer softhsm: kdsign-test \([0-9a-f]+\), ready$'
line out "and what to look at" '^  warning: custody is relaxed: rsa-2048$'
ok "kdsign-client status" "$client" status
line out "shows the relay" '^relay +not connected$'
line out "the token" '^token +softhsm: ready, kdsign-test \([0-9a-f]+\), 0 of 4 sessions in use$'
line out "and warnings" '^ +warning: certificate expires in [56] days, on 20'
line service.err "the log tells of the certificate that is near its end" "error: key 'driver': certificate expires in [56] days"
line service.err "and warns of the other one" "warning: key 'second': certificate expires in (59|60) days"
line service.err "and says what is relaxed" "key 'driver': the configuration lets pass: rsa-2048"

metric 'kdsign_token_ready{signer="softhsm"}' 1
metric 'kdsign_token_state{signer="softhsm",state="ready"}' 1
metric 'kdsign_token_sessions{signer="softhsm"}' 4
metric 'kdsign_token_sessions_in_use{signer="softhsm"}' 0
metric 'kdsign_key_ready{key="driver"}' 1
metric 'kdsign_key_custody_relaxed{key="driver"}' 1
metric 'kdsign_key_custody_relaxed{key="second"}' 0
metric 'kdsign_certificate_days_left{key="driver"}' '[56]'
metric "kdsign_certificate_not_after_seconds{key=\"driver\"}" \
	"$(date -d "$(openssl x509 -in "$T/driver.pem" -noout -enddate | cut -d= -f2)" +%s)"

order C_Sign delay 4000
body slow-request-0001 01 '"key":"driver",' >"$T/request"
api --data-binary "@$T/request" /v1/signatures >"$T/slow" 2>&1 &
slow=$!
busy() { api /readyz >"$T/status" && jq -e '.tokens[0].sessions_in_use == 1' "$T/body" >"$T/jq"; }
ok "a session in use shows" wait_for 20 busy
wait "$slow"
order

# A key that the gate refuses, beside one that it does not.
stop_service
ok "a key that its token hands out" pkcs11-tool --module "$module" --token-label kdsign-test --login --pin 123456 \
	--keypairgen --key-type EC:prime256v1 --label open --id 09 --usage-sign --extractable
pkcs11-tool --module "$module" --token-label kdsign-test --read-object --type pubkey --label open -o "$T/open.spki" >"$T/out" 2>&1
openssl pkey -pubin -inform DER -in "$T/open.spki" -out "$T/open.pub" && valid open 400
printf '[key open]\nuri = pkcs11:object=open;type=private\n' >>"$T/etc/signer.conf"
printf '[key open]\nsigner = softhsm\ncertificates = %s\ncertificates = %s\n' "$T/open.pem" "$T/middle.pem" >>"$T/etc/keeper.conf"
sed -i 's/^keys = driver second$/keys = driver second open/' "$T/etc/keeper.conf"
launch_service
is_refused() { api /readyz >"$T/status" && jq -e '.tokens[0].state == "ready"' "$T/body" >"$T/jq"; }
ok "the service is up" wait_for 20 is_refused
answers 503 "readyz" /readyz
last "names the key and why" '.keys[] | select(.name == "open") | .ready == false and .code == "key_unusable" and
	(.detail | test("refused for how the token keeps it: extractable not-never-extractable"))'
last "and no other" '[.keys[] | select(.ready | not)] | length == 1'
body refused-key-000001 03 '"key":"open",' >"$T/request"
answers 500 "it signs nothing" --data-binary "@$T/request" /v1/signatures
body_says key_unusable
body other-key-0000001 04 '"key":"second",' >"$T/request"
answers 200 "the others do" --data-binary "@$T/request" /v1/signatures
ok "kdsign-client keys" "$client" keys
line out "shows the flaw" '^open: custody has flaws$'
metric 'kdsign_key_ready{key="open"}' 0

# ---- a certificate out of its time ----

ok "a certificate that is not valid yet" not_yet second
ok "a reload" hup
body not-yet-00000001 05 '"key":"second",' >"$T/request"
answers 403 "signs nothing" --data-binary "@$T/request" /v1/signatures
body_says 'is valid from 2040-01-01'
ok "one that has expired" valid second -1
ok "a reload" hup
line service.err "the log says so" "error: key 'second': certificate expired on"
ok "kdsign-keeper --check" "$builddir/kdsign-keeper" --config "$T/etc/keeper.conf" --check
says err "error: key 'second': certificate expired on"
body expired-00000001 06 '"key":"second",' >"$T/request"
answers 403 "signs nothing" --data-binary "@$T/request" /v1/signatures
body_says 'expired at'
ok "the token heard of neither" sh -c "test \"\$(wc -l <'$T/mock/signed')\" = 2"
metric 'kdsign_certificate_days_left{key="second"}' 0
done_testing
