/* SPDX-License-Identifier: Apache-2.0 */
/* client/verify_run.h - many files verified at once, each told of in its turn. */
#ifndef CLIENT_VERIFY_RUN_H
#define CLIENT_VERIFY_RUN_H
#include "authenticode/verify.h"

#define VERIFY_JOBS_MAX 64

struct verified { /* how it went with one file */
	const char *file;
	struct verify_report report;
	/* The catalog that it was looked up in: then report.member alone is of this
	 * file, and the signatures are the catalog's. NULL: its own signatures. */
	const struct verified *catalog;
	struct kd_err e; /* KD_OK: verified. The message begins with the file */
};

struct verify_run_options {
	const struct certs *roots, *tsa_roots;
	const struct certs *signers; /* verify.h; NULL: nobody beside roots */
	int64_t at;          /* verify.h */
	const char *catalog; /* path; NULL: the files' own signatures */
	bool efi;            /* verify.h; not with catalog */
	size_t jobs;         /* threads, 1 to VERIFY_JOBS_MAX; 0: one for each processor */
	bool inspect;        /* verify_inspect: no verdict on trust; not with catalog */
	/* By the calling thread, in the files' order, as soon as a file and all before it
	 * are done; with a catalog, that first, as a file of its own. v is gone after. */
	void (*done)(void *self, const struct verified *v);
	void *self;
};

/*
 * verify_run - verify files[0..n-1].
 *
 * A file that cannot be read, or is of no format we know, is one that failed. Errors
 * are of the catalog, when it cannot be read at all (then done was not called), or
 * KD_E_NOMEM, KD_E_BUG (no thread).
 */
bool verify_run(char *const *files, size_t n, const struct verify_run_options *o,
    struct kd_err *e) KD_MUST;
#endif
