#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# front_tls.t - who gets in: the client certificate is judged inside the handshake, and reloads.
# shellcheck source=tests/tap.sh
. "${srcdir:-.}/tests/tap.sh"
# shellcheck source=tests/e2e/front_lib.sh
. "${srcdir:-.}/tests/e2e/front_lib.sh"

front_pki
front_conf "status-listen = $T/status.sock"
ok "the front starts" front_start

# as NAME: the status that this client gets, or nothing
as() {
	curl --silent --show-error --max-time 10 --cacert "$P/ca.crt" --cert "$P/$1.pem" \
		--output /dev/null --write-out '%{http_code}\n' "https://127.0.0.1:$port/v1/keys"
}
gets_in() { [ "$(as "$1")" = 200 ]; }
stays_out() { # curl: 35 or 56 for an alert, 52 or 55 for a connection that was closed
	as "$1"
	case $? in 35 | 52 | 55 | 56) ;; *) return 1 ;; esac
}
nobody() {
	curl --silent --show-error --max-time 10 --cacert "$P/ca.crt" "$@" "https://127.0.0.1:$port/healthz"
	case $? in 35 | 52 | 55 | 56) ;; *) return 1 ;; esac
}
log_says() { grep -q "$1" "$T/front.err"; }

ok "a good client gets in" gets_in good
ok "and another" gets_in second
ok "no certificate stays out" nobody
ok "a certificate of a foreign CA with the right names stays out" stays_out alien
ok "and the log says why" log_says 'refused: .*issuer is unknown'
ok "an expired one stays out" stays_out expired
ok "and the log says why" log_says 'refused: .*expired'
ok "one that is not yet valid stays out" stays_out early
ok "and the log says why" log_says 'refused: .*not yet valid'
ok "a revoked one stays out" stays_out revoked
ok "and the log says why" log_says 'refused: .*revoked'
ok "a server's certificate stays out" stays_out servereku
ok "and the log says why" log_says 'refused: .*purpose'
ok "one without extended key usage stays out" stays_out noeku
ok "and the log says why" log_says 'refused: .*clientAuth'
ok "TLS 1.2 stays out" nobody --tls-max 1.2 --cert "$P/good.pem"
# A client that sends its request before it has read the alert gets a reset instead, now and then.
told() { as revoked 2>&1 | grep -qi 'alert'; }
ok "who stays out is told so by an alert" wait_for 20 told
only_good() { [ "$(wc -l <"$T/keeper.out")" -eq 2 ]; }
ok "the keeper heard only of the good ones" only_good

reloaded() { # TEXT: a SIGHUP, until the log has said so once more
	reload_before=$(grep -c "$1" "$T/front.err")
	kill -HUP "$front_pid"
	more() { [ "$(grep -c "$1" "$T/front.err")" -gt "$reload_before" ]; }
	wait_for 10 more "$1"
}
cp "$P/server.crt" "$T/good-server.crt"
echo broken >"$P/server.crt"
ok "SIGHUP with a broken certificate is said" reloaded 'the old ones stay in use'
ok "and the old one goes on serving" gets_in good
cp "$P/good.crt" "$P/server.crt"
ok "a certificate of another key is refused" reloaded 'the old ones stay in use'
cp "$T/good-server.crt" "$P/server.crt"
cp "$P/crl.pem" "$T/good-crl.pem"
head -c 100 "$T/good-crl.pem" >"$P/crl.pem"
ok "a broken CRL is refused" reloaded 'the old ones stay in use'
ok "and the old one still keeps the revoked out" stays_out revoked
cp "$P/foreign.crt" "$P/crl.pem"
ok "what is no CRL is refused" reloaded 'the old ones stay in use'
cp "$T/good-crl.pem" "$P/crl.pem"
chmod 666 "$P/server.key"
ok "a key that others can read is refused" reloaded 'the old ones stay in use'
chmod 600 "$P/server.key"

ok "a client that will be revoked gets in" gets_in late
revoke late
crl
ok "SIGHUP reads the new CRL" reloaded 'read again'
ok "now it stays out" stays_out late
ok "the others get in as before" gets_in good

# A CRL that runs out while the front runs: nobody is let in on an old one.
openssl ca -config "$P/ca.cnf" -gencrl -out "$P/crl.pem" -crlsec 3 2>/dev/null
ok "a CRL for three seconds is read" reloaded 'read again'
ok "it lets the good in" gets_in good
ok "and nobody when it has run out" wait_for 10 stays_out good
ok "the log says so" log_says 'has run out'
ok "reading it again is refused" reloaded 'the old ones stay in use'
crl
ok "a current CRL" reloaded 'read again'
ok "lets the good in again" gets_in good

# status-listen needs no certificate, and gives nothing but health.
plain() { curl --silent --show-error --max-time 10 --unix-socket "$T/status.sock" --output "$T/body" \
	--write-out '%{http_code}' "http://local$1"; }
plain_is() { [ "$(plain "$2")" = "$1" ]; }
ok "status: healthz" plain_is 200 /healthz
ok "status: readyz" plain_is 200 /readyz
ok "status: metrics" plain_is 200 /metrics
both() { grep -q '^kdsign_front_keeper_up 1' "$T/body" && grep -q '^kdsign_keeper_up 1' "$T/body"; }
ok "of front and keeper" both
ok "status: no keys" plain_is 404 /v1/keys
ok "status: no signing" plain_is 404 /v1/signatures

ok "the front stops in order" front_stop

check() { "$KDSIGND" --config "$T/kdsignd.conf" --check; }
front_conf
ok "--check of a good configuration" check
front_conf "keepr = /x"
fails 78 "--check of an unknown key" check
says err "keeper"
front_conf "status-listen = 0.0.0.0:80"
fails 78 "status-listen on every address" check
says err "loopback"
front_conf "balancers = 10.0.0.1 somewhere"
fails 78 "a balancer that is no address" check
front_conf "body-limit = 100M" "bytes-in-flight = 50M"
fails 78 "limits that contradict each other" check
chmod 644 "$P/server.key"
front_conf
fails 78 "a key that others can read" check
says err "server.key"
chmod 600 "$P/server.key"
mv "$P/ca.crt" "$P/ca.gone"
fails 78 "a missing CA" check
mv "$P/ca.gone" "$P/ca.crt"
print() { "$KDSIGND" --config "$T/kdsignd.conf" --print; }
ok "--print" print
says out "header-deadline = 30s"
sed -n 's/^\(# \)\{0,1\}\([a-z-]*\) =.*/\2/p' "$T/out" >"$T/keys"
ok "it names every key" test "$(wc -l <"$T/keys")" -eq 21
described() {
	while read -r key; do
		echo "$key"
		grep -q "^\.It Cm $key\$" "$srcdir/docs/kdsignd.8" || return 1
		grep -Eq "^#?$key = " "$srcdir/etc/kdsignd.conf" || return 1
	done <"$T/keys"
}
ok "manual page and example describe each" described
fails 64 "an unknown option" "$KDSIGND" --nonsense
fails 64 "--standalone with --config" "$KDSIGND" --standalone "$T" --config "$T/kdsignd.conf"
fails 78 "--standalone of an empty folder" "$KDSIGND" --standalone "$T/new"
done_testing
