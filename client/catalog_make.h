/* SPDX-License-Identifier: Apache-2.0 */
/* client/catalog_make.h - the files of a CDF, hashed by several threads, and the catalog
 * that lists them. */
#ifndef CLIENT_CATALOG_MAKE_H
#define CLIENT_CATALOG_MAKE_H
#include "authenticode/cat_file.h"
#include "driver/cdf.h"

/* More are counted only: an error takes a kilobyte, and nobody reads so many. */
#define CATALOG_ERRORS_MAX ((size_t)64)

struct catalog_file { /* of the cdf's member with the same index */
	bool done;
	char *path; /* where it was found; owned */
	struct cat_hash hash;
	enum kd_code failed; /* KD_OK and not done: never begun */
	struct kd_err *err;  /* of the first failures, CATALOG_ERRORS_MAX; owned */
};

struct catalog {
	const struct cdf *cdf;
	const char *cdf_path;
	struct catalog_file *files; /* cdf->members_n of them; owned */
};
void catalog_clear(struct catalog *c);
AUTO_DEFINE_CLEAR(struct catalog, catalog_clear);

struct catalog_options {
	size_t jobs;                 /* threads, 1 or more */
	bool stop_at_first;          /* a failure: begin no further file */
	void (*tick)(size_t done_n); /* by the calling thread, now and then */
};

/*
 * catalog_hash - find and hash every file.
 *
 * ret  all-zero; borrows cdf and path. Each file says how it went
 * Errors: KD_E_NOMEM, KD_E_BUG (no thread); a file's own failure is none of these.
 */
bool catalog_hash(const char *path, const struct cdf *cdf,
    const struct catalog_options *o, struct catalog *ret, struct kd_err *e) KD_MUST;

/*
 * catalog_build - the unsigned catalog of files that are all done, appended to ret.
 *
 * It is read again, and must list every file, before this is true.
 * Errors: KD_E_LIMIT, KD_E_FORMAT, KD_E_NOMEM, KD_E_CRYPTO (no random bytes), KD_E_BUG.
 */
bool catalog_build(const struct catalog *c, struct buf *ret, struct kd_err *e) KD_MUST;
/* The same with the identifier and the time of another: byte for byte that one, if it lists
 * the same files in the same way. */
bool catalog_build_like(const struct catalog *c, const struct cat *other, struct buf *ret,
    struct kd_err *e) KD_MUST;
#endif
