/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/unit/client/server_test.c - what is tried again, and what is said in the end. The
 * connection (client/net.c) is played here, from a script of answers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "client/server.h"

#define DEADLINE_MS 400

/* One letter a try: b 503 busy, g gone, l gone only when the deadline has passed, s 200,
 * d 403, i 504 with items, j 504 with other JSON, h 504 with HTML. The last one stands for
 * all that follow. */
static const char *script;
static unsigned tries;

struct net {
	int nothing;
};
static struct net connection;

void
net_answer_clear(struct net_answer *a)
{
	buf_clear(&a->body);
}

bool
net_open(const struct net_options *o, struct net **ret, struct kd_err *e)
{
	(void)o, (void)e;
	*ret = &connection;
	return true;
}

void
net_close(struct net *n)
{
	(void)n;
}

static bool
say_problem(enum kd_code code, const char *detail, struct net_answer *ret)
{
	struct kd_err problem = {0};

	(void)kd_fail(&problem, code, "%s", detail);
	ret->status = kd_code_info(code)->http;
	ret->problem = true;
	api_problem_encode(&problem, NULL, &ret->body);
	return true;
}

/* Hung at the token; what balancers make of a service that they cannot reach. */
static bool
say_timeout(const char *body, bool json, struct net_answer *ret)
{
	ret->status = 504;
	ret->json = json;
	buf_str(&ret->body, body);
	return true;
}

bool
net_ask(struct net *n, const struct net_request *q, struct net_answer *ret,
    struct kd_err *e)
{
	char letter = *script;

	(void)n;
	tries++;
	if (script[1] != '\0')
		script++;
	switch (letter) {
	case 'b':
		return say_problem(KD_E_BUSY, "the signer is stopping", ret);
	case 'd':
		return say_problem(KD_E_DENIED, "not granted", ret);
	case 'l':
		while (clock_left(q->deadline_ms) > 0)
			;
		return kd_fail(e, KD_E_UNREACHABLE, "no answer in time");
	case 'i':
		return say_timeout("{\"items\":[]}", true, ret);
	case 'j':
		return say_timeout("{\"message\":\"gateway timeout\"}", true, ret);
	case 'h':
		return say_timeout("<html>{\"items\":[]}</html>", false, ret);
	case 'g':
		return kd_fail(e, KD_E_UNREACHABLE, "connection refused");
	default:
		ret->status = 200;
		return true;
	}
}

static bool
has_items(const struct net_answer *a)
{
	return a->json && a->body.len > 2 && memcmp(a->body.p, "{\"items\"", 8) == 0;
}

static bool
ask_for(const char *answers, bool (*accepts)(const struct net_answer *a), long *ret_status,
    struct kd_err *e)
{
	const struct settings settings = {
	    .server = (char *)(uintptr_t) "https://127.0.0.1:1",
	    .identity = (char *)(uintptr_t) "identity.pem",
	    .timeout_ms = DEADLINE_MS,
	};
	AUTO(server_close) struct server *s = NULL;
	AUTO(net_answer_clear) struct net_answer a = {0};

	script = answers;
	tries = 0;
	assert_true(server_open(&settings, &s, e));
	if (!server_ask(s, "/v1/keys", NULL, 0, accepts, server_deadline(s), &a, e))
		return false;
	*ret_status = a.status;
	return true;
}

static bool
ask(const char *answers, struct kd_err *e)
{
	long ignored;

	return ask_for(answers, NULL, &ignored, e);
}

static void
a_refusal_that_passes_is_tried_again_and_forgotten(void **state)
{
	struct kd_err e = {0};

	(void)state;
	assert_true(ask("bs", &e));
	assert_int_equal(e.code, KD_OK);
	assert_int_equal(tries, 2);
}

static void
a_refusal_that_does_not_pass_is_final(void **state)
{
	struct kd_err e = {0};

	(void)state;
	assert_false(ask("d", &e));
	assert_int_equal(e.code, KD_E_DENIED);
	assert_int_equal(tries, 1);
}

static void
running_out_of_time_does_not_hide_the_last_refusal(void **state)
{
	struct kd_err e = {0};

	(void)state;
	assert_false(ask("bl", &e));
	assert_int_equal(e.code, KD_E_BUSY);
	assert_string_equal(e.msg, "the signer is stopping");
	assert_int_equal(tries, 2);
}

static void
a_service_that_went_away_after_a_refusal_is_what_is_said(void **state)
{
	struct kd_err e = {0};

	(void)state;
	assert_false(ask("bg", &e));
	assert_int_equal(e.code, KD_E_UNREACHABLE);
	assert_string_equal(e.msg, "connection refused");
	assert_true(tries >= 2);
}

static void
items_under_an_error_status_are_an_answer_where_items_are_asked_for(void **state)
{
	struct kd_err e = {0};
	long status = 0;

	(void)state;
	assert_true(ask_for("i", has_items, &status, &e));
	assert_int_equal(status, 504);
	assert_int_equal(tries, 1);
	assert_false(ask("i", &e)); /* of another route */
	assert_int_equal(e.code, KD_E_UNREACHABLE);
	assert_true(tries >= 2);
}

static void
a_balancers_own_504_is_a_service_that_is_not_there(void **state)
{
	const char *const answers[] = {"j", "h"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct kd_err e = {0};
		long status = 0;

		assert_false(ask_for(answers[i], has_items, &status, &e));
		assert_int_equal(e.code, KD_E_UNREACHABLE);
		assert_true(tries >= 2);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_refusal_that_passes_is_tried_again_and_forgotten),
	    cmocka_unit_test(a_refusal_that_does_not_pass_is_final),
	    cmocka_unit_test(running_out_of_time_does_not_hide_the_last_refusal),
	    cmocka_unit_test(a_service_that_went_away_after_a_refusal_is_what_is_said),
	    cmocka_unit_test(
		items_under_an_error_status_are_an_answer_where_items_are_asked_for),
	    cmocka_unit_test(a_balancers_own_504_is_a_service_that_is_not_there),
	};

	log_init("server_test", LOG_L_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
