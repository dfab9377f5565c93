/* SPDX-License-Identifier: Apache-2.0 */
/* client/show.h - what a PE file and its signatures say, as a tree for people or as JSON.
 */
#ifndef CLIENT_SHOW_H
#define CLIENT_SHOW_H
#include "base/builder.h"
#include "authenticode/verify.h"

/* The tree; steps only with verdicts. colour: escape sequences for a terminal. */
void show_tree(struct buf *b, const char *file, const struct verify_report *r,
    bool verdicts, bool colour);
/* Members of the file's JSON object: "pe" and "signatures". */
void show_json(struct buf *b, const struct verify_report *r, bool verdicts);
#endif
