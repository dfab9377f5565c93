# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2154
# tests/e2e/whole_lib.sh - sourced by whole_*.t after tap.sh: all daemons over SoftHSM, asked by plain curl.
#
#	set_conf FILE LINE...    those lines at the head of $T/etc/FILE
#	use_mock                 the signer's module is the mock, which forwards to SoftHSM
#	order WORDS...           what the mock does wrong from now on; without words nothing
#	calls FUNCTION           how often the mock was asked for it
#	body ID [BYTE] [MORE]    a request with one item whose digest is BYTE repeated; MORE are members of its own
#	many ID N [FIRST]        a request with N items, whose digests are the numbers from FIRST or 0 on
#	api [CURL-OPTION...] PATH   asks as the client $who: status on stdout, the rest in $T/body and $T/header
#	answers STATUS TITLE [CURL-OPTION...] PATH   one check: that status, and a form that every answer has
#	body_says TEXT           one check of the last answer
#	event MEMBER, record SQL the record's events
#	none TITLE SQL-COUNT     one check: the count is 0
#	record_hears             checks of the record against all that the mock signed
#	process NAME             pid of kdsignd --config, kdsign-keeper, kdsign-signer or signer-child under $service

# shellcheck source=/dev/null
. "$srcdir/tests/e2e/client_files.sh"
need openssl curl jq sqlite3
# shellcheck source=/dev/null
. "$srcdir/tests/e2e/client_service.sh"

who=one
mock=$(cd "$builddir" && pwd)/tests/mock/mock_pkcs11.so

set_conf() {
	set_file=$T/etc/$1
	shift
	printf '%s\n' "$@" | cat - "$set_file" >"$T/set.conf" && cat "$T/set.conf" >"$set_file"
}

use_mock() {
	mkdir "$T/mock" && : >"$T/mock/calls"
	sed -i "s|^module = .*|module = $mock|" "$T/etc/signer.conf"
	set_conf signer.conf "module-environment = MOCK_MODULE=$module" "module-environment = MOCK_DIR=$T/mock"
}

order() {
	rm -f "$T/mock/control"
	# Renamed into place, so that no thread of the mock reads half of it.
	[ $# -eq 0 ] || { echo "$*" >"$T/mock/new" && mv "$T/mock/new" "$T/mock/control"; }
}

calls() {
	grep -cx "$1" "$T/mock/calls" || :
}

repeated() { # BYTE TIMES
	printf "%0$2d" 0 | sed "s/0/$1/g"
}

item() {
	printf '{"kind":"pe","name":"hello.sys","size":6680,"digest_algorithm":"sha256","digest":"%s"}' \
		"$(repeated "${1:-ab}" 32)"
}

body() {
	printf '{"id":"%s",%s"items":[%s]}' "$1" "${3:-}" "$(item "${2:-ab}")"
}

many() {
	awk -v id="$1" -v n="$2" -v first="${3:-0}" 'BEGIN {
		printf "{\"id\":\"%s\",\"items\":[", id
		for (i = 0; i < n; i++)
			printf "%s{\"kind\":\"pe\",\"name\":\"%d.sys\",\"size\":6680,\"digest_algorithm\":\"sha256\"," \
				"\"digest\":\"%064x\"}", i ? "," : "", i, first + i
		printf "]}"
	}'
}

api() {
	for api_path; do :; done
	# The last argument becomes a URL, the others stay curl's.
	api_left=$#
	for api_arg; do
		shift
		api_left=$((api_left - 1))
		[ "$api_left" -eq 0 ] || set -- "$@" "$api_arg"
	done
	curl --silent --show-error --max-time 40 --cacert "$T/client-ca.pem" --cert "$T/$who.identity" \
		--output "$T/body" --dump-header "$T/header" --write-out '%{http_code}\n' "$@" \
		"$KDSIGN_SERVER$api_path"
}

header_value() {
	tr -d '\r' <"$T/header" | sed -n "s/^$1: //Ip" | tail -n 1
}

# What holds for every answer: an id, a type that fits, and in a problem the same id and status.
well_formed() {
	case $1:$(header_value Content-Type) in
	2*:application/json | 50[034]:application/json)
		jq -e 'type == "object"' "$T/body" >/dev/null ;;
	[45]*:application/problem+json)
		jq -e --arg status "$1" --arg id "$(header_value X-Request-Id)" '.type == "about:blank" and
			.status == ($status | tonumber) and .request_id == $id and
			(.code | length) > 0 and (.title | length) > 0 and (.detail | length) > 0' "$T/body" >/dev/null ;;
	*) false ;;
	esac && header_value X-Request-Id | grep -qxE '[0-9a-f]{32}'
}

asked_well() {
	asked_want=$1
	shift
	asked_got=$(api "$@")
	[ "$asked_got" = "$asked_want" ] && well_formed "$asked_got" && return
	echo "status '$asked_got', want '$asked_want'"
	cat "$T/header"
	head -c 2000 "$T/body"
	return 1
}

answers() {
	answers_status=$1 answers_title=$2
	shift 2
	ok "$answers_title: $answers_status" asked_well "$answers_status" "$@"
}

body_says() {
	cp "$T/body" "$T/out"
	says out "$1"
}

event() {
	echo "json_extract(json,'\$.$1')"
}

record() {
	sqlite3 -cmd '.timeout 5000' "$T/state/record.db" "$1"
}

none() {
	ok "$1" test "$(record "$2")" = 0
}

# A digest belongs to one file here, so that two ids with the same one are a request and its retry.
record_hears() {
	sed 's/.*\(.\{64\}\)$/\1/' "$T/mock/signed" >"$T/heard"
	sqlite3 "$T/state/record.db" 'CREATE TABLE heard(digest TEXT)' ".import $T/heard heard" \
		"CREATE TABLE asked AS SELECT json_extract(i.json,'\$.signed_digest') AS digest, i.seq AS seq,
		json_extract(r.json,'\$.id') AS id, json_extract(r.json,'\$.retry_of') AS retry_of FROM event i
		JOIN event r ON r.seq = json_extract(i.json,'\$.request') WHERE json_extract(i.json,'\$.event') = 'intent'" \
		'CREATE INDEX asked_digest ON asked(digest)'
	none 'each digest that the token heard has its intent' 'SELECT count(*) FROM heard WHERE digest NOT IN (
		SELECT digest FROM asked)'
	none 'none was heard more often than there are ids that asked for it' 'SELECT count(*) FROM (SELECT digest,
		count(*) AS n FROM heard GROUP BY digest) h WHERE n > (SELECT count(DISTINCT id) FROM asked a
		WHERE a.digest = h.digest)'
	none 'and a second id names the first' 'SELECT count(*) FROM asked b WHERE b.retry_of IS NULL AND EXISTS (
		SELECT 1 FROM asked a WHERE a.digest = b.digest AND a.seq < b.seq AND a.id <> b.id)'
}

process() {
	case $1 in
	signer-child) pgrep -P "$(process kdsign-signer)" ;;
	*) pgrep -P "$service" -f "/$1 --config" ;;
	esac
}
