/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/unit/client/stamper_test.c - which authority is asked when, and what is said in
 * the end. The authorities (client/stamp_ask.c) and the signature are played here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/num.h"
#include "authenticode/cms_edit.h"
#include "client/stamp_ask.h"
#include "client/stamper.h"

#define TIMEOUT_MS 600
#define SERVER_TIMEOUT_MS 60000 /* what the service gets when nobody else is named */

/* One letter a try: s timestamp, u unreachable at once, h never answers, w wrong answer,
 * d denied, m no memory. The last one stands for all that follow. */
static struct authority {
	const char *url, *script;
	unsigned asked;
} authorities[] = {
    {"http://one/", "s", 0},
    {"http://two/", "s", 0},
    {"server", "s", 0},
};

static int last_left_ms; /* of who never answers */

static void
play(const char *one, const char *two, const char *server)
{
	const char *scripts[] = {one, two, server};

	for (size_t i = 0; i < KD_ARRAY_LEN(authorities); i++) {
		authorities[i].script = scripts[i];
		authorities[i].asked = 0;
	}
}

static bool
answer(const char *url, const struct stamp_question *q, struct stamp_answer *ret,
    struct kd_err *e)
{
	struct authority *a = authorities;
	char letter;

	while (strcmp(a->url, url) != 0)
		a++;
	a->asked++;
	letter = *a->script;
	if (a->script[1] != '\0')
		a->script++;
	switch (letter) {
	case 'u':
		return kd_fail(e, KD_E_UNREACHABLE, "'%s': connection refused", url);
	case 'h':
		last_left_ms = clock_left(q->deadline_ms);
		if (last_left_ms > 2 * TIMEOUT_MS)
			return kd_fail(e, KD_E_UNREACHABLE, "'%s': waited for long", url);
		while (clock_left(q->deadline_ms) > 0)
			;
		return kd_fail(e, KD_E_UNREACHABLE, "'%s': no answer in time", url);
	case 'w':
		return kd_fail(e, KD_E_NOT_VERIFIED, "'%s': another nonce", url);
	case 'd':
		return kd_fail(e, KD_E_DENIED, "timestamps are not granted");
	case 'm':
		return kd_fail_nomem(e, "answer");
	default:
		ret->time = 1234567890;
		return true;
	}
}

bool
stamp_ask_tsa(struct net_tsa *n, const char *url, const struct stamp_question *q,
    struct stamp_answer *ret, struct kd_err *e)
{
	assert_non_null(n);
	return answer(url, q, ret, e);
}

bool
stamp_ask_server(struct server *s, const struct stamp_question *q,
    struct stamp_answer *ret, struct kd_err *e)
{
	assert_null(s);
	return answer("server", q, ret, e);
}

void
stamp_answer_clear(struct stamp_answer *a)
{
	*a = (struct stamp_answer){0};
}

bool
server_open(const struct settings *settings, struct server **ret, struct kd_err *e)
{
	(void)settings, (void)e;
	*ret = NULL;
	return true;
}

void
server_close(struct server *s)
{
	assert_null(s);
}

uint64_t
server_deadline(const struct server *s)
{
	(void)s;
	return clock_ms() + SERVER_TIMEOUT_MS;
}

bool
cms_parse(const uint8_t *p, size_t len, struct cms *ret, struct kd_err *e)
{
	(void)e;
	*ret = (struct cms){.md = MD_SHA384, .signature = p, .signature_len = len};
	return true;
}

void
cms_clear(struct cms *c)
{
	*c = (struct cms){0};
}

bool
cms_set_timestamp(const uint8_t *cms, size_t len, enum tsp_kind kind,
    const uint8_t *value, size_t value_len, const struct certs *certs, struct buf *ret,
    struct kd_err *e)
{
	(void)kind, (void)value, (void)value_len, (void)certs;
	buf_add(ret, cms, len);
	return buf_ok(ret, "signature", e);
}

static const char *urls[] = {"http://one/", "http://two/"};

struct run {
	struct stamper *s;
	struct stamp_link *link;
	struct kd_err e;
};

static void
open_run(struct run *r, size_t n)
{
	static struct stamp_options o;

	o = (struct stamp_options){
	    .rfc3161 = {.v = urls, .n = n}, .timeout_ms = TIMEOUT_MS};
	*r = (struct run){0};
	assert_true(stamper_new(&o, NULL, &r->s, &r->e));
}

