/* SPDX-License-Identifier: Apache-2.0 */
/* client/sign_pool.h - many files signed at once: hashing, requests and writing overlap.
 */
#ifndef CLIENT_SIGN_POOL_H
#define CLIENT_SIGN_POOL_H
#include "client/server_sign.h"
#include "client/sign_file.h"

#define SIGN_JOBS_MAX 64
#define SIGN_BATCH_MAX                                                                   \
	100 /* items a request: enough to hide the round trip, small enough to begin     \
	       early */
/* What travels beside the digests (page hashes, catalogs' lists) in one request, and the
 * same of all files that are hashed and not yet written: hashing waits there. */
#define SIGN_BATCH_BYTES (API_BODY_TYPICAL_MAX / 4 * 3)
#define SIGN_HELD_MAX ((size_t)64 << 20)
/* Files sent and not yet finished, when timestamps are wanted: so many signatures at most
 * were made for nothing when no authority answers. */
#define SIGN_UNSTAMPED_MAX ((size_t)64)
#define SIGN_SENDERS                                                                     \
	2 /* requests in flight: the next is there when the token is done with one */

/* Sends one request; server_sign over a connection, or a test's own. self: one a sender.
 */
typedef bool sign_send_fn(void *self, struct api_sign_request *q,
    struct api_sign_answer *ret, struct kd_err *e);

struct sign_pool_options {
	const struct sign_options *sign;
	const char *key; /* "": the only granted one */
	size_t jobs;     /* 1..SIGN_JOBS_MAX threads that hash and write */
	/* As few requests as can be: none goes out before all files are hashed, or as many
	 * as one request takes (API_ITEMS_MAX, SIGN_BATCH_BYTES). */
	bool whole;
	sign_send_fn *send;
	void *senders[SIGN_SENDERS];
	/* Called by the calling thread, in the files' order, as soon as each and all
	 * before it are done. */
	void (*done)(void *self, struct sign_file *f, size_t finished_n);
	void (*tick)(
	    void *self, size_t finished_n); /* some times a second, for a progress bar */
	void *self;
};

/*
 * sign_pool_run - hash, have signed and write files[0..n-1].
 *
 * A file that fails does not stop the others. A request that is refused as a whole stops
 * what has not been sent: those files fail with the same error, marked `again`. Errors:
 * KD_E_BUG, KD_E_NOMEM when the threads cannot be made; else true, and each file says how
 * it went.
 */
bool sign_pool_run(struct sign_file *files, size_t n, const struct sign_pool_options *o,
    struct kd_err *e) KD_MUST;
#endif
