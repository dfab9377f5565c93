/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/pe_pages.c - a PE image's page hashes. */
#include "authenticode/pe_pages.h"

#include <inttypes.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/reader.h"

#define SECTION_LEN 40
#define SIZE_OF_HEADERS_OFF (24 + 60) /* from the PE signature */
#define PAGE 4096u
#define PAGE_LARGE 8192u
#define CHUNK ((size_t)64 << 10) /* a multiple of both */

AUTO_DEFINE(EVP_MD_CTX, EVP_MD_CTX_free);

struct pages {
	int fd;
	const struct pe *pe;
	enum md md;
	const EVP_MD *evp;
	EVP_MD_CTX *ctx;
	size_t page;
	uint8_t *chunk;  /* CHUNK bytes */
	uint64_t hashed; /* bytes so far: no honest image has more than its file */
	struct buf *ret;
};

/* Windows' pages of the machine that the image is for, whatever SectionAlignment says. */
static size_t
page_size(uint16_t machine)
{
	bool large = machine == 0x0200 || machine == 0x0184 || machine == 0x0284;

	return large ? PAGE_LARGE : PAGE; /* ia64, alpha, alpha64 */
}

static bool
add_entry(struct pages *p, uint64_t off, const uint8_t *bytes, size_t n, struct kd_err *e)
{
	uint8_t *at;

	buf_u32le(p->ret, (uint32_t)off);
	at = buf_reserve(p->ret, md_len(p->md));
	if (at == NULL)
		return buf_ok(p->ret, "table of page hashes", e);
	if (EVP_DigestInit_ex(p->ctx, p->evp, NULL) != 1 ||
	    EVP_DigestUpdate(p->ctx, bytes, n) != 1 ||
	    EVP_DigestFinal_ex(p->ctx, at, NULL) != 1)
		return kd_fail(e, KD_E_CRYPTO, "digest: OpenSSL failed");
	return true;
}

/* The headers without CheckSum and the certificate table's entry, filled up with zeros;
 * so the hash is over 12 bytes less than a page. */
static bool
add_headers(struct pages *p, struct kd_err *e)
{
	const struct pe *pe = p->pe;
	uint8_t le[4], *b = p->chunk;
	struct rd r;
	uint32_t len;
	size_t gap = (size_t)pe->secdir_off - pe->checksum_off - 4;

	if (!file_pread_full(
		p->fd, le, sizeof(le), (uint64_t)pe->nt_off + SIZE_OF_HEADERS_OFF, e))
		return false;
	r = rd_init(le, sizeof(le));
	len = rd_u32le(&r, "SizeOfHeaders");
	if (!rd_ok(&r, e))
		return false;
	if (len > p->page)
		return kd_fail(e, KD_E_LIMIT,
		    "SizeOfHeaders is %" PRIu32
		    ": page hashes are known for headers of at most %zu bytes",
		    len, p->page);
	if (len < pe->headers_end || len > pe->image_end)
		return kd_fail(e, KD_E_FORMAT,
		    "SizeOfHeaders is %" PRIu32 "; the headers end at %" PRIu32
		    ", the image at %" PRIu64,
		    len, pe->headers_end, pe->image_end);
	memset(b, 0, p->page);
	if (!file_pread_full(p->fd, b, len, 0, e))
		return false;
	memmove(&b[pe->checksum_off], &b[pe->checksum_off + 4], gap);
	memmove(&b[pe->secdir_off - 4], &b[pe->secdir_off + 8],
	    p->page - (size_t)pe->secdir_off - 8);
	return add_entry(p, 0, b, p->page - 12, e);
}

static bool
add_section(struct pages *p, uint32_t off, uint32_t len, struct kd_err *e)
{
	uint64_t at = off, end = (uint64_t)off + len;

	p->hashed += len;
	if (p->hashed > p->pe->size)
		return kd_fail(e, KD_E_FORMAT,
		    "sections overlap: together they are longer than the file, %" PRIu64
		    " bytes",
		    p->pe->size);
	while (at < end) {
		size_t n = end - at < CHUNK ? (size_t)(end - at) : CHUNK;

		if (!file_pread_full(p->fd, p->chunk, n, at, e))
			return false;
		memset(&p->chunk[n], 0, CHUNK - n); /* the last page may be cut */
		for (size_t i = 0; i < n; i += p->page)
			if (!add_entry(p, at + i, &p->chunk[i], p->page, e))
				return false;
		at += n;
	}
	return true;
}

