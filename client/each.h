/* SPDX-License-Identifier: Apache-2.0 */
/* client/each.h - the same thing done with many files by several threads, told in order.
 */
#ifndef CLIENT_EACH_H
#define CLIENT_EACH_H
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define EACH_JOBS_MAX 64

struct each_options {
	size_t n;    /* things, 0 to n-1 */
	size_t jobs; /* threads, 1 to EACH_JOBS_MAX */
	/* No more than so many are begun and not yet told of: i and i + ahead may share what
	 * they need. 0: any number. Not without done. */
	size_t ahead;
	/* By one of the threads. *mine: NULL at first, then whatever it kept there. */
	void (*work)(void *self, size_t i, void **mine);
	void (*end)(void *mine); /* of a thread, when it has kept something */
	/* By the calling thread, in order, as soon as each and all before it are done. NULL:
	 * nobody is told, nor woken for each. */
	void (*done)(void *self, size_t i);
	void (*tick)(void *self, size_t finished_n); /* some times a second; NULL: none */
	void *self;
};

/* KD_E_BUG (no thread at all), KD_E_NOMEM: then nothing was done. */
bool each_run(const struct each_options *o, struct kd_err *e) KD_MUST;
#endif
