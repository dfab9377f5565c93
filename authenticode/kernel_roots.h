/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/kernel_roots.h - the roots that are compiled into the Windows kernel, as
 * facts. */
#ifndef KD_KERNEL_ROOTS_H
#define KD_KERNEL_ROOTS_H
#include "authenticode/cert.h"

enum kernel_root {
	KERNEL_ROOT_NONE,
	KERNEL_ROOT_MICROSOFT,    /* signs for Microsoft alone: portal, inbox */
	KERNEL_ROOT_VERIFICATION, /* Microsoft Code Verification Root: cross-signs CAs */
	KERNEL_ROOT_EXTRA,        /* the user's, in the verification root's part */
	KERNEL_ROOT_TIMESTAMP     /* trusted by Windows for timestamps only */
};

/*
 * kernel_roots_add - trust anchors that the kernel knows, made from name and public key.
 *
 * They serve as `roots` in chain_find, in front of which they are named like the real
 * ones, but their other bytes are ours: no serial number of a signature, and no end of
 * validity, since the loader has no clock rule for its own roots (the verification root's
 * certificate ended on 2025-11-01, two others' before). Microsoft Root Certificate
 * Authority 2011 is not among them: it is for programs, not for drivers. Neither are
 * Microsoft's test roots, which only count in test-signing mode, where anything does.
 *
 * Errors: KD_E_NOMEM, KD_E_LIMIT (CERTS_MAX).
 * Spec:   kernel policy facts 3 "Roots"; RFC 5280 section 6.1.1 (d): of a trust anchor,
 *         name and key count.
 */
bool kernel_roots_add(struct certs *ret, struct kd_err *e) KD_MUST;

/* Those of them that are in user mode's store, too: all but the verification root. */
bool kernel_roots_add_microsoft(struct certs *ret, struct kd_err *e) KD_MUST;
/*
 * The roots that old timestamps end at and a Linux system's bundle lacks: Microsoft's own
 * ones, and the one that Windows keeps for this purpose alone. Errors as above.
 */
bool kernel_roots_add_timestamp(struct certs *ret, struct kd_err *e) KD_MUST;

struct kernel_root_info {
	enum kernel_root kind; /* never EXTRA, which is the caller's to say */
	uint8_t sha1[20];      /* thumbprint and end of the real certificate */
	int64_t not_after;
};
/* Which of the above has this certificate's name and key, the real one or one made here?
 * All-zero for any other. KD_E_NOMEM, KD_E_CRYPTO. */
bool kernel_root_find(const struct certs *list, size_t i, struct kernel_root_info *ret,
    struct kd_err *e) KD_MUST;
#endif
