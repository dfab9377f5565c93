/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/pkcs11/parent_test.c - what the parent makes of what comes at an odd moment. */
#include "config.h"

#include "pkcs11/parent_in.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/num.h"

static struct parent p;
static struct quarantine quarantine[2];
static struct signer_key keys[2];
static struct signer_conf conf;

/* Two keys, a child that was started, nothing under way. */
static int
make_parent(void **state)
{
	memset(&p, 0, sizeof(p));
	memset(quarantine, 0, sizeof(quarantine));
	memset(keys, 0, sizeof(keys));
	conf = (struct signer_conf){.sign_deadline_ms = 10000};
	p.conf = &conf;
	p.quarantine = quarantine;
	p.state.keys = keys;
	p.state.keys_n = KD_ARRAY_LEN(keys);
	keys[0] = (struct signer_key){.name = "one", .ready = true};
	keys[1] = (struct signer_key){.name = "two", .ready = true};
	p.phase_end_ms = p.hold_end_ms = NEVER;
	return 0;
}

static struct child_result
wrong_signature(uint32_t key)
{
	static const char why[] = "C_Sign gave 255 bytes, expected 256";
	struct child_result r = {.type = CHILD_RESULT,
	    .cell = 3,
	    .serial = 7,
	    .code = KD_E_BAD_SIGNATURE,
	    .heard = 1,
	    .replace = 1,
	    .key = key,
	    .len = sizeof(why) - 1};

	memcpy(r.body, why, sizeof(why) - 1);
	return r;
}

static void
a_wrong_signature_after_its_deadline_quarantines_its_key(void **state)
{
	struct child_result r = wrong_signature(1);

	assert_int_equal(jobs_result(&p, &r), TROUBLE_BAD);
	assert_true(quarantine[1].on);
	assert_false(keys[1].ready);
	assert_string_equal(keys[1].detail, "in quarantine: C_Sign gave 255 bytes, expected 256");
	assert_false(quarantine[0].on);
	assert_true(keys[0].ready);
}

static void
another_late_answer_says_nothing_about_the_key(void **state)
{
	struct child_result r = wrong_signature(1);

	r.code = KD_E_TOKEN;
	r.replace = 0;
	assert_int_equal(jobs_result(&p, &r), TROUBLE_NONE);
	assert_false(quarantine[1].on);
	assert_true(keys[1].ready);
}

/* Which of the phases have told of keys that are out of quarantine only now. */
static void
a_quarantine_that_ends_is_heeded_in_each_phase(void **state)
{
	for (enum phase at = PHASE_NONE; at <= PHASE_KILLED; at++) {
		if (at == PHASE_READY)
			continue; /* replaced at once: tests/e2e/signer_fail.t */
		(void)make_parent(state);
		quarantine_put(&p, 0, "why");
		p.phase = at;
		quarantine_end(&p);
		assert_false(quarantine[0].on);
		assert_int_equal(p.look_again, at == PHASE_KEYS);
		p.look_again = false;
		quarantine_end(&p); /* again: there is none */
		assert_false(p.look_again);
	}
}

/* A signature of the token, as its child tells of it. */
static void
sign(uint32_t us)
{
	struct child_result r = {
	    .type = CHILD_RESULT, .serial = 1, .heard = 1, .token_us = us, .len = 1};

	p.flights[0] = (struct flight){.used = true, .serial = 1, .ask = {.conn = 0, .gen = 1}};
	p.flights_n = 1; /* who asked has gone */
	assert_int_equal(jobs_result(&p, &r), TROUBLE_NONE);
	p.free_n = 0;
}

static void
what_is_begun_has_the_time_of_two_signatures_within_bounds(void **state)
{
	static const struct {
		uint32_t us, drain_ms;
	} cases[] = {{0, 250}, {100, 250}, {125000, 250}, {126000, 252}, {400000, 800},
	    {500000, 1000}, {3000000, 1000}, {UINT32_MAX, 1000}};

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		(void)make_parent(state);
		sign(cases[i].us);
		assert_int_equal(trouble_drain_ms(&p, TROUBLE_FAULT), cases[i].drain_ms);
		assert_int_equal(trouble_drain_ms(&p, TROUBLE_HANG), 250);
		assert_int_equal(trouble_drain_ms(&p, TROUBLE_BAD), 250);
		assert_int_equal(trouble_drain_ms(&p, TROUBLE_GONE), 250);
		assert_int_equal(trouble_drain_ms(&p, TROUBLE_NONE), 10000);
	}
}

static void
what_a_signature_takes_follows_the_token(void **state)
{
	sign(400000);
	assert_int_equal(p.sign_us, 400000);
	for (int i = 0; i < 64; i++)
		sign(1000);
	assert_in_range(p.sign_us, 1000, 2000);
	sign(400000); /* one that was slow is no slow token */
	assert_int_equal(trouble_drain_ms(&p, TROUBLE_FAULT), 250);
}

static void
jobs_wait_for_the_next_child_as_long_after_a_longer_drain(void **state)
{
	p.now_ms = 5000;
	trouble_hold(&p, 0);
	assert_int_equal(p.hold_end_ms, 6000);
	trouble_hold(&p, 1000); /* they wait already */
	assert_int_equal(p.hold_end_ms, 6000);
	p.hold_end_ms = NEVER;
	trouble_hold(&p, 250);
	assert_int_equal(p.hold_end_ms, 6000);
	p.hold_end_ms = NEVER;
	trouble_hold(&p, 1000);
	assert_int_equal(p.hold_end_ms, 6750);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(
		a_wrong_signature_after_its_deadline_quarantines_its_key, make_parent),
	    cmocka_unit_test_setup(
		another_late_answer_says_nothing_about_the_key, make_parent),
	    cmocka_unit_test_setup(
		a_quarantine_that_ends_is_heeded_in_each_phase, make_parent),
	    cmocka_unit_test_setup(
		what_is_begun_has_the_time_of_two_signatures_within_bounds, make_parent),
	    cmocka_unit_test_setup(
		what_a_signature_takes_follows_the_token, make_parent),
	    cmocka_unit_test_setup(
		jobs_wait_for_the_next_child_as_long_after_a_longer_drain, make_parent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
