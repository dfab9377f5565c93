/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/cms_attrs.h - struct cms filled piece by piece: what cms_parse.c does for
 * Authenticode, and tsp_read.c for timestamps. */
#ifndef KD_CMS_ATTRS_H
#define KD_CMS_ATTRS_H
#include "authenticode/cms.h"
#include "authenticode/cms_outer.h"
#include "authenticode/der.h"

/* On failure each keeps what was found so far, for cms_clear. KD_E_FORMAT, KD_E_LIMIT,
 * KD_E_NOMEM. */

/* contentInfo's type and content. */
bool cms_content_read(struct tlv info, struct cms *ret, struct kd_err *e) KD_MUST;
/* The certificates of a set's content octets; other elements are passed over. */
bool cms_certs_read(struct rd r, struct certs *ret, struct kd_err *e) KD_MUST;
/* Everything from ret->signer on; ret->certs must be there. countersigner: its
 * contentType attribute may be missing (RFC 5652 section 11.4). */
bool cms_signer_read(const struct cms_signer_info *s, bool countersigner, struct cms *ret,
    struct kd_err *e) KD_MUST;

/* A whole UTCTime or GeneralizedTime, whose fractions are cut off; Unix seconds. */
bool cms_time(const struct tlv *value, int64_t *ret, struct kd_err *e) KD_MUST;

/* Fill ret's fields from the attributes' content octets. contentType and messageDigest
 * must be there, once, with one value each; unknown attributes are passed over. */
bool cms_attrs_signed(
    struct rd attrs, bool countersigner, struct cms *ret, struct kd_err *e) KD_MUST;
/* Timestamps and nested signatures: where they are, not what they say. */
bool cms_attrs_unsigned(struct rd attrs, struct cms *ret, struct kd_err *e) KD_MUST;
#endif
