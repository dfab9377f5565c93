/* SPDX-License-Identifier: Apache-2.0 */
/* client/package.h - driver packages on their way: tested, signed, verified, put into their
 * places. For cmd_package.c and package_*.c. */
#ifndef CLIENT_PACKAGE_H
#define CLIENT_PACKAGE_H
#include "client/inf_run.h"
#include "client/package_table.h"
#include "client/sign_run.h"
#include "client/trust.h"

struct package_wanted { /* what a signature must say to be left alone; owned */
	bool known;
	uint8_t sha1[20]; /* of the key's certificate */
	struct certs *more;
};
void package_wanted_clear(struct package_wanted *w);
AUTO_DEFINE_CLEAR(struct package_wanted, package_wanted_clear);

struct package_options { /* borrowed; the same for all */
	struct sign_run_options sign;
	const struct oslist *os; /* NULL: the usual ones of each package's architectures */
	enum cat_version version;
	bool local_time;
	const struct package_wanted *wanted; /* NULL: everything is signed anew */
	const struct trust *trust;
	const struct verdict_trust *windows;
	bool require_kernel, require_installer;
	int64_t now;
	size_t catalog_jobs; /* threads that hash one package's files */
};

enum package_kind { PACKAGE_INF, PACKAGE_BINARY, PACKAGE_OTHER, PACKAGE_CATALOG };
enum package_action {
	PACKAGE_LIST, /* nothing but to be listed in a catalog */
	PACKAGE_SIGN, /* of a catalog: make and sign */
	PACKAGE_LEAVE
};

struct package_file {
	enum package_kind kind;
	enum package_action action;
	const char *why; /* LEAVE: constant */
	char *path;      /* owned */
	/* A catalog's own number in inf_run; else that of the one which the verdict is by. */
	size_t catalog;
	unsigned machine; /* a binary's */
	bool driver;      /* a binary that the kernel loads */
	bool foreign;     /* signed by Microsoft, and so not by us */
	struct buf built; /* SIGN, of a catalog: not signed yet; owned */
	struct plan_file plan;
	struct sign_file *sign; /* of this run; borrowed; NULL: none */
	struct verdict_row row;
};

struct package {
	const char *dir; /* as named; borrowed */
	struct oslist os;
	struct inf_run run;
	struct package_file *v; /* INFs and files as the INFs name them, then catalogs; owned */
	size_t n;
	struct kd_err e; /* why nothing of it was changed; KD_OK: nothing went wrong */
	bool again;      /* e was told for another package: it failed together with that */
};
/* Before what its files' sign points to is freed: what is still staged is removed. */
void package_clear(struct package *p);
AUTO_DEFINE_CLEAR(struct package, package_clear);

/*
 * package_plan - test the INFs, hash what they name, and decide what is to be done.
 *
 * p    all-zero but for dir; what is wrong with the INFs is in p->run.found, with everything
 *      else in p->e. Nothing is written, nobody is asked. Safe from several threads, each
 *      with a package of its own, as is package_finish
 */
void package_plan(struct package *p, const struct package_options *o);
size_t package_count(const struct package *p, enum package_action action);
/* A file's name as the package's folder has it. */
const char *package_name(const struct package *p, const struct package_file *f);

/*
 * package_sign - have all that is to be signed, of all packages, signed by one request (or
 * as few as its limits allow) and staged beside the old files.
 *
 * *ret_files  what the packages' files point to; to be freed after package_clear
 * Errors: KD_E_NOMEM. Whatever else goes wrong is in each package's e.
 */
bool package_sign(const struct settings *settings, const struct package_options *o,
    struct package *v, size_t n, const struct sign_sink *sink, struct sign_file **ret_files,
    size_t *ret_n, struct kd_err *e) KD_MUST;

/*
 * package_finish - verify what is staged, and what was left alone, as the loader and the
 * installer would; then put all that is staged into its place, or nothing of it.
 *
 * p      e says how it went; each file's row what Windows makes of it
 * table  shared; locks itself
 */
void package_finish(
    struct package *p, const struct package_options *o, struct verdict_table *table);
#endif
