/* SPDX-License-Identifier: Apache-2.0 */
/* base/file_guard.h - the moment of replacing, for one of several that want it. For
 * base/file_replace.c. */
#ifndef KD_FILE_GUARD_H
#define KD_FILE_GUARD_H
#include "base/file.h"

/* After file_replace_expect, else nothing: locks the target against others that replace
 * it in this way, and compares it. before: n that are taken already, to be replaced together
 * with this one. KD_E_FILE: it has changed, or is locked for seconds. */
bool file_guard_take(struct file_replace *r, struct file_replace *const *before, size_t n,
	struct kd_err *e) KD_MUST;
/* After the rename, or instead of it. */
void file_guard_drop(struct file_replace *r);
#endif
