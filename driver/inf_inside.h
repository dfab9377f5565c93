/* SPDX-License-Identifier: Apache-2.0 */
/* driver/inf_inside.h - does a file of a package lie in the package's folder? */
#ifndef KD_INF_INSIDE_H
#define KD_INF_INSIDE_H
#include "base/error.h"
#include "base/own.h"

/* The folder, by whatever links it was named; all-zero is none. */
struct inf_inside {
	char *dir; /* owned */
};
void inf_inside_clear(struct inf_inside *i);
AUTO_DEFINE_CLEAR(struct inf_inside, inf_inside_clear);

/* Where there is no folder, nothing is outside of it. KD_E_FILE, KD_E_NOMEM. */
bool inf_inside_open(const char *dir, struct inf_inside *ret, struct kd_err *e) KD_MUST;
/* What to say of such a file: as it is named in the package, as it is. */
#define INF_INSIDE_TEXT "'%s' is a link out of the folder, to '%s'"
#define INF_INSIDE_HINT "copy the file itself into the package"
/*
 * inf_inside_where - NULL when the file is inside, or is not there; else where it really is,
 * the caller's to free. Links from one place of the folder to another stay inside.
 *
 * A package holds all that it is made of: what a link brings in from elsewhere would be
 * listed, signed or packed without having been put there.
 */
char *inf_inside_where(const struct inf_inside *i, const char *path);
#endif
