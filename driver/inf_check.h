/* SPDX-License-Identifier: Apache-2.0 */
/* driver/inf_check.h - Inf2Cat's signability test: is this package fit for a catalog? */
#ifndef KD_INF_CHECK_H
#define KD_INF_CHECK_H
#include "driver/inf_files.h"
#include "driver/inf_models.h"
#include "driver/inf_version.h"

struct inf_check_options {
	const struct oslist *os; /* NULL: no version of Windows in particular */
	struct inf_date today;
};

struct inf_contents { /* of a package; all owned */
	struct inf_ids ids; /* of all INFs that are tested, numbered */
	struct inf_files *files; /* by unit; of those tested */
	size_t n;
};
void inf_contents_clear(struct inf_contents *c);
AUTO_DEFINE_CLEAR(struct inf_contents, inf_contents_clear);

/*
 * inf_check - test every INF that is to be tested, and find out what it consists of.
 *
 * ret    all-zero before; only of use when there are no errors among those found
 * found  appended to, INF by INF; true however many there are
 * Errors: KD_E_LIMIT, KD_E_NOMEM: then the test came to no end.
 * Spec:   Microsoft "Inf2Cat"; INF facts 3 to 8.
 */
bool inf_check(const struct inf_package *p, const struct inf_check_options *o,
    struct inf_contents *ret, struct inf_findings *found, struct kd_err *e) KD_MUST;
#endif
