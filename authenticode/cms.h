/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/cms.h - Authenticode's PKCS#7 SignedData: built, taken apart, merged. */
#ifndef KD_CMS_H
#define KD_CMS_H
#include <stddef.h>
#include <stdint.h>

#include "authenticode/cert.h"
#include "authenticode/der.h"
#include "base/builder.h"
#include "base/md.h"

/* In one set; a real file has a dozen, of 2 KiB each. OpenSSL needs up to twenty times
 * the bytes for a hostile one. */
#define CMS_CERTS_MAX 64
#define CMS_CERTS_LEN_MAX ((size_t)128 << 10)
#define CMS_ATTRS_LEN_MAX ((size_t)1 << 20) /* signed ones; real files have 300 bytes */
#define CMS_NESTED_MAX 64

/* Content types, as struct cms has them. */
#define CMS_TYPE_SPC "1.3.6.1.4.1.311.2.1.4" /* SpcIndirectDataContent */
#define CMS_TYPE_CTL "1.3.6.1.4.1.311.10.1"
#define CMS_TYPE_DATA "1.2.840.113549.1.7.1"

/*
 * What a content is decides three things: the type that is named, whether the ContentInfo
 * holds the content, and which of its bytes messageDigest is over.
 */
enum cms_content_type {
	CMS_SPC,     /* SpcIndirectDataContent; its octets without tag and length */
	CMS_CTL,     /* a catalog's CTL; the same */
	CMS_CTL_AWAY, /* a catalog's CTL under a nested signature: called data, left out
			because it stands in the primary one; all of its bytes */
	CMS_DETACHED  /* a file that the signature is appended to: called data, left out.
			No signed attributes: the signature is over the file's own digest.
			Laid out as Linux's sign-file does, byte for byte: no certificates,
			digest algorithms without parameters, ecdsa-with-SHA* */
};

struct cms_signed { /* what a signature says; borrowed */
	enum cms_content_type type;
	const uint8_t *content; /* DER, one SEQUENCE */
	size_t content_len;
	const char *description; /* UTF-8; NULL or "": none */
	const char *url;         /* printable ASCII; NULL or "": none */
	unsigned sequence;       /* of a nested signature; 0: none */
};
#define CMS_SEQUENCE_MAX 127 /* one octet; no file has ten */

/*
 * cms_build_signed_attrs - the bytes that a signature covers.
 *
 * DER SET OF contentType, SpcStatementType (individual), messageDigest, SpcSpOpusInfo
 * and, of a nested signature, sequenceNumber, sorted; nothing else ever. The token signs
 * digest(md) of these.
 *
 * ret  appended to on success, else untouched: begins with 0x31
 * Errors: KD_E_REQUEST (url), text_utf16be's (description), KD_E_FORMAT (content),
 *         KD_E_BUG (sequence; CMS_DETACHED, which has none), KD_E_NOMEM, KD_E_CRYPTO.
 * Spec:   PKCS #7 1.5 section 9.3; Authenticode "authenticatedAttributes"; facts 5, 8, 9.
 */
bool cms_build_signed_attrs(enum md md, const struct cms_signed *what, struct buf *ret,
    struct kd_err *e) KD_MUST;

/* The type that attributes of cms_build_signed_attrs name. KD_E_FORMAT. */
bool cms_signed_type(const uint8_t *attrs, size_t len, enum cms_content_type *ret,
    struct kd_err *e) KD_MUST;

/*
 * cms_assemble - the whole ContentInfo.
 *
 * what   as given to cms_build_signed_attrs; only type and content are read, of
 *        CMS_DETACHED only type
 * certs  [0] is the signer's; all go into the certificate set, sorted; self-signed ones
 *        are left out unless the signer is itself self-signed; CMS_DETACHED: none goes
 *        into it, [0] is only named
 * attrs  what cms_build_signed_attrs gave; CMS_DETACHED: attrs_len 0
 * sig    RSA: PKCS #1 v1.5; ECDSA: DER ECDSA-Sig-Value; not checked here
 * ret    appended to
 * Errors: KD_E_CERT_INVALID (key neither RSA nor ECDSA), KD_E_LIMIT (CMS_CERTS_*MAX),
 *         KD_E_FORMAT (attrs), KD_E_BUG (attrs where there are none), KD_E_TOO_LARGE,
 *         KD_E_NOMEM.
 * Spec:   PKCS #7 1.5 sections 7, 9.1, 9.2; facts 5, 7, 9; CMS_DETACHED: RFC 5652 section
 *         5.4; Linux, "Kernel module signing facility".
 */
bool cms_assemble(enum md md, const struct cms_signed *what, const struct certs *certs,
    const uint8_t *attrs, size_t attrs_len, const uint8_t *sig, size_t sig_len,
    struct buf *ret, struct kd_err *e) KD_MUST;

/*
 * What is the same in every ContentInfo of one key, encoded once: certificate set,
 * signer's name, signature algorithm. cms_signer_assemble may run in several threads over
 * one of these; cms_assemble makes one at each call. certs is only read.
 */
struct cms_signer;
bool cms_signer_new(
    const struct certs *certs, struct cms_signer **ret, struct kd_err *e) KD_MUST;
void cms_signer_free(struct cms_signer *s);
AUTO_DEFINE(struct cms_signer, cms_signer_free);
bool cms_signer_assemble(const struct cms_signer *s, enum md md,
    const struct cms_signed *what, const uint8_t *attrs, size_t attrs_len,
    const uint8_t *sig, size_t sig_len, struct buf *ret, struct kd_err *e) KD_MUST;

