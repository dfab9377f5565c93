/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/spki.c - the public half of a token's private key as SubjectPublicKeyInfo. */
#include "pkcs11/spki.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>

#include "base/num.h"
#include "base/own.h"
#include "pkcs11/attr.h"

#define SAME_ID_MAX 8 /* public keys or certificates with one CKA_ID: looked at */

AUTO_DEFINE(EVP_PKEY, EVP_PKEY_free);
AUTO_DEFINE(EVP_PKEY_CTX, EVP_PKEY_CTX_free);
AUTO_DEFINE(OSSL_PARAM_BLD, OSSL_PARAM_BLD_free);
AUTO_DEFINE(OSSL_PARAM, OSSL_PARAM_free);
AUTO_DEFINE(BIGNUM, BN_free);
AUTO_DEFINE(X509, X509_free);

static const struct curve {
	const char *name;
	uint8_t oid[10];
	size_t oid_len, field_len;
} curves[] = {
    {"P-256", {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07}, 10, 32},
    {"P-384", {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22}, 7, 48},
};

static const struct curve *
find_curve(const struct buf *params)
{
	for (size_t i = 0; i < KD_ARRAY_LEN(curves); i++) {
		if (params->len == curves[i].oid_len &&
		    memcmp(params->p, curves[i].oid, params->len) == 0)
			return &curves[i];
	}
	return NULL;
}

uint16_t
spki_curve_bits(const struct buf *params)
{
	const struct curve *c = find_curve(params);

	return c != NULL ? (uint16_t)(c->field_len * 8) : 0;
}

static bool
fail_crypto(struct kd_err *e)
{
	return kd_fail(e, KD_E_CRYPTO, "OpenSSL cannot build the public key");
}

static bool
add_der(const EVP_PKEY *key, struct buf *ret, struct kd_err *e)
{
	int n = i2d_PUBKEY(key, NULL);
	uint8_t *p = n > 0 ? buf_reserve(ret, (size_t)n) : NULL;

	if (n <= 0)
		return fail_crypto(e);
	if (p == NULL)
		return kd_fail_nomem(e, "public key");
	return i2d_PUBKEY(key, &p) == n || fail_crypto(e);
}

static bool
add_from_params(const char *type, OSSL_PARAM_BLD *bld, struct buf *ret, struct kd_err *e)
{
	AUTO(OSSL_PARAM_free) OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(bld);
	AUTO(EVP_PKEY_CTX_free)
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	AUTO(EVP_PKEY_free) EVP_PKEY *key = NULL;

	if (params == NULL || ctx == NULL || EVP_PKEY_fromdata_init(ctx) <= 0 ||
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) <= 0)
		return fail_crypto(e);
	return add_der(key, ret, e);
}

static bool
add_rsa(const struct buf *modulus, const struct buf *exponent, struct buf *ret,
    struct kd_err *e)
{
	AUTO(OSSL_PARAM_BLD_free) OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	AUTO(BN_free) BIGNUM *n = BN_bin2bn(modulus->p, (int)modulus->len, NULL);
	AUTO(BN_free) BIGNUM *x = BN_bin2bn(exponent->p, (int)exponent->len, NULL);

	if (bld == NULL || n == NULL || x == NULL ||
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, n) != 1 ||
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, x) != 1)
		return fail_crypto(e);
	return add_from_params("RSA", bld, ret, e);
}

static bool
add_ec(const struct curve *c, const uint8_t *point, size_t n, struct buf *ret,
    struct kd_err *e)
{
	AUTO(OSSL_PARAM_BLD_free) OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();

	if (bld == NULL ||
	    OSSL_PARAM_BLD_push_utf8_string(
		bld, OSSL_PKEY_PARAM_GROUP_NAME, c->name, 0) != 1 ||
	    OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY, point, n) != 1)
		return fail_crypto(e);
	return add_from_params("EC", bld, ret, e);
}

static bool
same_id(const struct token *t, CK_OBJECT_CLASS class, const struct buf *id,
    CK_OBJECT_HANDLE ret[SAME_ID_MAX], size_t *ret_n, struct kd_err *e)
{
	CK_ATTRIBUTE tmpl[] = {
	    {.type = CKA_CLASS, .pValue = &class, .ulValueLen = sizeof(class)},
	    {.type = CKA_ID, .pValue = id->p, .ulValueLen = id->len},
	};

	*ret_n = 0;
	if (id->len == 0)
		return true;
	if (!attr_find(t, tmpl, KD_ARRAY_LEN(tmpl), ret, SAME_ID_MAX, ret_n, e))
		return false;
	if (*ret_n > SAME_ID_MAX)
		*ret_n = SAME_ID_MAX;
	return true;
}

static bool
is_rsa(const EVP_PKEY *key, const void *modulus)
{
	const struct buf *want = modulus;
	AUTO(BN_free) BIGNUM *n = NULL;
	AUTO(BN_free) BIGNUM *m = BN_bin2bn(want->p, (int)want->len, NULL);

	return m != NULL && EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n) == 1 &&
	       BN_cmp(n, m) == 0;
}

static bool
is_ec(const EVP_PKEY *key, const void *curve)
{
	const struct curve *want = curve;
	char group[32] = "";

	return EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) == 1 &&
	       OBJ_txt2nid(group) == EC_curve_nist2nid(want->name);
}

static bool
add_from_cert(const struct token *t, const struct buf *id,
    bool (*is)(const EVP_PKEY *key, const void *want), const void *want, struct buf *ret,
    struct kd_err *e)
{
	CK_OBJECT_HANDLE o[SAME_ID_MAX];
	AUTO(buf_clear) struct buf der = {0};
	size_t n;

