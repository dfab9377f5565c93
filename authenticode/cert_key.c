/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/cert_key.c - digests, and signatures checked with a certificate's key. */
#include <pthread.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "authenticode/cert.h"
#include "authenticode/cert_x509.h"
#include "base/mem.h"
#include "base/num.h"

struct cert_key { /* never changed after cert_key_new: shared by threads without a lock */
	EVP_PKEY *key;
	bool rsa;
};

static const EVP_MD *evp_mds[MD_SHA512 + 1]; /* written once, under fetched */
static pthread_once_t fetched = PTHREAD_ONCE_INIT;

/* EVP_sha256() would be looked up in the providers again at each use. */
static void
fetch_mds(void)
{
	for (size_t md = MD_SHA1; md < KD_ARRAY_LEN(evp_mds); md++)
		evp_mds[md] = EVP_MD_fetch(NULL, md_name((enum md)md), NULL);
}

/* Fetched once; borrowed for ever. NULL when OpenSSL has no such digest. */
static const EVP_MD *
evp_md(enum md md)
{
	(void)pthread_once(&fetched, fetch_mds);
	return (size_t)md < KD_ARRAY_LEN(evp_mds) ? evp_mds[md] : NULL;
}

bool
md_digest(enum md md, const void *p, size_t n, uint8_t ret[MD_LEN_MAX], struct kd_err *e)
{
	const EVP_MD *evp = evp_md(md);

	if (evp == NULL)
		return kd_fail(e, KD_E_CRYPTO, "OpenSSL has no digest '%s'", md_name(md));
	if (EVP_Digest(p, n, ret, NULL, evp, NULL) != 1)
		return cert_fail_openssl(e, KD_E_CRYPTO, "digest failed");
	return true;
}

bool
cert_key_new(const struct certs *c, size_t i, struct cert_key **ret, struct kd_err *e)
{
	const struct cert *cert = certs_at(c, i);
	AUTO(EVP_PKEY_free) EVP_PKEY *key = X509_get_pubkey(cert->x);
	char name[CERT_NAME_LEN];
	struct cert_key *k;
	int type;

	cert_name(cert, name);
	if (key == NULL) {
		(void)cert_fail_openssl(
		    e, KD_E_CERT_INVALID, "its public key is not usable");
		return kd_in(e, "certificate '%s'", name);
	}
	type = EVP_PKEY_get_base_id(key);
	if (type != EVP_PKEY_RSA && type != EVP_PKEY_EC)
		return kd_fail(e, KD_E_CERT_INVALID,
		    "certificate '%s': its public key is neither RSA nor ECDSA", name);
	k = kd_alloc(sizeof(*k));
	if (k == NULL)
		return kd_fail_nomem(e, "verification key");
	k->key = STEAL(key);
	k->rsa = type == EVP_PKEY_RSA;
	*ret = k;
	return true;
}

void
cert_key_free(struct cert_key *k)
{
	if (k == NULL)
		return;
	EVP_PKEY_free(k->key);
	free(k);
}

bool
cert_key_is_rsa(const struct cert_key *k)
{
	return k->rsa;
}

bool
cert_key_verify(const struct cert_key *k, enum md md, const uint8_t *digest,
    const uint8_t *sig, size_t sig_len, struct kd_err *e)
{
	AUTO(EVP_PKEY_CTX_free)
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, k->key, NULL);

	ERR_clear_error(); /* an older reason must not explain this failure */
	if (ctx == NULL || EVP_PKEY_verify_init(ctx) != 1 ||
	    (k->rsa && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) != 1) ||
	    EVP_PKEY_CTX_set_signature_md(ctx, evp_md(md)) != 1)
		return cert_fail_openssl(e, KD_E_CRYPTO, "signature check cannot start");
	if (EVP_PKEY_verify(ctx, sig, sig_len, digest, md_len(md)) != 1)
		return cert_fail_openssl(e, KD_E_BAD_SIGNATURE,
		    "signature does not verify with the certificate's key");
	return true;
}

bool
cert_key_verify_bare(const struct cert_key *k, enum md md, const uint8_t *digest,
    const uint8_t *sig, size_t sig_len)
{
	AUTO(EVP_PKEY_CTX_free)
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, k->key, NULL);
	uint8_t block[OPENSSL_RSA_MAX_MODULUS_BITS / 8];
	size_t n = sizeof(block);
	bool right = ctx != NULL && EVP_PKEY_verify_recover_init(ctx) == 1 &&
		     EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
		     (size_t)EVP_PKEY_get_size(k->key) <= sizeof(block) &&
		     EVP_PKEY_verify_recover(ctx, block, &n, sig, sig_len) == 1 &&
		     n == md_len(md) && CRYPTO_memcmp(block, digest, n) == 0;

	ERR_clear_error();
	return right;
}
