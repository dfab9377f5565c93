/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/kernel_facts.h - from parsed signatures to what kernel_policy.h and
 * installer.h judge. */
#ifndef KD_KERNEL_FACTS_H
#define KD_KERNEL_FACTS_H
#include "authenticode/cms.h"
#include "authenticode/kernel_policy.h"

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
/* IMAGE_FILE_HEADER.Machine; 0 for one that no Windows of ours runs on. */
enum kernel_machine kernel_facts_machine(unsigned pe_machine);
#endif
