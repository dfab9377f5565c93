/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/cms_outer.h - a ContentInfo taken apart, down to SignedData's fields. */
#ifndef KD_CMS_OUTER_H
#define KD_CMS_OUTER_H
#include "authenticode/der.h"

struct cms_outer { /* borrowed from the bytes parsed */
	struct tlv version, digest_algorithms, content_info;
	struct tlv certificates, crls; /* p is NULL where the field is absent */
	struct tlv signer_infos;
};

/*
 * cms_outer_parse - find SignedData's fields.
 *
 * Bytes after the outer SEQUENCE are ignored: inside a WIN_CERTIFICATE they are padding.
 *
 * Errors: KD_E_FORMAT names the element and its offset.
 * Spec:   PKCS #7 1.5 sections 7 and 9.1.
 */
bool cms_outer_parse(
    const uint8_t *p, size_t len, struct cms_outer *ret, struct kd_err *e) KD_MUST;
#endif
