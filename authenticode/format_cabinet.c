/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/format_cabinet.c - the signature of a cabinet: behind it, found by a field
 * of the header that signing makes room for. */
#include <inttypes.h>

#include "authenticode/cab.h"
#include "authenticode/der.h"
#include "authenticode/format.h"
#include "authenticode/format_io.h"
#include "base/file.h"
#include "base/mem.h"

#define ALIGN 8
/* Read into memory whole; real ones stay under 64 KiB. */
#define SIGNATURE_MAX ((size_t)16 << 20)

/* Where things are in a header. */
#define LEN_OFF 8
#define FILES_OFF 16
#define COUNT_FLAGS_OFF 28 /* cFiles, flags */
#define FIXED_LEN 36
#define AREA_LEN 20u                         /* reserved for the signature's place */
#define SIGNED_NAMES_OFF (FIXED_LEN + 4 + AREA_LEN) /* where the neighbours' names are */
#define FOLDER_LEN 8u
#define MARK 0x00100000u

/* ---- headers ---- */

/*
 * The header as it is when all that follows the fixed part begins at names_off: what it
 * says of places moves along. The reserved area is the caller's to fill in.
 */
static bool
move_header(const struct cab *c, uint32_t names_off, uint16_t flags,
    const struct buf *reserve, struct buf *ret, struct kd_err *e)
{
	uint32_t shift = names_off - c->names_off; /* modulo 2^32 */
	struct rd r = rd_init(c->head.p, c->head.len), names;

	buf_add(ret, rd_bytes(&r, FIXED_LEN, "header"), FIXED_LEN);
	buf_patch_u32le(ret, LEN_OFF, c->len + shift);
	buf_patch_u32le(ret, FILES_OFF, c->files_off + shift);
	buf_patch_u32le(ret, COUNT_FLAGS_OFF, c->files_n | (uint32_t)flags << 16);
	if (reserve->len != 0)
		buf_add(ret, reserve->p, reserve->len);
	rd_skip(&r, c->names_off - FIXED_LEN, "reserved area");
	names = rd_sub(&r, c->folders_off - c->names_off, "names");
	buf_add(ret, names.p, names.len);
	for (unsigned i = 0; i < c->folders_n; i++) {
		buf_u32le(ret, rd_u32le(&r, "coffCabStart") + shift);
		buf_u32le(ret, rd_u32le(&r, "cCFData and typeCompress"));
	}
	return rd_end(&r, e) && buf_ok(ret, "cabinet header", e);
}

/* What has no place for a signature and cannot get one. */
static bool
check_signable(const struct cab *c, struct kd_err *e)
{
	if (c->trailing != 0)
		return kd_fail(e, KD_E_FORMAT,
		    "%" PRIu64 " bytes follow the cabinet, which ends at offset 0x%" PRIx32
		    ", expected none: no digest would cover them",
		    c->trailing, c->len);
	if (c->reserve == CAB_RESERVE_OTHER) {
		(void)kd_fail(e, KD_E_FORMAT,
		    "header's reserved area at offset 0x28 holds %u bytes of something "
		    "else, where a signature's place would be",
		    c->reserve_len);
		return kd_hint(e, "make the cabinet again without a reserved area");
	}
	if (c->folder_reserve != 0 || c->data_reserve != 0) {
		(void)kd_fail(e, KD_E_FORMAT,
		    "cbCFFolder and cbCFData at offset 0x26 are %u and %u, expected 0: a "
		    "signed cabinet reserves nothing there",
		    c->folder_reserve, c->data_reserve);
		return kd_hint(e, "make the cabinet again without a reserved area");
	}
	return true;
}

/* The header as it is signed; sig_len with padding. */
static bool
signed_header(const struct cab *c, uint32_t sig_len, struct buf *ret, struct kd_err *e)
{
	uint64_t len = (uint64_t)c->len - c->names_off + SIGNED_NAMES_OFF;
	AUTO(buf_clear) struct buf area = {0};

	if (!check_signable(c, e))
		return false;
	if (len + sig_len > CAB_SIZE_MAX)
		return kd_fail(e, KD_E_LIMIT,
		    "would be %" PRIu64
		    " bytes long with its signature, at most %llu fit",
		    len + sig_len, CAB_SIZE_MAX);
	buf_u32le(&area, AREA_LEN); /* the three sizes; folders and blocks have none */
	buf_u32le(&area, MARK);
	buf_u32le(&area, (uint32_t)len);
	buf_u32le(&area, sig_len);
	buf_zero(&area, 8);
	return buf_ok(&area, "cabinet header", e) &&
	       move_header(c, SIGNED_NAMES_OFF, c->flags | CAB_FLAG_RESERVE, &area, ret, e);
}

/* The same without a place for one. */
static bool
plain_header(const struct cab *c, struct buf *ret, struct kd_err *e)
{
	const struct buf none = {0};

	return move_header(c, FIXED_LEN, c->flags & (CAB_FLAG_PREV | CAB_FLAG_NEXT), &none,
	    ret, e);
}

/* ---- the format ---- */

static bool
recognise(int fd, const char *name)
{
	struct kd_err none = {0};
	uint8_t begin[4] = {0};
	struct rd r = rd_init(begin, sizeof(begin));

	(void)name;
	if (!file_pread_full(fd, begin, sizeof(begin), 0, &none))
		return false;
	rd_magic(&r, "MSCF", 4, "MSCF signature");
	return rd_ok(&r, &none);
}

