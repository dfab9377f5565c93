/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/unit/client/server_sign_test.c - one signing request until every item is decided.
 * The functions of client/server.c that server_sign.c calls are played here, from a
 * script of answers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "client/server_sign.h"

#define ITEMS 3
#define STEPS_MAX 6
#define TIMEOUT_MS 1500

/* One letter an item: s signed, p pending, u outcome unknown, t token away, r refused. */
static const char *script[STEPS_MAX];
static size_t step;
static struct asked {
	bool post;
	char path[128], id[API_ID_MAX + 1], retry_of[API_ID_MAX + 1];
	size_t items_n;
} asked[STEPS_MAX];
static unsigned back_offs;

static void
answer_of(char letter, struct api_item_answer *ret)
{
	switch (letter) {
	case 's':
		ret->status = API_SIGNED;
		ret->cms = kd_memdup("cms", 3);
		ret->cms_len = 3;
		return;
	case 'p':
		ret->status = API_PENDING;
		return;
	case 'r':
		ret->status = API_REFUSED;
		ret->code = KD_E_CERT_INVALID;
		break;
	case 'u':
		ret->status = API_FAILED;
		ret->code = KD_E_UNKNOWN_OUTCOME;
		break;
	default:
		ret->status = API_FAILED;
		ret->code = KD_E_TOKEN;
		break;
	}
	ret->detail = kd_strdup("why");
}

static void
note(const char *path, const char *body, size_t len)
{
	AUTO(api_sign_request_clear) struct api_sign_request q = {0};
	struct asked *a = &asked[step];
	struct kd_err e = {0};

	*a = (struct asked){.post = body != NULL};
	(void)snprintf(a->path, sizeof(a->path), "%s", path);
	if (body == NULL)
		return;
	assert_true(api_sign_request_decode(body, len, &q, &e));
	(void)snprintf(a->id, sizeof(a->id), "%s", q.id);
	(void)snprintf(a->retry_of, sizeof(a->retry_of), "%s", q.retry_of);
	a->items_n = q.items_n;
}

bool
server_ask(struct server *s, const char *path, const char *body, size_t body_len,
    bool (*accepts)(const struct net_answer *a), uint64_t deadline_ms,
    struct net_answer *ret, struct kd_err *e)
{
	AUTO(api_sign_answer_clear)
	struct api_sign_answer answer = {.id = "0123456789abcdef", .key = "k"};
	const char *letters = script[step];

	(void)s, (void)deadline_ms;
	assert_true(step < STEPS_MAX);
	assert_non_null(letters);
	note(path, body, body_len);
	step++;
	if (letters[0] == '!')
		return kd_fail(e, KD_E_UNREACHABLE, "gone");
	answer.items_n = strlen(letters);
	answer.items = kd_alloc_array(answer.items_n, sizeof(*answer.items));
	for (size_t i = 0; i < answer.items_n; i++)
		answer_of(letters[i], &answer.items[i]);
	ret->status = 200;
	api_sign_answer_encode(&answer, &ret->body);
	return true;
}

uint64_t
server_deadline(const struct server *s)
{
	(void)s;
	return clock_ms() + TIMEOUT_MS;
}

bool
server_may_retry(enum kd_code code)
{
	return code == KD_E_TOKEN;
}

bool
server_back_off(unsigned attempt, unsigned retry_after_s, uint64_t deadline_ms)
{
	(void)attempt, (void)retry_after_s, (void)deadline_ms;
	back_offs++;
	return back_offs < STEPS_MAX;
}

void
net_answer_clear(struct net_answer *a)
{
	buf_clear(&a->body);
}

struct outcome {
	struct api_sign_answer answer;
	struct kd_err e;
	bool ok;
};

static struct outcome
sign(const char *const *steps)
{
	struct api_item items[ITEMS] = {0};
	struct api_sign_request q = {.items = items, .items_n = ITEMS};
	struct outcome o = {0};
	char name[8];

	memset(script, 0, sizeof(script));
	memset(asked, 0, sizeof(asked));
	step = 0;
	back_offs = 0;
	for (size_t i = 0; steps[i] != NULL; i++)
		script[i] = steps[i];
	for (size_t i = 0; i < ITEMS; i++) {
		(void)snprintf(name, sizeof(name), "%zu.sys", i);
		items[i].kind = API_KIND_PE;
		items[i].md = MD_SHA256;
		items[i].size = 512;
		items[i].name = kd_strdup(name);
	}
	o.ok = server_sign(NULL, &q, &o.answer, &o.e);
	for (size_t i = 0; i < ITEMS; i++)
		free(items[i].name);
	return o;
}

