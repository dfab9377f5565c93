/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/wire/check.h - what every test of a decoder asserts. */
#ifndef KD_WIRE_CHECK_H
#define KD_WIRE_CHECK_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/num.h"

/* A refusal has a code and a whole sentence; both belong to the contract. */
static inline void
check_refusal(bool done, const struct kd_err *e, enum kd_code code, const char *msg)
{
	assert_false(done);
	assert_string_equal(e->msg, msg);
	assert_int_equal(e->code, code);
}

static inline void
check_done(bool done, const struct kd_err *e)
{
	if (!done)
		fail_msg("refused: %s", e->msg);
	assert_int_equal(e->code, KD_OK);
}

/*
 * With the 1st, 2nd, 3rd ... allocation failing, fn either succeeds or says KD_E_NOMEM;
 * it gets through in the end. Leaks and touched outputs are fn's and the sanitizer's to
 * notice.
 */
static inline void
check_every_allocation(bool (*fn)(struct kd_err *e))
{
	for (long nth = 0; nth < 2000; nth++) {
		struct kd_err e = {0};
		bool done;

		kd_alloc_fail_at(nth);
		done = fn(&e);
		kd_alloc_fail_at(-1);
		if (done) {
			assert_int_not_equal(nth, 0); /* else nothing was tested */
			return;
		}
		assert_int_equal(e.code, KD_E_NOMEM);
		assert_int_not_equal(e.msg[0], '\0');
	}
	fail_msg("does not get through even with 2000 allocations");
}
#endif
