/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/chain.h - from a signer's certificate to a root, and the faults. */
#ifndef KD_CHAIN_H
#define KD_CHAIN_H
#include <stdint.h>

#include "authenticode/cert.h"

#define CHAIN_MAX 10

struct chain_check {
	bool ok;
	char detail[320]; /* one sentence that names the certificate; also when ok */
};

struct chain {
	struct certs *path; /* leaf first; the anchor last when complete; owned */
	bool complete;      /* ends at one of the roots given */
	unsigned checks;    /* certificates' signatures that it took: what it cost */
	/* complete; signatures, CA flags, path lengths, critical extensions */
	struct chain_check trust;
	/* every certificate of the path, the root too, is valid at the time asked */
	struct chain_check validity;
	/* the leaf allows codeSigning, and no CA between it and the root excludes it */
	struct chain_check eku;
	/* the leaf's key usage, where it has one, allows digitalSignature */
	struct chain_check key_usage;
};
void chain_clear(struct chain *c);
AUTO_DEFINE_CLEAR(struct chain, chain_clear);

/*
 * chain_find - the best path from pool[leaf] to one of roots, through pool.
 *
 * Every certificate whose subject is the issuer's name and whose key verifies is tried,
 * roots first: so a CA's own root and a cross-certificate for it are two paths, and the
 * one that ends in a given root is taken. Any certificate may be a root, self-signed or
 * not. The first path on which all four checks hold wins; without one, the path that got
 * furthest, so that its first finding is the useful one.
 *
 * SHA-1 signatures are accepted: every cross-certificate for kernel drivers has one.
 * Older digests and RSA keys under 1024 bits are not; nor, since they make hostile files
 * slow, RSA keys over 8192 bits or with exponents over 64, unnamed curves, and DSA.
 * Revocation is not looked at.
 *
 * ret     filled on true, whatever the verdict; the caller clears it
 * Errors: KD_E_NOMEM, KD_E_CRYPTO, KD_E_FORMAT (a certificate's time that is none).
 * Spec:   RFC 5280 section 6; its path checks are OpenSSL's.
 */
bool chain_find(const struct certs *pool, size_t leaf, const struct certs *roots,
    int64_t at, struct chain *ret, struct kd_err *e) KD_MUST;
/* The same for a timestamp authority: the extended key usage is timeStamping, and a key
 * usage of nonRepudiation will do. */
bool chain_find_tsa(const struct certs *pool, size_t leaf, const struct certs *roots,
    int64_t at, struct chain *ret, struct kd_err *e) KD_MUST;
bool chain_ok(const struct chain *c);
#endif
