/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/ceremony_out.c - what a ceremony hands out: PEM and files. */
#include "config.h"

#include "pkcs11/ceremony_out.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include <openssl/pem.h>

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

void
out_clear(struct out *o)
{
	file_replace_clear(&o->r);
	buf_clear(&o->path);
	*o = (struct out){.r.fd = -1};
}

static bool
is_stdout(const struct out *o)
{
	return o->path.len == 0;
}

bool
out_open(const char *path, const char *suffix, size_t room, struct out *ret,
    struct kd_err *e)
{
	AUTO(out_clear) struct out o = {.r.fd = -1};
	int err;

	o.path.max = PATH_MAX;
	if (path != NULL) {
		buf_printf(&o.path, "%s%s", path, suffix);
		if (!buf_ok(&o.path, "path", e) || buf_cstr(&o.path) == NULL)
			return kd_fail_nomem(e, "path");
		if (!file_replace_begin(buf_cstr(&o.path), NULL, &o.r, e))
			return false;
		err = room > 0 ? posix_fallocate(o.r.fd, 0, (off_t)room) : 0;
		if (err != 0)
			return kd_fail_errno(e, KD_E_IO, err, "'%s': no room for it",
			    SHOW(buf_cstr(&o.path)));
	}
	*ret = o;
	o = (struct out){.r.fd = -1};
	return true;
}

bool
out_fill(struct out *o, const struct buf *b, struct kd_err *e)
{
	if (!transcript_hash(b->p, b->len, o->sha256, e))
		return false;
	o->text = b;
	if (is_stdout(o))
		return true;
	if (!file_write_full(o->r.fd, b->p, b->len, e))
		return kd_in(e, "'%s'", SHOW(buf_cstr(&o->path)));
	if (ftruncate(o->r.fd, (off_t)b->len) != 0) /* what was set aside */
		return kd_fail_errno(e, KD_E_IO, errno, "'%s'", SHOW(buf_cstr(&o->path)));
	return file_replace_finish(&o->r, true, e);
}

bool
out_place(struct ceremony *c, struct out *const *v, size_t n, struct kd_err *e)
{
	struct file_replace *files[OUT_MAX];
	size_t files_n = 0;

	for (size_t i = 0; i < n; i++) {
		if (!is_stdout(v[i]))
			files[files_n++] = &v[i]->r;
		else if (!ceremony_put(v[i]->text, e))
			return false;
	}
	if (files_n > 0 && !file_replace_commit_all(files, files_n, true, e))
		return false;
	for (size_t i = 0; i < n; i++)
		ceremony_fact(c, "written", "%s, SHA-256 %s",
		    is_stdout(v[i]) ? "to standard output" : buf_cstr(&v[i]->path),
		    v[i]->sha256);
	return true;
}
