/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/cms_parse.c - what a SignedData says, and whether it says so rightly. */
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

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

/* contentInfo ::= SEQUENCE { contentType OID, content [0] EXPLICIT ANY }; not an OCTET
 * STRING as in CMS. */
static bool
parse_content(struct tlv info, struct cms *ret, struct kd_err *e)
{
	struct tlv type, explicit, content;

	if (!der_want(&info.body, DER_OID, "contentInfo contentType", &type, e) ||
	    !der_want(&info.body, DER_C0, "contentInfo content", &explicit, e) ||
	    !der_done(&info.body, "contentInfo", e) ||
	    !der_next(&explicit.body, "content", &content, e) ||
	    !der_done(&explicit.body, "contentInfo content", e))
		return false;
	oid_text(&type, ret->content_type);
	ret->content = content.p;
	ret->content_len = content.len;
	ret->content_octets = content.body.p;
	ret->content_octets_len = content.body.len;
	return true;
}

static bool
parse_certs(struct rd r, struct cms *ret, struct kd_err *e)
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
		if (certs_n(ret->certs) == CMS_CERTS_MAX)
			return kd_fail(e, KD_E_LIMIT,
			    "more than %d embedded certificates", CMS_CERTS_MAX);
		if (!certs_add_der(ret->certs, t.p, t.len, e))
			return kd_in(
			    e, "embedded certificate %zu", certs_n(ret->certs) + 1);
	}
	return true;
}

/* IssuerAndSerialNumber, compared as encoded: the signer's tool copied both from the
 * certificate. */
static bool
parse_sid(struct rd *r, struct cms *ret, struct kd_err *e)
{
	struct tlv sid, issuer, serial;
	size_t n;

	if (!der_want(r, DER_SEQUENCE, "SignerInfo issuerAndSerialNumber", &sid, e) ||
	    !der_want(&sid.body, DER_SEQUENCE, "SignerInfo issuer", &issuer, e) ||
	    !der_want(&sid.body, DER_INTEGER, "SignerInfo serialNumber", &serial, e) ||
	    !der_done(&sid.body, "SignerInfo issuerAndSerialNumber", e))
		return false;
	n = serial.body.len < 31 ? serial.body.len : 31;
	text_hex_to(ret->signer_serial, serial.body.p, n);
	ret->signer = SIZE_MAX;
	for (size_t i = 0; i < certs_n(ret->certs) && ret->signer == SIZE_MAX; i++) {
		const struct cert *c = certs_at(ret->certs, i);

		if (der_body_is(&serial, c->serial.body.p, c->serial.body.len) &&
		    der_body_is(&issuer, c->issuer.body.p, c->issuer.body.len))
			ret->signer = i;
	}
	return cert_name_der(issuer.p, issuer.len, ret->signer_issuer, e) ||
	       kd_in(e, "SignerInfo issuer");
}

static bool
parse_signature(struct rd *r, struct cms *ret, struct kd_err *e)
{
	struct tlv algorithm, signature;

	if (!oid_get_algorithm(
		r, "SignerInfo digestEncryptionAlgorithm", &algorithm, e) ||
	    !der_want(r, DER_OCTET_STRING, "SignerInfo encryptedDigest", &signature, e))
		return false;
	oid_text(&algorithm, ret->signature_algorithm);
	ret->signature_kind = oid_is_rsa_signature(&algorithm)     ? CMS_SIGNATURE_RSA
			      : oid_is_ecdsa_signature(&algorithm) ? CMS_SIGNATURE_ECDSA
								   : CMS_SIGNATURE_OTHER;
	ret->signature = signature.body.p;
	ret->signature_len = signature.body.len;
	return true;
}

