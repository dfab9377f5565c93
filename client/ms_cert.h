/* SPDX-License-Identifier: Apache-2.0 */
/* client/ms_cert.h - certificates and times as signtool shows them. */
#ifndef CLIENT_MS_CERT_H
#define CLIENT_MS_CERT_H
#include "authenticode/cert.h"
#include "base/builder.h"

/* "Sat Jun 01 15:05:01 2014", local time, as Microsoft's ctime writes it: the day has two
 * digits. */
void ms_put_time(struct buf *b, int64_t unix_s);
/* cert_info, but a root of the Windows kernel that was made here from its facts
 * (kernel_roots.h) with the real one's end and thumbprint. */
bool ms_cert_info(
    const struct certs *c, size_t i, struct cert_info *ret, struct kd_err *e) KD_MUST;
/* A list of those roots, for ms_put_chain. KD_E_NOMEM, KD_E_LIMIT. */
bool ms_made_roots(struct certs **ret, struct kd_err *e) KD_MUST;
/* Issued to, issued by, expiry and thumbprint on four lines and an empty one; each begins
 * with 4 * (depth + 1) blanks. */
void ms_put_cert(struct buf *b, const struct cert_info *c, size_t depth);
/* From the last to the first, which is the signer's, each deeper than the one before.
 * made: roots that are shown like the real ones; NULL: none. */
void ms_put_chain(
    struct buf *b, const struct cert_info *chain, size_t n, const struct certs *made);
#endif
