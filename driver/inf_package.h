/* SPDX-License-Identifier: Apache-2.0 */
/* driver/inf_package.h - a folder's INFs, and which sections of one another they need. */
#ifndef KD_INF_PACKAGE_H
#define KD_INF_PACKAGE_H
#include "driver/inf_findings.h"

#define INF_UNITS_MAX ((size_t)256)
#define INF_PACKAGE_LEN_MAX ((size_t)40 << 20) /* of memory, all INFs together */
#define INF_INCLUDES_MAX ((size_t)32)           /* of one section */

struct inf_unit {
	struct inf inf;
	char *name;  /* without folder, lower case; owned */
	bool tested; /* false: here only since another one includes it */
};

struct inf_package {
	char *dir; /* "." or a path without a slash at its end; owned */
	struct inf_unit *v; /* by name, without regard to case; owned */
	size_t n, room, len;
};
void inf_package_clear(struct inf_package *p);
AUTO_DEFINE_CLEAR(struct inf_package, inf_package_clear);

/*
 * inf_package_open - every INF of the folder, all of them to be tested.
 *
 * Errors: KD_E_FILE (no such folder, no INF in it), those of inf_load; KD_E_LIMIT
 *         (INF_UNITS_MAX, INF_PACKAGE_LEN_MAX), KD_E_NOMEM.
 */
bool inf_package_open(const char *dir, struct inf_package *ret, struct kd_err *e) KD_MUST;
/* One INF to be tested, and those of its folder that it includes, directly or not. */
bool inf_package_open_one(
    const char *path, struct inf_package *ret, struct kd_err *e) KD_MUST;
/* NULL: no INF of that name is here. */
const struct inf_unit *inf_package_unit(const struct inf_package *p, const char *name);

struct inf_node { /* one section of one INF */
	const struct inf_unit *unit;
	const struct inf_section *section;
};
struct inf_needs { /* where the asking about a section's Needs stands; all-zero: begin */
	size_t line, field;
	unsigned number; /* of the line that the last answer is from */
};
struct inf_includes { /* looked up once for all Needs of a section; all-zero: not yet */
	const struct inf_section *of;
	bool any; /* it has an Include */
	const struct inf_unit *v[INF_INCLUDES_MAX]; /* those of the folder */
	size_t n;
};
/*
 * inf_needs_next - the next section that `of` takes in by Needs: of the INFs that its
 * Include names, or of its own when there is no Include. What is not in the folder is
 * Windows' own and passed over.
 *
 * in    kept by the caller from one question to the next, of whatever section
 * *ret  section is NULL when there is none left
 */
bool inf_needs_next(const struct inf_package *p, const struct inf_node *of,
    struct inf_needs *at, struct inf_includes *in, struct inf_node *ret,
    struct kd_err *e) KD_MUST;
/* Sections that need one another in a circle are found. */
bool inf_needs_check(
    const struct inf_package *p, struct inf_findings *found, struct kd_err *e) KD_MUST;
#endif
