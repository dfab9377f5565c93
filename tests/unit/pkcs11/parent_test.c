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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
