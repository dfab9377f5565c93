/* SPDX-License-Identifier: Apache-2.0 */
/* driver/submission.h - what Hardware Dev Center wants of the cabinet that driver packages
 * are submitted in for attestation. */
#ifndef KD_SUBMISSION_H
#define KD_SUBMISSION_H
#include "driver/inf_findings.h"
#include "driver/inf_package.h"

#define SUBMISSION_FOLDER_CHARS_MAX 39 /* fewer than 40 */

/*
 * submission_check_folder - may a driver package's folder in the cabinet be called so?
 *
 * Letters, digits, '.', '_', '-' and blanks between them; Microsoft says "no special
 * characters" and not which are.
 * path   what the finding is of: the cabinet, or the folder on disk
 * found  appended to. KD_E_NOMEM.
 */
bool submission_check_folder(const char *path, const char *folder,
    struct inf_findings *found, struct kd_err *e) KD_MUST;

/*
 * submission_check_names - the layout: each driver package in a folder of its own, with
 * its INF, no file beside them, each name one that Windows takes and there once.
 *
 * cab    for the findings
 * names  as they stand in the cabinet, NUL-terminated
 * found  appended to; a driver without symbols is a warning. KD_E_NOMEM.
 * Spec:  Microsoft "Attestation sign Windows drivers"; cabinet facts 3.
 */
bool submission_check_names(const char *cab, const char *const *names, size_t n,
    struct inf_findings *found, struct kd_err *e) KD_MUST;

/* Which architectures the INFs of a package are for, as a mask; 0: none says so.
 * KD_E_LIMIT, KD_E_NOMEM. */
bool submission_archs(
    const struct inf_package *p, unsigned *ret, struct kd_err *e) KD_MUST;

struct submission_folder {
	const char *path; /* for the finding; borrowed */
	unsigned archs;
};
/* All packages are for the same ones. found: appended to. KD_E_NOMEM. */
bool submission_check_archs(const struct submission_folder *v, size_t n,
    struct inf_findings *found, struct kd_err *e) KD_MUST;
#endif
