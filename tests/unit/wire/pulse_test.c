/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/wire/pulse_test.c - who is asked whether it is there, and when it is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wire/pulse.h"

#define T0 5000u
#define ASK_AT (T0 + PULSE_QUIET_MS)
#define JUDGE_AT (ASK_AT + PULSE_WAIT_MS)

/* One that looks whenever it is time, until until_ms; counts what it asked. */
static unsigned
live(struct pulse *p, uint64_t *now, uint64_t until_ms)
{
	unsigned asked = 0;

	while (*now < until_ms) {
		uint64_t next;

		switch (pulse_due(p, *now, &next)) {
		case PULSE_ASK:
			pulse_asked(p, *now);
			asked++;
			break;
		case PULSE_JUDGE:
			(void)pulse_judge(p, *now);
			break;
		case PULSE_NOTHING:
			*now = next < until_ms ? next : until_ms;
			break;
		}
	}
	return asked;
}

static void
who_talks_is_not_asked(void **state)
{
	struct pulse p;
	uint64_t now = T0;

	(void)state;
	pulse_begin(&p, T0);
	for (unsigned i = 0; i < 20; i++) {
		assert_int_equal(live(&p, &now, now + PULSE_QUIET_MS - 1), 0);
		assert_false(pulse_heard(&p, now));
	}
	assert_false(p.silent);
}

static void
who_is_quiet_is_asked_once_and_then_silent(void **state)
{
	struct pulse p;
	uint64_t now = T0, next;

	(void)state;
	pulse_begin(&p, T0);
	assert_int_equal(pulse_due(&p, ASK_AT - 1, &next), PULSE_NOTHING);
	assert_int_equal(next, ASK_AT);
	assert_int_equal(live(&p, &now, JUDGE_AT), 1);
	assert_false(p.silent);
	assert_int_equal(pulse_due(&p, JUDGE_AT, &next), PULSE_JUDGE);
	assert_true(pulse_judge(&p, JUDGE_AT));
	assert_true(p.silent);
	assert_false(pulse_judge(&p, JUDGE_AT + 10)); /* told once */
	assert_int_equal(live(&p, &now, JUDGE_AT + 100000), 0); /* one question waits there */
	assert_int_equal(pulse_due(&p, now, &next), PULSE_NOTHING);
	assert_true(next == UINT64_MAX);
}

static void
any_frame_heals(void **state)
{
	struct pulse p;
	uint64_t now = T0;

	(void)state;
	pulse_begin(&p, T0);
	(void)live(&p, &now, JUDGE_AT + 1);
	assert_true(p.silent);
	assert_true(pulse_heard(&p, now));
	assert_false(p.silent);
	assert_false(pulse_heard(&p, now));
	assert_int_equal(live(&p, &now, now + PULSE_QUIET_MS + 1), 1);
	assert_false(p.silent);
}

static void
an_answer_before_the_end_keeps_it(void **state)
{
	struct pulse p;
	uint64_t now = T0;

	(void)state;
	pulse_begin(&p, T0);
	(void)live(&p, &now, JUDGE_AT - 1);
	assert_false(pulse_heard(&p, now));
	(void)live(&p, &now, JUDGE_AT + PULSE_QUIET_MS - 2);
	assert_false(p.silent);
}

/* It was stopped itself: what came meanwhile is heard first, and if nothing came, then the
 * other, which may have been stopped with it, gets its time again. */
static void
who_did_not_run_itself_does_not_judge(void **state)
{
	struct pulse p;
	uint64_t now = T0, next, back = JUDGE_AT + 60000;

	(void)state;
	pulse_begin(&p, T0);
	(void)live(&p, &now, ASK_AT + 1);
	assert_int_equal(pulse_due(&p, back, &next), PULSE_JUDGE);
	assert_false(pulse_judge(&p, back));
	assert_false(p.silent);
	assert_int_equal(pulse_due(&p, back + PULSE_WAIT_MS - 1, &next), PULSE_NOTHING);
	assert_int_equal(next, back + PULSE_WAIT_MS);
	assert_true(pulse_judge(&p, back + PULSE_WAIT_MS));
	/* Stopped before it asked: it asks first. */
	pulse_begin(&p, T0);
	assert_int_equal(pulse_due(&p, back, &next), PULSE_ASK);
}

static void
heard_while_judging_is_not_silent(void **state)
{
	struct pulse p;
	uint64_t now = T0;

	(void)state;
	pulse_begin(&p, T0);
	(void)live(&p, &now, JUDGE_AT);
	(void)pulse_heard(&p, JUDGE_AT); /* read just now */
	assert_false(pulse_judge(&p, JUDGE_AT));
}

int
main(void)
{
	const struct CMUnitTest t[] = {
	    cmocka_unit_test(who_talks_is_not_asked),
	    cmocka_unit_test(who_is_quiet_is_asked_once_and_then_silent),
	    cmocka_unit_test(any_frame_heals),
	    cmocka_unit_test(an_answer_before_the_end_keeps_it),
	    cmocka_unit_test(who_did_not_run_itself_does_not_judge),
	    cmocka_unit_test(heard_while_judging_is_not_silent),
	};

	return cmocka_run_group_tests_name("wire/pulse", t, NULL, NULL);
}
