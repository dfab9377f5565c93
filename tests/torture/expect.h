/* SPDX-License-Identifier: Apache-2.0 */
/* tests/torture/expect.h - what a signer has to answer to each fault: written down from
 * the table in docs/RELIABILITY.md, not from the signer's own. */
#ifndef TORTURE_EXPECT_H
#define TORTURE_EXPECT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define CODE(c) (UINT64_C(1) << (c))

enum expect_class {
	CLASS_AGAIN, /* a fresh module often cures it */
	CLASS_GONE,  /* the token is away */
	CLASS_FAULT, /* everything that has no business there */
	CLASS_PLAIN, /* reported, nothing else */
	CLASS_KEY,
	CLASS_PIN,
	CLASS_OURS
};

struct expect_ckr {
	unsigned long rv;
	enum expect_class class;
	bool few; /* one of those that stand for all, in the short run */
};

enum expect_heard { UNHEARD, HEARD, HEARD_ANY };

struct expected {
	uint64_t codes; /* CODE() of each that is right */
	enum expect_heard heard; /* of an answer that is no signature */
};

extern const char *const expect_functions[]; /* ends with NULL */
const struct expect_ckr *expect_ckr(size_t i); /* NULL after the last */
bool expect_in_signing(const char *function); /* called for each signature */
struct expected expect(const char *function, const struct expect_ckr *c, bool always);
struct expected expect_break(const char *function, bool hang);
#endif
