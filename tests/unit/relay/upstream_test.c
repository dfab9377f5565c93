/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/relay/upstream_test.c - whose turn it is when some are well and others not. */
#include "daemon/relay/upstream.h"

#include "tests/unit/wire/check.h"

#define NOW 1000000u
#define FIRST 1u /* bits of tried */
#define SECOND 2u

static struct upstreams
two(void)
{
	return (struct upstreams){
	    .v = {{.url = "a"}, {.url = "b"}}, .n = 2, .pause_max_ms = 8000};
}

static void
check_pick(struct upstreams *u, unsigned tried, uint64_t now, const char *url)
{
	struct upstream *up = upstream_pick(u, tried, now);

	if (url == NULL) {
		assert_null(up);
		return;
	}
	assert_non_null(up);
	assert_string_equal(up->url, url);
}

static void
the_first_that_is_well_is_asked(void **state)
{
	struct upstreams u = two(), none = {.n = 0};

	check_pick(&u, 0, NOW, "a");
	check_pick(&u, 0, NOW, "a"); /* also by several at once */
	check_pick(&u, FIRST, NOW, "b");
	check_pick(&u, FIRST | SECOND, NOW, NULL);
	check_pick(&none, 0, NOW, NULL);
	assert_int_equal(upstream_wait_ms(&u, NOW), 0);
	assert_int_equal(upstream_wait_ms(&none, NOW), 0);
}

static void
who_failed_pauses_and_is_then_probed_by_one(void **state)
{
	struct upstreams u = two();

	upstream_report(&u, &u.v[0], UPSTREAM_FAILED, NOW);
	assert_false(upstream_well(&u.v[0]));
	check_pick(&u, 0, NOW, "b");
	check_pick(&u, SECOND, NOW + UPSTREAM_PAUSE_MIN_MS - 1, NULL);
	check_pick(&u, 0, NOW + UPSTREAM_PAUSE_MIN_MS, "a");
	check_pick(&u, 0, NOW + UPSTREAM_PAUSE_MIN_MS, "b"); /* one probe is enough */
	upstream_report(&u, &u.v[0], UPSTREAM_OK, NOW + UPSTREAM_PAUSE_MIN_MS);
	assert_true(upstream_well(&u.v[0]));
	check_pick(&u, 0, NOW + UPSTREAM_PAUSE_MIN_MS, "a");
}

static void
pauses_double_up_to_the_longest(void **state)
{
	static const uint64_t pauses[] = {1000, 2000, 4000, 8000, 8000};
	struct upstreams u = two();
	uint64_t now = NOW;

	u.n = 1;
	for (size_t i = 0; i < KD_ARRAY_LEN(pauses); i++) {
		upstream_report(&u, &u.v[0], UPSTREAM_FAILED, now);
		assert_int_equal(upstream_wait_ms(&u, now), pauses[i]);
		check_pick(&u, 0, now + pauses[i] - 1, NULL);
		now += pauses[i];
		check_pick(&u, 0, now, "a");
	}
	assert_int_equal(u.v[0].count[UPSTREAM_FAILED], KD_ARRAY_LEN(pauses));
	upstream_report(&u, &u.v[0], UPSTREAM_OK, now);
	upstream_report(&u, &u.v[0], UPSTREAM_FAILED, now);
	assert_int_equal(upstream_wait_ms(&u, now), 1000); /* from the start again */
}

static void
requests_that_fail_together_are_one_failure(void **state)
{
	struct upstreams u = two();

	for (int i = 0; i < 5; i++)
		upstream_report(&u, &u.v[0], UPSTREAM_FAILED, NOW + 10);
	check_pick(&u, SECOND, NOW + 10 + UPSTREAM_PAUSE_MIN_MS, "a");
	assert_int_equal(u.v[0].count[UPSTREAM_FAILED], 5);
}

static void
who_refuses_is_well(void **state)
{
	struct upstreams u = two();

	upstream_report(&u, &u.v[0], UPSTREAM_REFUSED, NOW);
	check_pick(&u, 0, NOW, "a");
	assert_int_equal(u.v[0].count[UPSTREAM_REFUSED], 1);
}

static void
with_all_away_the_wait_is_for_the_first_to_be_tried(void **state)
{
	struct upstreams u = two();

	upstream_report(&u, &u.v[0], UPSTREAM_FAILED, NOW);
	assert_int_equal(upstream_wait_ms(&u, NOW), 0); /* b is well */
	upstream_report(&u, &u.v[1], UPSTREAM_FAILED, NOW + 300);
	assert_int_equal(upstream_wait_ms(&u, NOW + 300), 700);
	check_pick(&u, 0, NOW + 300, NULL);
	check_pick(&u, 0, NOW + 1200, "a"); /* whose pause ended first */
	check_pick(&u, 0, NOW + 1400, "b");
	check_pick(&u, 0, NOW + 1400, NULL);
}

int
main(void)
{
	const struct CMUnitTest t[] = {
	    cmocka_unit_test(the_first_that_is_well_is_asked),
	    cmocka_unit_test(who_failed_pauses_and_is_then_probed_by_one),
	    cmocka_unit_test(pauses_double_up_to_the_longest),
	    cmocka_unit_test(requests_that_fail_together_are_one_failure),
	    cmocka_unit_test(who_refuses_is_well),
	    cmocka_unit_test(with_all_away_the_wait_is_for_the_first_to_be_tried),
	};
	return cmocka_run_group_tests_name("upstream", t, NULL, NULL);
}