/*
 * cms_add_certs - a copy of a ContentInfo with more certificates in its set.
 *
 * The set is not covered by the signature. It comes out sorted, each certificate once.
 * Bytes after the ContentInfo (padding) are left out.
 *
 * ret  appended to on success, else untouched
 * Errors: KD_E_FORMAT, KD_E_LIMIT (CMS_CERTS_*MAX), KD_E_NOMEM.
 */
bool cms_add_certs(const uint8_t *cms, size_t len, const struct certs *more,
    struct buf *ret, struct kd_err *e) KD_MUST;

/* The same with no certificate but the signer's. Errors: as above, and KD_E_FORMAT when
 * that is not among them. */
bool cms_keep_signer(
    const uint8_t *cms, size_t len, struct buf *ret, struct kd_err *e) KD_MUST;

enum cms_signature_kind { CMS_SIGNATURE_OTHER, CMS_SIGNATURE_RSA, CMS_SIGNATURE_ECDSA };

/* What a SignedData says; pointers borrow from the bytes parsed, certs is owned. */
struct cms {
	const uint8_t *content; /* the content's DER TLV; NULL where there is none: then
	                           the signature covers something outside */
	size_t content_len;
	const uint8_t *content_octets; /* without tag and length: what is digested */
	size_t content_octets_len;
	char content_type[64];      /* OID, dotted */
	char attr_content_type[64]; /* the same, as the signed attribute says it */
	enum md md;                 /* SignerInfo digestAlgorithm */
	enum md outer_md;           /* SignedData digestAlgorithms */
	struct certs *certs;        /* as embedded, in their order; owned */
	size_t signer; /* index into certs, or SIZE_MAX when not among them */
	char signer_issuer[256], signer_serial[64];
	struct tlv sid; /* whom it names: cms_find_signer */
	char signature_algorithm[64]; /* OID, dotted */
	enum cms_signature_kind signature_kind;
	/* As encoded, with tag 0xa0; NULL and 0 of a CMS_DETACHED, which alone may lack
	 * them: attr_content_type and message_digest are empty then. */
	const uint8_t *attrs;
	size_t attrs_len;
	uint8_t message_digest[MD_LEN_MAX];
	size_t message_digest_len;
	char *description, *url; /* UTF-8, safe to show; owned, NULL when absent */
	int64_t signing_time;    /* Unix seconds; 0 when absent */
	const uint8_t *signature;
	size_t signature_len;
	unsigned sequence; /* sequenceNumber, of nested signatures; 0 when absent */
	/* ESS signingCertificate and its V2: the attribute's value; p NULL when absent */
	struct tlv signing_certificate, signing_certificate_v2;
	/* The unsigned attributes' values, found but not read: tsp.h does that. */
	bool timestamped;     /* token or countersignature is there */
	const uint8_t *token; /* RFC 3161: a ContentInfo; NULL when absent */
	size_t token_len;
	const uint8_t *countersignature; /* legacy: a SignerInfo; NULL when absent */
	size_t countersignature_len;
	size_t nested_n;  /* nested signatures */
	struct rd nested; /* for cms_next_nested */
};
void cms_clear(struct cms *c);
AUTO_DEFINE_CLEAR(struct cms, cms_clear);
/* Bounded, non-recursive; bytes after the outer SEQUENCE are ignored (padding). What has
 * no signed attributes is refused unless it is a CMS_DETACHED: no content, called data;
 * and that no cms_check_* takes but cms_check_signature_digest. KD_E_FORMAT names element
 * and offset. */
bool cms_parse(const uint8_t *p, size_t len, struct cms *ret, struct kd_err *e) KD_MUST;
/* messageDigest is the digest of the content, and the contentType attribute names it.
 * KD_E_NOT_VERIFIED. */
bool cms_check_message_digest(const struct cms *c, struct kd_err *e) KD_MUST;
/* The same over bytes of the caller's: a nested catalog signature has no content of its
 * own and covers the primary's, tag and length too (facts 9). */
bool cms_check_message_digest_of(
    const struct cms *c, const uint8_t *p, size_t len, struct kd_err *e) KD_MUST;
/* The signature over the attributes as encoded, with the signer certificate's key.
 * KD_E_NOT_VERIFIED. */
bool cms_check_signature(const struct cms *c, struct kd_err *e) KD_MUST;
/* Which of certs does the SignerInfo name? SIZE_MAX: none. */
size_t cms_find_signer(const struct cms *c, const struct certs *certs);
/*
 * cms_check_signature_digest - a CMS_DETACHED's signature, over the digest of a file.
 *
 * digest  md_len(c->md) bytes
 * certs   the signer's certificate is sought here when it is not embedded, and sign-file
 *         embeds none; NULL: nowhere else
 * Errors: KD_E_NOT_VERIFIED: no signature by that key over this digest; a signer that is
 *         not there; a signature that has signed attributes, and so is over those.
 */
bool cms_check_signature_digest(const struct cms *c, const uint8_t *digest,
    const struct certs *certs, struct kd_err *e) KD_MUST;
/* cms_check_signature; and an RSA block that holds the bare digest, without DigestInfo, is right,
 * too: many countersignatures of real files have that, and Windows takes them. */
bool cms_check_countersignature(const struct cms *c, struct kd_err *e) KD_MUST;

/*
 * cms_next_nested - the next nested signature, a whole ContentInfo, in the SET's order.
 *
 *	struct rd r = c->nested;
 *	while (rd_left(&r) > 0)
 *		if (!cms_next_nested(&r, &p, &len, e)) ...
 *
 * p borrows from what was parsed. Errors: KD_E_FORMAT.
 */
bool cms_next_nested(
    struct rd *r, const uint8_t **ret_p, size_t *ret_len, struct kd_err *e) KD_MUST;
#endif
