#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The keeper between a front and a signer that are played: decisions, idempotency, trouble with the signer.
# shellcheck source=tests/tap.sh
. "${srcdir:-.}/tests/tap.sh"
# shellcheck source=tests/e2e/keeper.sh
. "${srcdir:-.}/tests/e2e/keeper.sh"

make_pki
make_conf
start_signer
ok 'the keeper starts and its key becomes ready' start_keeper

# nobody asks it for anything: only its own look at the signer shows who is frozen, each time
silent() { ask host1 ready >"$T/answer"; grep -q '"does not answer"' "$T/answer"; }
for time in first second; do
	kill -STOP "$signer_pid"
	ok "a signer that is frozen is seen, the $time time" wait_for 20 silent
	kill -CONT "$signer_pid"
	ok "and that it goes on, the $time time" wait_for 20 ready
done

# post CLIENT ID [BYTE] [MORE] - prints "STATUS RETRY", then the body
post() {
	client=$1
	shift
	body "$@" | ask "$client" sign
}
heard() { wc -l <"$T/journal" | tr -d ' '; }
answers() { # STATUS TITLE cmd...
	status=$1 title=$2
	shift 2
	"$@" >"$T/out" 2>"$T/err"
	cp "$T/out" "$T/answer"
	grep -q "^$status " "$T/out"
	tap_report $? "$title: $status"
}
same() { ok "$1" cmp "$T/first" "$T/answer"; }
# as_der - the CMS of $T/answer in $T/cms.der, its content's octets in $T/content.bin
as_der() {
	sed -n 's/.*"cms":"\([^"]*\)".*/\1/p' "$T/answer" | openssl base64 -d -A >"$T/cms.der" &&
		off=$(openssl asn1parse -inform DER -in "$T/cms.der" |
			awk '/1.3.6.1.4.1.311.2.1.4$/ {seen = 1; next} seen && /SEQUENCE/ {split($1, a, ":"); print a[1]; exit}') &&
		openssl asn1parse -inform DER -in "$T/cms.der" -strparse "$off" -noout -out "$T/spc.der" >/dev/null &&
		tail -c +3 "$T/spc.der" >"$T/content.bin"
}
judged() {
	as_der && openssl smime -verify -inform DER -in "$T/cms.der" -binary -content "$T/content.bin" \
		-certfile "$T/leaf.pem" -CAfile "$T/code.pem" -purpose any -partial_chain
}

answers 200 'a granted client gets a signature' post host1 request-000000001
cp "$T/out" "$T/first"
ok 'openssl verifies it over the SPC body' judged
ok 'the token heard of it once' test "$(heard)" = 1

# idempotency
answers 200 'the same request again' post host1 request-000000001
same 'gets the first answer, byte for byte'
answers 200 'GET of the id' ask host1 get request-000000001
same 'gets it as well'
answers 409 'other content under the id' post host1 request-000000001 cd
says out '"code":"id_conflict"'
answers 404 "another client's id, POST" post host2 request-000000001
answers 404 "another client's id, GET" ask host2 get request-000000001
answers 404 'an id that nobody used' ask host1 get request-00000none
ok 'none of these reached the token' test "$(heard)" = 1
stop "$keeper_pid"
ok 'SIGTERM ends it with status 0' test $? = 0
ok 'it starts again' start_keeper
answers 200 'the same request after a restart' post host1 request-000000001
same 'gets the first answer'
ok 'and the token still heard of it once' test "$(heard)" = 1

# while the first still runs
echo hang >"$T/mode"
(body request-000000002 02 | ask host1 sign >"$T/attached1") &
one=$!
(body request-000000002 02 | ask host1 sign >"$T/attached2") &
two=$!
ok 'a hanging signer heard of it' wait_for 5 sh -c "[ \$(wc -l <'$T/journal') = 2 ]"
DEADLINE=100 answers 202 'at the deadline' post host1 request-000000002 02
says out '"status":"pending"'
answers 409 'other content while it runs' post host1 request-000000002 03
answers 404 "another client's while it runs" post host2 request-000000002 02
echo sign >"$T/mode"
wait "$one" "$two"
ok 'both who waited get the same signature' cmp "$T/attached1" "$T/attached2"
ok 'which is one' grep -q '"status":"signed"' "$T/attached1"
WAIT=5000 answers 200 'GET gives it too' ask host1 get request-000000002
ok 'and was made once' test "$(heard)" = 2

