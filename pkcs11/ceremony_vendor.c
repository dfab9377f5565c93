/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/ceremony_vendor.c - a vendor's own attestation of a key, where its module offers
 * one. */
#include "pkcs11/ceremony_vendor.h"

#include <stdio.h>
#include <string.h>

#include <openssl/asn1.h>
#include <openssl/x509v3.h>

#include "base/num.h"
#include "base/text.h"
#include "pkcs11/attr.h"
#include "pkcs11/ceremony_look.h"
#include "wire/json.h"

/* "X.509 extensions" of Yubico's PIV attestation: an INTEGER, the device's serial. */
#define YUBICO_SERIAL_OID "1.3.6.1.4.1.41482.3.7"

AUTO_DEFINE(X509, X509_free);
AUTO_DEFINE(ASN1_OBJECT, ASN1_OBJECT_free);
AUTO_DEFINE(ASN1_INTEGER, ASN1_INTEGER_free);

static const char none[] =
    "none: the module offers no certificate for this key that is not stored on the token";

void
vendor_clear(struct vendor *v)
{
	chain_certs_clear(&v->made);
	chain_certs_clear(&v->issuers);
	chain_certs_clear(&v->trust);
	chain_certs_clear(&v->helpers);
	v->root = NULL;
}

bool
vendor_load_roots(const struct ceremony *c, struct vendor *v, struct kd_err *e)
{
	const struct texts *files = &c->o->vendor_roots;

	for (size_t i = 0; i < files->n; i++)
		if (!chain_load(files->v[i], &v->helpers, e))
			return kd_in(e, "--vendor-root");
	if (files->n == 0)
		return true;
	if (!chain_take_roots(&v->helpers, &v->trust, e))
		return false;
	return v->trust.n > 0 || kd_fail(e, KD_E_CERT_INVALID,
				     "--vendor-root: none of the %zu certificates is a root, "
				     "signed by itself",
				     v->helpers.n);
}

/* A copy: with made of what the module makes for the key, else of whatever can have issued
 * that. */
static bool
take(struct ceremony *c, const struct look_cert *l, bool made, struct vendor *v,
    struct kd_err *e)
{
	const unsigned char *p = l->der.p;
	AUTO(X509_free) X509 *cert = d2i_X509(NULL, &p, (long)l->der.len);
	bool of_key = strcmp(l->spki_sha256, c->entry.key_spki_sha256) == 0;

	if (cert == NULL || (made ? !of_key : X509_check_ca(cert) == 0))
		return true;
	return chain_push(made ? &v->made : &v->issuers, STEAL(cert), e);
}

static bool
find(struct ceremony *c, bool made, struct vendor *v, struct kd_err *e)
{
	CK_OBJECT_HANDLE o[LOOK_MAX];
	size_t n;

	if (!look_find(c->token, CKO_CERTIFICATE, o, &n, e))
		return false;
	for (size_t i = 0; i < n; i++) {
		AUTO(look_cert_clear) struct look_cert l = {0};

		if ((made && attr_bool(c->token, o[i], CKA_TOKEN, true)) ||
		    !look_cert(c->token, o[i], &l))
			continue;
		if (!take(c, &l, made, v, e))
			return false;
	}
	return true;
}

bool
vendor_find(struct ceremony *c, struct vendor *v, struct kd_err *e)
{
	struct chain_certs above = {0};

	if (!find(c, true, v, e) || (v->made.n > 0 && !find(c, false, v, e)))
		return false;
	if (attr_fault(e))
		return kd_in(e, "vendor attestation");
	for (size_t i = 0; i < v->made.n; i++)
		chain_take_issuers(v->made.v[i], &v->issuers, &above);
	chain_certs_clear(&v->issuers);
	v->issuers = above;
	return true;
}

/* False: it has no such extension, or another one. */
static bool
serial_of(const X509 *cert, uint64_t *ret)
{
	AUTO(ASN1_OBJECT_free) ASN1_OBJECT *oid = OBJ_txt2obj(YUBICO_SERIAL_OID, 1);
	int at = oid != NULL ? X509_get_ext_by_OBJ(cert, oid, -1) : -1;
	const ASN1_OCTET_STRING *value =
	    at >= 0 ? X509_EXTENSION_get_data(X509_get_ext(cert, at)) : NULL;
	const unsigned char *p = value != NULL ? ASN1_STRING_get0_data(value) : NULL;
	AUTO(ASN1_INTEGER_free) ASN1_INTEGER *n = NULL;

	if (p == NULL)
		return false;
	n = d2i_ASN1_INTEGER(NULL, &p, ASN1_STRING_length(value));
	return n != NULL && ASN1_INTEGER_get_uint64(ret, n) == 1;
}

