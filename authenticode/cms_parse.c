/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/cms_parse.c - what a SignedData says, and whether it says so rightly. */
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include "authenticode/cert_x509.h"
#include "authenticode/cms.h"
#include "authenticode/cms_attrs.h"
#include "authenticode/cms_outer.h"
#include "authenticode/oid.h"
#include "base/text.h"

void
cms_clear(struct cms *c)
{
	certs_free(c->certs);
	free(c->description);
	free(c->url);
	*c = (struct cms){0};
}

/* contentInfo ::= SEQUENCE { contentType OID, content [0] EXPLICIT ANY OPTIONAL }; not an
 * OCTET STRING as in CMS. */
bool
cms_content_read(struct tlv info, struct cms *ret, struct kd_err *e)
{
	struct tlv type, explicit, content;

	if (!der_want(&info.body, DER_OID, "contentInfo contentType", &type, e) ||
	    !der_opt(&info.body, DER_C0, "contentInfo content", &explicit, e) ||
	    !der_done(&info.body, "contentInfo", e))
		return false;
	oid_text(&type, ret->content_type);
	if (explicit.p == NULL)
		return true;
	if (!der_next(&explicit.body, "content", &content, e) ||
	    !der_done(&explicit.body, "contentInfo content", e))
		return false;
	ret->content = content.p;
	ret->content_len = content.len;
	ret->content_octets = content.body.p;
	ret->content_octets_len = content.body.len;
	return true;
}

bool
cms_certs_read(struct rd r, struct certs *ret, struct kd_err *e)
{
	struct tlv t;

	if (rd_left(&r) > CMS_CERTS_LEN_MAX)
		return kd_fail(e, KD_E_LIMIT,
		    "embedded certificates of %zu bytes, at most %zu allowed",
		    rd_left(&r), CMS_CERTS_LEN_MAX);
	while (rd_left(&r) > 0) {
		if (!der_next(&r, "embedded certificate", &t, e))
			return false;
		/* Other choices (attribute certificates) have context tags; nobody asks
		 * for them. */
		if (t.tag != DER_SEQUENCE)
			continue;
		if (certs_n(ret) == CMS_CERTS_MAX)
			return kd_fail(e, KD_E_LIMIT,
			    "more than %d embedded certificates", CMS_CERTS_MAX);
		if (!certs_add_der(ret, t.p, t.len, e))
			return kd_in(
			    e, "embedded certificate %zu", certs_n(ret) + 1);
	}
	return true;
}

static bool
split_sid(struct tlv sid, struct tlv *ret_issuer, struct tlv *ret_serial, struct kd_err *e)
{
	return der_want(&sid.body, DER_SEQUENCE, "SignerInfo issuer", ret_issuer, e) &&
	       der_want(
		   &sid.body, DER_INTEGER, "SignerInfo serialNumber", ret_serial, e) &&
	       der_done(&sid.body, "SignerInfo issuerAndSerialNumber", e);
}

/* A key is named by the octets of the certificate's extension (RFC 5652 section 5.3);
 * there is no serial number to show then. */
static bool
show_sid(struct tlv sid, struct cms *ret, struct kd_err *e)
{
	struct tlv issuer, serial;

	if (sid.tag == DER_P0) {
		memcpy(ret->signer_serial, "unknown", sizeof("unknown"));
		return true;
	}
	if (!split_sid(sid, &issuer, &serial, e))
		return false;
	text_hex_to(ret->signer_serial, serial.body.p,
	    serial.body.len < 31 ? serial.body.len : 31);
	return cert_name_der(issuer.p, issuer.len, ret->signer_issuer, e) ||
	       kd_in(e, "SignerInfo issuer");
}

static bool
has_key_id(const struct cert *c, const struct tlv *sid)
{
	const ASN1_OCTET_STRING *id = X509_get0_subject_key_id(c->x);

	return id != NULL && der_body_is(sid, ASN1_STRING_get0_data(id),
				 (size_t)ASN1_STRING_length(id));
}

/* IssuerAndSerialNumber is compared as encoded: the signer's tool copied both from the
 * certificate. */
size_t
cms_find_signer(const struct cms *c, const struct certs *certs)
{
	bool by_key = c->sid.tag == DER_P0;
	struct tlv issuer, serial;
	struct kd_err no = {0};

	if (c->sid.p == NULL || (!by_key && !split_sid(c->sid, &issuer, &serial, &no)))
		return SIZE_MAX;
	for (size_t i = 0; i < certs_n(certs); i++) {
		const struct cert *at = certs_at(certs, i);

		if (by_key ? has_key_id(at, &c->sid)
			   : der_body_is(&serial, at->serial.body.p,
				 at->serial.body.len) &&
				 der_body_is(&issuer, at->issuer.body.p,
				     at->issuer.body.len))
			return i;
	}
	return SIZE_MAX;
}

