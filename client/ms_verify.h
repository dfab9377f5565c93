/* SPDX-License-Identifier: Apache-2.0 */
/* client/ms_verify.h - signtool verify: its options, and one run. For ms_verify*.c. */
#ifndef CLIENT_MS_VERIFY_H
#define CLIENT_MS_VERIFY_H
#include "client/ms.h"
#include "client/ms_judge.h"

struct ms_verify_args {
	struct ms_common common;
	const char *catalog, *guid, *root, *version, *usage, *sha1, *hash;
	struct ms_uint index;
	bool any, pa, kp, all, multiple, describe, pages, warn_unstamped, system_usage;
};
extern const struct ms_row ms_verify_rows[];

struct ms_verifying { /* one run */
	struct ms *m;
	const struct ms_verify_args *a;
	const struct ms_files *files;
	struct ms_judge judge;
	char *catalog;               /* path; NULL: the files' own signatures; owned */
	struct verdict_trust trust;  /* owned */
	struct certs *made;          /* roots made from facts; owned */
	struct certs *kernel;        /* all the kernel's, for the chain shown; owned */
	uint8_t sha1[20];
	size_t next; /* for ms_shown */
};

/* What the arguments mean; v->m, a and files are set. KD_E_USAGE in signtool's words,
 * KD_E_FILE, KD_E_FORMAT, KD_E_NOMEM. */
bool ms_verify_read(struct ms_verifying *v, struct kd_err *e) KD_MUST;

/* /v: what there is to say about signature i, good or bad. name: as given. */
void ms_verify_put(const struct ms_verifying *v, const struct verified *file, size_t i,
    struct buf *b);
#endif
