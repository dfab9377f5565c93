/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/cms_outer.h - a ContentInfo taken apart: SignedData's fields, a
 * SignerInfo's, an attribute's; what they mean is others' business. */
#ifndef KD_CMS_OUTER_H
#define KD_CMS_OUTER_H
#include "authenticode/der.h"
#include "base/md.h"

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
/* The same of any version: a timestamp token is CMS, where the version says what is
 * inside (RFC 5652 section 5.1). */
bool cms_outer_open(
    const uint8_t *p, size_t len, struct cms_outer *ret, struct kd_err *e) KD_MUST;

struct certs;
/* Appends the ContentInfo of these fields, with more certificates (NULL: none) in its
 * set, which comes out sorted, each certificate once. KD_E_FORMAT, KD_E_LIMIT
 * (CMS_CERTS_*MAX), KD_E_NOMEM. */
bool cms_outer_put(const struct cms_outer *o, const struct certs *more, struct buf *ret,
    struct kd_err *e) KD_MUST;

struct cms_signer_info {    /* borrowed; each field whole, as it stands */
	struct tlv version; /* not judged */
	struct tlv sid;     /* IssuerAndSerialNumber, or [0] subjectKeyIdentifier */
	struct tlv digest_algorithm;
	enum md md; /* the same, read */
	struct tlv attrs; /* p is NULL where absent: cms_signer_info_open alone */
	struct tlv signature_algorithm, algorithm; /* whole; its OID */
	struct tlv signature;
	struct tlv unsigned_attrs; /* p is NULL where absent */
};
/* r: a SignerInfo's content octets. KD_E_FORMAT. Spec: PKCS #7 1.5 section 9.2, RFC 5652
 * section 5.3. */
bool cms_signer_info_parse(
    struct rd r, struct cms_signer_info *ret, struct kd_err *e) KD_MUST;
/* The same, which may lack signed attributes. */
bool cms_signer_info_open(
    struct rd r, struct cms_signer_info *ret, struct kd_err *e) KD_MUST;

struct cms_attribute { /* SEQUENCE { type OID, values SET OF ANY }; borrowed */
	const uint8_t *p;
	size_t len;
	struct tlv type, values;
};
/* The next attribute of a set's content octets; what: for messages. KD_E_FORMAT. */
bool cms_attribute_next(struct rd *r, const char *what, struct cms_attribute *ret,
    struct kd_err *e) KD_MUST;
#endif
