/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/wire/front_msg_test.c - every field of ask and answer, cut anywhere and
 * wrong each. */
#include "wire/front_msg.h"

#include "tests/unit/wire/check.h"
#include "wire/api.h"

#define REQUEST_ID "0123456789abcdef0123456789abcdef"

static struct ask
sign_ask(void)
{
	return (struct ask){
	    .route = ASK_SIGN,
	    .request_id = REQUEST_ID,
	    .peer = "192.0.2.7:51234",
	    .deadline_ms = 30000,
	    .chain = {{(const uint8_t *)"leaf", 4}, {(const uint8_t *)"ca", 2}},
	    .chain_n = 2,
	    .body = {(const uint8_t *)"{}", 2},
	};
}

static void
check_der(struct der got, struct der want)
{
	assert_int_equal(got.len, want.len);
	assert_memory_equal(got.p, want.p, want.len);
}

static void
ask_comes_back_whole(void **state)
{
	AUTO(buf_clear) struct buf b = {0};
	struct ask a = sign_ask(), got = {0};
	struct kd_err e = {0};

	ask_encode(&a, &b);
	check_done(ask_decode(rd_init(b.p, b.len), &got, &e), &e);
	assert_int_equal(got.route, ASK_SIGN);
	assert_string_equal(got.request_id, REQUEST_ID);
	assert_string_equal(got.target, "");
	assert_string_equal(got.peer, "192.0.2.7:51234");
	assert_int_equal(got.deadline_ms, 30000);
	assert_int_equal(got.wait_ms, 0);
	assert_false(got.local);
	assert_int_equal(got.chain_n, 2);
	check_der(got.chain[0], a.chain[0]);
	check_der(got.chain[1], a.chain[1]);
	check_der(got.body, a.body);
}

static void
ask_bytes_are_as_documented(void **state)
{
	static const uint8_t want[] = "\4\0\0\0\x30\x75\0\0\xe8\3\0\0" REQUEST_ID
				      "\x10id-0123456789abc\x1:\1\3\0\0\0crt\0\0\0";
	AUTO(buf_clear) struct buf b = {0};
	struct ask a = {.route = ASK_SIGNATURE,
	    .request_id = REQUEST_ID,
	    .target = "id-0123456789abc",
	    .peer = ":",
	    .deadline_ms = 30000,
	    .wait_ms = 1000,
	    .chain = {{(const uint8_t *)"crt", 3}},
	    .chain_n = 1};

	ask_encode(&a, &b);
	assert_int_equal(
	    b.len, sizeof(want)); /* the string's NUL is the body length's last byte */
	assert_memory_equal(b.p, want, sizeof(want));
}

static void
every_route_in_its_own_shape(void **state)
{
	static const struct ask asks[] = {
	    {.route = ASK_KEYS, .deadline_ms = 1, .chain_n = 1},
	    {.route = ASK_KEY, .deadline_ms = 1, .chain_n = 1, .target = "driver-2026"},
	    {.route = ASK_SIGNATURE,
		.deadline_ms = 1,
		.chain_n = 1,
		.target = "x",
		.wait_ms = API_WAIT_MAX_S * 1000},
	    {.route = ASK_READY, .deadline_ms = 1, .chain_n = 1},
	    {.route = ASK_READY, .deadline_ms = ASK_DEADLINE_MAX_MS, .local = true},
	    {.route = ASK_METRICS, .deadline_ms = 1, .local = true},
	    {.route = ASK_TIMESTAMP, .deadline_ms = 1, .chain_n = 1},
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(asks); i++) {
		AUTO(buf_clear) struct buf b = {0};
		struct ask a = asks[i], got = {0};
		struct kd_err e = {0};

		memcpy(a.request_id, REQUEST_ID, sizeof(a.request_id));
		a.chain[0] = (struct der){(const uint8_t *)"leaf", 4};
		ask_encode(&a, &b);
		check_done(ask_decode(rd_init(b.p, b.len), &got, &e), &e);
		assert_int_equal(got.route, a.route);
		assert_int_equal(got.local, a.local);
		assert_string_equal(got.target, a.target);
		assert_int_equal(got.wait_ms, a.wait_ms);
		assert_int_equal(got.deadline_ms, a.deadline_ms);
	}
}

