/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/verify.h - is this file's signature right, and what makes us say so. */
#ifndef KD_VERIFY_H
#define KD_VERIFY_H
#include <stddef.h>
#include <stdint.h>

#include "authenticode/cert.h"
#include "authenticode/cms.h"
#include "authenticode/pe.h"
#include "authenticode/pe_embed.h"
#include "authenticode/spc.h"

#define VERIFY_STEPS_MAX 16
#define VERIFY_CHAIN_MAX 10

/* SKIPPED: there, and not judged. WARNING: worth reading, but no reason to refuse. */
enum verify_result { VERIFY_OK, VERIFY_FAILED, VERIFY_SKIPPED, VERIFY_WARNING };

struct verify_step { /* one line of the tree */
	const char *name;
	enum verify_result result;
	char detail[320]; /* values seen and expected, or why skipped */
};

struct verify_signature {
	struct cms cms; /* all-zero when the first step, "format", failed */
	struct spc spc;
	struct verify_step steps[VERIFY_STEPS_MAX];
	size_t steps_n;
	struct cert_info chain[VERIFY_CHAIN_MAX]; /* as found: leaf first, anchor last */
	size_t chain_n;
	bool chain_complete; /* ends at one of the roots given */
	bool ok;             /* no step FAILED */
};

struct verify_report { /* all-zero before; cleared by the caller, also after a failure */
	struct pe pe;
	uint32_t checksum_right;       /* what CheckSum should be */
	uint64_t trailing;             /* hashed bytes after the table */
	struct pe_certs table;         /* owned: what the cms fields below borrow from */
	struct verify_signature *sigs; /* one per certificate table entry; owned */
	size_t sigs_n;
	bool ok; /* the first signature is */
};
void verify_report_clear(struct verify_report *r);
AUTO_DEFINE_CLEAR(struct verify_report, verify_report_clear);

/*
 * The steps' names, in their order; those after a failed "format" are missing:
 *
 *	format             PKCS#7 SignedData of SpcIndirectData of a PE image
 *	digest algorithms  DigestInfo, SignerInfo and digestAlgorithms name the same one
 *	image digest       of the file, against DigestInfo
 *	message digest     of the content, against the signed attribute
 *	signature          over the signed attributes, with the signer's key
 *	chain, validity, extended key usage, key usage
 *	                   chain.h; not by verify_inspect_pe
 *	timestamp, page hashes, nested signatures
 *	                   SKIPPED, only where present
 *	padding            WARNING, only where it is not zero
 *	trailing data, checksum
 *	                   WARNING, only where so, with the first signature
 */

/*
 * verify_pe - check every signature of an open PE file.
 *
 * Image digest, messageDigest, signature, chain to roots (through an embedded
 * cross-certificate too), EKU codeSigning, key usage digitalSignature, validity. Every
 * certificate table entry is judged; the first decides.
 *
 * roots  trust anchors; with none the chain step fails with a sentence that says to give
 *        --root
 * at     Unix seconds; the time that certificates must be valid at
 * ret    filled also when something does not verify: then false, with the first
 *        signature's first finding
 * Errors: KD_E_NOT_VERIFIED, KD_E_UNSIGNED, KD_E_FORMAT and KD_E_LIMIT (of the file or
 *         the first signature), KD_E_FILE, KD_E_NOMEM, KD_E_CRYPTO.
 * Spec:   Windows Authenticode PE Signature Format 1.0; facts 2, 4, 5, 12.
 */
bool verify_pe(int fd, const struct certs *roots, int64_t at, struct verify_report *ret,
    struct kd_err *e) KD_MUST;
/* What the file and its signatures contain, without any verdict on trust; true also when
 * a signature does not verify. */
bool verify_inspect_pe(int fd, struct verify_report *ret, struct kd_err *e) KD_MUST;
#endif
