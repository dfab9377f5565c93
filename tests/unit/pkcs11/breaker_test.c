/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/pkcs11/breaker_test.c - what opens the breaker, and for how long. */
#include "pkcs11/breaker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct breaker_conf conf = {.faults = 3,
    .window_ms = 30000,
    .wait_ms = 1000,
    .wait_max_ms = 8000,
    .starts_per_minute = 20};

static struct breaker
fresh(void)
{
	struct breaker b;

	breaker_init(&b, &conf, 1);
	return b;
}

static void
wait_is(const struct breaker *b, uint64_t now_ms, uint64_t about_ms)
{
	uint64_t at = breaker_start_at(b, now_ms);

	assert_in_range(at, now_ms + about_ms * 4 / 5, now_ms + about_ms * 6 / 5);
}

/* Opens it, looks, and is ready; returns the time after that. */
static uint64_t
open_and_close(struct breaker *b, enum breaker_cause cause, uint64_t now_ms)
{
	assert_true(breaker_fail(b, cause, now_ms));
	assert_int_equal(b->state, BREAKER_OPEN);
	now_ms = breaker_start_at(b, now_ms);
	breaker_started(b, now_ms);
	assert_int_equal(b->state, BREAKER_HALF_OPEN);
	breaker_ready(b);
	assert_int_equal(b->state, BREAKER_CLOSED);
	return now_ms;
}

static void
three_faults_within_the_window_open_it(void **state)
{
	struct breaker b = fresh();

	assert_false(breaker_fail(&b, BREAKER_FAULT, 1000));
	assert_int_equal(breaker_start_at(&b, 1000), 1000);
	assert_false(breaker_fail(&b, BREAKER_FAULT, 20000));
	assert_false(breaker_fail(&b, BREAKER_FAULT, 31001)); /* the first is over */
	assert_int_equal(b.state, BREAKER_CLOSED);
	assert_true(breaker_fail(&b, BREAKER_FAULT, 50000)); /* 20000, 31001 and this */
	assert_int_equal(b.state, BREAKER_OPEN);
	wait_is(&b, 50000, 1000);
}

static void
the_count_begins_anew_after_it_was_open(void **state)
{
	struct breaker b = fresh();
	uint64_t now = 1000;

	assert_false(breaker_fail(&b, BREAKER_FAULT, now));
	assert_false(breaker_fail(&b, BREAKER_FAULT, now));
	now = open_and_close(&b, BREAKER_FAULT, now);
	assert_false(breaker_fail(&b, BREAKER_FAULT, now));
	assert_false(breaker_fail(&b, BREAKER_FAULT, now));
	assert_true(breaker_fail(&b, BREAKER_FAULT, now));
}

static void
one_bad_signature_opens_it(void **state)
{
	struct breaker b = fresh();

	assert_true(breaker_fail(&b, BREAKER_BAD_SIGNATURE, 5000));
	wait_is(&b, 5000, 1000);
	assert_false(breaker_fail(&b, BREAKER_FAULT, 5001)); /* it is open already */
	assert_int_equal(b.opened, 1);
}

static void
the_first_hang_opens_it_for_no_time_and_the_next_waits(void **state)
{
	struct breaker b = fresh();
	uint64_t now = open_and_close(&b, BREAKER_HANG, 7000);

	assert_int_equal(now, 7000);
	assert_true(breaker_fail(&b, BREAKER_HANG, 17000));
	wait_is(&b, 17000, 1000);
	breaker_started(&b, 20000);
	breaker_ready(&b);
	breaker_signed(&b);
	assert_int_equal(open_and_close(&b, BREAKER_HANG, 30000), 30000);
}

static void
the_wait_doubles_up_to_the_longest_and_a_signature_ends_that(void **state)
{
	static const uint64_t about[] = {1000, 2000, 4000, 8000, 8000, 8000};
	struct breaker b = fresh();
	uint64_t now = 1000;

	assert_true(breaker_fail(&b, BREAKER_BAD_SIGNATURE, now));
	for (size_t i = 0; i < sizeof(about) / sizeof(about[0]); i++) {
		wait_is(&b, now, about[i]);
		now = breaker_start_at(&b, now);
		breaker_started(&b, now);
		if (i % 2 == 0) /* not ready, or ready and at once bad again */
			breaker_ready(&b);
		assert_true(breaker_fail(&b,
		    i % 2 == 0 ? BREAKER_BAD_SIGNATURE : BREAKER_FAULT, now));
	}
	breaker_started(&b, now);
	breaker_ready(&b);
	breaker_signed(&b);
	assert_true(breaker_fail(&b, BREAKER_BAD_SIGNATURE, now));
	wait_is(&b, now, 1000);
}

static void
a_fault_of_the_half_open_one_opens_it_again(void **state)
{
	struct breaker b = fresh();

	assert_true(breaker_fail(&b, BREAKER_BAD_SIGNATURE, 1000));
	breaker_started(&b, 2000);
	assert_true(breaker_fail(&b, BREAKER_FAULT, 2100));
	assert_int_equal(b.state, BREAKER_OPEN);
	assert_int_equal(b.opened, 2);
}

static void
waits_differ(void **state)
{
	struct breaker b = fresh();
	uint64_t first = 0;
	unsigned same = 0;

	for (unsigned i = 0; i < 50; i++) {
		uint64_t wait;

		assert_true(breaker_fail(&b, BREAKER_BAD_SIGNATURE, 1000));
		wait = breaker_start_at(&b, 1000) - 1000;
		assert_in_range(wait, 800, 1200);
		first = i == 0 ? wait : first;
		same += wait == first;
		b.state = BREAKER_CLOSED;
		breaker_signed(&b);
	}
	assert_in_range(same, 1, 10);
}

static void
starts_have_a_ceiling_that_passes(void **state)
{
	struct breaker b = fresh();

	for (unsigned i = 0; i < 20; i++) {
		assert_int_equal(breaker_start_at(&b, 5000 + i), 5000 + i);
		breaker_started(&b, 5000 + i);
	}
	assert_int_equal(breaker_start_at(&b, 6000), 65000);
	assert_int_equal(breaker_look_at(&b, 6000), 65000);
	assert_int_equal(breaker_start_at(&b, 65000), 65000);
	breaker_started(&b, 65000);
	assert_int_equal(breaker_start_at(&b, 65001), 65001);
}

static void
what_is_not_there_is_looked_for_every_second(void **state)
{
	struct breaker b = fresh();

	assert_int_equal(breaker_look_at(&b, 1000), 2000);
	assert_true(breaker_fail(&b, BREAKER_BAD_SIGNATURE, 1000));
	assert_int_equal(breaker_look_at(&b, 9000), 10000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(three_faults_within_the_window_open_it),
	    cmocka_unit_test(the_count_begins_anew_after_it_was_open),
	    cmocka_unit_test(one_bad_signature_opens_it),
	    cmocka_unit_test(the_first_hang_opens_it_for_no_time_and_the_next_waits),
	    cmocka_unit_test(the_wait_doubles_up_to_the_longest_and_a_signature_ends_that),
	    cmocka_unit_test(a_fault_of_the_half_open_one_opens_it_again),
	    cmocka_unit_test(waits_differ),
	    cmocka_unit_test(starts_have_a_ceiling_that_passes),
	    cmocka_unit_test(what_is_not_there_is_looked_for_every_second),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