# decisions
answers 403 'a client without a grant' post stranger request-000000003
says out '"code":"not_granted"'
answers 404 'a key that there is not' post host1 request-000000003 ab '"key":"nope",'
says out '"code":"key_unknown"'
answers 400 'an unknown member' post host1 request-000000003 ab '"surprise":1,'
says out 'surprise'
sha1() {
	body request-000000003 ab | sed "s/sha256/sha1/; s/\"digest\":\"[^\"]*\"/\"digest\":\"$(repeated ab | cut -c1-40)\"/" |
		ask host1 sign
}
answers 403 'a digest algorithm that is not granted' sha1
says out 'sha1'
ok 'each decision against a client is on record' test "$(sql \
	"SELECT count(*) FROM event WHERE json_extract(json,'\$.event')='deny'")" = 3
answers 200 'readiness' ask host1 ready
says out '"separation":"one user, no separation"'
answers 200 'metrics, over the status socket' "$tools/fake_front_tool" -s "$T/keeper.sock" metrics
says out 'kdsign_items_signed_total 1'
fails 3 'anything else over the status socket ends the connection' "$tools/fake_front_tool" -s "$T/keeper.sock" keys

# the signer in trouble
echo unheard >"$T/mode"
answers 503 'a signer that refuses before it begins' post host1 request-000000004 04
answers 503 'and again' post host1 request-000000004 04
echo sign >"$T/mode"
answers 200 'the same id when it is well again' post host1 request-000000004 04
ok 'signed once' test "$(heard)" = 3
echo bad >"$T/mode"
answers 500 'a wrong signature' post host1 request-000000005 05
says out '"code":"hsm_bad_signature"'
ok 'is not released' sh -c "! grep -q cms '$T/answer'"
ok 'the signer is told' wait_for 5 grep -q '^bad driver: ' "$T/signer.err"
echo sign >"$T/mode"
answers 500 'and is final for its id' post host1 request-000000005 05
says out '"code":"hsm_bad_signature"'
echo fail >"$T/mode"
answers 503 'an error of the token after it began' post host1 request-000000006 06
says out '"code":"token_unavailable"'
ok 'without Retry-After, as it is final' grep -qx '503 0' "$T/answer"
echo drop >"$T/mode"
answers 500 'a connection lost after it was sent' post host1 request-000000007 07
says out '"code":"outcome_unknown"'
echo sign >"$T/mode"
answers 500 'is final' post host1 request-000000007 07
says out '"code":"outcome_unknown"'
answers 200 'and can be read' ask host1 get request-000000007
says out '"code":"outcome_unknown"'
retry_of() { post host1 request-000000008 07 '"retry_of":"request-000000007",'; }
signed_now() { retry_of >"$T/out" && grep -q '"status":"signed"' "$T/out"; }
ok 'until it is asked under a new id that names the old' wait_for 5 signed_now
ok 'the record keeps the link' test "$(sql \
	"SELECT count(*) FROM event WHERE json_extract(json,'\$.retry_of')='request-000000007'")" = 1
stop "$signer_pid"
lost() { post host1 request-000000009 09 >"$T/out" && grep -q '^503 2$' "$T/out"; }
ok 'without a signer: 503 with Retry-After' wait_for 5 lost
says out '"code":"token_unavailable"'
answers 200 'what was signed before is still answered' post host1 request-000000001
same 'with the first answer'
answers 503 'readyz says so' ask host1 ready
says out 'not connected'
start_signer
signed_nine() { post host1 request-000000009 09 | grep -q '"status":"signed"'; }
ok 'the same id is signed when it is back' wait_for 10 signed_nine

# a signer that never answers: given up at the keeper's own deadline
sed -i 's/^sign-deadline.*/sign-deadline = 100ms/' "$T/keeper.conf"
kill -HUP "$keeper_pid"
ok 'SIGHUP takes a new deadline' wait_for 5 grep -q 'configuration reloaded' "$T/keeper.err"
echo hang >"$T/mode"
DEADLINE=200 answers 202 'a signer that hangs' post host1 request-000000010 10
WAIT=20000 answers 200 'is final after the deadline' ask host1 get request-000000010
says out '"code":"token_timeout"'
echo sign >"$T/mode"
answers 504 'and the status of a repeat' post host1 request-000000010 10
answers 200 'a late signature changes nothing' ask host1 get request-000000010
says out '"code":"token_timeout"'

