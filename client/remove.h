/* SPDX-License-Identifier: Apache-2.0 */
/* client/remove.h - signatures taken out of files, in whole or in part. */
#ifndef CLIENT_REMOVE_H
#define CLIENT_REMOVE_H
#include "client/sign_plan.h"

struct remove_parts {      /* neither: the whole signature */
	bool certificates; /* all but the signer's */
	bool unsigned_attributes; /* timestamps and nested signatures */
};

/*
 * remove_from - f's file without, written to its target.
 *
 * The new file is read back before it takes the old one's place; when anything fails
 * there is no new file and the old one is as it was.
 * Errors: f's own, KD_E_UNSIGNED, KD_E_FILE, KD_E_FORMAT (also: the signer's certificate
 *         is not among the others), KD_E_LIMIT, KD_E_IO, KD_E_NOMEM, with the path.
 */
bool remove_from(const struct plan_file *f, struct remove_parts parts,
    struct kd_err *e) KD_MUST;
#endif
