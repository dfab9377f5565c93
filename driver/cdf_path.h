/* SPDX-License-Identifier: Apache-2.0 */
/* driver/cdf_path.h - where a file that a CDF names is on this machine. */
#ifndef KD_CDF_PATH_H
#define KD_CDF_PATH_H
#include "base/builder.h"
#include "base/error.h"

#define CDF_FOLDERS 4

/* Folders listed lately, so that ten thousand names in another case than the files' do
 * not list one folder ten thousand times. All-zero is empty; one for each thread. */
struct cdf_folder {
	char *path;         /* owned */
	struct buf text;    /* the names, each with its NUL */
	const char **names; /* into text, sorted without regard to case; owned */
	size_t n;
};
struct cdf_finder {
	struct cdf_folder folders[CDF_FOLDERS];
	size_t next; /* to be replaced */
};
void cdf_finder_clear(struct cdf_finder *f);
AUTO_DEFINE_CLEAR(struct cdf_finder, cdf_finder_clear);

/*
 * cdf_find - the path of an existing file.
 *
 * Looked for from the current folder, as MakeCat does, then from the CDF's own; each time
 * as it is written and then without regard to case, as Windows would.
 *
 * path  as struct cdf_member has it, with '/'
 * ret   replaced; NUL-terminated by buf_cstr
 * Errors: KD_E_FILE "'x64/hello.sys': no such file", also when there are several that
 *         differ only in case, and none as it is written; KD_E_NOMEM.
 */
bool cdf_find(struct cdf_finder *f, const char *cdf, const char *path, struct buf *ret,
    struct kd_err *e) KD_MUST;
#endif