# a signer that is frozen, and what it had been sent; and a keeper that is, which judges nobody for it
kill -STOP "$signer_pid"
DEADLINE=200 answers 202 'it is frozen, and not seen to be' post host1 request-000000020 20
ok 'then it is' wait_for 20 silent
answers 503 'what comes now waits for nothing' post host1 request-000000021 21
says out "signer 'one' does not answer"
ok 'and hears when to come again' grep -q '^503 [1-9]' "$T/answer"
answers 200 'metrics say it' "$tools/fake_front_tool" -s "$T/keeper.sock" metrics
says out 'kdsign_token_state{signer="one",state="does not answer"} 1'
says out 'kdsign_key_ready{key="driver"} 0'
WAIT=20000 answers 200 'what had been sent ends at its own deadline' ask host1 get request-000000020
says out '"code":"token_timeout"'
kill -CONT "$signer_pid"
ok 'it goes on, and is ready' wait_for 20 ready
ok 'which the log has' grep -q "signer 'one': answers again" "$T/keeper.err"
answers 200 'what was refused is signed under its id' post host1 request-000000021 21
seen=$(grep -c "does not answer" "$T/keeper.err")
kill -STOP "$keeper_pid"
sleep 4
kill -CONT "$keeper_pid"
answers 200 'a keeper that was frozen goes on' post host1 request-000000022 22
ok 'and has not taken the signer for silent' test "$(grep -c "does not answer" "$T/keeper.err")" = "$seen"

# reloading
cp "$T/keeper.conf" "$T/good.conf"
echo 'nonsense = 1' >>"$T/keeper.conf"
kill -HUP "$keeper_pid"
ok 'SIGHUP with a broken file is refused' wait_for 5 grep -q 'stays in force' "$T/keeper.err"
answers 200 'and everything goes on as before' post host1 request-000000011 11
grep -v 'client-spki' "$T/good.conf" >"$T/keeper.conf"
echo "client-spki-sha256 = $(spki_sha256 host2)" >>"$T/keeper.conf"
kill -HUP "$keeper_pid"
revoked() { post host1 request-000000012 12 | grep -q '^403'; }
ok 'SIGHUP takes a grant away' wait_for 5 revoked
answers 200 'from one client only' post host2 request-000000012 12
cp "$T/good.conf" "$T/keeper.conf"

# whose certificate
kill -HUP "$keeper_pid"
regranted() { post host1 request-000000013 13 | grep -q '^200'; }
ok 'SIGHUP gives it back' wait_for 5 regranted
issue expired clients "$client_ext" -days -1
issue server clients 'extendedKeyUsage=serverAuth\nkeyUsage=digitalSignature\n'
issue nothing clients 'keyUsage=digitalSignature\n'
make_ca alien
issue foreign alien "$client_ext"
for who in expired server nothing foreign; do
	answers 403 "a client certificate that is $who" ask "$who" keys
	says out '"code":"client_refused"'
	ok 'without a reason for strangers' grep -q 'the client certificate is not accepted' "$T/answer"
done
ok 'the log has the reasons' sh -c "grep -q 'has expired' '$T/keeper.err' && grep -q 'no clientAuth' '$T/keeper.err'"

# a key that retires while a request waits for the token
reloads() { grep -c 'configuration reloaded' "$T/keeper.err"; }
reloaded() { [ "$(reloads)" -gt "$count" ]; }
count=$(reloads)
sed -i "s|^certificates.*|&\nretire = $(date -u -d '+6 seconds' +%FT%TZ)|; s|^sign-deadline.*|sign-deadline = 20s|; \
	s|^socket = .*signer.sock|&\nwindow = 1|" "$T/keeper.conf"
kill -HUP "$keeper_pid"
ok 'it is to retire soon' wait_for 5 reloaded
echo hang >"$T/mode"
before=$(heard)
hangs() { post host1 request-000000030 30 >"$T/early" & early=$!; wait_for 3 sh -c "[ \$(wc -l <'$T/journal') -gt $before ]"; }
ok 'the token is busy' hangs
post host1 request-000000031 31 >"$T/late" &
late=$!
retired() { ask host1 ready >"$T/answer"; grep -q '"key_retired"' "$T/answer"; }
ok 'its date comes' wait_for 20 retired
echo sign >"$T/mode"
wait "$early" "$late"
ok 'what the token had begun is signed' grep -q '"status":"signed"' "$T/early"
cp "$T/late" "$T/answer"
ok 'what it had not is refused' grep -q '^403 ' "$T/late"
says answer '"code":"key_retired"'
ok 'and not heard of' test "$(heard)" = $((before + 1))
cp "$T/good.conf" "$T/keeper.conf"
kill -HUP "$keeper_pid"

make_crl 20990101000000Z host2
cp "$T/good.conf" "$T/keeper.conf"
sed -i "s|^client-ca.*|&\nclient-crl = $T/clients.crl|" "$T/keeper.conf"
kill -HUP "$keeper_pid"
refused2() { ask host2 keys | grep -q '^403'; }
ok 'a revoked client is refused from the reload on' wait_for 5 refused2
answers 200 'the others are not' ask host1 keys
make_crl 20200102000000Z
kill -HUP "$keeper_pid"
stale() { ask host1 keys | grep -q '^403'; }
ok 'a CRL past its next update refuses everybody' wait_for 5 stale
ok 'and the log says so' grep -q 'CRL has expired' "$T/keeper.err"
cp "$T/good.conf" "$T/keeper.conf"

