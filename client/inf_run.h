/* SPDX-License-Identifier: Apache-2.0 */
/* client/inf_run.h - a driver package tested and its catalogs made, for inf, inf2cat and
 * Microsoft's inf2cat. */
#ifndef CLIENT_INF_RUN_H
#define CLIENT_INF_RUN_H
#include "client/catalog_make.h"
#include "driver/inf_catalog.h"

struct inf_run_options {
	const struct oslist *os; /* NULL: for no version of Windows in particular */
	enum cat_version version; /* 0: the one that all of os know */
	bool local_time;          /* today is the machine's, not UTC's */
	bool page_hashes;
};

struct inf_run { /* all owned; inf_run_clear */
	struct inf_package package;
	struct inf_contents contents;
	struct inf_findings found;
	struct inf_catalogs catalogs;
	struct catalog *made; /* by catalog, borrows from it: its files hashed */
	char **paths;         /* by catalog: where it was written to */
	size_t made_n;
};
void inf_run_clear(struct inf_run *r);
AUTO_DEFINE_CLEAR(struct inf_run, inf_run_clear);

/*
 * inf_run_test - test one INF, or all of a folder; what is wrong is in r->found.
 *
 * r  all-zero before
 * Errors: those of inf_package_open and inf_check.
 */
bool inf_run_test(struct inf_run *r, const char *path, bool folder,
    const struct inf_run_options *o, struct kd_err *e) KD_MUST;

/*
 * inf_run_make - the catalogs of a package whose test found no errors, each written into
 * the package's folder when all of them are made: nothing is written when one fails. One
 * that is there under its name in another case is replaced, as Windows would.
 *
 * o     os is set
 * quiet no progress bar
 * Errors: those of catalog_hash and catalog_build, of the first file that failed;
 *         KD_E_FILE, KD_E_IO.
 */
bool inf_run_make(struct inf_run *r, const struct inf_run_options *o, bool quiet,
    struct kd_err *e) KD_MUST;

/* inf_run_make by halves, for who wants more than files of them: which catalogs there are
 * to be, and where; then the files of one, hashed into r->made[i]. */
bool inf_run_plan(
    struct inf_run *r, const struct inf_run_options *o, struct kd_err *e) KD_MUST;
bool inf_run_hash(struct inf_run *r, size_t i, const struct catalog_options *how,
    struct kd_err *e) KD_MUST;

/* "'hello.inf' line 7: 22.9.6: ..." with its hint. */
void inf_run_error(const struct inf_finding *f, struct kd_err *ret);
#endif
