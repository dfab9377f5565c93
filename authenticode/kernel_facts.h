/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/kernel_facts.h - from parsed signatures to what kernel_policy.h and
 * installer.h judge. */
#ifndef KD_KERNEL_FACTS_H
#define KD_KERNEL_FACTS_H
#include "authenticode/installer.h"
#include "authenticode/verify.h"

/*
 * kernel_facts_chain - certificates, root and extended key usages of one signature.
 *
 * The path is looked for among the signature's own certificates only: the loader fetches
 * nothing, and a cross-certificate that is not inside is not there.
 *
 * extra  further kernel roots, in the verification root's part; NULL: none
 * at     when the signature counts as made: decides between several paths
 * ret    its chain and usage fields are set, and fault when the path itself is faulty
 *        (a CA that is none, a weak signature); the rest stays
 * Errors: KD_E_NOMEM, KD_E_CRYPTO, KD_E_FORMAT (a certificate's time that is none).
 */
bool kernel_facts_chain(const struct cms *c, const struct certs *extra, int64_t at,
    struct kernel_signature *ret, struct kd_err *e) KD_MUST;
/*
 * kernel_facts_add - what a report's signatures are to the loader.
 *
 * r       of a PE image: its signatures are embedded ones, and its machine is set; of a
 *         catalog: its first signature, since no other of a catalog is read
 * member  a catalog's: how it lists the file in question; NULL: the catalog alone
 * extra   as above
 * ret     ret->now is set by the caller; signatures are appended, those beyond
 *         KERNEL_SIGNATURES_MAX left out
 * Errors: as above.
 */
bool kernel_facts_add(const struct verify_report *r, const struct verify_member *member,
    const struct certs *extra, struct kernel_facts *ret, struct kd_err *e) KD_MUST;

struct installer_question {
	const struct verify_report *catalog; /* NULL: none was given */
	const struct verify_member *member;  /* NULL: of the catalog itself */
	const char *file;                    /* name or path; an INF by its ending */
	const struct certs *roots;           /* of the machine, in user mode */
	const struct certs *publishers;      /* its TrustedPublisher store; NULL: empty */
	int64_t now;
};
/* Errors: as above, and KD_E_FORMAT for a list that cannot be read. */
bool installer_facts_make(const struct installer_question *q,
    struct installer_facts *ret, struct kd_err *e) KD_MUST;
/* Of IMAGE_FILE_HEADER.Machine. */
enum kernel_machine kernel_facts_machine(unsigned pe_machine);
#endif
