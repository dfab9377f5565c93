/* SPDX-License-Identifier: Apache-2.0 */
/* client/show.h - what files, their lists and their signatures say, as a tree for people
 * or as JSON. */
#ifndef CLIENT_SHOW_H
#define CLIENT_SHOW_H
#include "base/builder.h"
#include "client/verify_run.h"

/* The tree; steps only with verdicts. colour: escape sequences for a terminal. */
void show_tree(struct buf *b, const struct verified *v, bool verdicts, bool colour);
/* Members of the file's JSON object: "pe", "catalog" or "member", and "signatures". A
 * member's signatures are its catalog's, which has an object of its own. */
void show_json(struct buf *b, const struct verified *v, bool verdicts);
#endif
