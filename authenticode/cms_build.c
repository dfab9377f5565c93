/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/cms_build.c - the attributes that are signed, and the ContentInfo around
 * them. */
#include <string.h>

#include <openssl/evp.h>

#include "authenticode/cert_x509.h"
#include "authenticode/cms.h"
#include "authenticode/der.h"
#include "authenticode/oid.h"
#include "base/mem.h"
#include "base/text.h"

#define ATTRS_MAX 5

/*
 * What a SignerInfo of each key looks like, and the certificate set, encoded once:
 * nothing of it depends on the file. Never changed after cms_signer_new.
 */
struct cms_signer {
	struct buf certificates; /* [0] IMPLICIT SET, whole */
	struct buf sid;          /* IssuerAndSerialNumber */
	struct buf algorithm;    /* digestEncryptionAlgorithm */
	bool ecdsa;
};

/* An IA5String for SpcLink's url; nothing that a dialog could misread. */
static bool
check_url(const char *url, struct kd_err *e)
{
	for (size_t i = 0; url[i] != '\0'; i++)
		if (url[i] <= ' ' || url[i] > '~')
			return kd_fail(e, KD_E_REQUEST,
			    "url '%s': byte 0x%02x at %zu, printable ASCII expected",
			    SHOW(url), (unsigned char)url[i], i);
	return true;
}

/*
 * SpcSpOpusInfo ::= SEQUENCE { programName [0] EXPLICIT SpcString OPTIONAL,
 *                              moreInfo    [1] EXPLICIT SpcLink OPTIONAL }
 * As Microsoft's tools write it: the name always in unicode.
 */
static bool
put_opus(struct buf *b, const char *description, const char *url, struct kd_err *e)
{
	AUTO(buf_clear) struct buf utf16 = {0};
	size_t seq = der_begin(b, DER_SEQUENCE), m;

	if (description != NULL && description[0] != '\0') {
		if (!text_utf16be(description, &utf16, e))
			return kd_in(e, "description");
		m = der_begin(b, DER_C0);
		der_put(b, DER_P0, utf16.p, utf16.len);
		der_end(b, m);
	}
	if (url != NULL && url[0] != '\0') {
		if (!check_url(url, e))
			return false;
		m = der_begin(b, DER_C1);
		der_put(b, DER_P0, url, strlen(url));
		der_end(b, m);
	}
	der_end(b, seq);
	return true;
}

/* An Attribute around the one value that put_value-like code writes between begin and
 * end. */
struct attr {
	size_t whole, set;
};

static struct attr
attr_begin(struct buf *b, const struct oid *type)
{
	struct attr a;

	a.whole = der_begin(b, DER_SEQUENCE);
	oid_put(b, type);
	a.set = der_begin(b, DER_SET);
	return a;
}

static void
attr_end(struct buf *b, struct attr a)
{
	der_end(b, a.set);
	der_end(b, a.whole);
}

static const struct oid *
content_oid(enum cms_content_type type)
{
	switch (type) {
	case CMS_SPC:
		break;
	case CMS_CTL:
		return &oid_ctl;
	case CMS_CTL_AWAY:
	case CMS_DETACHED:
		return &oid_data;
	}
	return &oid_spc_indirect_data;
}

/*
 * messageDigest is over the content's octets, without tag and length (PKCS #7 1.5 section
 * 9.3). signtool, nesting a signature in a catalog, digests the whole CTL as if it were
 * the octets of a data content (facts 9).
 */
static bool
digest_content(enum md md, const struct cms_signed *what, uint8_t ret[MD_LEN_MAX],
    struct kd_err *e)
{
	struct rd r = rd_init(what->content, what->content_len);
	struct tlv seq;

	if (!der_want(&r, DER_SEQUENCE, "content", &seq, e) ||
	    !der_done(&r, "content", e))
		return false;
	return what->type == CMS_CTL_AWAY
		   ? md_digest(md, seq.p, seq.len, ret, e)
		   : md_digest(md, seq.body.p, seq.body.len, ret, e);
}