bool
cms_signer_read(const struct cms_signer_info *s, bool countersigner, struct cms *ret,
    struct kd_err *e)
{
	ret->signer = SIZE_MAX;
	if (!show_sid(s->sid, ret, e))
		return false;
	ret->sid = s->sid;
	ret->signer = cms_find_signer(ret, ret->certs);
	ret->md = s->md;
	oid_text(&s->algorithm, ret->signature_algorithm);
	ret->signature_kind = oid_is_rsa_signature(&s->algorithm) ? CMS_SIGNATURE_RSA
			      : oid_is_ecdsa_signature(&s->algorithm)
				  ? CMS_SIGNATURE_ECDSA
				  : CMS_SIGNATURE_OTHER;
	ret->signature = s->signature.body.p;
	ret->signature_len = s->signature.body.len;
	if (s->attrs.len > CMS_ATTRS_LEN_MAX)
		return kd_fail(e, KD_E_LIMIT,
		    "signed attributes of %zu bytes, at most %zu allowed", s->attrs.len,
		    CMS_ATTRS_LEN_MAX);
	ret->attrs = s->attrs.p;
	ret->attrs_len = s->attrs.len;
	return (s->attrs.p == NULL ||
		   cms_attrs_signed(s->attrs.body, countersigner, ret, e)) &&
	       (s->unsigned_attrs.p == NULL ||
		   cms_attrs_unsigned(s->unsigned_attrs.body, ret, e));
}

/*
 * Authenticode is PKCS #7 1.5, all of whose versions are 1. sign-file's are CMS, whose
 * version 3 says that a key is named instead of a certificate (RFC 5652 section 5.3); its
 * SignedData says the same, as the kernel's parser wants it.
 */
static bool
check_versions(const struct cms_outer *o, const struct cms_signer_info *s, bool detached,
    struct kd_err *e)
{
	if (detached && s->sid.tag == DER_P0 && der_body_is(&o->version, "\3", 1) &&
	    der_body_is(&s->version, "\3", 1))
		return true;
	if (!der_body_is(&o->version, "\1", 1))
		return kd_fail(
		    e, KD_E_FORMAT, "SignedData version is not 1 (PKCS #7 1.5)");
	if (!der_body_is(&s->version, "\1", 1))
		return kd_fail(
		    e, KD_E_FORMAT, "SignerInfo version is not 1 (PKCS #7 1.5)");
	return true;
}

/* PKCS #7 lets any content do without signed attributes; no file of Windows does. Their
 * content would be signed as it stands, and might pass for something else. */
static bool
parse_signer_info(
    const struct cms_outer *o, struct rd r, struct cms *ret, struct kd_err *e)
{
	bool detached =
	    ret->content == NULL && strcmp(ret->content_type, CMS_TYPE_DATA) == 0;
	struct cms_signer_info s;

	if (!(detached ? cms_signer_info_open(r, &s, e)
		       : cms_signer_info_parse(r, &s, e)))
		return false;
	return check_versions(o, &s, s.attrs.p == NULL, e) &&
	       cms_signer_read(&s, false, ret, e);
}

static bool
parse_all(const uint8_t *p, size_t len, struct cms *ret, struct kd_err *e)
{
	struct cms_outer o;
	struct tlv info;

	if (!cms_outer_open(p, len, &o, e) || !certs_new(&ret->certs, e))
		return false;
	return oid_get_md(&o.digest_algorithms.body, "SignedData digestAlgorithms",
		   &ret->outer_md, e) &&
	       der_done(&o.digest_algorithms.body, "SignedData digestAlgorithms", e) &&
	       cms_content_read(o.content_info, ret, e) &&
	       (o.certificates.p == NULL ||
		   cms_certs_read(o.certificates.body, ret->certs, e)) &&
	       der_want(&o.signer_infos.body, DER_SEQUENCE, "SignerInfo", &info, e) &&
	       der_done(&o.signer_infos.body, "SignedData signerInfos", e) &&
	       parse_signer_info(&o, info.body, ret, e);
}

bool
cms_parse(const uint8_t *p, size_t len, struct cms *ret, struct kd_err *e)
{
	AUTO(cms_clear) struct cms c = {0};

	if (!parse_all(p, len, &c, e))
		return false;
	*ret = c;
	c = (struct cms){0};
	return true;
}

bool
cms_check_message_digest(const struct cms *c, struct kd_err *e)
{
	if (c->content == NULL)
		return kd_fail(e, KD_E_NOT_VERIFIED,
		    "the signature has no content of its own to cover");
	return cms_check_message_digest_of(
	    c, c->content_octets, c->content_octets_len, e);
}

bool
cms_check_message_digest_of(
    const struct cms *c, const uint8_t *p, size_t len, struct kd_err *e)
{
	char seen[2 * MD_LEN_MAX + 1], right[2 * MD_LEN_MAX + 1];
	uint8_t md[MD_LEN_MAX];

	if (c->attrs == NULL)
		return kd_fail(e, KD_E_NOT_VERIFIED,
		    "the signature has no signed attributes that name a digest");
	if (strcmp(c->content_type, c->attr_content_type) != 0)
		return kd_fail(e, KD_E_NOT_VERIFIED,
		    "contentType attribute is %s, content is %s", c->attr_content_type,
		    c->content_type);
	if (!md_digest(c->md, p, len, md, e))
		return false;
	if (c->message_digest_len == md_len(c->md) &&
	    CRYPTO_memcmp(md, c->message_digest, md_len(c->md)) == 0)
		return true;
	text_hex_to(seen, c->message_digest, c->message_digest_len);
	text_hex_to(right, md, md_len(c->md));
	return kd_fail(e, KD_E_NOT_VERIFIED, "attribute says %s, %s of the content is %s",
	    seen, md_name(c->md), right);
}