static void
close_run(struct run *r)
{
	stamp_link_free(r->link);
	stamper_free(r->s);
}

static bool
stamp(struct run *r)
{
	AUTO(buf_clear) struct buf stamped = {0};
	struct stamp_made made = {0};
	bool ok;

	r->e = (struct kd_err){0};
	ok = stamper_stamp(r->s, &r->link, (const uint8_t *)"cms", 3, &stamped, &made,
	    &r->e);
	assert_int_equal(stamped.len, ok ? 3 : 0);
	assert_int_equal(made.time, ok ? 1234567890 : 0);
	assert_int_equal(made.kind, ok ? TSP_RFC3161 : TSP_NONE);
	return ok;
}

static void
the_first_is_asked_while_it_answers(void **state)
{
	struct run r;

	(void)state;
	play("s", "s", "s");
	open_run(&r, 2);
	assert_true(stamp(&r));
	assert_true(stamp(&r));
	assert_int_equal(authorities[0].asked, 2);
	assert_int_equal(authorities[1].asked, 0);
	assert_false(stamper_gave_up(r.s, &r.e));
	close_run(&r);
}

static void
a_wrong_answer_goes_to_the_next(void **state)
{
	struct run r;

	(void)state;
	play("ws", "s", "s");
	open_run(&r, 2);
	assert_true(stamp(&r));
	assert_int_equal(authorities[0].asked, 1);
	assert_int_equal(authorities[1].asked, 1);
	close_run(&r);
}

static void
who_never_answers_costs_one_deadline(void **state)
{
	struct run r;

	(void)state;
	play("h", "s", "s");
	open_run(&r, 2);
	for (size_t i = 0; i < 20; i++)
		assert_true(stamp(&r));
	assert_int_equal(authorities[0].asked, 1);
	assert_int_equal(authorities[1].asked, 20);
	close_run(&r);
}

static void
a_lost_connection_is_tried_again(void **state)
{
	struct run r;

	(void)state;
	play("us", "s", "s");
	open_run(&r, 1);
	assert_true(stamp(&r));
	assert_int_equal(authorities[0].asked, 2);
	close_run(&r);
}

static void
when_all_fail_the_first_is_named(void **state)
{
	struct run r;

	(void)state;
	play("u", "w", "s");
	open_run(&r, 2);
	assert_false(stamp(&r));
	assert_int_equal(r.e.code, KD_E_TIMESTAMP);
	assert_string_equal(r.e.msg, "no timestamp: 'http://one/': connection refused");
	assert_string_equal(
	    r.e.hint, "neither from the next: 'http://two/': another nonce");
	assert_in_range(authorities[0].asked, 1, 4);
	assert_int_equal(authorities[1].asked, 1);
	close_run(&r);
}

static void
nobody_left_is_told_without_asking(void **state)
{
	struct run r;

	(void)state;
	play("h", "h", "s");
	open_run(&r, 2);
	assert_false(stamp(&r));
	assert_false(stamp(&r));
	assert_string_equal(r.e.msg, "no timestamp: 'http://one/': no answer in time");
	assert_int_equal(authorities[0].asked, 1);
	assert_int_equal(authorities[1].asked, 1);
	r.e = (struct kd_err){0};
	assert_true(stamper_gave_up(r.s, &r.e));
	assert_int_equal(r.e.code, KD_E_TIMESTAMP);
	close_run(&r);
}

/* It has tried again by itself all its time. */
static void
the_service_is_asked_once_when_it_fails(void **state)
{
	struct run r;
	static const char *both[] = {"server", "http://two/"};
	const char *saved[] = {urls[0], urls[1]};

	(void)state;
	memcpy((void *)urls, (void *)both, sizeof(both));
	play("s", "s", "u");
	open_run(&r, 2);
	assert_true(stamp(&r));
	assert_true(stamp(&r));
	assert_int_equal(authorities[2].asked, 1);
	assert_int_equal(authorities[1].asked, 2);
	close_run(&r);
	memcpy((void *)urls, (void *)saved, sizeof(saved));
}