/* Changes of a good ask: what each breaks is the message. */
static void
break_route(struct ask *a)
{
	a->route = (enum ask_route)0;
}
static void
break_route_high(struct ask *a)
{
	a->route = (enum ask_route)(ASK_TIMESTAMP + 1);
}
static void
break_request_id(struct ask *a)
{
	a->request_id[31] = 'F';
}
static void
break_deadline(struct ask *a)
{
	a->deadline_ms = 0;
}
static void
break_deadline_long(struct ask *a)
{
	a->deadline_ms = ASK_DEADLINE_MAX_MS + 1;
}
static void
break_wait(struct ask *a)
{
	a->wait_ms = 1;
}
static void
break_wait_long(struct ask *a)
{
	*a = (struct ask){.route = ASK_SIGNATURE,
	    .deadline_ms = 1,
	    .wait_ms = API_WAIT_MAX_S * 1000 + 1,
	    .request_id = REQUEST_ID};
}
static void
break_target(struct ask *a)
{
	a->target[0] = 'x';
}
static void
break_target_missing(struct ask *a)
{
	a->route = ASK_KEY;
}
static void
break_target_chars(struct ask *a)
{
	a->route = ASK_KEY;
	memcpy(a->target, "a/b", 4);
}
static void
break_body(struct ask *a)
{
	a->route = ASK_KEYS;
}
static void
break_peer(struct ask *a)
{
	memcpy(a->peer, "a b", 4);
}
static void
break_peer_newline(struct ask *a)
{
	memcpy(a->peer, "a\nb", 4);
}
static void
break_chain_none(struct ask *a)
{
	a->chain_n = 0;
}
static void
break_chain_empty(struct ask *a)
{
	a->chain[1].len = 0;
}
static void
break_cert_long(struct ask *a)
{
	static const uint8_t zeros[ASK_CERT_LEN_MAX + 1];

	a->chain[1] = (struct der){zeros, sizeof(zeros)};
}
static void
break_local_sign(struct ask *a)
{
	a->local = true;
}
static void
break_local_chain(struct ask *a)
{
	a->local = true;
	a->route = ASK_READY;
	a->body.len = 0;
}
static void
break_metrics_of_client(struct ask *a)
{
	a->route = ASK_METRICS;
	a->body.len = 0;
}

static void
each_wrong_field_is_refused(void **state)
{
	static const struct {
		void (*change)(struct ask *a);
		const char *msg;
	} cases[] = {
	    {break_route, "ask: unknown route 0"},
	    {break_route_high, "ask: unknown route 8"},
	    {break_request_id, "ask: request id: is not 32 lower-case hex digits"},
	    {break_deadline, "ask: deadline: 0 ms, must be 1 to 3600000"},
	    {break_deadline_long, "ask: deadline: 3600001 ms, must be 1 to 3600000"},
	    {break_wait, "ask: wait: 1 ms on route 3"},
	    {break_wait_long, "ask: wait: 60001 ms on route 4"},
	    {break_target, "ask: target: wrong for route 3"},
	    {break_target_missing, "ask: target: wrong for route 2"},
	    {break_target_chars, "ask: target: wrong for route 2"},
	    {break_body, "ask: body: 2 bytes on route 1"},
	    {break_peer, "ask: peer: not printable ASCII"},
	    {break_peer_newline, "ask: peer: not printable ASCII"},
	    {break_chain_none, "ask: no client certificate"},
	    {break_chain_empty, "ask: certificate: is empty"},
	    {break_cert_long, "ask: certificate: 16385 bytes, at most 16384 allowed"},
	    {break_local_sign, "ask: route 3 asked over the status socket"},
	    {break_local_chain, "ask: a status question with certificates"},
	    {break_metrics_of_client, "ask: route 6 asked by a client"},
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		AUTO(buf_clear) struct buf b = {0};
		struct ask a = sign_ask(), got = {.wait_ms = 7};
		struct kd_err e = {0};

		cases[i].change(&a);
		ask_encode(&a, &b);
		check_refusal(ask_decode(rd_init(b.p, b.len), &got, &e), &e,
		    KD_E_PROTOCOL, cases[i].msg);
		assert_int_equal(got.wait_ms, 7);
	}
}

static void
what_the_front_knows_of_the_relay(void **state)
{
	static const struct {
		enum ask_relay relay;
		bool apart, local;
		uint8_t flags;
	} cases[] = {
	    {ASK_RELAY_NONE, false, true, 1},
	    {ASK_RELAY_DOWN, false, true, 3},
	    {ASK_RELAY_UP, true, true, 15},
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		AUTO(buf_clear) struct buf b = {0};
		struct ask a = {.route = ASK_READY, .deadline_ms = 1, .peer = "p",
		    .relay = cases[i].relay, .relay_apart = cases[i].apart,
		    .local = cases[i].local}, got = {0};
		struct kd_err e = {0};

		memset(a.request_id, 'a', ASK_REQUEST_ID_LEN);
		ask_encode(&a, &b);
		assert_int_equal(b.p[2], cases[i].flags);
		check_done(ask_decode(rd_init(b.p, b.len), &got, &e), &e);
		assert_int_equal(got.relay, cases[i].relay);
		assert_int_equal(got.relay_apart, cases[i].apart);
	}
}

