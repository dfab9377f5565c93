/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/cat_hash.c - the digests by which a catalog lists a file. */
#include "authenticode/cat_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>

#include "authenticode/pe_digest.h"
#include "authenticode/pe_pages.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/reader.h"

#define CHUNK ((size_t)64 << 10)
#define CAB_HEADER_LEN 36
#define CAB_RESERVED_OFF 4 /* reserved1: four bytes that the digest leaves out */
#define CAB_LENGTH_OFF 8   /* cbCabinet */
#define CAB_FLAGS_OFF 30
#define CAB_RESERVE 4

AUTO_DEFINE(EVP_MD_CTX, EVP_MD_CTX_free);

void
cat_hash_clear(struct cat_hash *h)
{
	buf_clear(&h->pages);
	*h = (struct cat_hash){0};
}

/* A file's bytes without [from, to), into SHA-1 and, where wanted, SHA-256. */
struct stream {
	int fd;
	uint64_t size;
	uint64_t skip_from, skip_to;
};

static bool
hash_stream(
    const struct stream *s, EVP_MD_CTX *sha1, EVP_MD_CTX *sha256, struct kd_err *e)
{
	AUTO(free) uint8_t *chunk = kd_alloc(CHUNK);
	uint64_t off = 0;

	if (chunk == NULL)
		return kd_fail_nomem(e, "read buffer");
	while (off < s->size) {
		uint64_t end = off < s->skip_from ? s->skip_from : s->size;
		size_t n;

		if (off == s->skip_from && s->skip_to > off) {
			off = s->skip_to;
			continue;
		}
		n = end - off < CHUNK ? (size_t)(end - off) : CHUNK;
		if (!file_pread_full(s->fd, chunk, n, off, e))
			return false;
		if (EVP_DigestUpdate(sha1, chunk, n) != 1 ||
		    (sha256 != NULL && EVP_DigestUpdate(sha256, chunk, n) != 1))
			return kd_fail(e, KD_E_CRYPTO, "digest: OpenSSL failed");
		off += n;
	}
	return true;
}

static bool
hash_bytes(const struct stream *s, enum cat_version version, struct cat_hash *ret,
    struct kd_err *e)
{
	AUTO(EVP_MD_CTX_free) EVP_MD_CTX *sha1 = EVP_MD_CTX_new();
	AUTO(EVP_MD_CTX_free) EVP_MD_CTX *sha256 = EVP_MD_CTX_new();
	bool two = version == CAT_V2;

	if (sha1 == NULL || sha256 == NULL)
		return kd_fail_nomem(e, "digest");
	(void)posix_fadvise(s->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	if (EVP_DigestInit_ex(sha1, EVP_sha1(), NULL) != 1 ||
	    EVP_DigestInit_ex(sha256, EVP_sha256(), NULL) != 1)
		return kd_fail(e, KD_E_CRYPTO, "digest: OpenSSL failed");
	if (!hash_stream(s, sha1, two ? sha256 : NULL, e))
		return false;
	if (EVP_DigestFinal_ex(sha1, ret->sha1, NULL) != 1 ||
	    (two && EVP_DigestFinal_ex(sha256, ret->sha256, NULL) != 1))
		return kd_fail(e, KD_E_CRYPTO, "digest: OpenSSL failed");
	return true;
}

/*
 * All but reserved1 (where a signing tool keeps a checksum); beside it the digest of
 * cbCabinet. With a reserved area the offsets differ from one tool to the next, and what
 * MakeCat does is not known.
 */
static bool
hash_cab(const struct stream *file, enum cat_version version, struct cat_hash *ret,
    struct kd_err *e)
{
	struct stream s = *file;
	uint8_t header[CAB_HEADER_LEN];
	struct rd r = rd_init(header, sizeof(header));
	uint32_t length;
	uint16_t flags;
	const EVP_MD *md = version == CAT_V2 ? EVP_sha256() : EVP_sha1();

