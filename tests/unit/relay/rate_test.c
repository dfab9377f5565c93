/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/relay/rate_test.c - how often one client may ask, and what others notice of it. */
#include "daemon/relay/rate.h"

#include <string.h>

#include "tests/unit/wire/check.h"

#define NOW 1000000u /* ms: any time will do */

static const uint8_t one[RATE_CLIENT_LEN] = "one", two[RATE_CLIENT_LEN] = "two";

static struct rate *
fresh(void)
{
	struct rate *r = NULL;
	struct kd_err e = {0};

	check_done(rate_new(&r, &e), &e);
	return r;
}

static void
a_burst_passes_then_one_each_interval(void **state)
{
	const struct rate_limit l = {.per_minute = 60, .burst = 3};
	AUTO(rate_free) struct rate *r = fresh();
	uint64_t wait = 0;

	for (int i = 0; i < 3; i++)
		assert_true(rate_take(r, &l, one, NOW, &wait));
	assert_false(rate_take(r, &l, one, NOW, &wait));
	assert_int_equal(wait, 1000);
	assert_false(rate_take(r, &l, one, NOW + 400, &wait));
	assert_int_equal(wait, 600); /* what is refused costs nothing */
	assert_true(rate_take(r, &l, one, NOW + 1000, &wait));
	assert_false(rate_take(r, &l, one, NOW + 1999, &wait));
	assert_int_equal(wait, 1);
	assert_true(rate_take(r, &l, one, NOW + 2000, &wait));
}

static void
a_pause_fills_the_bucket_and_no_more(void **state)
{
	const struct rate_limit l = {.per_minute = 60, .burst = 2};
	AUTO(rate_free) struct rate *r = fresh();
	uint64_t wait = 0;

	for (unsigned round = 0; round < 3; round++) {
		uint64_t now = NOW + round * 3600000u;

		assert_true(rate_take(r, &l, one, now, &wait));
		assert_true(rate_take(r, &l, one, now, &wait));
		assert_false(rate_take(r, &l, one, now, &wait));
	}
}

static void
clients_do_not_notice_each_other(void **state)
{
	const struct rate_limit l = {.per_minute = 1, .burst = 1};
	AUTO(rate_free) struct rate *r = fresh();
	uint64_t wait = 0;

	assert_true(rate_take(r, &l, one, NOW, &wait));
	assert_true(rate_take(r, &l, two, NOW, &wait));
	assert_false(rate_take(r, &l, one, NOW, &wait));
	assert_int_equal(wait, 60000);
	rate_forget(r);
	assert_true(rate_take(r, &l, one, NOW, &wait));
}

/* More clients than are remembered: nobody is refused for another's sake, and whoever has
 * just spent all is still known. */
static void
a_full_table_forgets_the_least(void **state)
{
	const struct rate_limit l = {.per_minute = 60, .burst = 4};
	AUTO(rate_free) struct rate *r = fresh();
	uint8_t id[RATE_CLIENT_LEN] = {1};
	uint64_t wait = 0;

	for (int i = 0; i < 4; i++)
		assert_true(rate_take(r, &l, one, NOW, &wait));
	for (unsigned i = 0; i < 2 * RATE_CLIENTS_MAX; i++) {
		memcpy(&id[1], &i, sizeof(i));
		assert_true(rate_take(r, &l, id, NOW, &wait));
	}
	assert_false(rate_take(r, &l, one, NOW, &wait));
	assert_true(rate_take(r, &l, two, NOW, &wait));
}

static void
the_widest_limits_do_not_overflow(void **state)
{
	const struct rate_limit l[] = {
	    {.per_minute = RATE_PER_MINUTE_MAX, .burst = RATE_BURST_MAX},
	    {.per_minute = 1, .burst = RATE_BURST_MAX}};
	uint64_t wait = 0;

	for (size_t i = 0; i < KD_ARRAY_LEN(l); i++) {
		AUTO(rate_free) struct rate *r = fresh();

		for (unsigned k = 0; k < RATE_BURST_MAX; k++)
			assert_true(rate_take(r, &l[i], one, NOW, &wait));
		assert_false(rate_take(r, &l[i], one, NOW, &wait));
		assert_int_equal(wait, i == 0 ? 1 : 60000);
	}
}

int
main(void)
{
	const struct CMUnitTest t[] = {
	    cmocka_unit_test(a_burst_passes_then_one_each_interval),
	    cmocka_unit_test(a_pause_fills_the_bucket_and_no_more),
	    cmocka_unit_test(clients_do_not_notice_each_other),
	    cmocka_unit_test(a_full_table_forgets_the_least),
	    cmocka_unit_test(the_widest_limits_do_not_overflow),
	};
	return cmocka_run_group_tests_name("rate", t, NULL, NULL);
}
