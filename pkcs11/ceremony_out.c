/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/ceremony_out.c - what a ceremony hands out: PEM and files. */
#include "pkcs11/ceremony_out.h"

#include <openssl/pem.h>

#include "base/file.h"
#include "base/text.h"

AUTO_DEFINE(BIO, BIO_free_all);

static bool
take(BIO *b, bool written, struct buf *ret, struct kd_err *e)
{
	char *p = NULL;
	long n = written ? BIO_get_mem_data(b, &p) : 0;

	if (n <= 0)
		return kd_fail(e, KD_E_CRYPTO, "OpenSSL cannot write PEM");
	buf_add(ret, p, (size_t)n);
	return buf_ok(ret, "PEM", e);
}

bool
out_pem_request(X509_REQ *req, struct buf *ret, struct kd_err *e)
{
	AUTO(BIO_free_all) BIO *b = BIO_new(BIO_s_mem());

	return take(b, b != NULL && PEM_write_bio_X509_REQ(b, req) == 1, ret, e);
}

bool
out_pem_cert(X509 *cert, struct buf *ret, struct kd_err *e)
{
	AUTO(BIO_free_all) BIO *b = BIO_new(BIO_s_mem());

	return take(b, b != NULL && PEM_write_bio_X509(b, cert) == 1, ret, e);
}

bool
out_file(struct ceremony *c, const char *path, const struct buf *b, struct kd_err *e)
{
	AUTO(file_replace_clear) struct file_replace r = {.fd = -1};
	char hash[TRANSCRIPT_HASH_LEN + 1];

	if (!transcript_hash(b->p, b->len, hash, e) ||
	    !file_replace_begin(path, NULL, &r, e))
		return false;
	if (!file_write_full(r.fd, b->p, b->len, e))
		return kd_in(e, "'%s'", SHOW(path));
	if (!file_replace_commit(&r, true, e))
		return false;
	ceremony_fact(c, "written", "%s, SHA-256 %s", path, hash);
	return true;
}

bool
out_write(struct ceremony *c, const struct buf *b, struct kd_err *e)
{
	char hash[TRANSCRIPT_HASH_LEN + 1];

	if (c->o->out != NULL)
		return out_file(c, c->o->out, b, e);
	if (!transcript_hash(b->p, b->len, hash, e) || !ceremony_put(b, e))
		return false;
	ceremony_fact(c, "written", "to standard output, SHA-256 %s", hash);
	return true;
}
