/* SPDX-License-Identifier: Apache-2.0 */
/* client/package_table.h - verdicts on many files side by side: one row a file, one column a
 * release of Windows, each reason said once. */
#ifndef CLIENT_PACKAGE_TABLE_H
#define CLIENT_PACKAGE_TABLE_H
#include "client/verdict.h"

enum verdict_word { VERDICT_LOADS, VERDICT_SILENT, VERDICT_PROMPT, VERDICT_REFUSED };

struct verdict_cell {
	const char *release; /* constant */
	enum verdict_word word;
	size_t reason; /* of the table's */
};
struct verdict_row { /* all-zero: nothing is known */
	struct verdict_cell kernel[KERNEL_RELEASES_MAX], installer[INSTALLER_ROWS_MAX];
	size_t kernel_n, installer_n;
};

struct verdict_table; /* the reasons; used by several threads */
bool verdict_table_new(struct verdict_table **ret, struct kd_err *e) KD_MUST;
void verdict_table_free(struct verdict_table *t);
AUTO_DEFINE(struct verdict_table, verdict_table_free);

/* What v says, with its reasons among the table's. KD_E_NOMEM. */
bool verdict_table_take(struct verdict_table *t, const struct verdict *v,
    struct verdict_row *ret, struct kd_err *e) KD_MUST;

struct verdict_line { /* borrowed */
	const char *name;
	const struct verdict_row *row;
};
/* Legend, rows, reasons; those that occur. */
bool verdict_table_text(const struct verdict_table *t, const struct verdict_line *lines,
    size_t n, struct buf *ret, struct kd_err *e) KD_MUST;
/* Members "kernel" and "installer" of a file's JSON object, as verify has them. */
void verdict_table_json(
    const struct verdict_table *t, const struct verdict_row *row, struct buf *ret);
#endif
