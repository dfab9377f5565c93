/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/base/clock_test.c - deadlines and how moments are written. */
#include "config.h"

#include "tests/unit/base/test.h"

#include <limits.h>

#include "base/clock.h"

static void
moments_are_written(void **state)
{
	static const struct {
		int64_t ms;
		const char *want;
	} cases[] = {
	    {0, "1970-01-01T00:00:00.000Z"},
	    {1795472657123, "2026-11-23T22:24:17.123Z"},
	    {951782400000, "2000-02-29T00:00:00.000Z"},
	    {-1, "1969-12-31T23:59:59.999Z"},
	    {253402300799999, "9999-12-31T23:59:59.999Z"},
	    {253402300800000, "9999-12-31T23:59:59.999Z"},
	    {-62167219200000, "0000-01-01T00:00:00.000Z"},
	    {INT64_MIN, "0000-01-01T00:00:00.000Z"},
	    {INT64_MAX, "9999-12-31T23:59:59.999Z"},
	};
	char text[CLOCK_UTC_LEN];

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		clock_utc(text, cases[i].ms);
		assert_string_equal(text, cases[i].want);
	}
}

static void
deadlines_are_left_or_past(void **state)
{
	uint64_t now = clock_ms();

	assert_int_equal(clock_left(0), 0);
	assert_int_equal(clock_left(now), 0);
	assert_in_range(clock_left(now + 60000), 1, 60000);
	assert_int_equal(clock_left(UINT64_MAX), INT_MAX);
}

static void
time_does_not_go_back(void **state)
{
	uint64_t ns = clock_ns();

	assert_true(clock_ns() >= ns);
	assert_true(clock_ms() >= ns / 1000000);
	assert_true(clock_unix_ms() > INT64_C(1700000000000));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(moments_are_written),
	    cmocka_unit_test(deadlines_are_left_or_past),
	    cmocka_unit_test(time_does_not_go_back),
	};

	return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
