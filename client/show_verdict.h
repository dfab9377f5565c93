/* SPDX-License-Identifier: Apache-2.0 */
/* client/show_verdict.h - the kernel's and the installer's verdict, as tables for people
 * or as JSON. */
#ifndef CLIENT_SHOW_VERDICT_H
#define CLIENT_SHOW_VERDICT_H
#include "base/builder.h"
#include "client/verdict.h"

/* The file's name, then a table for each verdict; one row for a release, a reason under
 * the last of those that share it. colour: escape sequences for a terminal. */
void show_verdict_text(
    struct buf *b, const char *file, const struct verdict *v, bool colour);
/* Members of the file's JSON object: "kernel" and "installer", as asked for. */
void show_verdict_json(struct buf *b, const struct verdict *v);
#endif
