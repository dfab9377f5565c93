/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/tsp_check.c - is a timestamp right, and of whom. */
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/x509v3.h>

#include "authenticode/cert_x509.h"
#include "authenticode/oid.h"
#include "authenticode/tsp.h"
#include "authenticode/tsp_signer.h"
#include "base/clock.h"
#include "base/text.h"

/* SigningCertificate(V2) ::= SEQUENCE { certs SEQUENCE OF ESSCertID(v2), policies
 * OPTIONAL }; the first one is the signer's. */
static bool
first_cert_id(struct tlv value, struct tlv *ret, struct kd_err *e)
{
	struct tlv certs;

	return der_want(
		   &value.body, DER_SEQUENCE, "signingCertificate certs", &certs, e) &&
	       der_want(&certs.body, DER_SEQUENCE, "ESSCertID", ret, e);
}

/* ESSCertID ::= SEQUENCE { certHash, issuerSerial OPTIONAL }, of SHA-1; its v2 begins
 * with a hashAlgorithm, by DEFAULT sha256 (RFC 2634 5.4.1, RFC 5035 4). */
static bool
is_named(const struct tsp_stamp *s, struct tlv value, bool v2, struct kd_err *e)
{
	const struct cert *c = certs_at(s->certs, s->signer);
	enum md md = v2 ? MD_SHA256 : MD_SHA1;
	uint8_t digest[MD_LEN_MAX];
	char name[CERT_NAME_LEN];
	struct tlv id, hash;

	if (!first_cert_id(value, &id, e) ||
	    (v2 && der_is(&id.body, DER_SEQUENCE) &&
		!oid_get_md(&id.body, "ESSCertIDv2 hashAlgorithm", &md, e)) ||
	    !der_want(&id.body, DER_OCTET_STRING, "ESSCertID certHash", &hash, e) ||
	    !md_digest(md, c->der, c->len, digest, e))
		return false;
	if (der_body_is(&hash, digest, md_len(md)))
		return true;
	cert_name(c, name);
	return kd_fail(e, KD_E_NOT_VERIFIED,
	    "the token's signingCertificate attribute names another certificate than "
	    "'%s', which signed it",
	    name);
}

/* RFC 3161 2.4.2: a token names its certificate in what is signed, so that nobody can put
 * another one of the same key and name beside it. */
static bool
check_named(const struct tsp_stamp *s, struct kd_err *e)
{
	const struct tlv *v1 = &s->cms.signing_certificate;
	const struct tlv *v2 = &s->cms.signing_certificate_v2;
	struct kd_err why = {0};

	if (v1->p == NULL && v2->p == NULL)
		return kd_fail(e, KD_E_NOT_VERIFIED,
		    "the token lacks the signingCertificate attribute (RFC 3161 2.4.2)");
	if ((v1->p == NULL || is_named(s, *v1, false, &why)) &&
	    (v2->p == NULL || is_named(s, *v2, true, &why)))
		return true;
	return kd_fail(e, why.code == KD_E_FORMAT ? KD_E_NOT_VERIFIED : why.code, "%s",
	    why.msg);
}

bool
tsp_check_own(const struct tsp_stamp *s, struct kd_err *e)
{
	const char *type = s->cms.attr_content_type;

	if (s->kind == TSP_RFC3161)
		return cms_check_message_digest(&s->cms, e) &&
		       cms_check_signature(&s->cms, e) && check_named(s, e);
	if (type[0] != '\0' && strcmp(type, CMS_TYPE_DATA) != 0)
		return kd_fail(e, KD_E_NOT_VERIFIED,
		    "countersignature's contentType attribute is %s, " CMS_TYPE_DATA
		    " (data) expected",
		    type);
	return cms_check_countersignature(&s->cms, e);
}

bool
tsp_check(
    const struct tsp_stamp *s, const uint8_t *signature, size_t len, struct kd_err *e)
{
	char seen[2 * MD_LEN_MAX + 1], right[2 * MD_LEN_MAX + 1];
	uint8_t digest[MD_LEN_MAX];

	if (!md_digest(s->md, signature, len, digest, e))
		return false;
	if (CRYPTO_memcmp(digest, s->imprint, md_len(s->md)) == 0)
		return tsp_check_own(s, e);
	text_hex_to(seen, s->imprint, md_len(s->md));
	text_hex_to(right, digest, md_len(s->md));
	return kd_fail(e, KD_E_NOT_VERIFIED,
	    "it is of another signature: it says %s %s, this signature's is %s",
	    md_name(s->md), seen, right);
}

static bool
check_dates(const struct tsp_stamp *s, const struct cert *c, const char *name,
    struct kd_err *e)
{
	char limit[CLOCK_UTC_LEN], now[CLOCK_UTC_LEN];
	int64_t from, to;

	if (!cert_time(X509_get0_notBefore(c->x), &from, e) ||
	    !cert_time(X509_get0_notAfter(c->x), &to, e))
		return kd_in(e, "certificate '%s'", name);
	if (s->time >= from && s->time <= to)
		return true;
	clock_utc(limit, (s->time < from ? from : to) * 1000);
	clock_utc(now, s->time * 1000);
	return kd_fail(e, KD_E_NOT_VERIFIED,
	    "the authority's certificate '%s' %s %s; the timestamp says %s", name,
	    s->time < from ? "is not valid before" : "expired at", limit, now);
}

/* RFC 3161 2.3 wants the extension critical. Microsoft's own authority does not have it
 * so, and what others do with the certificate is no business of ours. */
bool
tsp_check_signer(const struct tsp_stamp *s, struct kd_err *e)
{
	const struct cert *c = certs_at(s->certs, s->signer);
	char name[CERT_NAME_LEN];

	cert_name(c, name);
	if ((X509_get_extension_flags(c->x) & EXFLAG_XKUSAGE) == 0 ||
	    (X509_get_extended_key_usage(c->x) & XKU_TIMESTAMP) == 0)
		return kd_fail(e, KD_E_NOT_VERIFIED,
		    "the authority's certificate '%s' lacks timeStamping among its "
		    "extended key usages",
		    name);
	return check_dates(s, c, name, e);
}

bool
tsp_check_chain(const struct tsp_stamp *s, const struct certs *roots, struct chain *ret,
    struct kd_err *e)
{
	if (s->signer != SIZE_MAX)
		return chain_find_tsa(s->certs, s->signer, roots, s->time, ret, e);
	*ret = (struct chain){0};
	(void)snprintf(ret->trust.detail, sizeof(ret->trust.detail),
	    "the timestamp's certificate, serial %s, is not among the embedded ones",
	    s->cms.signer_serial);
	return true;
}
