/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/cert_pin.c - is the token's key the one that the certificate was issued for. */
#include "pkcs11/cert_pin.h"

#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/file.h"
#include "base/own.h"
#include "base/text.h"
#include "pkcs11/attr.h"
#include "pkcs11/spki.h"
#include "pkcs11/token.h"
#include "pkcs11/uri.h"

#define FILE_MAX_BYTES ((size_t)1 << 20)
#define SHOWN_MAX 8 /* objects that are looked at */

AUTO_DEFINE(BIO, BIO_free_all);
AUTO_DEFINE(X509, X509_free);

void
cert_pin_of(const uint8_t *spki, size_t n, char ret[CERT_PIN_MAX])
{
	uint8_t md[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	ret[0] = '\0';
	if (EVP_Digest(spki, n, md, &len, EVP_sha256(), NULL) == 1 &&
	    2 * len < CERT_PIN_MAX)
		text_hex_to(ret, md, len);
}

static X509 *
first_cert(const struct buf *data)
{
	AUTO(BIO_free_all) BIO *b = BIO_new_mem_buf(data->p, (int)data->len);
	const unsigned char *p = data->p;

	if (data->len > 0 && data->p[0] == 0x30)
		return d2i_X509(NULL, &p, (long)data->len);
	return b != NULL ? PEM_read_bio_X509(b, NULL, NULL, NULL) : NULL;
}

bool
cert_pin_load(const char *path, char ret[CERT_PIN_MAX], struct kd_err *e)
{
	AUTO(buf_clear) struct buf data = {.max = FILE_MAX_BYTES + 1};
	AUTO(buf_clear) struct buf spki = {0};
	AUTO(X509_free) X509 *cert = NULL;

	if (!file_read_all(path, FILE_MAX_BYTES, &data, e))
		return false;
	cert = first_cert(&data);
	ERR_clear_error();
	if (cert == NULL)
		return kd_fail(e, KD_E_CONFIG,
		    "'%s': expected a certificate, PEM or DER", SHOW(path));
	if (!spki_of_x509(cert, &spki, e))
		return kd_in(e, "'%s'", SHOW(path));
	cert_pin_of(spki.p, spki.len, ret);
	return ret[0] != '\0' || kd_fail(e, KD_E_CRYPTO, "SHA-256");
}

static void
look(const struct token *t, CK_OBJECT_CLASS class, const struct uri *u,
    bool (*spki_of)(
	const struct token *t, CK_OBJECT_HANDLE o, struct buf *ret, struct kd_err *e),
    const char *want, char ret[CERT_PIN_MAX])
{
	CK_OBJECT_HANDLE o[SHOWN_MAX];
	struct kd_err ignored = {0}; /* what is not shown is compared after the login */
	size_t found = 0;

	if (!attr_find_uri(t, class, u, o, SHOWN_MAX, &found, &ignored))
		return;
	for (size_t i = 0; i < found && i < SHOWN_MAX && strcmp(ret, want) != 0; i++) {
		AUTO(buf_clear) struct buf spki = {0};
		struct kd_err e = {0};

		if (spki_of(t, o[i], &spki, &e) && spki.len > 0)
			cert_pin_of(spki.p, spki.len, ret);
	}
	if (attr_fault(&ignored)) /* read wrong, it would be another key's */
		ret[0] = '\0';
}

void
cert_pin_shown(const struct token *t, const struct uri *u, const char *want,
    char ret[CERT_PIN_MAX])
{
	struct uri by_id = *u; /* a certificate may have a label of its own */

	ret[0] = '\0';
	look(t, CKO_PUBLIC_KEY, u, spki_of_public, want, ret);
	if (ret[0] != '\0' || !u->has_id)
		return;
	by_id.object[0] = '\0';
	look(t, CKO_CERTIFICATE, &by_id, spki_of_cert, want, ret);
}
