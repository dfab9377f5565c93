/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/cert_info.c - what people and policies ask of a certificate. */
#include <string.h>
#include <time.h>

#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/x509v3.h>

#include "authenticode/cert.h"
#include "authenticode/cert_x509.h"
#include "base/num.h"
#include "base/text.h"

/* RFC 2253 with UTF-8 left as it is, then made safe to show. */
static bool
name_text(const X509_NAME *name, char *dst, size_t dst_len, struct kd_err *e)
{
	AUTO(BIO_free_all) BIO *bio = BIO_new(BIO_s_mem());
	unsigned long how = XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB;
	char *text;
	long n;

	if (bio == NULL)
		return kd_fail_nomem(e, "name");
	if (X509_NAME_print_ex(bio, name, 0, how) < 0)
		return cert_fail_openssl(e, KD_E_FORMAT, "name cannot be decoded");
	n = BIO_get_mem_data(bio, &text);
	(void)text_show(dst, dst_len, text, n < 0 ? 0 : (size_t)n);
	return true;
}

/* The last attribute of this kind; false when there is none. */
static bool
last_of(const X509_NAME *name, int nid, char *dst, size_t dst_len)
{
	int at = -1, last = -1, n = -1;
	unsigned char *text = NULL;

	while ((at = X509_NAME_get_index_by_NID(name, nid, at)) >= 0)
		last = at;
	if (last >= 0)
		n = ASN1_STRING_to_UTF8(
		    &text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, last)));
	if (n >= 0)
		(void)text_show(dst, dst_len, (const char *)text, (size_t)n);
	OPENSSL_free(text);
	return n >= 0;
}

/* As CertGetNameString with CERT_NAME_SIMPLE_DISPLAY_TYPE; in whole when none fits. */
static bool
display_name(const X509_NAME *name, char *dst, size_t dst_len, struct kd_err *e)
{
	return last_of(name, NID_commonName, dst, dst_len) ||
	       last_of(name, NID_organizationalUnitName, dst, dst_len) ||
	       last_of(name, NID_organizationName, dst, dst_len) ||
	       name_text(name, dst, dst_len, e);
}

static void
short_name(const X509_NAME *name, char dst[CERT_NAME_LEN])
{
	int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1), n = -1;
	unsigned char *text = NULL;
	struct kd_err ignored = {0};

	if (at >= 0)
		n = ASN1_STRING_to_UTF8(
		    &text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
	if (n >= 0)
		(void)text_show(dst, CERT_NAME_LEN, (const char *)text, (size_t)n);
	else if (!name_text(name, dst, CERT_NAME_LEN, &ignored))
		memcpy(dst, "(unreadable name)", sizeof("(unreadable name)"));
	OPENSSL_free(text);
}

void
cert_name(const struct cert *c, char dst[CERT_NAME_LEN])
{
	short_name(X509_get_subject_name(c->x), dst);
}

void
cert_issuer_name(const struct cert *c, char dst[CERT_NAME_LEN])
{
	short_name(X509_get_issuer_name(c->x), dst);
}

AUTO_DEFINE(X509_NAME, X509_NAME_free);

bool
cert_name_der(const uint8_t *der, size_t len, char dst[256], struct kd_err *e)
{
	const unsigned char *p = der;
	AUTO(X509_NAME_free) X509_NAME *name = d2i_X509_NAME(NULL, &p, (long)len);

	if (name == NULL)
		return cert_fail_openssl(e, KD_E_FORMAT, "name cannot be decoded");
	return name_text(name, dst, 256, e);
}

bool
cert_time(const ASN1_TIME *t, int64_t *ret, struct kd_err *e)
{
	struct tm tm = {0};

	if (t == NULL || ASN1_TIME_to_tm(t, &tm) != 1)
		return cert_fail_openssl(e, KD_E_FORMAT, "time cannot be decoded");
	*ret = timegm(&tm);
	return true;
}

bool
cert_self_signed(const struct cert *c)
{
	/* Names first: the signature is only worth checking when they are equal. */
	return X509_NAME_cmp(X509_get_subject_name(c->x), X509_get_issuer_name(c->x)) ==
		   0 &&
	       X509_self_signed(c->x, 1) == 1;
}

static void
serial_text(const struct cert *c, char dst[64])
{
	size_t n = c->serial.body.len;

	text_hex_to(dst, c->serial.body.p, n < 31 ? n : 31);
}

static void
key_text(const struct cert *c, struct cert_info *ret)
{
	const EVP_PKEY *key = X509_get0_pubkey(c->x);
	ASN1_OBJECT *oid = NULL;

	if (key == NULL) { /* an algorithm or curve that OpenSSL does not know */
		if (X509_PUBKEY_get0_param(
			&oid, NULL, NULL, NULL, X509_get_X509_PUBKEY(c->x)))
			(void)OBJ_obj2txt(ret->algorithm, sizeof(ret->algorithm), oid, 0);
		return;
	}
	ret->bits = (unsigned)EVP_PKEY_get_bits(key);
	switch (EVP_PKEY_get_base_id(key)) {
	case EVP_PKEY_RSA:
		memcpy(ret->algorithm, "rsa", sizeof("rsa"));
		return;
	case EVP_PKEY_EC:
		memcpy(ret->algorithm, "ecdsa", sizeof("ecdsa"));
		return;
	default:
		(void)OBJ_obj2txt(ret->algorithm, sizeof(ret->algorithm),
		    OBJ_nid2obj(EVP_PKEY_get_base_id(key)), 0);
	}
}

