/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/ceremony_chain.c - is this a certificate for the key, and does it lead
 * somewhere. */
#include "pkcs11/ceremony_chain.h"

#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/file.h"
#include "base/num.h"
#include "base/text.h"
#include "pkcs11/ceremony_subject.h"
#include "wire/custody.h"

AUTO_DEFINE(BIO, BIO_free_all);
AUTO_DEFINE(X509_STORE, X509_STORE_free);
AUTO_DEFINE(X509_STORE_CTX, X509_STORE_CTX_free);
typedef STACK_OF(X509) x509_stack;

static void
stack_free(x509_stack *s)
{
	sk_X509_free(s); /* the certificates are borrowed */
}
AUTO_DEFINE(x509_stack, stack_free);

void
chain_certs_clear(struct chain_certs *c)
{
	for (size_t i = 0; i < c->n; i++)
		X509_free(c->v[i]);
	c->n = 0;
}

static bool
fail_cert(const X509 *cert, struct kd_err *e, const char *what)
{
	char name[256];

	subject_print(X509_get_subject_name(cert), name, sizeof(name));
	return kd_fail(e, KD_E_CERT_INVALID, "certificate of '%s': %s", name, what);
}

bool
chain_push(struct chain_certs *c, X509 *take_cert, struct kd_err *e)
{
	if (c->n < CHAIN_MAX) {
		c->v[c->n++] = take_cert;
		return true;
	}
	X509_free(take_cert);
	return kd_fail(e, KD_E_LIMIT, "more than %d certificates", CHAIN_MAX);
}

static bool
load_pem(BIO *b, struct chain_certs *ret, struct kd_err *e)
{
	size_t before = ret->n;

	for (;;) {
		X509 *cert = PEM_read_bio_X509(b, NULL, NULL, NULL);

		if (cert == NULL)
			break;
		if (!chain_push(ret, cert, e))
			return false;
	}
	if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		return kd_fail(
		    e, KD_E_FORMAT, "certificate %zu is malformed", ret->n - before + 1);
	ERR_clear_error();
	return ret->n > before || kd_fail(e, KD_E_FORMAT, "holds no certificate");
}

bool
chain_load(const char *path, struct chain_certs *ret, struct kd_err *e)
{
	AUTO(buf_clear) struct buf data = {.max = CHAIN_FILE_MAX + 1};
	AUTO(BIO_free_all) BIO *b = NULL;
	const unsigned char *p;
	X509 *cert;

	if (!file_read_all(path, CHAIN_FILE_MAX, &data, e))
		return false;
	p = data.p;
	cert =
	    data.len > 0 && data.p[0] == 0x30 ? d2i_X509(NULL, &p, (long)data.len) : NULL;
	if (cert != NULL && p == data.p + data.len)
		return chain_push(ret, cert, e) || kd_in(e, "'%s'", SHOW(path));
	X509_free(cert);
	ERR_clear_error();
	b = BIO_new_mem_buf(data.p, (int)data.len);
	if (b == NULL)
		return kd_fail_nomem(e, "certificate");
	return load_pem(b, ret, e) || kd_in(e, "'%s'", SHOW(path));
}

static bool
is_root(X509 *cert)
{
	return X509_check_issued(cert, cert) == X509_V_OK &&
	       X509_verify(cert, X509_get0_pubkey(cert)) == 1;
}

static bool
issued(X509 *issuer, X509 *cert)
{
	return X509_check_issued(issuer, cert) == X509_V_OK &&
	       X509_verify(cert, X509_get0_pubkey(issuer)) == 1;
}

static X509 *
take_out(struct chain_certs *c, size_t i)
{
	X509 *cert = c->v[i];

	memmove(&c->v[i], &c->v[i + 1], (c->n - i - 1) * sizeof(c->v[0]));
	c->n--;
	return cert;
}

static bool
take_leaf(struct chain_certs *given, const EVP_PKEY *key, struct chain_certs *ret,
    struct kd_err *e)
{
	for (size_t i = 0; i < given->n; i++) {
		X509 *cert = given->v[i];
		bool is = key != NULL ? EVP_PKEY_eq(X509_get0_pubkey(cert), key) == 1
				      : X509_check_ca(cert) == 0;

		if (is)
			return chain_push(ret, take_out(given, i), e);
	}
	if (key == NULL)
		return kd_fail(e, KD_E_CERT_INVALID, "all certificates are CAs'");
	return kd_fail(e, KD_E_CERT_INVALID,
	    "none of the %zu certificates is of this key: their public keys are others",
	    given->n);
}

/*
 * As the keeper has it: the kernel asks for no extended key usage, and certificates by its
 * own recipe have none; one that names other uses is wrong for modules, too.
 */
static bool
check_extended_usage(X509 *leaf, bool module, struct kd_err *e)
{
	bool any = (X509_get_extension_flags(leaf) & EXFLAG_XKUSAGE) != 0;

	if (any ? (X509_get_extended_key_usage(leaf) & XKU_CODE_SIGN) != 0 : module)
		return true;
	(void)fail_cert(leaf, e, "no codeSigning in its extended key usage");
	if (!any)
		(void)kd_hint(e, "--kind module, if the key is to sign Linux kernel modules "
				 "and nothing else");
	return false;
}