static void
put_sequence(struct buf *b, unsigned sequence)
{
	struct attr a = attr_begin(b, &oid_sequence_number);
	uint8_t n = (uint8_t)sequence;

	der_put(b, DER_INTEGER, &n, 1);
	attr_end(b, a);
}

/* The attributes one after the other in b; where each ends in ends, how many in ret_n. */
static bool
put_attrs(struct buf *b, const struct cms_signed *what, const uint8_t *digest,
    size_t digest_len, size_t ends[ATTRS_MAX], size_t *ret_n, struct kd_err *e)
{
	struct attr a = attr_begin(b, &oid_content_type);
	size_t m;

	*ret_n = 4;
	oid_put(b, content_oid(what->type));
	attr_end(b, a);
	ends[0] = b->len;
	a = attr_begin(b, &oid_spc_statement_type);
	m = der_begin(b, DER_SEQUENCE);
	oid_put(b, &oid_spc_individual);
	der_end(b, m);
	attr_end(b, a);
	ends[1] = b->len;
	a = attr_begin(b, &oid_message_digest);
	der_put(b, DER_OCTET_STRING, digest, digest_len);
	attr_end(b, a);
	ends[2] = b->len;
	a = attr_begin(b, &oid_spc_opus_info);
	if (!put_opus(b, what->description, what->url, e))
		return false;
	attr_end(b, a);
	ends[3] = b->len;
	if (what->sequence != 0) {
		put_sequence(b, what->sequence);
		ends[(*ret_n)++] = b->len;
	}
	return buf_ok(b, "signed attributes", e);
}

bool
cms_build_signed_attrs(
    enum md md, const struct cms_signed *what, struct buf *ret, struct kd_err *e)
{
	AUTO(buf_clear) struct buf b = {0};
	struct der_item items[ATTRS_MAX];
	size_t ends[ATTRS_MAX], n, start = 0;
	uint8_t digest[MD_LEN_MAX];

	if (what->sequence > CMS_SEQUENCE_MAX)
		return kd_fail(
		    e, KD_E_BUG, "sequence number %u of a signature", what->sequence);
	if (what->type == CMS_DETACHED)
		return kd_fail(
		    e, KD_E_BUG, "signed attributes of a signature that has none");
	if (!digest_content(md, what, digest, e) ||
	    !put_attrs(&b, what, digest, md_len(md), ends, &n, e))
		return false;
	for (size_t i = 0; i < n; start = ends[i++])
		items[i] = (struct der_item){&b.p[start], ends[i] - start};
	der_put_set(ret, DER_SET, items, n);
	return buf_ok(ret, "signed attributes", e);
}

static bool
type_of_oid(const struct tlv *oid, enum cms_content_type *ret, struct kd_err *e)
{
	char text[OID_TEXT_LEN];

	for (enum cms_content_type type = CMS_SPC; type <= CMS_CTL_AWAY; type++)
		if (oid_is(oid, content_oid(type))) {
			*ret = type;
			return true;
		}
	oid_text(oid, text);
	return kd_fail(e, KD_E_FORMAT, "signed attributes are of content type %s", text);
}

bool
cms_signed_type(
    const uint8_t *attrs, size_t len, enum cms_content_type *ret, struct kd_err *e)
{
	struct rd r = rd_init(attrs, len);
	struct tlv set, attr, name, values, value;

	if (!der_want(&r, DER_SET, "signed attributes", &set, e))
		return false;
	while (rd_left(&set.body) > 0) {
		if (!der_want(&set.body, DER_SEQUENCE, "attribute", &attr, e) ||
		    !der_want(&attr.body, DER_OID, "attribute type", &name, e))
			return false;
		if (!oid_is(&name, &oid_content_type))
			continue;
		return der_want(&attr.body, DER_SET, "contentType", &values, e) &&
		       der_want(&values.body, DER_OID, "contentType", &value, e) &&
		       type_of_oid(&value, ret, e);
	}
	return kd_fail(e, KD_E_FORMAT, "signed attributes have no contentType");
}