static void
expect(const struct outcome *o, const char *letters, size_t requests)
{
	assert_true(o->ok);
	assert_int_equal(step, requests);
	assert_int_equal(o->answer.items_n, strlen(letters));
	for (size_t i = 0; letters[i] != '\0'; i++) {
		struct api_item_answer want = {0};

		answer_of(letters[i], &want);
		assert_int_equal(o->answer.items[i].status, want.status);
		assert_int_equal(o->answer.items[i].code, want.code);
		free(want.cms);
		free(want.detail);
	}
}

static void
decided_at_once(void **state)
{
	struct outcome o = sign((const char *const[]){"srs", NULL});

	(void)state;
	expect(&o, "srs", 1);
	assert_true(api_id_ok(asked[0].id));
	assert_string_equal(asked[0].retry_of, "");
	api_sign_answer_clear(&o.answer);
}

static void
pending_items_are_polled_for(void **state)
{
	struct outcome o = sign((const char *const[]){"spp", "ssp", "sss", NULL});
	char want[128];

	(void)state;
	expect(&o, "sss", 3);
	assert_false(asked[1].post);
	(void)snprintf(want, sizeof(want), "/v1/signatures/%s?wait=", asked[0].id);
	assert_memory_equal(asked[1].path, want, strlen(want));
	assert_memory_equal(asked[2].path, want, strlen(want));
	api_sign_answer_clear(&o.answer);
}

static void
token_that_was_away_gets_the_same_request_again(void **state)
{
	struct outcome o = sign((const char *const[]){"stt", "sst", "sss", NULL});

	(void)state;
	expect(&o, "sss", 3);
	assert_int_equal(back_offs, 2);
	assert_true(asked[2].post);
	assert_string_equal(asked[1].id, asked[0].id);
	assert_string_equal(asked[2].id, asked[0].id);
	assert_int_equal(asked[2].items_n, ITEMS);
	api_sign_answer_clear(&o.answer);
}

static void
unknown_outcome_is_tried_once_under_a_new_id(void **state)
{
	struct outcome o = sign((const char *const[]){"usu", "su", NULL});

	(void)state;
	expect(&o, "ssu", 2);
	assert_int_equal(asked[1].items_n, 2);
	assert_string_equal(asked[1].retry_of, asked[0].id);
	assert_string_not_equal(asked[1].id, asked[0].id);
	api_sign_answer_clear(&o.answer);
}

static void
signatures_are_kept_when_the_second_try_fails(void **state)
{
	struct outcome o = sign((const char *const[]){"usu", "!", NULL});

	(void)state;
	expect(&o, "usu", 2);
	api_sign_answer_clear(&o.answer);
}

static void
failures_of_the_request_are_passed_on(void **state)
{
	struct outcome gone = sign((const char *const[]){"!", NULL});
	struct outcome lost = sign((const char *const[]){"spp", "!", NULL});
	struct outcome short_answer = sign((const char *const[]){"ss", NULL});

	(void)state;
	assert_false(gone.ok);
	assert_int_equal(gone.e.code, KD_E_UNREACHABLE);
	assert_false(lost.ok);
	assert_int_equal(lost.e.code, KD_E_UNREACHABLE);
	assert_false(short_answer.ok);
	assert_int_equal(short_answer.e.code, KD_E_PROTOCOL);
	assert_string_equal(
	    short_answer.e.msg, "the server answered 2 items, expected 3");
	api_sign_answer_clear(&gone.answer);
	api_sign_answer_clear(&lost.answer);
	api_sign_answer_clear(&short_answer.answer);
}

int
main(void)
{
	const struct CMUnitTest t[] = {
	    cmocka_unit_test(decided_at_once),
	    cmocka_unit_test(pending_items_are_polled_for),
	    cmocka_unit_test(token_that_was_away_gets_the_same_request_again),
	    cmocka_unit_test(unknown_outcome_is_tried_once_under_a_new_id),
	    cmocka_unit_test(signatures_are_kept_when_the_second_try_fails),
	    cmocka_unit_test(failures_of_the_request_are_passed_on),
	};

	return cmocka_run_group_tests_name("client/server_sign", t, NULL, NULL);
}
