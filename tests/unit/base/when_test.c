/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/base/when_test.c - times as people write them. */
#include "base/when.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/num.h"

static void
dates_and_times_are_read(void **state)
{
	static const struct {
		const char *text;
		int64_t want;
	} cases[] = {
	    {"1970-01-01", 0},
	    {"2015-07-29", 1438128000},
	    {"2015-07-29T12:00:01Z", 1438171201},
	    {"2024-02-29", 1709164800},
	    {"2100-01-01", INT64_C(4102444800)},
	    {"1900-01-01", INT64_C(-2208988800)},
	};
	(void)state;

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		struct kd_err e = {0};
		int64_t got = 1;

		assert_true(when_parse(cases[i].text, &got, &e));
		assert_int_equal(got, cases[i].want);
	}
}

static void
anything_else_is_refused_with_an_example(void **state)
{
	static const char *const cases[] = {"", "now", "2015", "2015-7-29", "2023-02-29",
	    "2015-13-01", "2015-00-10", "2015-07-29T12:00:00", "2015-07-29 12:00:00Z",
	    "2015-07-29T24:00:00Z", "2015-07-29T12:60:00Z", "2015-07-29T12:00:00+", "15-07-29T",
	    "2015-07-2x", "+015-07-29"};
	char want[200];
	(void)state;

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		struct kd_err e = {0};
		int64_t got;

		assert_false(when_parse(cases[i], &got, &e));
		assert_int_equal(e.code, KD_E_USAGE);
		(void)snprintf(want, sizeof(want),
		    "'%s' is no time, expected like 2015-07-29 or 2015-07-29T12:00:00Z "
		    "(UTC)",
		    cases[i]);
		assert_string_equal(e.msg, want);
	}
}

int
main(void)
{
	const struct CMUnitTest t[] = {
	    cmocka_unit_test(dates_and_times_are_read),
	    cmocka_unit_test(anything_else_is_refused_with_an_example),
	};

	return cmocka_run_group_tests_name("base/when", t, NULL, NULL);
}
