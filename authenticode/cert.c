/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/cert.c - lists of X.509 certificates: loaded, kept, each once. */
#include "authenticode/cert.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "authenticode/cert_cache.h"
#include "authenticode/cert_x509.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"

struct certs {
	struct cert **v; /* owned, as is each */
	size_t n, cap;
};

static void
cert_free(struct cert *c)
{
	if (c == NULL)
		return;
	X509_free(c->x);
	free(c->der);
	free(c);
}
AUTO_DEFINE(struct cert, cert_free);

bool
certs_new(struct certs **ret, struct kd_err *e)
{
	struct certs *c = kd_alloc(sizeof(*c));

	if (c == NULL)
		return kd_fail_nomem(e, "certificate list");
	*ret = c;
	return true;
}

void
certs_free(struct certs *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < c->n; i++)
		cert_free(c->v[i]);
	free(c->v);
	free(c);
}

size_t
certs_n(const struct certs *c)
{
	return c == NULL ? 0 : c->n;
}

const struct cert *
certs_at(const struct certs *c, size_t i)
{
	return c->v[i];
}

const uint8_t *
certs_der(const struct certs *c, size_t i, size_t *ret_len)
{
	*ret_len = c->v[i]->len;
	return c->v[i]->der;
}

bool
cert_fail_openssl(struct kd_err *e, enum kd_code code, const char *what)
{
	unsigned long err = ERR_peek_last_error();
	const char *reason = err == 0 ? NULL : ERR_reason_error_string(err);

	ERR_clear_error();
	return reason == NULL ? kd_fail(e, code, "%s", what)
			      : kd_fail(e, code, "%s (%s)", what, reason);
}

/* Issuer and serial number as encoded: what a SignerInfo names its signer by (RFC
 * 5280 4.1). */
static bool
find_issuer_and_serial(struct cert *c, struct kd_err *e)
{
	struct rd r = rd_init(c->der, c->len);
	struct tlv whole, tbs, skipped;

	return der_want(&r, DER_SEQUENCE, "certificate", &whole, e) &&
	       der_done(&r, "certificate", e) &&
	       der_want(&whole.body, DER_SEQUENCE, "tbsCertificate", &tbs, e) &&
	       der_opt(&tbs.body, DER_C0, "certificate version", &skipped, e) &&
	       der_want(
		   &tbs.body, DER_INTEGER, "certificate serialNumber", &c->serial, e) &&
	       der_want(&tbs.body, DER_SEQUENCE, "certificate signature", &skipped, e) &&
	       der_want(&tbs.body, DER_SEQUENCE, "certificate issuer", &c->issuer, e);
}

static bool
cert_new_undecoded(
    const uint8_t *der, size_t len, struct cert **ret, struct kd_err *e)
{
	AUTO(cert_free) struct cert *c = kd_alloc(sizeof(*c));

	if (c == NULL)
		return kd_fail_nomem(e, "certificate");
	c->len = len;
	c->der = kd_memdup(der, len);
	if (c->der == NULL)
		return kd_fail_nomem(e, "certificate");
	if (!find_issuer_and_serial(c, e))
		return false;
	*ret = STEAL(c);
	return true;
}

static bool
cert_new(const uint8_t *der, size_t len, struct cert **ret, struct kd_err *e)
{
	AUTO(cert_free) struct cert *c = NULL;

	if (!cert_new_undecoded(der, len, &c, e))
		return false;
	c->x = cert_cache_decode(c->der, len);
	if (c->x == NULL)
		return cert_fail_openssl(e, KD_E_FORMAT, "certificate cannot be decoded");
	*ret = STEAL(c);
	return true;
}

static bool
make_room(struct certs *c, struct kd_err *e)
{
	size_t cap = c->cap == 0 ? 8 : 2 * c->cap;
	struct cert **v;

	if (c->n == CERTS_MAX)
		return kd_fail(e, KD_E_LIMIT, "more than %d certificates", CERTS_MAX);
	if (c->n < c->cap)
		return true;
	v = kd_realloc_array(c->v, cap, sizeof(struct cert *));
	if (v == NULL)
		return kd_fail_nomem(e, "certificate list");
	c->v = v;
	c->cap = cap;
	return true;
}

