/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/cms_attrs.h - a SignerInfo's attributes, signed and unsigned. */
#ifndef KD_CMS_ATTRS_H
#define KD_CMS_ATTRS_H
#include "authenticode/cms.h"
#include "authenticode/der.h"

/* Fill ret's fields from the attributes' content octets. contentType and messageDigest
 * must be there, once, with one value each; unknown attributes are passed over. On
 * failure ret keeps what was found so far, for cms_clear. KD_E_FORMAT, KD_E_NOMEM. */
bool cms_attrs_signed(struct rd attrs, struct cms *ret, struct kd_err *e) KD_MUST;
/* Timestamps and nested signatures: that they are there, not what they say. */
bool cms_attrs_unsigned(struct rd attrs, struct cms *ret, struct kd_err *e) KD_MUST;
#endif
