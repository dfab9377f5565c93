/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/msi_digest.h - what the signature of an MSI covers, over a directory that was
 * checked and streams that somebody else reads. */
#ifndef KD_MSI_DIGEST_H
#define KD_MSI_DIGEST_H
#include "authenticode/cfb.h"
#include "authenticode/format_io.h"
#include "base/md.h"

/* The two streams in the root that no digest covers; UTF-16LE, without the terminator. */
extern const uint8_t msi_signature_name[34], msi_signature_ex_name[44];

/* Who reads the streams (client/msi_read.c). */
struct msi_streams {
	/* All of entry id's bytes into into, in order. Streams come storage by storage,
	 * none twice; empty ones do not come at all. */
	bool (*hash)(void *self, uint32_t id, struct format_hash *into, struct kd_err *e);
	void *self;
};

/*
 * msi_digest_ex - what MsiDigitalSignatureEx holds: a digest over names, class ids, state bits,
 * times and lengths of everything but the two streams themselves.
 *
 * Errors: KD_E_CRYPTO, KD_E_NOMEM.
 */
bool msi_digest_ex(
    const struct cfb *c, enum md md, uint8_t ret[MD_LEN_MAX], struct kd_err *e) KD_MUST;

/*
 * msi_digest - what SpcIndirectDataContent says: a digest over all streams' bytes and each
 * storage's class id.
 *
 * with_ex  msi_digest_ex comes first, so that the signature covers that, too: so it is where
 *          the file has MsiDigitalSignatureEx
 * Errors:  those of s, KD_E_CRYPTO, KD_E_NOMEM.
 */
bool msi_digest(const struct cfb *c, enum md md, bool with_ex, const struct msi_streams *s,
    uint8_t ret[MD_LEN_MAX], struct kd_err *e) KD_MUST;
#endif
