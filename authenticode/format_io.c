/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/format_io.c - parts of a file into a digest or into another file. */
#include "config.h" /* _GNU_SOURCE: copy_file_range */

#include "authenticode/format_io.h"

#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "base/file.h"
#include "base/mem.h"

#define CHUNK ((size_t)64 << 10)
#define COPY_STEP ((size_t)1 << 30) /* a signal is noticed between two of these */

struct format_hash {
	EVP_MD_CTX *ctx;
};

bool
format_hash_new(enum md md, struct format_hash **ret, struct kd_err *e)
{
	AUTO(format_hash_free) struct format_hash *h = kd_alloc(sizeof(*h));

	if (h == NULL || (h->ctx = EVP_MD_CTX_new()) == NULL)
		return kd_fail_nomem(e, "digest");
	if (EVP_DigestInit_ex(h->ctx, EVP_get_digestbyname(md_name(md)), NULL) != 1)
		return kd_fail(
		    e, KD_E_CRYPTO, "digest %s: not offered by OpenSSL", md_name(md));
	*ret = STEAL(h);
	return true;
}

void
format_hash_free(struct format_hash *h)
{
	if (h == NULL)
		return;
	EVP_MD_CTX_free(h->ctx);
	free(h);
}

bool
format_hash_add(struct format_hash *h, const void *p, size_t n, struct kd_err *e)
{
	return EVP_DigestUpdate(h->ctx, p, n) == 1 ||
	       kd_fail(e, KD_E_CRYPTO, "digest: OpenSSL failed to go on");
}

bool
format_hash_file(
    struct format_hash *h, int fd, uint64_t from, uint64_t to, struct kd_err *e)
{
	AUTO(free) uint8_t *buf = kd_alloc(CHUNK);

	if (buf == NULL)
		return kd_fail_nomem(e, "read buffer");
	while (from < to) {
		size_t n = to - from < CHUNK ? (size_t)(to - from) : CHUNK;

		if (!file_pread_full(fd, buf, n, from, e) ||
		    !format_hash_add(h, buf, n, e))
			return false;
		from += n;
	}
	return true;
}

bool
format_hash_done(struct format_hash *h, uint8_t ret[MD_LEN_MAX], struct kd_err *e)
{
	return EVP_DigestFinal_ex(h->ctx, ret, NULL) == 1 ||
	       kd_fail(e, KD_E_CRYPTO, "digest: OpenSSL failed to finish");
}

bool
format_pwrite(int fd, const void *p, size_t n, uint64_t off, struct kd_err *e)
{
	const uint8_t *bytes = p;
	size_t done = 0;

	while (done < n) {
		ssize_t w = pwrite(fd, &bytes[done], n - done, (off_t)(off + done));

		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			return kd_fail_errno(e, KD_E_IO, w < 0 ? errno : EIO,
			    "writing at offset 0x%" PRIx64, off + done);
		done += (size_t)w;
	}
	return true;
}

static bool
copy_plain(int in_fd, uint64_t from, uint64_t to, int out_fd, uint64_t off,
    struct kd_err *e)
{
	AUTO(free) uint8_t *buf = kd_alloc(CHUNK);

	if (buf == NULL)
		return kd_fail_nomem(e, "copy buffer");
	while (from < to) {
		size_t n = to - from < CHUNK ? (size_t)(to - from) : CHUNK;

		if (!file_pread_full(in_fd, buf, n, from, e) ||
		    !format_pwrite(out_fd, buf, n, off, e))
			return false;
		from += n;
		off += n;
	}
	return true;
}

bool
format_copy(int in_fd, uint64_t from, uint64_t to, int out_fd, uint64_t off,
    struct kd_err *e)
{
	off_t in_off = (off_t)from, out_off = (off_t)off;

	while ((uint64_t)in_off < to) {
		uint64_t left = to - (uint64_t)in_off;
		ssize_t c = copy_file_range(in_fd, &in_off, out_fd, &out_off,
		    left < COPY_STEP ? (size_t)left : COPY_STEP, 0);

		if (c == 0 || (c < 0 && errno != EINTR))
			break;
	}
	return copy_plain(
	    in_fd, (uint64_t)in_off, to, out_fd, (uint64_t)out_off, e);
}
