/* SPDX-License-Identifier: Apache-2.0 */
/* client/ac_check.h - certificates of --ac and --ac-dir: do they continue the signer's
 * chain? */
#ifndef CLIENT_AC_CHECK_H
#define CLIENT_AC_CHECK_H
#include "authenticode/cert.h"
#include "client/options.h"

#define AC_DIR_FILES_MAX 4096

struct ac_signer { /* borrowed */
	const char *key;           /* its name, for messages */
	const struct certs *chain; /* the signer's certificate first */
};

/*
 * ac_load - every certificate of the files, if each continues the chain: it, or what
 * leads to it, issued the chain's top.
 *
 * A path from the signer's certificate to each of them must exist, with right signatures;
 * whether they are still valid is not asked.
 *
 * ret  appended to
 * Errors: KD_E_FORMAT names the certificate and the top of the chain that it does not
 *         continue; those of certs_load.
 */
bool ac_load(const struct ac_signer *signer, const struct option_list *files,
    struct certs *ret, struct kd_err *e) KD_MUST;
/*
 * ac_pick - from all certificate files of a folder the one that continues the chain: no
 * self-signed one, none that the chain has; of several the one that is valid longest.
 *
 * Files that hold no certificate are passed over, subfolders are not looked into.
 * Errors: KD_E_FORMAT (none fits; the hint says when the chain's end is among them), KD_E_FILE, KD_E_LIMIT (AC_DIR_FILES_MAX), KD_E_NOMEM.
 */
bool ac_pick(const struct ac_signer *signer, const char *dir, struct certs *ret,
    struct kd_err *e) KD_MUST;
/* A sentence about those that have expired at that time, or an empty one. */
bool ac_expired(
    const struct certs *more, int64_t at, char ret[320], struct kd_err *e) KD_MUST;
#endif
