/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/cab.c - a cabinet's header. */
#include "authenticode/cab.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/num.h"
#include "base/reader.h"

#define FIXED_LEN 36u
#define SIZES_LEN 4u /* of the three reserved areas */
#define FOLDER_LEN 8u
#define VERSION 0x0103
#define MARK 0x00100000u /* begins a reserved area that says where the signature is */
#define MARK_AREA_LEN 20u

void
cab_clear(struct cab *c)
{
	buf_clear(&c->head);
	*c = (struct cab){0};
}

static bool
file_size(int fd, uint64_t *ret, struct kd_err *e)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return kd_fail_errno(e, KD_E_FILE, errno, "size");
	if ((uint64_t)st.st_size > CAB_SIZE_MAX)
		return kd_fail(e, KD_E_LIMIT,
		    "%" PRIu64 " bytes, a cabinet has at most %llu",
		    (uint64_t)st.st_size, CAB_SIZE_MAX);
	*ret = (uint64_t)st.st_size;
	return true;
}

/* The bytes from offset from to offset to, behind those that head has. */
static bool
read_on(int fd, uint64_t from, uint64_t to, struct buf *head, struct kd_err *e)
{
	uint8_t *p;

	if (from == to)
		return true;
	p = buf_reserve(head, (size_t)(to - from));
	return buf_ok(head, "cabinet header", e) &&
	       file_pread_full(fd, p, (size_t)(to - from), from, e);
}

static bool
check_fixed(const struct cab *c, uint32_t reserved1, uint16_t version, struct kd_err *e)
{
	if (reserved1 != 0)
		return kd_fail(e, KD_E_FORMAT,
		    "reserved1 at offset 0x4 is 0x%" PRIx32 ", expected 0", reserved1);
	if (version != VERSION)
		return kd_fail(e, KD_E_FORMAT,
		    "version at offset 0x18 is %u.%u, expected 1.3", version >> 8,
		    version & 0xff);
	if ((c->flags & ~(CAB_FLAG_PREV | CAB_FLAG_NEXT | CAB_FLAG_RESERVE)) != 0)
		return kd_fail(e, KD_E_FORMAT,
		    "flags at offset 0x1e is 0x%04x, expected none but 1, 2 and 4",
		    c->flags);
	if (c->len < FIXED_LEN || c->len > c->size)
		return kd_fail(e, KD_E_FORMAT,
		    "cbCabinet at offset 0x8 is %" PRIu32 ", expected %u to %" PRIu64
		    " (the file's end)",
		    c->len, FIXED_LEN, c->size);
	if (c->files_off < FIXED_LEN || c->files_off > c->len)
		return kd_fail(e, KD_E_FORMAT,
		    "coffFiles at offset 0x10 is %" PRIu32 ", expected %u to %" PRIu32
		    " (cbCabinet)",
		    c->files_off, FIXED_LEN, c->len);
	return true;
}

/* CFHEADER up to iCabinet. */
static bool
read_fixed(int fd, struct cab *c, struct kd_err *e)
{
	size_t n = c->size < FIXED_LEN ? (size_t)c->size : FIXED_LEN;
	uint32_t reserved1;
	uint16_t version;
	struct rd r;

	if (!read_on(fd, 0, n, &c->head, e))
		return false;
	r = rd_init(c->head.p, c->head.len);
	rd_magic(&r, "MSCF", 4, "MSCF signature");
	reserved1 = rd_u32le(&r, "reserved1");
	c->len = rd_u32le(&r, "cbCabinet");
	rd_skip(&r, 4, "reserved2");
	c->files_off = rd_u32le(&r, "coffFiles");
	rd_skip(&r, 4, "reserved3");
	version = rd_u16le(&r, "version");
	c->folders_n = rd_u16le(&r, "cFolders");
	c->files_n = rd_u16le(&r, "cFiles");
	c->flags = rd_u16le(&r, "flags");
	rd_skip(&r, 4, "setID and iCabinet");
	return rd_ok(&r, e) && check_fixed(c, reserved1, version, e);
}

static bool
all_zero(struct rd r)
{
	while (rd_left(&r) > 0)
		if (rd_u8(&r, "reserved area") != 0)
			return false;
	return true;
}

/*
 * Where the signature is. Most of this is covered by no digest, so that nothing but the
 * one right value will do.
 */