	if (!same_id(t, CKO_CERTIFICATE, id, o, &n, e))
		return false;
	for (size_t i = 0; i < n; i++) {
		AUTO(X509_free) X509 *cert = NULL;
		const unsigned char *p;
		EVP_PKEY *key;

		if (!attr_bytes(t, o[i], CKA_VALUE, &der))
			continue;
		p = der.p;
		cert = d2i_X509(NULL, &p, (long)der.len);
		key = cert != NULL ? X509_get0_pubkey(cert) : NULL;
		if (key != NULL && is(key, want))
			return add_der(key, ret, e);
	}
	return true;
}

bool
spki_of_rsa(const struct token *t, CK_OBJECT_HANDLE key, const struct buf *id,
    const struct buf *modulus, struct buf *ret, struct kd_err *e)
{
	CK_OBJECT_HANDLE o[SAME_ID_MAX];
	AUTO(buf_clear) struct buf m = {0};
	AUTO(buf_clear) struct buf x = {0};
	size_t n;

	if (attr_bytes(t, key, CKA_PUBLIC_EXPONENT, &x))
		return add_rsa(modulus, &x, ret, e);
	if (!same_id(t, CKO_PUBLIC_KEY, id, o, &n, e))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (attr_bytes(t, o[i], CKA_MODULUS, &m) && m.len == modulus->len &&
		    memcmp(m.p, modulus->p, m.len) == 0 &&
		    attr_bytes(t, o[i], CKA_PUBLIC_EXPONENT, &x))
			return add_rsa(modulus, &x, ret, e);
	}
	return add_from_cert(t, id, is_rsa, modulus, ret, e);
}

/* CKA_EC_POINT is an OCTET STRING around the point; older modules give the bare point. */
static bool
point_of(
    const struct buf *value, const struct curve *c, const uint8_t **ret, size_t *ret_n)
{
	size_t n = 1 + 2 * c->field_len;
	size_t head = value->len == n ? 0 : 2;

	if (value->len != n + head || value->p[head] != 4 /* uncompressed */)
		return false;
	if (head != 0 && (value->p[0] != 0x04 || value->p[1] != n))
		return false;
	*ret = &value->p[head];
	*ret_n = n;
	return true;
}

bool
spki_of_ec(const struct token *t, CK_OBJECT_HANDLE key, const struct buf *id,
    const struct buf *params, struct buf *ret, struct kd_err *e)
{
	CK_OBJECT_HANDLE o[SAME_ID_MAX + 1];
	AUTO(buf_clear) struct buf value = {0};
	const struct curve *c = find_curve(params);
	const uint8_t *point;
	size_t n, point_len;

	if (c == NULL)
		return kd_fail(e, KD_E_KEY, "curve is neither P-256 nor P-384");
	o[0] = key;
	if (!same_id(t, CKO_PUBLIC_KEY, id, &o[1], &n, e))
		return false;
	for (size_t i = 0; i <= n; i++) {
		if (attr_bytes(t, o[i], CKA_EC_POINT, &value) &&
		    point_of(&value, c, &point, &point_len))
			return add_ec(c, point, point_len, ret, e);
	}
	return add_from_cert(t, id, is_ec, c, ret, e);
}

static bool
public_rsa(
    const struct token *t, CK_OBJECT_HANDLE o, struct buf *ret, struct kd_err *e)
{
	AUTO(buf_clear) struct buf m = {0};
	AUTO(buf_clear) struct buf x = {0};

	return !attr_bytes(t, o, CKA_MODULUS, &m) ||
	       !attr_bytes(t, o, CKA_PUBLIC_EXPONENT, &x) || add_rsa(&m, &x, ret, e);
}

static bool
public_ec(
    const struct token *t, CK_OBJECT_HANDLE o, struct buf *ret, struct kd_err *e)
{
	AUTO(buf_clear) struct buf params = {0};
	AUTO(buf_clear) struct buf value = {0};
	const struct curve *c;
	const uint8_t *point;
	size_t n;

	if (!attr_bytes(t, o, CKA_EC_PARAMS, &params) ||
	    !attr_bytes(t, o, CKA_EC_POINT, &value))
		return true;
	c = find_curve(&params);
	return c == NULL || !point_of(&value, c, &point, &n) ||
	       add_ec(c, point, n, ret, e);
}

bool
spki_of_public(
    const struct token *t, CK_OBJECT_HANDLE o, struct buf *ret, struct kd_err *e)
{
	CK_KEY_TYPE type = CK_UNAVAILABLE_INFORMATION;

	(void)attr_ulong(t, o, CKA_KEY_TYPE, &type);
	if (type == CKK_RSA)
		return public_rsa(t, o, ret, e);
	return type != CKK_EC || public_ec(t, o, ret, e);
}

bool
spki_of_x509(const X509 *cert, struct buf *ret, struct kd_err *e)
{
	const EVP_PKEY *key = X509_get0_pubkey(cert);

	if (key == NULL)
		return kd_fail(e, KD_E_CONFIG, "certificate with an unknown kind of key");
	return add_der(key, ret, e);
}

bool
spki_of_cert(
    const struct token *t, CK_OBJECT_HANDLE o, struct buf *ret, struct kd_err *e)
{
	AUTO(X509_free) X509 *cert = NULL;
	AUTO(buf_clear) struct buf der = {0};
	const unsigned char *p;

	if (!attr_bytes(t, o, CKA_VALUE, &der))
		return true;
	p = der.p;
	cert = d2i_X509(NULL, &p, (long)der.len);
	return cert == NULL || spki_of_x509(cert, ret, e);
}
