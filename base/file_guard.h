/* SPDX-License-Identifier: Apache-2.0 */
/* base/file_guard.h - the moment of replacing, for one of several that want it. For
 * base/file_replace.c. */
#ifndef KD_FILE_GUARD_H
#define KD_FILE_GUARD_H
#include "base/file.h"

/*
 * file_guard_take - lock the target against others that replace it in this way, and compare
 * it. Without file_replace_expect nothing is done.
 *
 * before  n that are taken already, to be replaced together with this one
 * Errors: KD_E_FILE: it has changed, or another holds the lock for seconds.
 */
bool file_guard_take(struct file_replace *r, struct file_replace *const *before, size_t n,
    struct kd_err *e) KD_MUST;
/* After the rename, or instead of it. */
void file_guard_drop(struct file_replace *r);
#endif
