/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/oid.h - Authenticode's object identifiers and algorithm identifiers. */
#ifndef KD_OID_H
#define KD_OID_H
#include "authenticode/der.h"
#include "base/md.h"

struct oid {
	uint8_t len;
	uint8_t der[15]; /* content octets */
};
#define OID_TEXT_LEN 64

/* clang-format off */
extern const struct oid oid_signed_data;        /* 1.2.840.113549.1.7.2 */
extern const struct oid oid_data;               /* 1.2.840.113549.1.7.1 */
extern const struct oid oid_content_type;       /* 1.2.840.113549.1.9.3 */
extern const struct oid oid_message_digest;     /* 1.2.840.113549.1.9.4 */
extern const struct oid oid_signing_time;       /* 1.2.840.113549.1.9.5 */
extern const struct oid oid_counter_signature;  /* 1.2.840.113549.1.9.6 */
extern const struct oid oid_sequence_number;    /* 1.2.840.113549.1.9.25.4 */
extern const struct oid oid_signing_certificate;    /* 1.2.840.113549.1.9.16.2.12 */
extern const struct oid oid_signing_certificate_v2; /* 1.2.840.113549.1.9.16.2.47 */
extern const struct oid oid_rsa_encryption;     /* 1.2.840.113549.1.1.1 */
extern const struct oid oid_ec_public_key;      /* 1.2.840.10045.2.1 */
extern const struct oid oid_spc_indirect_data;  /* 1.3.6.1.4.1.311.2.1.4 */
extern const struct oid oid_spc_statement_type; /* 1.3.6.1.4.1.311.2.1.11 */
extern const struct oid oid_spc_opus_info;      /* 1.3.6.1.4.1.311.2.1.12 */
extern const struct oid oid_spc_pe_image_data;  /* 1.3.6.1.4.1.311.2.1.15 */
extern const struct oid oid_spc_individual;     /* 1.3.6.1.4.1.311.2.1.21 */
extern const struct oid oid_nested_signature;   /* 1.3.6.1.4.1.311.2.4.1 */
extern const struct oid oid_rfc3161_token;      /* 1.3.6.1.4.1.311.3.3.1 */
extern const struct oid oid_timestamp_request;  /* 1.3.6.1.4.1.311.3.2.1 */
extern const struct oid oid_spc_link;           /* 1.3.6.1.4.1.311.2.1.25: flat files */
extern const struct oid oid_spc_cab_link;       /* 1.3.6.1.4.1.311.2.1.28: cabinets */
extern const struct oid oid_spc_sip_info;       /* 1.3.6.1.4.1.311.2.1.30 */
extern const struct oid oid_page_hashes_sha1;   /* 1.3.6.1.4.1.311.2.3.1 */
extern const struct oid oid_page_hashes_sha256; /* 1.3.6.1.4.1.311.2.3.2 */
extern const struct oid oid_cab_header_hash;    /* 1.3.6.1.4.1.311.2.5.1 */
extern const struct oid oid_ctl;                /* 1.3.6.1.4.1.311.10.1 */
extern const struct oid oid_catalog_list;       /* 1.3.6.1.4.1.311.12.1.1 */
extern const struct oid oid_catalog_v1;         /* 1.3.6.1.4.1.311.12.1.2 */
extern const struct oid oid_catalog_v2;         /* 1.3.6.1.4.1.311.12.1.3 */
extern const struct oid oid_cat_name_value;     /* 1.3.6.1.4.1.311.12.2.1 */
extern const struct oid oid_cat_member_info;    /* 1.3.6.1.4.1.311.12.2.2 */
extern const struct oid oid_cat_member_info2;   /* 1.3.6.1.4.1.311.12.2.3 */
/* clang-format on */

void oid_put(struct buf *b, const struct oid *o);
bool oid_is(const struct tlv *t, const struct oid *o); /* tag and content */
/* As a SignerInfo's signature algorithm: the key's own OID (what signtool writes) or one
 * that names a digest, too (other tools). PKCS #1 v1.5 only; Authenticode has no PSS. */
bool oid_is_rsa_signature(const struct tlv *t);
bool oid_is_ecdsa_signature(const struct tlv *t);
/* "1.2.840..."; "(malformed)" when it is none, cut with "..." when too long. */
void oid_text(const struct tlv *t, char dst[OID_TEXT_LEN]);

/* Appends a digest's AlgorithmIdentifier: SEQUENCE { OID, NULL }. */
void oid_put_md(struct buf *b, enum md md);
/* The same as OpenSSL's CMS writes them: parameters absent (RFC 5754 section 2), and
 * ecdsa-with-SHA*, which Linux wants of an ECDSA signature (section 3.3). */
void oid_put_md_bare(struct buf *b, enum md md);
void oid_put_ecdsa_bare(struct buf *b, enum md md);
/* Reads an AlgorithmIdentifier whose parameters are NULL or absent: all that PKCS #1 v1.5
 * and ECDSA signatures have (RFC 4055 section 5, RFC 5758 section 3.2). */
bool oid_get_algorithm(
    struct rd *r, const char *what, struct tlv *ret_oid, struct kd_err *e) KD_MUST;
/* The same for a digest (RFC 5754 section 2).
 * KD_E_FORMAT "<what> names 1.2.840.113549.2.5, expected sha1, ...". */
bool oid_get_md(struct rd *r, const char *what, enum md *ret, struct kd_err *e) KD_MUST;
#endif