# the key's own certificate
quietly openssl x509 -req -in "$T/leaf.csr" -CA "$T/code.pem" -CAkey "$T/code.key" -extfile "$T/leaf.ext" \
	-days -1 -sha256 -out "$T/old.pem"
sed -i "s|$T/leaf.pem|$T/old.pem|" "$T/keeper.conf"
kill -HUP "$keeper_pid"
expired_key() { post host1 request-000000014 14 >"$T/out"; grep -q '"code":"certificate_invalid"' "$T/out"; }
ok 'an expired certificate signs nothing' wait_for 5 expired_key
says out 'expired at'
ok 'and the refusal is on record' test "$(sql \
	"SELECT count(*) > 0 FROM event WHERE json_extract(json,'\$.code')='certificate_invalid'")" = 1
answers 200 'what it signed before is still answered' post host1 request-000000001
same 'with the first answer'
quietly openssl genrsa -out "$T/other.key" 3072
quietly openssl req -new -key "$T/other.key" -subj "/CN=Other" -out "$T/other.csr"
quietly openssl x509 -req -in "$T/other.csr" -CA "$T/code.pem" -CAkey "$T/code.key" -extfile "$T/leaf.ext" \
	-days 9 -sha256 -out "$T/other.pem"
sed "s|$T/leaf.pem|$T/other.pem|" "$T/good.conf" >"$T/keeper.conf"
kill -HUP "$keeper_pid"
other_key() { post host1 request-000000014 14 >"$T/out"; grep -q 'of another key' "$T/out"; }
ok "nor does a certificate that is not the token key's" wait_for 5 other_key
stop "$keeper_pid"
ok 'it stops with status 0' test $? = 0
ok 'the record has no gap and each event its own number' test "$(sql "SELECT count(*) = max(seq) AND \
	min(json_extract(json,'\$.seq') = seq) = 1 FROM event")" = 1
ok 'events are canonical: members sorted, no blanks' test "$(sql "SELECT count(*) FROM event WHERE json <> (SELECT \
	json_group_object(key, CASE type WHEN 'true' THEN json('true') WHEN 'false' THEN json('false') ELSE value END) \
	FROM (SELECT * FROM json_each(event.json) ORDER BY key))")" = 0

# configuration
fails 64 'an unknown option' "$builddir/kdsign-keeper" --nope
fails 78 'no configuration' "$builddir/kdsign-keeper" --config "$T/none.conf" --check
ok 'the good one passes --check' "$builddir/kdsign-keeper" --config "$T/good.conf" --check
refuses() { # SED-SCRIPT TEXT
	sed "$1" "$T/good.conf" >"$T/bad.conf"
	fails 78 "refused: $2" "$builddir/kdsign-keeper" --config "$T/bad.conf" --check
	says err "$2"
}
refuses 's/^signer = one/signer = two/' 'there is no [signer two]'
refuses 's/^keys = driver/keys = rider/' 'there is no [key rider]'
refuses '/client-spki/d' 'names no client'
refuses "s|$T/leaf.pem|$T/host1.pem|" 'no codeSigning'
refuses "s|$T/leaf.pem|$T/code.pem|" "is a CA's"
refuses 's/^keys = driver/&\nkinds = exe/' "'exe'"
refuses 's/^keys = driver/&\ndigests = md5/' "'md5'"
refuses 's/^sign-deadline.*/sign-deadline = 5/' 'sign-deadline'
refuses "s|^client-ca.*|client-ca = $T/nothere.pem|" 'client-ca'
refuses_crl() { # FILE TEXT
	refuses "s|^client-ca.*|&\\nclient-crl = $T/$1|" "$2"
}
quietly openssl crl -in "$T/clients.crl" -outform DER -out "$T/clients.der"
{ cat "$T/clients.crl" && sed '2s/^..../AAAA/' "$T/clients.crl"; } >"$T/damaged.crl"
{ cat "$T/clients.der" && echo; } >"$T/longer.crl"
head -c 100 "$T/clients.der" >"$T/shorter.crl"
refuses_crl damaged.crl 'CRL 2 of the file'
refuses_crl longer.crl '1 bytes follow the CRL'
refuses_crl shorter.crl 'CRL'
refuses_crl clients.pem 'no CRL in PEM or DER form'
refuses_crl nothere.crl 'client-crl'
fails 74 'a record that cannot be made' sh -c "sed 's|^store = .*|store = $T/no/such/record.db|' '$T/good.conf' \
	>'$T/bad.conf' && exec '$builddir/kdsign-keeper' --config '$T/bad.conf'"
done_testing