/* RFC 5280 4.2.1.3, 4.2.1.9, 4.2.1.12. */
static bool
check_leaf(X509 *leaf, bool module, struct kd_err *e)
{
	const EVP_PKEY *key = X509_get0_pubkey(leaf);
	uint32_t flags = X509_get_extension_flags(leaf);

	if ((flags & EXFLAG_INVALID) != 0 || key == NULL)
		return fail_cert(leaf, e, "it is malformed");
	if ((flags & EXFLAG_CA) != 0)
		return fail_cert(leaf, e, "it is a CA's");
	if (!check_extended_usage(leaf, module, e))
		return false;
	if ((flags & EXFLAG_KUSAGE) != 0 &&
	    (X509_get_key_usage(leaf) & KU_DIGITAL_SIGNATURE) == 0)
		return fail_cert(leaf, e, "no digitalSignature in its key usage");
	if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA &&
	    EVP_PKEY_get_bits(key) < CUSTODY_RSA_BITS_MIN)
		return fail_cert(leaf, e, "RSA of fewer than 3072 bits");
	return true;
}

static bool
build(const struct chain_certs *chain, X509 *const *trust, size_t trust_n,
    unsigned long flags, struct kd_err *e)
{
	AUTO(X509_STORE_free) X509_STORE *store = X509_STORE_new();
	AUTO(X509_STORE_CTX_free) X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	AUTO(stack_free) x509_stack *untrusted = sk_X509_new_null();
	int err;

	if (store == NULL || ctx == NULL || untrusted == NULL)
		return kd_fail_nomem(e, "chain");
	for (size_t i = 0; i < trust_n; i++)
		if (X509_STORE_add_cert(store, trust[i]) != 1)
			return kd_fail_nomem(e, "chain");
	for (size_t i = 1; i < chain->n; i++)
		if (sk_X509_push(untrusted, chain->v[i]) <= 0)
			return kd_fail_nomem(e, "chain");
	if (X509_STORE_CTX_init(ctx, store, chain->v[0], untrusted) != 1)
		return kd_fail(e, KD_E_CRYPTO, "OpenSSL cannot check the chain");
	X509_VERIFY_PARAM_set_flags(
	    X509_STORE_CTX_get0_param(ctx), flags | X509_V_FLAG_PARTIAL_CHAIN);
	if (X509_verify_cert(ctx) == 1)
		return true;
	err = X509_STORE_CTX_get_error(ctx);
	if (X509_STORE_CTX_get_current_cert(ctx) == NULL)
		return kd_fail(e, KD_E_CERT_INVALID, "the chain does not build: %s",
		    X509_verify_cert_error_string(err));
	return fail_cert(
	    X509_STORE_CTX_get_current_cert(ctx), e, X509_verify_cert_error_string(err));
}

bool
chain_take_roots(
    struct chain_certs *given, struct chain_certs *ret, struct kd_err *e)
{
	for (size_t i = 0; i < given->n;) {
		if (!is_root(given->v[i]))
			i++;
		else if (!chain_push(ret, take_out(given, i), e))
			return false;
	}
	return true;
}

void
chain_take_issuers(X509 *leaf, struct chain_certs *given, struct chain_certs *ret)
{
	X509 *top = leaf;

	for (size_t i = 0; i < given->n && ret->n < CHAIN_MAX;) {
		if (!issued(given->v[i], top)) {
			i++;
			continue;
		}
		top = ret->v[ret->n++] = take_out(given, i);
		i = 0;
	}
}

bool
chain_verify(X509 *leaf, const struct chain_certs *between,
    const struct chain_certs *trust, X509 **ret_root, struct kd_err *e)
{
	struct chain_certs chain = {.v = {leaf}, .n = 1}; /* borrowed */

	for (size_t i = 0; i < between->n && chain.n < CHAIN_MAX; i++)
		chain.v[chain.n++] = between->v[i];
	for (size_t i = 0; i < trust->n; i++) {
		struct kd_err why = {0};

		if (build(&chain, &trust->v[i], 1, 0, &why)) {
			*ret_root = trust->v[i];
			return true;
		}
		if (e->code == KD_OK)
			*e = why;
	}
	return kd_fail(e, KD_E_CERT_INVALID, "no root is given");
}

bool
chain_sort(struct chain_certs *given, const EVP_PKEY *key, bool module,
    struct chain_certs *ret, struct chain_certs *trust, struct kd_err *e)
{
	if (!take_leaf(given, key, ret, e) || !check_leaf(ret->v[0], module, e))
		return false;
	if (!chain_take_roots(given, trust, e))
		return false;
	chain_take_issuers(ret->v[0], given, ret);
	if (given->n > 0)
		return fail_cert(given->v[0], e, "it is no part of the leaf's chain");
	if (trust->n > 0)
		return build(ret, trust->v, trust->n, 0, e);
	if (ret->n == 1 && !is_root(ret->v[0])) {
		(void)fail_cert(ret->v[0], e, "nothing shows that it is genuine");
		return kd_hint(e, "give its issuer's certificate, too");
	}
	return build(ret, &ret->v[ret->n - 1], 1, 0, e);
}

bool
chain_check_cross(
    const struct chain_certs *chain, X509 *cross, bool *ret_expired, struct kd_err *e)
{
	if (X509_check_ca(cross) == 0)
		return fail_cert(cross, e, "it is no CA's, so no cross-certificate");
	if (!build(chain, &cross, 1, X509_V_FLAG_NO_CHECK_TIME, e))
		return kd_in(e, "cross-certificate: the chain does not lead to it");
	*ret_expired = X509_cmp_current_time(X509_get0_notAfter(cross)) < 0 ||
		       X509_cmp_current_time(X509_get0_notBefore(cross)) > 0;
	return true;
}

void
chain_until(const X509 *cert, char ret[25])
{
	struct tm tm = {0};

	ret[0] = '\0';
	if (ASN1_TIME_to_tm(X509_get0_notAfter(cert), &tm) == 1)
		(void)strftime(ret, 25, "%Y-%m-%dT%H:%M:%SZ", &tm);
}
