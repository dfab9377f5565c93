/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/pe_digest.c - one pass over the file feeds every digest and the checksum.
 */
#include "authenticode/pe_digest.h"

#include <fcntl.h>

#include <openssl/evp.h>

#include "authenticode/pe_sum.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/num.h"

/*
 * Stays in a core's second-level cache, so that digest and checksum find the bytes there.
 * Measured: from 256 KiB on the kernel's copy into it takes six times as long.
 */
#define CHUNK ((size_t)64 << 10)
#define ALIGN 8

/* The digests under way. */
struct hashers {
	EVP_MD_CTX *ctx[PE_DIGESTS_MAX];
	size_t n;
};

static void
hashers_clear(struct hashers *h)
{
	for (size_t i = 0; i < h->n; i++)
		EVP_MD_CTX_free(h->ctx[i]);
	h->n = 0;
}
AUTO_DEFINE_CLEAR(struct hashers, hashers_clear);

static bool
hashers_init(struct hashers *h, const struct pe_digest *d, struct kd_err *e)
{
	for (; h->n < PE_DIGESTS_MAX && d->md[h->n] != MD_NONE; h->n++) {
		const char *name = md_name(d->md[h->n]);
		EVP_MD_CTX *ctx = EVP_MD_CTX_new();

		if (ctx == NULL)
			return kd_fail_nomem(e, "digest");
		h->ctx[h->n] = ctx;
		if (EVP_DigestInit_ex(ctx, EVP_get_digestbyname(name), NULL) != 1) {
			h->n++; /* so that clear frees this one too */
			return kd_fail(
			    e, KD_E_CRYPTO, "digest %s: not offered by OpenSSL", name);
		}
	}
	return true;
}

static bool
hashers_update(const struct hashers *h, const uint8_t *p, size_t n, struct kd_err *e)
{
	for (size_t i = 0; i < h->n; i++)
		if (EVP_DigestUpdate(h->ctx[i], p, n) != 1)
			return kd_fail(e, KD_E_CRYPTO, "digest: OpenSSL failed to go on");
	return true;
}

/* A run of the file's bytes and what it counts for. CheckSum itself is in none. */
struct span {
	uint64_t from, to;
	bool hashed;   /* in the digests */
	bool in_image; /* in image_sum; else only in the checksum of the file as it is */
};
#define SPANS 6

static void
plan(const struct pe *pe, struct span ret[SPANS])
{
	uint64_t table_end = pe->image_end + pe->cert_len;

	ret[0] = (struct span){0, pe->checksum_off, true, true};
	ret[1] =
	    (struct span){(uint64_t)pe->checksum_off + 4, pe->secdir_off, true, true};
	ret[2] =
	    (struct span){pe->secdir_off, (uint64_t)pe->secdir_off + 8, false, false};
	ret[3] = (struct span){(uint64_t)pe->secdir_off + 8, pe->image_end, true, true};
	ret[4] = (struct span){pe->image_end, table_end, false, false};
	ret[5] = (struct span){table_end, pe->size, true, false};
}

/* What one pass carries from chunk to chunk. */
struct pass {
	int fd;
	uint8_t *buf;
	size_t cap;
	struct hashers h;
	struct pe_sum image, rest;
};

static bool
read_span(struct pass *p, const struct span *s, struct kd_err *e)
{
	uint64_t off = s->from;

	while (off < s->to) {
		/* up to a multiple of the buffer, so that later reads begin on a page */
		size_t n = p->cap - (size_t)(off % p->cap);

		if (n > s->to - off)
			n = (size_t)(s->to - off);
		if (!file_pread_full(p->fd, p->buf, n, off, e))
			return false;
		pe_sum_add(s->in_image ? &p->image : &p->rest, off, p->buf, n);
		if (s->hashed && !hashers_update(&p->h, p->buf, n, e))
			return false;
		off += n;
	}
	return true;
}

static bool
hash_padding(const struct pass *p, const struct pe *pe, struct kd_err *e)
{
	static const uint8_t zero[ALIGN];

	if (pe->cert_len != 0 || pe->size % ALIGN == 0)
		return true;
	return hashers_update(&p->h, zero, ALIGN - (size_t)(pe->size % ALIGN), e);
}

static bool
finish(const struct pass *p, const struct pe *pe, struct pe_digest *d, struct kd_err *e)
{
	struct pe_digest out = *d;

	for (size_t i = 0; i < p->h.n; i++)
		if (EVP_DigestFinal_ex(p->h.ctx[i], out.digest[i], NULL) != 1)
			return kd_fail(
			    e, KD_E_CRYPTO, "digest: OpenSSL failed to finish");
	out.image_sum = pe_sum_fold(p->image, (struct pe_sum){0});
	out.checksum = pe_sum_fold(p->image, p->rest) + (uint32_t)pe->size;
	out.trailing = pe->trailing;
	*d = out;
	return true;
}

bool
pe_digest(int fd, const struct pe *pe, struct pe_digest *d, struct kd_err *e)
{
	struct span spans[SPANS];
	AUTO(hashers_clear) struct hashers h = {0};
	AUTO(free) uint8_t *buf = NULL;
	struct pass p = {.fd = fd, .cap = pe->size < CHUNK ? (size_t)pe->size : CHUNK};

	buf = kd_alloc(p.cap);
	if (buf == NULL)
		return kd_fail_nomem(e, "read buffer");
	if (!hashers_init(&h, d, e))
		return false;
	p.buf = buf;
	p.h = h;
	plan(pe, spans);
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	for (size_t i = 0; i < SPANS; i++)
		if (!read_span(&p, &spans[i], e))
			return false;
	return hash_padding(&p, pe, e) && finish(&p, pe, d, e);
}

bool
pe_checksum(int fd, const struct pe *pe, uint32_t *ret, struct kd_err *e)
{
	struct pe_digest d = {0};

	if (!pe_digest(fd, pe, &d, e))
		return false;
	*ret = d.checksum;
	return true;
}
