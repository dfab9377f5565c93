/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/ceremony_tool_key.c - the tool's own Ed25519 key, which signs its statements. */
#include "pkcs11/ceremony_tool_key.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/file.h"
#include "base/own.h"
#include "base/text.h"
#include "pkcs11/transcript.h"

#define PEM_MAX 4096

AUTO_DEFINE(EVP_PKEY, EVP_PKEY_free);
AUTO_DEFINE(EVP_MD_CTX, EVP_MD_CTX_free);
AUTO_DEFINE(BIO, BIO_free_all);

static bool
fail_crypto(struct kd_err *e)
{
	return kd_fail(e, KD_E_CRYPTO, "OpenSSL cannot make an Ed25519 key");
}

/* There is no key until the whole of it is: written aside, synced, then renamed. */
static bool
write_key(
    const char *path, const char *aside, const void *pem, size_t n, struct kd_err *e)
{
	AUTO(close) int fd = -1;
	bool done;

	(void)unlink(aside); /* of a run that was cut short */
	fd = open(aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return kd_fail_errno(e, KD_E_CONFIG, errno, "cannot be made");
	done = file_write_full(fd, pem, n, e) &&
	       (fsync(fd) == 0 || kd_fail_errno(e, KD_E_IO, errno, "fsync")) &&
	       (rename(aside, path) == 0 || kd_fail_errno(e, KD_E_IO, errno, "rename"));
	if (!done)
		(void)unlink(aside);
	return done;
}

static bool
make_key(const char *path, EVP_PKEY **ret, struct kd_err *e)
{
	AUTO(EVP_PKEY_free) EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	AUTO(BIO_free_all) BIO *b = BIO_new(BIO_s_secmem());
	AUTO(buf_clear) struct buf aside = {.max = 4096};
	char *pem = NULL;
	long n;

	if (key == NULL || b == NULL ||
	    PEM_write_bio_PrivateKey(b, key, NULL, NULL, 0, NULL, NULL) != 1)
		return fail_crypto(e);
	n = BIO_get_mem_data(b, &pem);
	buf_printf(&aside, "%s.new", path);
	if (n <= 0 || buf_cstr(&aside) == NULL)
		return fail_crypto(e);
	if (!write_key(path, buf_cstr(&aside), pem, (size_t)n, e))
		return false;
	*ret = STEAL(key);
	return true;
}

static bool
read_key(const char *path, EVP_PKEY **ret, struct kd_err *e)
{
	char pem[PEM_MAX];
	AUTO(close) int fd = -1;
	AUTO(BIO_free_all) BIO *b = NULL;
	struct stat st;
	ssize_t n;

	if (!file_open_read(path, &fd, &st, e) || !file_check_stat(path, &st, true, e))
		return false;
	n = read(fd, pem, sizeof(pem));
	b = n > 0 ? BIO_new_mem_buf(pem, (int)n) : NULL;
	*ret = b != NULL ? PEM_read_bio_PrivateKey(b, NULL, NULL, NULL) : NULL;
	explicit_bzero(pem, sizeof(pem));
	if (*ret != NULL && EVP_PKEY_get_base_id(*ret) == EVP_PKEY_ED25519)
		return true;
	EVP_PKEY_free(*ret);
	*ret = NULL;
	return kd_fail(e, KD_E_CONFIG, "not an Ed25519 key in PEM");
}

bool
tool_key_load(const char *dir, EVP_PKEY **ret, bool *ret_made, struct kd_err *e)
{
	AUTO(buf_clear) struct buf path = {.max = 4096};

	buf_printf(&path, "%s/" TOOL_KEY_NAME, dir);
	if (!buf_ok(&path, "path", e) || buf_cstr(&path) == NULL)
		return kd_fail_nomem(e, "path");
	*ret_made = access(buf_cstr(&path), F_OK) != 0 && errno == ENOENT;
	return (*ret_made ? make_key(buf_cstr(&path), ret, e)
			  : read_key(buf_cstr(&path), ret, e)) ||
	       kd_in(e, "'%s'", SHOW(buf_cstr(&path)));
}

bool
tool_key_public(EVP_PKEY *key, struct buf *ret_pem, char ret_sha256[65], struct kd_err *e)
{
	AUTO(BIO_free_all) BIO *b = BIO_new(BIO_s_mem());
	unsigned char *der = NULL;
	int der_n = i2d_PUBKEY(key, &der);
	char *pem = NULL;
	bool hashed;
	long n;

	if (b == NULL || der_n <= 0 || PEM_write_bio_PUBKEY(b, key) != 1)
		return fail_crypto(e);
	hashed = transcript_hash(der, (size_t)der_n, ret_sha256, e);
	OPENSSL_free(der);
	n = BIO_get_mem_data(b, &pem);
	if (n > 0)
		buf_add(ret_pem, pem, (size_t)n);
	return hashed && buf_ok(ret_pem, "public key", e);
}

bool
tool_key_sign(EVP_PKEY *key, const struct buf *text,
    unsigned char ret[TOOL_SIGNATURE_LEN], struct kd_err *e)
{
	AUTO(EVP_MD_CTX_free) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t n = TOOL_SIGNATURE_LEN;

	if (ctx == NULL || EVP_DigestSignInit(ctx, NULL, NULL, NULL, key) != 1 ||
	    EVP_DigestSign(ctx, ret, &n, text->p, text->len) != 1 ||
	    n != TOOL_SIGNATURE_LEN)
		return kd_fail(e, KD_E_CRYPTO, "OpenSSL cannot sign with Ed25519");
	return true;
}