/*
 * digestEncryptionAlgorithm as signtool writes it: rsaEncryption or id-ecPublicKey, with
 * NULL. For ECDSA, RFC 5753 wants ecdsa-with-SHA*; but Authenticode's verifiers take the
 * digest from digestAlgorithm, and osslsigncode, sbverify and openssl smime accept this
 * form, too.
 */
static bool
put_signature_algorithm(struct cms_signer *s, const struct cert *signer, struct kd_err *e)
{
	struct buf *b = &s->algorithm;
	const EVP_PKEY *key = X509_get0_pubkey(signer->x);
	int type = key == NULL ? EVP_PKEY_NONE : EVP_PKEY_get_base_id(key);
	char name[CERT_NAME_LEN];
	size_t m;

	if (type != EVP_PKEY_RSA && type != EVP_PKEY_EC) {
		cert_name(signer, name);
		return kd_fail(e, KD_E_CERT_INVALID,
		    "certificate '%s': its public key is neither RSA nor ECDSA", name);
	}
	s->ecdsa = type == EVP_PKEY_EC;
	m = der_begin(b, DER_SEQUENCE);
	oid_put(b, s->ecdsa ? &oid_ec_public_key : &oid_rsa_encryption);
	der_put(b, DER_NULL, "", 0);
	der_end(b, m);
	return true;
}

static void
put_certificates(struct buf *b, const struct certs *certs)
{
	struct der_item items[CMS_CERTS_MAX];
	bool keep_self_signed = cert_self_signed(certs_at(certs, 0));
	size_t n = 0;

	for (size_t i = 0; i < certs_n(certs); i++) {
		const struct cert *c = certs_at(certs, i);

		if (keep_self_signed || !cert_self_signed(c))
			items[n++] = (struct der_item){c->der, c->len};
	}
	der_put_set(b, DER_C0, items, n);
}

bool
cms_signer_new(const struct certs *certs, struct cms_signer **ret, struct kd_err *e)
{
	AUTO(cms_signer_free) struct cms_signer *s = kd_alloc(sizeof(*s));
	const struct cert *signer;
	size_t m;

	if (s == NULL)
		return kd_fail_nomem(e, "signer's certificates");
	if (certs_n(certs) == 0)
		return kd_fail(e, KD_E_CERT_INVALID, "no signer certificate given");
	if (certs_n(certs) > CMS_CERTS_MAX)
		return kd_fail(e, KD_E_LIMIT,
		    "%zu certificates for one signature, at most %d", certs_n(certs),
		    CMS_CERTS_MAX);
	signer = certs_at(certs, 0);
	if (!put_signature_algorithm(s, signer, e))
		return false;
	put_certificates(&s->certificates, certs);
	if (s->certificates.len > CMS_CERTS_LEN_MAX)
		return kd_fail(e, KD_E_LIMIT,
		    "certificates of %zu bytes for one signature, at most %zu",
		    s->certificates.len, CMS_CERTS_LEN_MAX);
	m = der_begin(&s->sid, DER_SEQUENCE);
	buf_add(&s->sid, signer->issuer.p, signer->issuer.len);
	buf_add(&s->sid, signer->serial.p, signer->serial.len);
	der_end(&s->sid, m);
	if (!buf_ok(&s->algorithm, "signature algorithm", e) ||
	    !buf_ok(&s->certificates, "certificate set", e) ||
	    !buf_ok(&s->sid, "signer's name", e))
		return false;
	*ret = STEAL(s);
	return true;
}

void
cms_signer_free(struct cms_signer *s)
{
	if (s == NULL)
		return;
	buf_clear(&s->certificates);
	buf_clear(&s->sid);
	buf_clear(&s->algorithm);
	free(s);
}

static void
put_md(struct buf *b, enum md md, bool bare)
{
	if (bare)
		oid_put_md_bare(b, md);
	else
		oid_put_md(b, md);
}