static bool
read_pointer(struct rd area, struct cab *c, struct kd_err *e)
{
	uint64_t off, len;

	rd_skip(&area, 4, "mark");
	off = rd_u32le(&area, "signature's offset");
	len = rd_u32le(&area, "signature's length");
	if (!all_zero(area))
		return kd_fail(e, KD_E_FORMAT,
		    "last 8 bytes of the reserved area at offset 0x34 are not zero");
	if (c->folder_reserve != 0 || c->data_reserve != 0)
		return kd_fail(e, KD_E_FORMAT,
		    "cbCFFolder and cbCFData at offset 0x26 are %u and %u, expected 0 in "
		    "a cabinet with a place for a signature",
		    c->folder_reserve, c->data_reserve);
	if (len == 0 && (off == 0 || off == c->len))
		return true;
	if (off != c->len)
		return kd_fail(e, KD_E_FORMAT,
		    "signature's offset at offset 0x2c is %" PRIu64 ", expected %" PRIu32
		    " (cbCabinet)",
		    off, c->len);
	if (len != c->size - off)
		return kd_fail(e, KD_E_FORMAT,
		    "signature's length at offset 0x30 is %" PRIu64 ", expected %" PRIu64
		    " (up to the file's end)",
		    len, c->size - off);
	c->sig_off = (uint32_t)off;
	c->sig_len = (uint32_t)len;
	return true;
}

/* The three sizes and the header's own area. */
static bool
read_reserve(struct rd *r, struct cab *c, struct kd_err *e)
{
	struct rd area, begin;

	if ((c->flags & CAB_FLAG_RESERVE) == 0)
		return true;
	c->reserve_len = rd_u16le(r, "cbCFHeader");
	c->folder_reserve = rd_u8(r, "cbCFFolder");
	c->data_reserve = rd_u8(r, "cbCFData");
	if (rd_ok(r, e) && c->reserve_len > CAB_RESERVE_MAX)
		return kd_fail(e, KD_E_FORMAT,
		    "cbCFHeader at offset 0x24 is %u, expected at most %u",
		    c->reserve_len, CAB_RESERVE_MAX);
	begin = area = rd_sub(r, c->reserve_len, "abReserve");
	if (!rd_ok(r, e))
		return false;
	if (all_zero(area)) {
		c->reserve = CAB_RESERVE_EMPTY;
	} else if (c->reserve_len == MARK_AREA_LEN && rd_u32le(&begin, "mark") == MARK) {
		c->reserve = CAB_RESERVE_SIGNATURE;
		return read_pointer(area, c, e);
	} else {
		c->reserve = CAB_RESERVE_OTHER;
	}
	return true;
}

static bool
skip_name(struct rd *r, const char *what, struct kd_err *e)
{
	size_t at = r->pos;

	for (unsigned i = 0; i < CAB_NAME_MAX && rd_ok(r, e); i++)
		if (rd_u8(r, what) == 0)
			return rd_ok(r, e);
	return kd_fail(e, KD_E_FORMAT, "%s at offset 0x%zx has no end within %u bytes",
	    what, at, CAB_NAME_MAX);
}

/* The names of the cabinets before and after in a set, and of the disks they are on. */
static bool
skip_names(struct rd *r, uint16_t flags, struct kd_err *e)
{
	if ((flags & CAB_FLAG_PREV) != 0 &&
	    (!skip_name(r, "szCabinetPrev", e) || !skip_name(r, "szDiskPrev", e)))
		return false;
	return (flags & CAB_FLAG_NEXT) == 0 ||
	       (skip_name(r, "szCabinetNext", e) && skip_name(r, "szDiskNext", e));
}

/* What follows the fixed part, up to the end of the table of folders. */
static bool
read_rest(int fd, struct cab *c, struct kd_err *e)
{
	uint64_t most = FIXED_LEN + SIZES_LEN + CAB_RESERVE_MAX + 4 * CAB_NAME_MAX +
			(uint64_t)c->folders_n * (FOLDER_LEN + UINT8_MAX);
	struct rd r;

	if (!read_on(fd, FIXED_LEN, c->files_off < most ? c->files_off : most, &c->head, e))
		return false;
	r = rd_init(c->head.p, c->head.len);
	rd_skip(&r, FIXED_LEN, "header");
	if (!read_reserve(&r, c, e))
		return false;
	c->names_off = (uint32_t)r.pos;
	if (!skip_names(&r, c->flags, e))
		return false;
	c->folders_off = (uint32_t)r.pos;
	rd_skip(&r, (size_t)c->folders_n * (FOLDER_LEN + c->folder_reserve),
	    "table of folders, in front of coffFiles");
	c->folders_end = (uint32_t)r.pos;
	return rd_ok(&r, e);
}

bool
cab_open(int fd, struct cab *ret, struct kd_err *e)
{
	AUTO(cab_clear) struct cab c = {0};

	if (!file_size(fd, &c.size, e) || !read_fixed(fd, &c, e) || !read_rest(fd, &c, e))
		return false;
	c.head.len = c.folders_end; /* what follows is the tables' */
	c.trailing = c.sig_len != 0 ? 0 : c.size - c.len;
	*ret = c;
	c = (struct cab){0}; /* moved out */
	return true;
}