	if (s.size < CAB_HEADER_LEN)
		return kd_fail(e, KD_E_FORMAT,
		    "cabinet header needs %d bytes; the file ends at %" PRIu64,
		    CAB_HEADER_LEN, s.size);
	if (!file_pread_full(s.fd, header, sizeof(header), 0, e))
		return false;
	rd_magic(&r, "MSCF", 4, "cabinet signature");
	rd_skip(&r, CAB_LENGTH_OFF - 4, "reserved1");
	length = rd_u32le(&r, "cbCabinet");
	rd_skip(&r, CAB_FLAGS_OFF - CAB_LENGTH_OFF - 4, "cabinet header");
	flags = rd_u16le(&r, "cabinet flags");
	if (!rd_ok(&r, e))
		return false;
	if ((flags & CAB_RESERVE) != 0)
		return kd_fail(e, KD_E_FORMAT,
		    "a cabinet with a reserved area: signed, or made to be; only one "
		    "without can be listed");
	if (length != s.size)
		return kd_fail(e, KD_E_FORMAT,
		    "cbCabinet at offset 0x8 says %" PRIu32
		    " bytes; the file has %" PRIu64,
		    length, s.size);
	if (EVP_Digest(&header[CAB_LENGTH_OFF], 4, ret->cab_header, NULL, md, NULL) != 1)
		return kd_fail(e, KD_E_CRYPTO, "digest: OpenSSL failed");
	s.skip_from = CAB_RESERVED_OFF;
	s.skip_to = CAB_RESERVED_OFF + 4;
	return hash_bytes(&s, version, ret, e);
}

static bool
hash_pe(int fd, const struct pe *pe, const struct cat_hash_options *o,
    struct cat_hash *ret, struct kd_err *e)
{
	struct pe_digest d = {
	    .md = {MD_SHA1, o->version == CAT_V2 ? MD_SHA256 : MD_NONE}};

	if (pe->mapped_table != 0)
		return kd_fail(e, KD_E_FORMAT,
		    "section %u maps the certificate table, which no digest covers",
		    pe->mapped_table);
	if (!pe_digest(fd, pe, &d, e))
		return false;
	memcpy(ret->sha1, d.digest[0], sizeof(ret->sha1));
	memcpy(ret->sha256, d.digest[1], sizeof(ret->sha256));
	ret->pages.max = CAT_LEN_MAX;
	return !o->page_hashes ||
	       pe_pages(
		   fd, pe, o->version == CAT_V2 ? MD_SHA256 : MD_SHA1, &ret->pages, e) ||
	       kd_in(e, "page hashes");
}

/* What the first bytes say, and for PE the headers. */
static bool
find_subject(const struct stream *s, const struct cat_hash_options *o, struct pe *ret_pe,
    struct cat_hash *ret, struct kd_err *e)
{
	char magic[4] = {0};
	struct kd_err damaged = {0};

	ret->subject = CAT_FLAT;
	if (o->as_is) {
		ret->subject = o->subject;
		return o->subject != CAT_PE || pe_open(s->fd, ret_pe, e);
	}
	if (s->size >= sizeof(magic) &&
	    !file_pread_full(s->fd, magic, sizeof(magic), 0, e))
		return false;
	if (memcmp(magic, "MSCF", 4) == 0) {
		ret->subject = CAT_CAB;
	} else if (memcmp(magic, "MZ", 2) == 0) {
		if (pe_open(s->fd, ret_pe, &damaged)) {
			ret->subject = CAT_PE;
		} else if (damaged.code == KD_E_FORMAT) {
			(void)snprintf(
			    ret->doubt, sizeof(ret->doubt), "%.199s", damaged.msg);
		} else {
			*e = damaged;
			return false;
		}
	}
	return true;
}

bool
cat_hash(int fd, const struct cat_hash_options *o, struct cat_hash *ret, struct kd_err *e)
{
	AUTO(cat_hash_clear) struct cat_hash h = {0};
	struct stream s = {.fd = fd};
	struct stat st;
	struct pe pe;
	bool ok;

	if (fstat(fd, &st) != 0)
		return kd_fail_errno(e, KD_E_FILE, errno, "cannot be examined");
	s.size = h.size = (uint64_t)st.st_size;
	if (!find_subject(&s, o, &pe, &h, e))
		return false;
	if (h.subject == CAT_PE)
		ok = hash_pe(fd, &pe, o, &h, e);
	else if (h.subject == CAT_CAB)
		ok = hash_cab(&s, o->version, &h, e);
	else
		ok = hash_bytes(&s, o->version, &h, e);
	if (!ok)
		return false;
	*ret = h;
	h = (struct cat_hash){0};
	return true;
}
