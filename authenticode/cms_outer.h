/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/cms_outer.h - a ContentInfo taken apart down to SignedData's own fields.
 */
#ifndef KD_CMS_OUTER_H
#define KD_CMS_OUTER_H
#include "authenticode/der.h"

struct cms_outer { /* borrowed from the bytes parsed */
	struct tlv version, digest_algorithms, content_info, certificates, crls,
	    signer_infos;
	/* certificates.p and crls.p are NULL where the field is absent */
};

/*
 * cms_outer_parse - SignedData (PKCS #7 1.5 sections 7 and 9.1). Bytes after the outer
 * SEQUENCE are ignored: inside a WIN_CERTIFICATE they are padding. KD_E_FORMAT names the
 * element.
 */
bool cms_outer_parse(
    const uint8_t *p, size_t len, struct cms_outer *ret, struct kd_err *e) KD_MUST;
#endif