/* SignerInfo (PKCS #7 1.5 section 9.2); the attributes only change their tag. attrs->p
 * NULL: there are none, and it is CMS_DETACHED. */
static void
put_signer_info(struct buf *b, const struct cms_signer *s, enum md md,
    const struct tlv *attrs, const uint8_t *sig, size_t sig_len)
{
	size_t m = der_begin(b, DER_SEQUENCE);
	bool bare = attrs->p == NULL;

	der_put(b, DER_INTEGER, "\1", 1);
	buf_add(b, s->sid.p, s->sid.len);
	put_md(b, md, bare);
	if (!bare)
		der_put(b, DER_C0, attrs->body.p, attrs->body.len);
	if (bare && s->ecdsa)
		oid_put_ecdsa_bare(b, md);
	else
		buf_add(b, s->algorithm.p, s->algorithm.len);
	der_put(b, DER_OCTET_STRING, sig, sig_len);
	der_end(b, m);
}

/* The inner ContentInfo: the type, and the content where it is not left out. */
static void
put_content(struct buf *b, const struct cms_signed *what)
{
	size_t m = der_begin(b, DER_SEQUENCE);

	oid_put(b, content_oid(what->type));
	if (what->type == CMS_SPC || what->type == CMS_CTL)
		der_put(b, DER_C0, what->content, what->content_len);
	der_end(b, m);
}

/* SignedData (PKCS #7 1.5 section 9.1). */
static void
put_signed_data(struct buf *b, const struct cms_signer *s, enum md md,
    const struct cms_signed *what, const struct tlv *attrs, const uint8_t *sig,
    size_t sig_len)
{
	size_t data = der_begin(b, DER_SEQUENCE), m;

	der_put(b, DER_INTEGER, "\1", 1);
	m = der_begin(b, DER_SET);
	put_md(b, md, what->type == CMS_DETACHED);
	der_end(b, m);
	put_content(b, what);
	if (what->type != CMS_DETACHED)
		buf_add(b, s->certificates.p, s->certificates.len);
	m = der_begin(b, DER_SET);
	put_signer_info(b, s, md, attrs, sig, sig_len);
	der_end(b, m);
	der_end(b, data);
}

/* ret: all-zero where the type has none. */
static bool
read_attrs(enum cms_content_type type, const uint8_t *attrs, size_t len, struct tlv *ret,
    struct kd_err *e)
{
	struct rd r = rd_init(attrs, len);

	if (type != CMS_DETACHED)
		return der_want(&r, DER_SET, "signed attributes", ret, e) &&
		       der_done(&r, "signed attributes", e);
	return len == 0 || kd_fail(e, KD_E_BUG,
			       "signed attributes for a signature that has none");
}

bool
cms_signer_assemble(const struct cms_signer *s, enum md md, const struct cms_signed *what,
    const uint8_t *attrs, size_t attrs_len, const uint8_t *sig, size_t sig_len,
    struct buf *ret, struct kd_err *e)
{
	struct tlv set = {0};
	size_t info, explicit;

	if (md_len(md) == 0)
		return kd_fail(e, KD_E_BUG, "signature has no digest algorithm");
	if (!read_attrs(what->type, attrs, attrs_len, &set, e))
		return false;
	info = der_begin(ret, DER_SEQUENCE);
	oid_put(ret, &oid_signed_data);
	explicit = der_begin(ret, DER_C0);
	put_signed_data(ret, s, md, what, &set, sig, sig_len);
	der_end(ret, explicit);
	der_end(ret, info);
	return buf_ok(ret, "ContentInfo", e);
}

bool
cms_assemble(enum md md, const struct cms_signed *what, const struct certs *certs,
    const uint8_t *attrs, size_t attrs_len, const uint8_t *sig, size_t sig_len,
    struct buf *ret, struct kd_err *e)
{
	AUTO(cms_signer_free) struct cms_signer *s = NULL;

	return cms_signer_new(certs, &s, e) &&
	       cms_signer_assemble(s, md, what, attrs, attrs_len, sig, sig_len, ret, e);
}
