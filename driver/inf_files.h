/* SPDX-License-Identifier: Apache-2.0 */
/* driver/inf_files.h - the files that an INF copies, and where they lie in its folder. */
#ifndef KD_INF_FILES_H
#define KD_INF_FILES_H
#include "driver/inf_package.h"
#include "driver/oslist.h"

/* Each file counts once for each architecture whose place is looked up. */
#define INF_FILES_MAX ((size_t)50000)
#define INF_FILES_TEXT_MAX ((size_t)8 << 20) /* of their names and paths */

struct inf_file {
	char *name; /* what it is called where it is copied to, lower case; owned */
	char *path; /* with the package's folder, '/' between its parts; owned */
	const struct inf *inf; /* whose CopyFiles names it, at this line */
	unsigned line;
	size_t list;        /* section with its line; SIZE_MAX: CopyFiles = @file */
	enum inf_arch arch; /* the first that it is for */
	size_t order;
};
struct inf_files {
	struct inf_file *v; /* owned */
	size_t n, room, text;
};
void inf_files_clear(struct inf_files *f);
AUTO_DEFINE_CLEAR(struct inf_files, inf_files_clear);

/*
 * inf_files_collect - every file of every CopyFiles of the unit's sections and of those
 * that they need from other INFs of the folder: for each architecture that
 * [SourceDisksFiles] has a place for, whatever Models or /os say. None is looked at.
 *
 * ret  in the INF's order, each pair of name and path once; all-zero before
 * Errors: KD_E_LIMIT, KD_E_NOMEM; what is wrong with the INF is found:
 *         22.9.10, disks that are not listed, places outside of the folder, one name with
 *         two sources.
 * Spec:   INF facts 5 and 6.
 */
bool inf_files_collect(const struct inf_package *p, const struct inf_unit *unit,
    struct inf_files *ret, struct inf_findings *found, struct kd_err *e) KD_MUST;
/* Files with a source that nothing copies, and sources said twice: warnings and errors. */
bool inf_sources_check(const struct inf_unit *unit, const struct inf_files *files,
    struct inf_findings *found, struct kd_err *e) KD_MUST;
#endif
