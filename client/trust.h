/* SPDX-License-Identifier: Apache-2.0 */
/* client/trust.h - whom verify trusts: options, else the configuration. */
#ifndef CLIENT_TRUST_H
#define CLIENT_TRUST_H
#include "authenticode/cert.h"
#include "client/options.h"
#include "client/settings.h"

struct trust {
	struct certs *roots;     /* of signers; owned */
	struct certs *tsa_roots; /* of time-stamping authorities; owned */
};
void trust_clear(struct trust *t);
AUTO_DEFINE_CLEAR(struct trust, trust_clear);

/*
 * trust_load - read every trust anchor once.
 *
 * roots      --root; with none, root and root-dir of the configuration
 * tsa_roots  --tsa-root; with none, tsa-root and tsa-root-dir of the configuration; with
 *            none of these, the signers' roots and what the system trusts
 *
 * Of a folder every *.pem, *.crt, *.cer and *.der is read.
 * Errors: KD_E_FILE, KD_E_FORMAT, KD_E_LIMIT, KD_E_NOMEM, with the path.
 */
bool trust_load(const struct settings *s, const struct option_list *roots,
    const struct option_list *tsa_roots, struct trust *ret, struct kd_err *e) KD_MUST;
/* What the system trusts; nothing where it has no bundle of that kind. */
bool trust_add_system(struct certs *into, struct kd_err *e) KD_MUST;
#endif
