/* SPDX-License-Identifier: Apache-2.0 */
/* bench/verify.c - the check of each signature before its release, alone. */
#include <stdio.h>

#include <openssl/evp.h>
#include <openssl/pem.h>

#include "authenticode/cert.h"
#include "base/builder.h"
#include "bench/loads.h"

#define SIGNATURE_MAX 1024
AUTO_DEFINE(EVP_PKEY, EVP_PKEY_free);
AUTO_DEFINE(EVP_PKEY_CTX, EVP_PKEY_CTX_free);

static EVP_PKEY *
read_key(const char *path)
{
	FILE *f = fopen(path, "re");
	EVP_PKEY *key = f != NULL ? PEM_read_PrivateKey(f, NULL, NULL, NULL) : NULL;

	if (f != NULL)
		(void)fclose(f);
	return key;
}

static bool
sign_once(const char *path, const uint8_t *digest, uint8_t *sig, size_t *sig_len,
    struct kd_err *e)
{
	AUTO(EVP_PKEY_free) EVP_PKEY *key = read_key(path);
	AUTO(EVP_PKEY_CTX_free)
	EVP_PKEY_CTX *c = key != NULL ? EVP_PKEY_CTX_new(key, NULL) : NULL;

	*sig_len = SIGNATURE_MAX;
	if (c != NULL && EVP_PKEY_sign_init(c) == 1 &&
	    EVP_PKEY_CTX_set_signature_md(c, EVP_sha256()) == 1 &&
	    EVP_PKEY_sign(c, sig, sig_len, digest, 32) == 1)
		return true;
	return kd_fail(e, KD_E_CRYPTO, "'%s': cannot sign", path);
}

bool
load_verify(struct meter *m, char **argv, struct kd_err *e)
{
	AUTO(certs_free) struct certs *certs = NULL;
	AUTO(cert_key_free) struct cert_key *key = NULL;
	uint8_t digest[32], sig[SIGNATURE_MAX];
	size_t len;

	load_digest(0, digest);
	if (!certs_new(&certs, e) || !certs_load(certs, argv[0], e) ||
	    !cert_key_new(certs, 0, &key, e) || !sign_once(argv[1], digest, sig, &len, e))
		return false;
	meter_start(m);
	do {
		if (!cert_key_verify(key, MD_SHA256, digest, sig, len, e))
			return false;
	} while (meter_count(m, 1));
	return true;
}
