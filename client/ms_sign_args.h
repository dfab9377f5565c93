/* SPDX-License-Identifier: Apache-2.0 */
/* client/ms_sign_args.h - the options of signtool sign, and what they mean here. */
#ifndef CLIENT_MS_SIGN_ARGS_H
#define CLIENT_MS_SIGN_ARGS_H
#include "client/ms.h"
#include "client/ms_key.h"
#include "client/ms_stamp.h"
#include "client/sign_run.h"

struct ms_sign_args {
	struct ms_common common;
	struct option_list ac;
	struct ms_stamp_args stamp;
	const char *sha1, *subject, *issuer, *root, *file, *usage;
	const char *fd, *description, *url;
	bool best, append, system_usage, pages, no_pages;
};
extern const struct ms_row ms_sign_rows[];

struct ms_sign_ready { /* owned, but for what criteria point to */
	struct ms_criteria criteria;
	struct ms_paths ac_paths;
	struct stamp_options stamp;
	enum md md;             /* MD_NONE: not said */
	bool md_of_certificate; /* /fd certHash */
	char file_sha1[41];     /* of the certificate that /f names */
	/* for the caller to fill in */
	char key[API_KEY_NAME_MAX + 1], sha1[41];
};
void ms_sign_ready_clear(struct ms_sign_ready *r);
AUTO_DEFINE_CLEAR(struct ms_sign_ready, ms_sign_ready_clear);

/*
 * ms_sign_read - what the arguments mean, files that they name found.
 *
 * ret  cleared by the caller also after a failure; borrows from a
 * Errors: KD_E_USAGE, KD_E_FILE, KD_E_NOMEM, in signtool's words where those are known.
 */
bool ms_sign_read(const struct ms_sign_args *a, struct ms_sign_ready *ret,
    struct kd_err *e) KD_MUST;
/* The rest of ret, md excepted; borrows from both. */
void ms_sign_fill(const struct ms_sign_args *a, const struct ms_sign_ready *ready,
    struct sign_run_options *ret);
/* /v: the chain through the certificates of /ac, and these themselves. */
void ms_sign_put_more(
    struct buf *b, const struct api_key *key, const struct ms_paths *ac);
#endif