static bool
add_sections(struct pages *p, struct kd_err *e)
{
	size_t n = p->pe->nsections, len = n * SECTION_LEN;
	AUTO(free) uint8_t *table = kd_alloc(len);
	struct rd r;
	uint64_t end = 0;

	if (table == NULL)
		return kd_fail_nomem(e, "section table");
	if (!file_pread_full(p->fd, table, len, p->pe->headers_end - len, e))
		return false;
	r = rd_init(table, len);
	for (size_t i = 0; i < n; i++) {
		uint32_t size, off;

		rd_skip(&r, 16, "section header");
		size = rd_u32le(&r, "SizeOfRawData");
		off = rd_u32le(&r, "PointerToRawData");
		rd_skip(&r, SECTION_LEN - 24, "section header");
		if (!rd_ok(&r, e))
			return false;
		if (size == 0 || off == 0)
			continue;
		if (!add_section(p, off, size, e))
			return kd_in(e, "section %zu", i + 1);
		end = (uint64_t)off + size;
	}
	buf_u32le(p->ret, (uint32_t)end);
	buf_zero(p->ret, md_len(p->md));
	return buf_ok(p->ret, "table of page hashes", e);
}

bool
pe_pages(int fd, const struct pe *pe, enum md md, struct buf *ret, struct kd_err *e)
{
	AUTO(EVP_MD_CTX_free) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	AUTO(free) uint8_t *chunk = kd_alloc(CHUNK);
	struct pages p = {.fd = fd,
	    .pe = pe,
	    .md = md,
	    .evp = EVP_get_digestbyname(md_name(md)),
	    .ctx = ctx,
	    .page = page_size(pe->machine),
	    .chunk = chunk,
	    .ret = ret};

	if (ctx == NULL || chunk == NULL)
		return kd_fail_nomem(e, "page hashes");
	if (p.evp == NULL)
		return kd_fail(
		    e, KD_E_CRYPTO, "digest %s: not offered by OpenSSL", md_name(md));
	return add_headers(&p, e) && add_sections(&p, e);
}

/* One entry's place in the file; prev is that of the entry before. */
static bool
check_entry(size_t i, size_t n, uint32_t off, uint32_t prev, uint64_t file_size,
    struct kd_err *e)
{
	/* Headers alone: their end is not known, and both are 0. */
	bool only_headers = n == 2 && i == 1 && off == 0;

	if (i == 0 && off != 0)
		return kd_fail(e, KD_E_REQUEST,
		    "entry 0 is for offset %#" PRIx32 ", expected 0: the headers", off);
	if (i > 0 && off <= prev && !only_headers)
		return kd_fail(e, KD_E_REQUEST,
		    "entry %zu is for offset %#" PRIx32
		    ", which does not come after %#" PRIx32,
		    i, off, prev);
	if (off > file_size + 7)
		return kd_fail(e, KD_E_REQUEST,
		    "entry %zu is for offset %#" PRIx32 "; the file has %" PRIu64 " bytes",
		    i, off, file_size);
	return true;
}

bool
pe_pages_check(
    enum md md, const uint8_t *table, size_t len, uint64_t file_size, struct kd_err *e)
{
	static const uint8_t zeros[MD_LEN_MAX];
	size_t entry = 4 + md_len(md), n = len / entry;
	struct rd r = rd_init(table, len);
	const uint8_t *hash = zeros;
	uint32_t off = 0, prev = 0;

	if (len % entry != 0 || n < 2)
		return kd_fail(e, KD_E_REQUEST,
		    "%zu bytes are no table of page hashes: needs at least 2 entries of "
		    "%zu bytes for %s",
		    len, entry, md_name(md));
	for (size_t i = 0; i < n; i++, prev = off) {
		off = rd_u32le(&r, "page offset");
		hash = rd_bytes(&r, md_len(md), "page hash");
		if (!rd_ok(&r, e) || !check_entry(i, n, off, prev, file_size, e))
			return false;
	}
	if (memcmp(hash, zeros, md_len(md)) != 0)
		return kd_fail(e, KD_E_REQUEST,
		    "entry %zu, the last one, has a hash; expected zeros at the end of the "
		    "last section",
		    n - 1);
	return true;
}