static bool
has(const struct certs *c, const uint8_t *der, size_t len)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->v[i]->len == len && memcmp(c->v[i]->der, der, len) == 0)
			return true;
	return false;
}

bool
certs_add_der(struct certs *c, const uint8_t *der, size_t len, struct kd_err *e)
{
	if (len > CERT_FILE_MAX)
		return kd_fail(e, KD_E_LIMIT,
		    "certificate of %zu bytes, at most %zu allowed", len, CERT_FILE_MAX);
	if (has(c, der, len))
		return true;
	if (!make_room(c, e) || !cert_new(der, len, &c->v[c->n], e))
		return false;
	c->n++;
	return true;
}

bool
certs_share(struct certs *c, const struct cert *from, struct kd_err *e)
{
	AUTO(cert_free) struct cert *copy = NULL;

	if (has(c, from->der, from->len))
		return true;
	if (!make_room(c, e) || !cert_new_undecoded(from->der, from->len, &copy, e))
		return false;
	if (X509_up_ref(from->x) != 1)
		return cert_fail_openssl(e, KD_E_CRYPTO, "certificate cannot be shared");
	copy->x = from->x;
	c->v[c->n++] = STEAL(copy);
	return true;
}

bool
certs_add_all(struct certs *c, const struct certs *from, struct kd_err *e)
{
	for (size_t i = 0; i < certs_n(from); i++)
		if (!certs_share(c, from->v[i], e))
			return false;
	return true;
}

/* PEM_read_bio's three outputs, released together. */
struct pem_block {
	char *name, *header;
	unsigned char *data;
	long len;
};

static void
pem_block_clear(struct pem_block *b)
{
	OPENSSL_free(b->name);
	OPENSSL_free(b->header);
	OPENSSL_free(b->data);
}
AUTO_DEFINE_CLEAR(struct pem_block, pem_block_clear);

/* One PEM block: a certificate is added, anything else (a key, parameters) passed over.
 */
static bool
add_pem_block(struct certs *c, BIO *bio, bool *ret_end, size_t *found, struct kd_err *e)
{
	AUTO(pem_block_clear) struct pem_block b = {0};

	*ret_end = PEM_read_bio(bio, &b.name, &b.header, &b.data, &b.len) != 1;
	if (*ret_end) {
		if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
			return cert_fail_openssl(e, KD_E_FORMAT, "PEM block is damaged");
		ERR_clear_error();
		return true;
	}
	if (strcmp(b.name, PEM_STRING_X509) != 0 &&
	    strcmp(b.name, PEM_STRING_X509_OLD) != 0)
		return true;
	++*found;
	if (!certs_add_der(c, b.data, (size_t)b.len, e))
		return kd_in(e, "certificate %zu of the file", *found);
	return true;
}

static bool
add_pem(struct certs *c, const struct buf *file, struct kd_err *e)
{
	AUTO(BIO_free_all) BIO *bio = BIO_new_mem_buf(file->p, (int)file->len);
	size_t found = 0;
	bool end = false;

	if (bio == NULL)
		return kd_fail_nomem(e, "PEM reader");
	while (!end)
		if (!add_pem_block(c, bio, &end, &found, e))
			return false;
	if (found == 0)
		return kd_fail(
		    e, KD_E_FORMAT, "no certificate in it, PEM or DER expected");
	return true;
}

bool
certs_load(struct certs *c, const char *path, struct kd_err *e)
{
	AUTO(buf_clear) struct buf file = {0};
	size_t before = c->n;
	struct rd r;
	bool done;

	if (!file_read_all(path, CERT_FILE_MAX, &file, e))
		return false;
	r = rd_init(file.p, file.len);
	done = der_is(&r, DER_SEQUENCE) ? certs_add_der(c, file.p, file.len, e)
					: add_pem(c, &file, e);
	if (done)
		return true;
	while (c->n > before)
		cert_free(c->v[--c->n]);
	return kd_in(e, "'%s'", SHOW(path));
}