static void
extensions(const struct cert *c, struct cert_info *ret)
{
	uint32_t flags = X509_get_extension_flags(c->x);

	ret->ca = X509_check_ca(c->x) != 0;
	ret->has_key_usage = (flags & EXFLAG_KUSAGE) != 0;
	ret->ku_digital_signature =
	    ret->has_key_usage && (X509_get_key_usage(c->x) & KU_DIGITAL_SIGNATURE) != 0;
	ret->has_eku = (flags & EXFLAG_XKUSAGE) != 0;
	ret->eku_code_signing =
	    ret->has_eku && (X509_get_extended_key_usage(c->x) & XKU_CODE_SIGN) != 0;
}

static bool
thumbprints(const struct cert *c, struct cert_info *ret, struct kd_err *e)
{
	uint8_t md[MD_LEN_MAX];
	unsigned char *spki = NULL;
	int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(c->x), &spki);
	bool ok = n > 0 && md_digest(MD_SHA256, spki, (size_t)n, md, e);

	OPENSSL_free(spki);
	if (!ok)
		return cert_fail_openssl(e, KD_E_CRYPTO, "public key cannot be encoded");
	memcpy(ret->spki_sha256, md, sizeof(ret->spki_sha256));
	if (!md_digest(MD_SHA1, c->der, c->len, md, e))
		return false;
	memcpy(ret->sha1, md, sizeof(ret->sha1));
	if (!md_digest(MD_SHA256, c->der, c->len, md, e))
		return false;
	memcpy(ret->sha256, md, sizeof(ret->sha256));
	return true;
}

bool
cert_info(const struct certs *list, size_t i, struct cert_info *ret, struct kd_err *e)
{
	const struct cert *c = certs_at(list, i);
	struct cert_info info = {0};
	const X509_ALGOR *alg;
	const ASN1_OBJECT *oid;

	if (!name_text(
		X509_get_subject_name(c->x), info.subject, sizeof(info.subject), e) ||
	    !name_text(X509_get_issuer_name(c->x), info.issuer, sizeof(info.issuer), e) ||
	    !display_name(X509_get_subject_name(c->x), info.subject_name,
		sizeof(info.subject_name), e) ||
	    !display_name(X509_get_issuer_name(c->x), info.issuer_name,
		sizeof(info.issuer_name), e) ||
	    !cert_time(X509_get0_notBefore(c->x), &info.not_before, e) ||
	    !cert_time(X509_get0_notAfter(c->x), &info.not_after, e) ||
	    !thumbprints(c, &info, e))
		return false;
	serial_text(c, info.serial);
	key_text(c, &info);
	X509_get0_signature(NULL, &alg, c->x);
	X509_ALGOR_get0(&oid, NULL, NULL, alg);
	(void)OBJ_obj2txt(
	    info.signature_algorithm, sizeof(info.signature_algorithm), oid, 0);
	info.self_signed = cert_self_signed(c);
	extensions(c, &info);
	*ret = info;
	return true;
}

AUTO_DEFINE(EXTENDED_KEY_USAGE, EXTENDED_KEY_USAGE_free);

bool
cert_has_eku(const struct certs *c, size_t i, const char *oid)
{
	AUTO(EXTENDED_KEY_USAGE_free) EXTENDED_KEY_USAGE *usage =
	    X509_get_ext_d2i(certs_at(c, i)->x, NID_ext_key_usage, NULL, NULL);
	char text[80];

	for (int k = 0; usage != NULL && k < sk_ASN1_OBJECT_num(usage); k++)
		if (OBJ_obj2txt(text, sizeof(text), sk_ASN1_OBJECT_value(usage, k), 1) >
			0 &&
		    strcmp(text, oid) == 0)
			return true;
	return false;
}

AUTO_DEFINE(CERTIFICATEPOLICIES, CERTIFICATEPOLICIES_free);

/* CA/Browser Forum, "Object Registry"; the CAs' own, which stood alone until about 2017,
 * as their certification practice statements have them. */
static const struct {
	const char *oid, *shown;
} ev_policies[] = {
    {"2.23.140.1.3", "2.23.140.1.3 (EV code signing)"},
    {"2.16.840.1.114412.3.2", "2.16.840.1.114412.3.2 (DigiCert EV code signing)"},
    {"1.3.6.1.4.1.6449.1.2.1.6.1", "1.3.6.1.4.1.6449.1.2.1.6.1 (Sectigo EV code signing)"},
    {"1.3.6.1.4.1.4146.1.2", "1.3.6.1.4.1.4146.1.2 (GlobalSign EV code signing)"},
    {"2.16.840.1.114028.10.1.2", "2.16.840.1.114028.10.1.2 (Entrust EV)"},
};

const char *
cert_ev_policy(const struct certs *c, size_t i)
{
	AUTO(CERTIFICATEPOLICIES_free) CERTIFICATEPOLICIES *policies =
	    X509_get_ext_d2i(certs_at(c, i)->x, NID_certificate_policies, NULL, NULL);
	char text[80];

	for (int k = 0; policies != NULL && k < sk_POLICYINFO_num(policies); k++) {
		if (OBJ_obj2txt(text, sizeof(text),
			sk_POLICYINFO_value(policies, k)->policyid, 1) <= 0)
			continue;
		for (size_t n = 0; n < KD_ARRAY_LEN(ev_policies); n++)
			if (strcmp(text, ev_policies[n].oid) == 0)
				return ev_policies[n].shown;
	}
	return NULL;
}

bool
cert_spki(const struct certs *c, size_t i, struct buf *ret, struct kd_err *e)
{
	unsigned char *der = NULL;
	int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certs_at(c, i)->x), &der);

	if (n > 0)
		buf_add(ret, der, (size_t)n);
	OPENSSL_free(der);
	if (n <= 0)
		return cert_fail_openssl(e, KD_E_CRYPTO, "public key cannot be encoded");
	return buf_ok(ret, "public key", e);
}
