/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/installer.h - what the device installer makes of a file and the catalog
 * that should list it. No file, no clock: facts in, sentences out. */
#ifndef KD_INSTALLER_H
#define KD_INSTALLER_H
#include "authenticode/kernel_policy.h"

/* The publisher, as Windows puts it: [Signature Categories and Driver Installation]. */
enum installer_category {
	INSTALLER_WINDOWS,           /* signed by a Windows signing authority (WHQL) */
	INSTALLER_TRUSTED_PUBLISHER, /* its certificate is in that store */
	INSTALLER_UNKNOWN_PUBLISHER, /* right, and of nobody that the machine knows */
	INSTALLER_UNTRUSTED_CHAIN,    /* right, but no chain that the machine trusts */
	INSTALLER_ALTERED,           /* signed, and no longer what was signed */
	INSTALLER_UNSIGNED
};
enum installer_outcome { INSTALLER_SILENT, INSTALLER_PROMPT, INSTALLER_REFUSED };

/* Windows versions that a catalog may be limited to, a bit each. */
enum installer_version {
	INSTALLER_XP = 1,        /* 5.x, all of them */
	INSTALLER_VISTA = 2,     /* 6.0 */
	INSTALLER_SEVEN = 4,     /* 6.1 */
	INSTALLER_EIGHT = 8,     /* 6.2 */
	INSTALLER_EIGHT_ONE = 16, /* 6.3 */
	INSTALLER_TEN = 32       /* 10.0 (and 6.4, as its previews said) */
};

struct installer_facts {
	bool catalog;        /* one was given, or the file is one */
	bool catalog_itself; /* the question is of the catalog, not of a listed file */
	bool catalog_signed;
	struct kernel_signature sig; /* catalog_signed: the catalog's first one */
	/* From the signer to a root of the machine's, in user mode. */
	bool root_trusted;
	char root_fault[320]; /* !root_trusted: why */
	bool publisher_trusted;
	bool listed;
	char listed_fault[320]; /* !listed, or listed otherwise: what differs */
	bool altered;           /* the catalog lists another content under this name */
	bool inf;               /* the file is the INF itself */
	bool has_versions;      /* an OSAttr limits what the member or catalog is for */
	unsigned versions;      /* has_versions: bits of installer_version */
	int64_t now;
};

struct installer_verdict {
	const char *release; /* "Windows 7 (6.1)", or "every Windows" */
	enum installer_category category;
	enum installer_outcome outcome;
	char why[KERNEL_WHY_LEN];
};

#define INSTALLER_ROWS_MAX 6
struct installer_report {
	/* One row where the version makes no difference: it does only for a Windows
	 * signature with an OSAttr. */
	struct installer_verdict rows[INSTALLER_ROWS_MAX];
	size_t rows_n;
	bool installs; /* silently or after a prompt, on the newest release */
};

/*
 * installer_judge - the verdict on one file of a package, or on its catalog.
 *
 * Spec: kernel policy facts 1, 5; [PnP device installation signing requirements];
 *       [Signature Categories and Driver Installation].
 */
void installer_judge(const struct installer_facts *f, struct installer_report *ret);
const char *installer_category_text(enum installer_category c);
const char *installer_outcome_text(enum installer_outcome o); /* "silent" */

/*
 * installer_versions - an OSAttr's bits: "2:5.1,2:6.0,2:10.0".
 *
 * Grammar: <platform>:<major>.<minor>[.<anything>], joined by commas; platform 2 is NT,
 * and what is of another platform or version is passed over. False when it is none.
 */
bool installer_versions(const char *osattr, size_t len, unsigned *ret);
#endif