/* SignerInfo (PKCS #7 1.5 section 9.2). */
static bool
parse_signer_info(struct rd r, struct cms *ret, struct kd_err *e)
{
	struct tlv version, attrs, unsigned_attrs;

	if (!der_want(&r, DER_INTEGER, "SignerInfo version", &version, e))
		return false;
	if (!der_body_is(&version, "\1", 1))
		return kd_fail(
		    e, KD_E_FORMAT, "SignerInfo version is not 1 (PKCS #7 1.5)");
	if (!parse_sid(&r, ret, e) ||
	    !oid_get_md(&r, "SignerInfo digestAlgorithm", &ret->md, e) ||
	    !der_want(&r, DER_C0, "SignerInfo authenticatedAttributes", &attrs, e) ||
	    !parse_signature(&r, ret, e) ||
	    !der_opt(
		&r, DER_C1, "SignerInfo unauthenticatedAttributes", &unsigned_attrs, e) ||
	    !der_done(&r, "SignerInfo", e))
		return false;
	ret->attrs = attrs.p;
	ret->attrs_len = attrs.len;
	return cms_attrs_signed(attrs.body, ret, e) &&
	       (unsigned_attrs.p == NULL ||
		   cms_attrs_unsigned(unsigned_attrs.body, ret, e));
}

static bool
parse_all(const uint8_t *p, size_t len, struct cms *ret, struct kd_err *e)
{
	struct cms_outer o;
	struct tlv info;

	if (!cms_outer_parse(p, len, &o, e) || !certs_new(&ret->certs, e))
		return false;
	return oid_get_md(&o.digest_algorithms.body, "SignedData digestAlgorithms",
		   &ret->outer_md, e) &&
	       der_done(&o.digest_algorithms.body, "SignedData digestAlgorithms", e) &&
	       parse_content(o.content_info, ret, e) &&
	       (o.certificates.p == NULL || parse_certs(o.certificates.body, ret, e)) &&
	       der_want(&o.signer_infos.body, DER_SEQUENCE, "SignerInfo", &info, e) &&
	       der_done(&o.signer_infos.body, "SignedData signerInfos", e) &&
	       parse_signer_info(info.body, ret, e);
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
	char seen[2 * MD_LEN_MAX + 1], right[2 * MD_LEN_MAX + 1];
	uint8_t md[MD_LEN_MAX];

	if (strcmp(c->content_type, c->attr_content_type) != 0)
		return kd_fail(e, KD_E_NOT_VERIFIED,
		    "contentType attribute is %s, content is %s", c->attr_content_type,
		    c->content_type);
	if (!md_digest(c->md, c->content_octets, c->content_octets_len, md, e))
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

	buf_add(&set, c->attrs, c->attrs_len);
	if (!buf_ok(&set, "signed attributes", e))
		return false;
	set.p[0] = DER_SET;
	return md_digest(c->md, set.p, set.len, ret, e);
}

bool
cms_check_signature(const struct cms *c, struct kd_err *e)
{
	AUTO(cert_key_free) struct cert_key *key = NULL;
	uint8_t digest[MD_LEN_MAX];
	struct kd_err why = {0};
	bool rsa;

	if (c->signer == SIZE_MAX)
		return kd_fail(e, KD_E_NOT_VERIFIED,
		    "the signer's certificate, serial %s, is not among the embedded ones",
		    c->signer_serial);
	if (!cert_key_new(c->certs, c->signer, &key, &why))
		return kd_fail(e, why.code == KD_E_NOMEM ? why.code : KD_E_NOT_VERIFIED,
		    "%s", why.msg);
	rsa = cert_key_is_rsa(key);
	if (c->signature_kind != (rsa ? CMS_SIGNATURE_RSA : CMS_SIGNATURE_ECDSA))
		return kd_fail(e, KD_E_NOT_VERIFIED,
		    "signature algorithm %s, but the signer's key is %s",
		    c->signature_algorithm, rsa ? "RSA" : "ECDSA");
	if (!digest_attrs(c, digest, e))
		return false;
	if (!cert_key_verify(key, c->md, digest, c->signature, c->signature_len, &why))
		return kd_fail(e,
		    why.code == KD_E_BAD_SIGNATURE ? KD_E_NOT_VERIFIED : why.code, "%s",
		    why.msg);
	return true;
}
