/* SPDX-License-Identifier: Apache-2.0 */
/* driver/inf_catalog.h - the catalogs that a folder's INFs name, and what each is to list. */
#ifndef KD_INF_CATALOG_H
#define KD_INF_CATALOG_H
#include "driver/cdf.h"
#include "driver/inf_check.h"

struct inf_catalog {
	char *name;    /* lower case, without folder; owned */
	unsigned archs; /* mask: the versions of Windows of these are in its OS */
	const struct inf *inf; /* the first that names it; for messages */
	/*
	 * A CDF of our own making: each INF that names the catalog and what it copies, by
	 * hash, with File and OSAttr; OS and HWID1... for all. Borrows from package and
	 * contents. cdf.text is its own.
	 */
	struct cdf cdf;
};
struct inf_catalogs {
	struct inf_catalog *v; /* in the INFs' order; owned */
	size_t n;
};
void inf_catalogs_clear(struct inf_catalogs *c);
AUTO_DEFINE_CLEAR(struct inf_catalogs, inf_catalogs_clear);

/*
 * inf_catalogs_plan - one catalog for each name, for a package that passed inf_check.
 *
 * ret  all-zero before; borrows from p and contents
 * Errors: KD_E_LIMIT (CDF_MEMBERS_MAX), KD_E_NOMEM.
 * Spec:   catalog facts 4 and 5: what Inf2Cat puts in.
 */
bool inf_catalogs_plan(const struct inf_package *p, const struct inf_contents *contents,
    const struct oslist *os, enum cat_version version, struct inf_catalogs *ret,
    struct kd_err *e) KD_MUST;
#endif
