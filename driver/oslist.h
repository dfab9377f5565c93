/* SPDX-License-Identifier: Apache-2.0 */
/* driver/oslist.h - the Windows versions that Inf2Cat's /os names. */
#ifndef KD_OSLIST_H
#define KD_OSLIST_H
#include <stdint.h>

#include "authenticode/cat.h"

enum inf_arch { /* bit 1 << it in a mask */
	INF_X86,
	INF_AMD64,
	INF_IA64,
	INF_ARM,
	INF_ARM64,
	INF_ARCHS
};
#define INF_ARCHS_ALL ((1u << INF_ARCHS) - 1)
/* "x86", "amd64"...: as in [SourceDisksFiles.x86], and behind "nt" in decorations. */
const char *inf_arch_name(enum inf_arch a);
/* The architecture that the decoration "NTamd64.10.0" begins with. false: "NT", or none at
 * all. */
bool inf_arch_of(const char *decoration, enum inf_arch *ret);

#define OSLIST_ROWS_MAX 128 /* bits for all that are known */
struct oslist {
	uint64_t rows[OSLIST_ROWS_MAX / 64]; /* by place in the table; all-zero: none */
};

/*
 * oslist_parse - "10_X64,7_X86": names in any case, separated by commas, without blanks.
 *
 * Errors: KD_E_USAGE names the one that is unknown, with the nearest as hint.
 * Spec:   Microsoft "Inf2Cat"; catalog facts 6.
 */
bool oslist_parse(const char *text, struct oslist *ret, struct kd_err *e) KD_MUST;
unsigned oslist_archs(const struct oslist *l); /* mask */
/* Is one of them this version of Windows, or a later one? */
bool oslist_reaches(const struct oslist *l, unsigned major, unsigned minor);
/* 2 when all know catalogs of version 2, which is from Windows 8.1 on; else 1. */
enum cat_version oslist_version(const struct oslist *l);
/* The attribute OS of a catalog: tokens of those for the architectures in the mask, in
 * Inf2Cat's order whatever the order they were given in. */
void oslist_put_tokens(const struct oslist *l, unsigned archs, struct buf *ret);
/* The attribute OSAttr of a member: "2:6.1,2:10.0", ascending, each once. */
void oslist_put_versions(const struct oslist *l, unsigned archs, struct buf *ret);
/* The names that oslist_parse knows, each on a line of its own. */
void oslist_help(struct buf *ret);
#endif
