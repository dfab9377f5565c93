/* SPDX-License-Identifier: Apache-2.0 */
/* driver/cdf_lines.h - a CDF's text as lines "key=value" of its two sections. For cdf*.c.
 */
#ifndef KD_CDF_LINES_H
#define KD_CDF_LINES_H
#include <stddef.h>

#include "base/error.h"
#include "base/own.h"

enum cdf_section { CDF_NO_SECTION, CDF_HEADER, CDF_FILES };

struct cdf_line { /* strings lie in the text */
	enum cdf_section section;
	unsigned number; /* from 1 */
	const char *key;
	char *value;
};

struct cdf_lines {
	const char *path; /* borrowed; for messages */
	struct cdf_line *v;
	size_t n, cap;
};
void cdf_lines_clear(struct cdf_lines *l);
AUTO_DEFINE_CLEAR(struct cdf_lines, cdf_lines_clear);

/* text: NUL-terminated, cut into strings in place; it must outlive ret. */
bool cdf_lines_split(const char *path, char *text, size_t n, struct cdf_lines *ret,
    struct kd_err *e) KD_MUST;
/* Puts "'path' line 7: " in front of what went wrong. Always false. */
bool cdf_in_line(const char *path, unsigned line, struct kd_err *e);
/* Without regard to case; like strcmp(3). */
int cdf_compare(const char *a, const char *b);
#endif