static void
a_service_that_hangs_leaves_time_for_the_next(void **state)
{
	struct run r;
	const char *saved = urls[0];

	(void)state;
	*(const char **)&urls[0] = "server";
	play("s", "s", "h");
	open_run(&r, 2);
	assert_true(stamp(&r));
	assert_true(stamp(&r));
	assert_in_range(last_left_ms, 1, TIMEOUT_MS);
	assert_int_equal(authorities[2].asked, 1);
	assert_int_equal(authorities[1].asked, 2);
	close_run(&r);
	open_run(&r, 1); /* alone it has the time of the settings */
	assert_false(stamp(&r));
	assert_true(last_left_ms > TIMEOUT_MS);
	close_run(&r);
	*(const char **)&urls[0] = saved;
}

static void
a_refusal_of_the_service_is_told_as_such(void **state)
{
	struct run r;
	const char *saved = urls[0];

	(void)state;
	*(const char **)&urls[0] = "server";
	play("s", "u", "d");
	open_run(&r, 1);
	assert_false(stamp(&r));
	assert_int_equal(r.e.code, KD_E_DENIED);
	assert_string_equal(r.e.msg, "no timestamp: timestamps are not granted");
	close_run(&r);
	open_run(&r, 2);
	assert_false(stamp(&r));
	assert_int_equal(r.e.code, KD_E_TIMESTAMP);
	close_run(&r);
	*(const char **)&urls[0] = saved;
}

static void
our_own_failure_is_not_the_authoritys(void **state)
{
	struct run r;

	(void)state;
	play("m", "s", "s");
	open_run(&r, 2);
	assert_false(stamp(&r));
	assert_int_equal(r.e.code, KD_E_NOMEM);
	assert_int_equal(authorities[1].asked, 0);
	close_run(&r);
}

static void
addresses_that_are_none_are_refused(void **state)
{
	static const char *const wrong[] = {"", "tsa.example.com", "http://", "http:///x",
	    "ftp://tsa/", "https://:80/", "http://user@tsa/", "http://tsa/#x",
	    "http://tsa/a b", "http://t\xc3\xa4/", "Server"};

	(void)state;
	for (size_t i = 0; i < KD_ARRAY_LEN(wrong); i++) {
		const char *v[] = {wrong[i]};
		const struct stamp_options o = {.legacy = {.v = v, .n = 1}};
		struct stamper *s = NULL;
		struct kd_err e = {0};

		assert_false(stamper_new(&o, NULL, &s, &e));
		assert_int_equal(e.code, KD_E_USAGE);
		assert_non_null(strstr(e.msg, wrong[i][0] == 't' ? "tsa.example.com" : ""));
		assert_null(s);
	}
}

static void
one_signature_has_one_kind_of_timestamp(void **state)
{
	const struct stamp_options both = {
	    .rfc3161 = {.v = urls, .n = 1}, .legacy = {.v = urls, .n = 1}};
	const char *many[STAMP_SOURCES_MAX + 1];
	const struct stamp_options too_many = {
	    .rfc3161 = {.v = many, .n = KD_ARRAY_LEN(many)}};
	struct stamper *s = NULL;
	struct kd_err e = {0}, e2 = {0};

	(void)state;
	assert_false(stamper_new(&both, NULL, &s, &e));
	assert_string_equal(e.msg, "'--timestamp' and '--timestamp-legacy' exclude each "
				   "other: a signature has one timestamp");
	for (size_t i = 0; i < KD_ARRAY_LEN(many); i++)
		many[i] = urls[0];
	assert_false(stamper_new(&too_many, NULL, &s, &e2));
	assert_string_equal(e2.msg, "more than 16 time-stamping authorities");
	assert_null(s);
}

int
main(void)
{
	const struct CMUnitTest t[] = {
	    cmocka_unit_test(the_first_is_asked_while_it_answers),
	    cmocka_unit_test(a_wrong_answer_goes_to_the_next),
	    cmocka_unit_test(who_never_answers_costs_one_deadline),
	    cmocka_unit_test(a_lost_connection_is_tried_again),
	    cmocka_unit_test(when_all_fail_the_first_is_named),
	    cmocka_unit_test(nobody_left_is_told_without_asking),
	    cmocka_unit_test(the_service_is_asked_once_when_it_fails),
	    cmocka_unit_test(a_service_that_hangs_leaves_time_for_the_next),
	    cmocka_unit_test(a_refusal_of_the_service_is_told_as_such),
	    cmocka_unit_test(our_own_failure_is_not_the_authoritys),
	    cmocka_unit_test(addresses_that_are_none_are_refused),
	    cmocka_unit_test(one_signature_has_one_kind_of_timestamp),
	};

	return cmocka_run_group_tests_name("client/stamper", t, NULL, NULL);
}
