/* SPDX-License-Identifier: Apache-2.0 */
/* client/outcome.h - what is printed, what failed, and the exit status of it all. */
#ifndef CLIENT_OUTCOME_H
#define CLIENT_OUTCOME_H
#include "base/builder.h"
#include "base/error.h"

/*
 * Several files may fail in several ways; the exit status is the worst of them, in this
 * order: 2 usage, 7 anything else, 4 refused, 3 input file, 1 not so, 5 try again, 6
 * pending, 0. What trying again cannot cure stands before what it can.
 */
struct outcome {
	bool json, quiet;
	int status;
	bool output_failed; /* standard output took no more */
	int output_errno;   /* why; 0: not known yet */
};

/* Which of two exit statuses counts. */
int outcome_worse(int a, int b);

/* Reports e: on standard error, and with --json as an object of its own; file may be
 * NULL. */
void outcome_fail(struct outcome *o, const char *file, const struct kd_err *e);
/* The same without words: the sentence was said already, for another file. */
void outcome_fail_again(struct outcome *o, const char *file, const struct kd_err *e);
/* The same where the JSON object, if any, is printed by the caller. */
void outcome_fail_said(struct outcome *o, const struct kd_err *e);
/* Writes b to standard output and empties it. */
void outcome_print(struct outcome *o, struct buf *b);
/* Flushes standard output; a full disk is noticed here. The final exit status. */
int outcome_end(struct outcome *o);

/* {"file":...,"ok":...  and the end of the line; members go between. */
void outcome_json_open(struct buf *b, const char *file, bool ok);
void outcome_json_error(struct buf *b, const struct kd_err *e);
void outcome_json_close(struct buf *b);
#endif