/* One that is genuine, but another device's, says nothing of the key in this one. */
static bool
check_device(const struct ceremony *c, const X509 *cert, struct kd_err *e)
{
	const char *serial = token_info(c->token)->serial;
	uint64_t attested, own;
	struct kd_err ignored = {0};

	if (!serial_of(cert, &attested) ||
	    (kd_parse_u64(serial, 0, UINT64_MAX, &own, &ignored) && own == attested))
		return true;
	return kd_fail(e, KD_E_CERT_INVALID,
	    "vendor attestation: it is of the device with serial %llu, the token has '%s'",
	    (unsigned long long)attested, SHOW(serial));
}

bool
vendor_check(const struct ceremony *c, struct vendor *v, struct kd_err *e)
{
	struct chain_certs between = {0};

	if (v->trust.n == 0)
		return true;
	if (v->made.n == 0) {
		(void)kd_fail(e, KD_E_KEY, "vendor attestation: %s", none);
		return kd_hint(e, "leave out --vendor-root: the statement says then what was "
				  "read, and that it is no more than that");
	}
	/* borrowed: between is not cleared */
	for (size_t i = 0; i < v->issuers.n; i++)
		between.v[between.n++] = v->issuers.v[i];
	for (size_t i = 0; i < v->helpers.n && between.n < CHAIN_MAX; i++)
		between.v[between.n++] = v->helpers.v[i];
	for (size_t i = 0; i < v->made.n; i++)
		if (!check_device(c, v->made.v[i], e) ||
		    !chain_verify(v->made.v[i], &between, &v->trust, &v->root, e))
			return kd_in(e, "vendor attestation");
	return true;
}

static bool
put_certs(const struct chain_certs *certs, struct buf *b, struct kd_err *e)
{
	for (size_t i = 0; i < certs->n; i++) {
		AUTO(look_cert_clear) struct look_cert l = {0};
		uint64_t serial;

		if (!look_x509(certs->v[i], &l))
			return kd_fail(e, KD_E_CRYPTO, "OpenSSL cannot write a certificate");
		jw_open(b);
		jw_base64(b, "der", l.der.p, l.der.len);
		if (serial_of(certs->v[i], &serial))
			jw_uint(b, "device_serial", serial);
		jw_str(b, "issuer", l.issuer);
		jw_str(b, "not_after", l.until);
		jw_str(b, "sha256", l.sha256);
		jw_str(b, "subject", l.subject);
		jw_close(b);
	}
	return true;
}

static void
say(struct ceremony *c, const struct vendor *v, char *dst, size_t n)
{
	AUTO(look_cert_clear) struct look_cert root = {0};

	if (v->made.n == 0)
		(void)snprintf(dst, n, "%s", none);
	else if (v->root == NULL || !look_x509(v->root, &root))
		(void)snprintf(dst, n,
		    "made by the module; whether it leads to the vendor's root has not been "
		    "checked here");
	else
		(void)snprintf(dst, n,
		    "made by the module; leads to the root '%.200s' of SHA-256 %s, which was "
		    "given as the vendor's",
		    root.subject, root.sha256);
	ceremony_say("the vendor's attestation: %s", dst);
	if (v->made.n > 0 && v->root == NULL)
		ceremony_say("    --vendor-root FILE, with the root that the vendor publishes, "
			     "checks it");
	ceremony_fact(c, "vendor attestation", "%s", dst);
}

bool
vendor_put(struct ceremony *c, const struct vendor *v, struct buf *b, struct kd_err *e)
{
	char what[512];

	say(c, v, what, sizeof(what));
	jw_open_member(b, "vendor_attestation");
	jw_arr_open(b, "certificates");
	if (!put_certs(&v->made, b, e))
		return false;
	jw_arr_close(b);
	jw_arr_open(b, "issuers");
	if (!put_certs(&v->issuers, b, e))
		return false;
	jw_arr_close(b);
	jw_str(b, "says", what);
	jw_bool(b, "verified", v->root != NULL);
	jw_close(b);
	return true;
}