/* What is signed is the attributes as a SET OF: the same octets with tag 0x31 in place of
 * [0] (PKCS #7 1.5 section 9.3). As encoded: real signatures exist whose attributes are
 * not sorted. */
static bool
digest_attrs(const struct cms *c, uint8_t ret[MD_LEN_MAX], struct kd_err *e)
{
	AUTO(buf_clear) struct buf set = {0};

	if (c->attrs == NULL)
		return kd_fail(e, KD_E_NOT_VERIFIED,
		    "the signature has no signed attributes, and is over a whole file");
	buf_add(&set, c->attrs, c->attrs_len);
	if (!buf_ok(&set, "signed attributes", e))
		return false;
	set.p[0] = DER_SET;
	return md_digest(c->md, set.p, set.len, ret, e);
}

/* The key of certs[i], fit for the signature algorithm named. */
static bool
signer_key(const struct cms *c, const struct certs *certs, size_t i,
    struct cert_key **ret, struct kd_err *e)
{
	AUTO(cert_key_free) struct cert_key *key = NULL;
	struct kd_err why = {0};
	bool rsa;

	if (!cert_key_new(certs, i, &key, &why))
		return kd_fail(e, why.code == KD_E_NOMEM ? why.code : KD_E_NOT_VERIFIED,
		    "%s", why.msg);
	rsa = cert_key_is_rsa(key);
	if (c->signature_kind != (rsa ? CMS_SIGNATURE_RSA : CMS_SIGNATURE_ECDSA))
		return kd_fail(e, KD_E_NOT_VERIFIED,
		    "signature algorithm %s, but the signer's key is %s",
		    c->signature_algorithm, rsa ? "RSA" : "ECDSA");
	*ret = STEAL(key);
	return true;
}

static bool
check_signature(const struct cms *c, bool bare_too, struct kd_err *e)
{
	AUTO(cert_key_free) struct cert_key *key = NULL;
	uint8_t digest[MD_LEN_MAX];
	struct kd_err why = {0};

	if (c->signer == SIZE_MAX)
		return kd_fail(e, KD_E_NOT_VERIFIED,
		    "the signer's certificate, serial %s, is not among the embedded ones",
		    c->signer_serial);
	if (!signer_key(c, c->certs, c->signer, &key, e) || !digest_attrs(c, digest, e))
		return false;
	if (cert_key_verify(key, c->md, digest, c->signature, c->signature_len, &why))
		return true;
	if (bare_too && cert_key_is_rsa(key) && why.code == KD_E_BAD_SIGNATURE &&
	    cert_key_verify_bare(key, c->md, digest, c->signature, c->signature_len))
		return true;
	return kd_fail(e, why.code == KD_E_BAD_SIGNATURE ? KD_E_NOT_VERIFIED : why.code,
	    "%s", why.msg);
}

bool
cms_check_signature(const struct cms *c, struct kd_err *e)
{
	return check_signature(c, false, e);
}

bool
cms_check_signature_digest(const struct cms *c, const uint8_t *digest,
    const struct certs *certs, struct kd_err *e)
{
	AUTO(cert_key_free) struct cert_key *key = NULL;
	const struct certs *in = c->signer != SIZE_MAX ? c->certs : certs;
	size_t i = c->signer != SIZE_MAX ? c->signer : cms_find_signer(c, certs);
	struct kd_err why = {0};

	if (c->attrs != NULL)
		return kd_fail(e, KD_E_NOT_VERIFIED,
		    "the signature has signed attributes, and is not over the file itself");
	if (i == SIZE_MAX)
		return kd_fail(e, KD_E_NOT_VERIFIED,
		    "the signer's certificate, serial %s, is neither embedded nor given",
		    c->signer_serial);
	if (!signer_key(c, in, i, &key, e))
		return false;
	if (cert_key_verify(key, c->md, digest, c->signature, c->signature_len, &why))
		return true;
	return kd_fail(e, why.code == KD_E_BAD_SIGNATURE ? KD_E_NOT_VERIFIED : why.code,
	    "%s", why.msg);
}

bool
cms_check_countersignature(const struct cms *c, struct kd_err *e)
{
	return check_signature(c, true, e);
}

bool
cms_next_nested(struct rd *r, const uint8_t **ret_p, size_t *ret_len, struct kd_err *e)
{
	struct tlv nested;

	if (!der_want(r, DER_SEQUENCE, "nested signature", &nested, e))
		return false;
	*ret_p = nested.p;
	*ret_len = nested.len;
	return true;
}
