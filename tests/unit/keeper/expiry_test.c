/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/keeper/expiry_test.c - the steps at which a certificate's end is told. */
#include "daemon/keeper/expiry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/num.h"

#define DAY INT64_C(86400)
#define NOW INT64_C(1764115200) /* 2025-11-26T00:00:00Z */

static void
steps_and_sentences(void **state)
{
	static const struct {
		int64_t left;
		enum expiry_step step;
		uint64_t days;
		const char *text;
	} cases[] = {
	    {91 * DAY, EXPIRY_FAR, 91, ""},
	    {90 * DAY + 1, EXPIRY_FAR, 90, ""},
	    {90 * DAY, EXPIRY_90, 90, "certificate expires in 90 days, on 2026-02-24"},
	    {30 * DAY + 1, EXPIRY_90, 30, "certificate expires in 30 days, on 2025-12-26"},
	    {30 * DAY, EXPIRY_30, 30, "certificate expires in 30 days, on 2025-12-26"},
	    {7 * DAY, EXPIRY_7, 7, "certificate expires in 7 days, on 2025-12-03"},
	    {DAY, EXPIRY_7, 1, "certificate expires in 1 day, on 2025-11-27"},
	    {DAY - 1, EXPIRY_7, 0,
		"certificate expires within a day, at 2025-11-26T23:59:59.000Z"},
	    {0, EXPIRY_7, 0, "certificate expires within a day, at 2025-11-26T00:00:00.000Z"},
	    {-1, EXPIRY_OVER, 0, "certificate expired on 2025-11-25"},
	    {-400 * DAY, EXPIRY_OVER, 0, "certificate expired on 2024-10-22"},
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		char text[128] = "x";

		expiry_text(text, sizeof(text), NOW + cases[i].left, NOW);
		assert_string_equal(text, cases[i].text);
		assert_int_equal(expiry_step(NOW + cases[i].left, NOW), cases[i].step);
		assert_int_equal(expiry_days(NOW + cases[i].left, NOW), cases[i].days);
	}
}

static void
each_step_is_told_once(void **state)
{
	struct expiry_watch w = {0};
	struct key key = {.name = "driver", .info = {.not_after = NOW + 40 * DAY}};
	struct settings s = {.keys = &key, .keys_n = 1};
	uint64_t next;

	next = expiry_watch_look(&w, &s, 1000, NOW);
	assert_int_equal(w.told[0], EXPIRY_90);
	assert_true(next > 1000);
	assert_int_equal(expiry_watch_look(&w, &s, 1001, NOW + 20 * DAY), next);
	assert_int_equal(w.told[0], EXPIRY_90); /* not yet time to look */
	(void)expiry_watch_look(&w, &s, next, NOW + 20 * DAY);
	assert_int_equal(w.told[0], EXPIRY_30);
	(void)expiry_watch_look(&w, &s, 2 * next, NOW); /* a clock set back tells nothing new */
	assert_int_equal(w.told[0], EXPIRY_30);
	(void)expiry_watch_look(&w, &s, 3 * next, NOW + 41 * DAY);
	assert_int_equal(w.told[0], EXPIRY_OVER);
	expiry_watch_clear(&w);
	assert_null(w.told);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(steps_and_sentences),
	    cmocka_unit_test(each_step_is_told_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
