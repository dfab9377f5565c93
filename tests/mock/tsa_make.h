/* SPDX-License-Identifier: Apache-2.0 */
/* tests/mock/tsa_make.h - a timestamp authority's answers, made by the openssl command
 * line; and wrong ones. */
#ifndef KD_TSA_MAKE_H
#define KD_TSA_MAKE_H
#include "base/builder.h"
#include "base/error.h"

#define TSA_REQUEST_MAX ((size_t)64 << 10)

enum tsa_twist {
	TSA_RIGHT,
	TSA_OTHER_NONCE,
	TSA_OTHER_IMPRINT,
	TSA_REFUSES, /* asked for a policy that it does not have */
	TSA_NO_EKU,  /* openssl ts would not use such certificates: openssl cms does */
	TSA_NOT_CRITICAL /* as Microsoft's own authority has its EKU */
};

struct tsa_order {
	const char *dir;    /* what tests/e2e/tsa.sh made */
	const char *signer; /* NAME.pem, NAME.key there, section tsa_NAME of tsa.cnf */
	const char *md;     /* of a countersignature */
	enum tsa_twist twist;
};
/* query: DER TimeStampReq; appends a DER TimeStampResp. */
bool tsa_make_rfc3161(const struct tsa_order *o, const struct buf *query, struct buf *ret,
    struct kd_err *e) KD_MUST;
/* request: base64, as POSTed; appends base64 in lines. */
bool tsa_make_legacy(const struct tsa_order *o, const struct buf *request,
    struct buf *ret, struct kd_err *e) KD_MUST;
#endif