static void
free_cab(void *state)
{
	cab_clear(state);
	free(state);
}

static bool
open_cabinet(int fd, const char *name, struct format_file *f, struct kd_err *e)
{
	AUTO(cab_dir_clear) struct cab_dir dir = {0};
	struct cab *c = kd_alloc(sizeof(*c));

	(void)name;
	if (c == NULL)
		return kd_fail_nomem(e, "cabinet");
	f->state = c;
	if (!cab_open(fd, c, e) || !cab_dir_read(fd, c, &dir, e))
		return false;
	f->size = c->size;
	f->is_signed = c->sig_len != 0;
	return true;
}

static bool
signable(int fd, const struct format_file *f, struct kd_err *e)
{
	(void)fd;
	return check_signable(f->state, e);
}

/*
 * All of the signed file but reserved1, iCabinet, the sizes of the reserved areas and the
 * place of the signature: facts 2, "Digest".
 */
static bool
digest_cabinet(int fd, const struct format_file *f, enum md md, uint8_t ret[MD_LEN_MAX],
    struct kd_err *e)
{
	const struct cab *c = f->state;
	AUTO(format_hash_free) struct format_hash *h = NULL;
	AUTO(buf_clear) struct buf head = {0};

	return signed_header(c, 0, &head, e) && format_hash_new(md, &h, e) &&
	       format_hash_add(h, &head.p[0], 4, e) &&
	       format_hash_add(h, &head.p[8], 34 - 8, e) &&
	       format_hash_add(h, &head.p[56], head.len - 56, e) &&
	       format_hash_file(h, fd, c->folders_end, c->len, e) &&
	       format_hash_done(h, ret, e);
}

static bool
read_signature(
    int fd, const struct format_file *f, struct buf *ret, struct kd_err *e)
{
	const struct cab *c = f->state;
	AUTO(buf_clear) struct buf b = {0};
	struct tlv whole;
	struct rd r;
	uint8_t *p;

	if (c->sig_len == 0)
		return kd_fail(e, KD_E_UNSIGNED,
		    "has no signature: the header has no place of one");
	if (c->sig_len > SIGNATURE_MAX)
		return kd_fail(e, KD_E_LIMIT,
		    "signature has %" PRIu32 " bytes, at most %zu are accepted",
		    c->sig_len, SIGNATURE_MAX);
	p = buf_reserve(&b, c->sig_len);
	if (!buf_ok(&b, "signature", e) ||
	    !file_pread_full(fd, p, c->sig_len, c->sig_off, e))
		return false;
	r = rd_init_at(p, c->sig_len, c->sig_off);
	if (!der_want(&r, DER_SEQUENCE, "signature", &whole, e))
		return false;
	if (rd_left(&r) >= ALIGN)
		return kd_fail(e, KD_E_FORMAT,
		    "%zu bytes follow the signature, expected fewer than %d, of padding",
		    rd_left(&r), ALIGN);
	while (rd_left(&r) > 0)
		if (rd_u8(&r, "padding") != 0)
			return kd_fail(e, KD_E_FORMAT,
			    "byte at offset 0x%" PRIx64
			    ", behind the signature, is not zero: no digest covers it",
			    r.origin + r.pos - 1);
	buf_add(ret, whole.p, whole.len);
	return buf_ok(ret, "signature", e);
}

/* Header, tables and data, and what follows them. */
static bool
write_cabinet(int fd, const struct cab *c, const struct buf *head, const struct buf *tail,
    int out_fd, struct kd_err *e)
{
	return format_pwrite(out_fd, head->p, head->len, 0, e) &&
	       format_copy(fd, c->folders_end, c->len, out_fd, head->len, e) &&
	       format_pwrite(
		   out_fd, tail->p, tail->len, head->len + c->len - c->folders_end, e);
}

static bool
embed(int fd, const struct format_file *f, const uint8_t *cms, size_t len, int out_fd,
    struct kd_err *e)
{
	const struct cab *c = f->state;
	AUTO(buf_clear) struct buf head = {0}, tail = {0};

	if (cms == NULL) {
		if (c->sig_len == 0)
			return kd_fail(e, KD_E_UNSIGNED,
			    "has no signature: the header has no place of one");
		return plain_header(c, &head, e) &&
		       write_cabinet(fd, c, &head, &tail, out_fd, e);
	}
	if (len == 0 || len > SIGNATURE_MAX - ALIGN)
		return kd_fail(e, KD_E_TOO_LARGE,
		    "signature has %zu bytes, expected 1 to %zu", len,
		    SIGNATURE_MAX - ALIGN);
	buf_add(&tail, cms, len);
	buf_zero(&tail, (ALIGN - len % ALIGN) % ALIGN);
	return buf_ok(&tail, "signature", e) &&
	       signed_header(c, (uint32_t)tail.len, &head, e) &&
	       write_cabinet(fd, c, &head, &tail, out_fd, e);
}

const struct format format_cabinet = {
    .name = "cabinet",
    .spc = SPC_TYPE_CABINET,
    .recognise = recognise,
    .open = open_cabinet,
    .free_state = free_cab,
    .signable = signable,
    .digest = digest_cabinet,
    .signature = read_signature,
    .embed = embed,
};
