/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/wire/relay_msg_test.c - every field of the front's question to the relay, cut
 * anywhere and wrong each. */
#include "wire/relay_msg.h"

#include "tests/unit/wire/check.h"
#include "wire/api.h"

#define REQUEST_ID "0123456789abcdef0123456789abcdef"
#define CLIENT "abcdefghijklmnopqrstuvwxyz012345"

static struct relay_ask
stamp_ask(void)
{
	struct relay_ask a = {.route = RELAY_TIMESTAMP,
	    .deadline_ms = 30000,
	    .request_id = REQUEST_ID,
	    .body = {(const uint8_t *)"{}", 2}};

	memcpy(a.client, CLIENT, sizeof(a.client));
	return a;
}

static void
ask_bytes_are_as_documented_and_come_back(void **state)
{
	static const uint8_t want[] = "\1\0\x30\x75\0\0" REQUEST_ID CLIENT "\2\0\0\0{}";
	AUTO(buf_clear) struct buf b = {0};
	struct relay_ask a = stamp_ask(), got = {0};
	struct kd_err e = {0};

	relay_ask_encode(&a, &b);
	assert_int_equal(b.len, sizeof(want) - 1);
	assert_memory_equal(b.p, want, b.len);
	check_done(relay_ask_decode(rd_init(b.p, b.len), &got, &e), &e);
	assert_int_equal(got.route, RELAY_TIMESTAMP);
	assert_int_equal(got.deadline_ms, 30000);
	assert_string_equal(got.request_id, REQUEST_ID);
	assert_memory_equal(got.client, CLIENT, sizeof(got.client));
	assert_int_equal(got.body.len, 2);
	assert_memory_equal(got.body.p, "{}", 2);
}

static void
metrics_have_no_client_and_no_body(void **state)
{
	AUTO(buf_clear) struct buf b = {0};
	struct relay_ask a = {
	    .route = RELAY_METRICS, .deadline_ms = 1, .request_id = REQUEST_ID};
	struct relay_ask got = {0};
	struct kd_err e = {0};

	relay_ask_encode(&a, &b);
	check_done(relay_ask_decode(rd_init(b.p, b.len), &got, &e), &e);
	assert_int_equal(got.route, RELAY_METRICS);
}

static uint8_t large[API_STAMP_REQUEST_MAX + 1];

/* Changes of a good ask: what each breaks is the message. */
static void
break_route(struct relay_ask *a)
{
	a->route = (enum relay_route)(RELAY_METRICS + 1);
}
static void
break_deadline(struct relay_ask *a)
{
	a->deadline_ms = 0;
}
static void
break_deadline_long(struct relay_ask *a)
{
	a->deadline_ms = ASK_DEADLINE_MAX_MS + 1;
}
static void
break_request_id(struct relay_ask *a)
{
	a->request_id[0] = 'g';
}
static void
break_client(struct relay_ask *a)
{
	memset(a->client, 0, sizeof(a->client));
}
static void
break_body(struct relay_ask *a)
{
	a->body.len = 0;
}
static void
break_body_long(struct relay_ask *a)
{
	a->body = (struct der){large, sizeof(large)};
}
static void
break_metrics(struct relay_ask *a)
{
	a->route = RELAY_METRICS;
}

static void
each_field_out_of_range_is_named(void **state)
{
	static const struct {
		void (*broken)(struct relay_ask *a);
		const char *msg;
	} cases[] = {
	    {break_route, "relay ask: unknown route 3"},
	    {break_deadline, "relay ask: deadline: 0 ms, must be 1 to 3600000"},
	    {break_deadline_long, "relay ask: deadline: 3600001 ms, must be 1 to 3600000"},
	    {break_request_id,
		"relay ask: request id: is not 32 lower-case hex digits"},
	    {break_client, "relay ask: a timestamp asked without a client or a body"},
	    {break_body, "relay ask: a timestamp asked without a client or a body"},
	    {break_body_long, "relay ask: body: 16385 bytes, at most 16384 allowed"},
	    {break_metrics, "relay ask: metrics asked with a client or a body"},
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		AUTO(buf_clear) struct buf b = {0};
		struct relay_ask a = stamp_ask(), got = {.deadline_ms = 7};
		struct kd_err e = {0};

		cases[i].broken(&a);
		relay_ask_encode(&a, &b);
		check_refusal(relay_ask_decode(rd_init(b.p, b.len), &got, &e), &e,
		    KD_E_PROTOCOL, cases[i].msg);
		assert_int_equal(got.deadline_ms, 7); /* untouched */
	}
}

static void
cut_anywhere_or_with_more_is_refused(void **state)
{
	AUTO(buf_clear) struct buf b = {0};
	struct relay_ask a = stamp_ask(), got = {0};

	relay_ask_encode(&a, &b);
	buf_u8(&b, 0);
	for (size_t n = 0; n <= b.len; n++) {
		struct kd_err e = {0};

		if (n == b.len - 1) /* the whole of it */
			continue;
		assert_false(relay_ask_decode(rd_init(b.p, n), &got, &e));
		assert_int_equal(e.code, KD_E_PROTOCOL);
		assert_int_not_equal(e.msg[0], '\0');
	}
}

int
main(void)
{
	const struct CMUnitTest t[] = {
	    cmocka_unit_test(ask_bytes_are_as_documented_and_come_back),
	    cmocka_unit_test(metrics_have_no_client_and_no_body),
	    cmocka_unit_test(each_field_out_of_range_is_named),
	    cmocka_unit_test(cut_anywhere_or_with_more_is_refused),
	};
	return cmocka_run_group_tests_name("relay_msg", t, NULL, NULL);
}
