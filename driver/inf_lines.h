/* SPDX-License-Identifier: Apache-2.0 */
/* driver/inf_lines.h - an INF's text → section headers, lines and fields. For inf*.c. */
#ifndef KD_INF_LINES_H
#define KD_INF_LINES_H
#include "driver/inf.h"

/*
 * inf_lines_split - f->text cut into strings in place.
 *
 * f  gets sections (each header one of them, names not yet merged), lines in the file's
 *    order with their section, and fields; the caller clears it also after a failure
 * Errors: KD_E_FORMAT, KD_E_LIMIT, both with path and line; KD_E_NOMEM.
 * Spec:   Microsoft "General Syntax Rules for INF Files"; INF facts 2.
 */
bool inf_lines_split(struct inf *f, struct kd_err *e) KD_MUST;
#endif