/* What no encoder of ours would write. */
static void
foreign_bytes_are_refused(void **state)
{
	static const struct {
		size_t at;
		uint8_t byte;
		const char *msg;
	} cases[] = {
	    {2, 2, "ask: unknown flags 0x2"}, /* the relay's, but not with sign */
	    {2, 4, "ask: unknown flags 0x4"},
	    {2, 16, "ask: unknown flags 0x10"},
	    {44, 65, "ask: target: 65 bytes, at most 64 allowed"},
	    {45, 65, "ask: peer: 65 bytes, at most 64 allowed"},
	    {46, 0xff, "ask: peer: is not UTF-8"},
	    {61, 9, "ask: 9 certificates, at most 8 allowed"},
	};
	uint8_t raw[256] = {0};
	AUTO(buf_clear) struct buf b = {0};
	struct ask a = sign_ask();

	ask_encode(&a, &b);
	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		struct kd_err e = {0};

		memcpy(raw, b.p, b.len);
		raw[cases[i].at] = cases[i].byte;
		check_refusal(ask_decode(rd_init(raw, sizeof(raw)), &a, &e), &e,
		    KD_E_PROTOCOL, cases[i].msg);
	}
}

static void
ask_cut_anywhere_or_with_more_behind_is_refused(void **state)
{
	AUTO(buf_clear) struct buf b = {0};
	struct ask a = sign_ask();
	struct kd_err more = {0};

	ask_encode(&a, &b);
	for (size_t n = 0; n < b.len; n++) {
		struct kd_err e = {0};

		assert_false(ask_decode(rd_init(b.p, n), &a, &e));
		assert_int_equal(e.code, KD_E_PROTOCOL);
	}
	buf_u8(&b, 0);
	check_refusal(ask_decode(rd_init(b.p, b.len), &a, &more), &more, KD_E_PROTOCOL,
	    "ask: 1 unexpected bytes at offset 0x52");
}

static void
cut_ask_names_the_field(void **state)
{
	struct kd_err e = {0};
	struct ask a;

	check_refusal(ask_decode(rd_init("\3\0\0\0\1", 5), &a, &e), &e, KD_E_PROTOCOL,
	    "ask: deadline at offset 0x4 needs 4 bytes; the data ends at 0x5");
}

static void
answer_comes_back_whole(void **state)
{
	static const uint8_t want[] = "\xf7\1\2\0\5\0\0\0\2\0\0\0{}";
	AUTO(buf_clear) struct buf b = {0};
	struct answer a = {.status = 503,
	    .type = ANSWER_PROBLEM,
	    .retry_after_s = 5,
	    .body = {(const uint8_t *)"{}", 2}};
	struct answer got = {0};
	struct kd_err e = {0};

	answer_encode(&a, &b);
	assert_int_equal(b.len, sizeof(want) - 1);
	assert_memory_equal(b.p, want, b.len);
	check_done(answer_decode(rd_init(b.p, b.len), &got, &e), &e);
	assert_int_equal(got.status, 503);
	assert_int_equal(got.type, ANSWER_PROBLEM);
	assert_int_equal(got.retry_after_s, 5);
	check_der(got.body, a.body);
}

static void
wrong_answers_are_refused(void **state)
{
	static const struct {
		struct answer a;
		const char *msg;
	} cases[] = {
	    {{.status = 199, .type = ANSWER_JSON},
		"answer: status 199, must be 200 to 599"},
	    {{.status = 600, .type = ANSWER_JSON},
		"answer: status 600, must be 200 to 599"},
	    {{.status = 200}, "answer: unknown type 0"},
	    {{.status = 200, .type = (enum answer_type)5}, "answer: unknown type 5"},
	    {{.status = 200, .type = ANSWER_GRANT},
		"answer: a grant of 0 bytes with status 200, must be 32 with 200"},
	    {{.status = 202,
		 .type = ANSWER_GRANT,
		 .body = {(const uint8_t *)REQUEST_ID, ANSWER_GRANT_LEN}},
		"answer: a grant of 32 bytes with status 202, must be 32 with 200"},
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		AUTO(buf_clear) struct buf b = {0};
		struct answer got = {.status = 7};
		struct kd_err e = {0}, cut = {0};

		answer_encode(&cases[i].a, &b);
		check_refusal(answer_decode(rd_init(b.p, b.len), &got, &e), &e,
		    KD_E_PROTOCOL, cases[i].msg);
		assert_int_equal(got.status, 7);
		check_refusal(answer_decode(rd_init(b.p, 11), &got, &cut), &cut,
		    KD_E_PROTOCOL,
		    "answer: body at offset 0x8 needs 4 bytes; the data ends at 0xb");
	}
}

int
main(void)
{
	const struct CMUnitTest t[] = {
	    cmocka_unit_test(ask_comes_back_whole),
	    cmocka_unit_test(ask_bytes_are_as_documented),
	    cmocka_unit_test(every_route_in_its_own_shape),
	    cmocka_unit_test(each_wrong_field_is_refused),
	    cmocka_unit_test(what_the_front_knows_of_the_relay),
	    cmocka_unit_test(foreign_bytes_are_refused),
	    cmocka_unit_test(ask_cut_anywhere_or_with_more_behind_is_refused),
	    cmocka_unit_test(cut_ask_names_the_field),
	    cmocka_unit_test(answer_comes_back_whole),
	    cmocka_unit_test(wrong_answers_are_refused),
	};
	return cmocka_run_group_tests_name("front_msg", t, NULL, NULL);
}
