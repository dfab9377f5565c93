/* SPDX-License-Identifier: Apache-2.0 */
/* driver/cab_data.c - a cabinet's data blocks. */
#include "driver/cab_data.h"

#include <inttypes.h>

#include "authenticode/format_io.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/reader.h"
#include "base/text.h"

#define HEADER_LEN 8u
/* Data that deflate makes longer, and "CK". */
#define PACKED_MAX (CAB_BLOCK_MAX + 12)

struct walk {
	int fd;
	const struct cab *c;
	uint8_t *buf;   /* PACKED_MAX */
	uint64_t off;   /* of the next block */
	uint64_t total; /* unpacked, of all folders */
	bool no_sum;    /* a block without was among them */
	int out_fd;     /* where sums are put that lack; -1: nowhere */
};

/*
 * The sum of a block: its data as 32-bit numbers, the rest of up to three bytes with the
 * first one highest; then its two lengths.
 */
static uint32_t
block_sum(const uint8_t *p, size_t n, uint16_t packed, uint16_t unpacked)
{
	struct rd r = rd_init(p, n);
	uint32_t sum = packed | (uint32_t)unpacked << 16, rest = 0;

	while (rd_left(&r) >= 4)
		sum ^= rd_u32le(&r, "data");
	while (rd_left(&r) > 0)
		rest = rest << 8 | rd_u8(&r, "data");
	return sum ^ rest;
}

/* Lengths that are possible for a block: all but the last are whole ones. */
static bool
check_lengths(uint16_t compression, bool last, uint16_t packed, uint16_t unpacked,
    struct kd_err *e)
{
	if (unpacked == 0 || unpacked > CAB_BLOCK_MAX ||
	    (!last && unpacked != CAB_BLOCK_MAX))
		return kd_fail(e, KD_E_FORMAT, "cbUncomp is %u, expected %s%u", unpacked,
		    last ? "1 to " : "", CAB_BLOCK_MAX);
	if (compression == CAB_COMPRESS_NONE && packed != unpacked)
		return kd_fail(e, KD_E_FORMAT,
		    "cbData is %u, expected %u (cbUncomp) of what is not compressed",
		    packed, unpacked);
	if (packed < 1 || packed > PACKED_MAX)
		return kd_fail(e, KD_E_FORMAT, "cbData is %u, expected 1 to %u", packed,
		    PACKED_MAX);
	return true;
}

/* at: of the block's header */
static bool
put_sum(const struct walk *w, uint64_t at, uint32_t sum, struct kd_err *e)
{
	AUTO(buf_clear) struct buf b = {0};

	buf_u32le(&b, sum);
	return buf_ok(&b, "sum", e) && format_pwrite(w->out_fd, b.p, b.len, at, e);
}

static bool
check_content(struct walk *w, uint16_t compression, uint32_t sum, uint16_t packed,
    uint16_t unpacked, struct kd_err *e)
{
	uint32_t got = block_sum(w->buf, packed, packed, unpacked);
	struct rd r = rd_init(w->buf, packed);

	if (sum == 0 && got != 0) {
		w->no_sum = true;
		if (w->out_fd >= 0 && !put_sum(w, w->off - HEADER_LEN, got, e))
			return false;
	}
	if (sum != 0 && sum != got)
		return kd_fail(e, KD_E_FORMAT,
		    "csum is 0x%08" PRIx32 ", the data's sum is 0x%08" PRIx32
		    ": it is damaged",
		    sum, got);
	if (compression == CAB_COMPRESS_MSZIP)
		rd_magic(&r, "CK", 2, "MSZIP signature");
	return rd_ok(&r, e);
}

static bool
check_block(struct walk *w, uint16_t compression, bool last, struct kd_err *e)
{
	uint8_t head[HEADER_LEN];
	struct rd r = rd_init_at(head, sizeof(head), w->off);
	uint32_t sum;
	uint16_t packed, unpacked;

	if (w->c->len - w->off < HEADER_LEN)
		return kd_fail(e, KD_E_FORMAT,
		    "would begin at offset 0x%" PRIx64
		    ", too near to the cabinet's end at 0x%" PRIx32,
		    w->off, w->c->len);
	if (!file_pread_full(w->fd, head, sizeof(head), w->off, e))
		return false;
	sum = rd_u32le(&r, "csum");
	packed = rd_u16le(&r, "cbData");
	unpacked = rd_u16le(&r, "cbUncomp");
	if (!check_lengths(compression, last, packed, unpacked, e))
		return false;
	w->off += HEADER_LEN;
	if (packed > w->c->len - w->off)
		return kd_fail(e, KD_E_FORMAT,
		    "cbData is %u, but the cabinet has %" PRIu64 " bytes more", packed,
		    w->c->len - w->off);
	if (!file_pread_full(w->fd, w->buf, packed, w->off, e) ||
	    !check_content(w, compression, sum, packed, unpacked, e))
		return false;
	w->off += packed;
	w->total += unpacked;
	return true;
}

static bool
check_size(const struct walk *w, struct kd_err *e)
{
	if (w->total > CAB_UNPACK_MAX)
		return kd_fail(e, KD_E_LIMIT,
		    "unpacks to more than %" PRIu64 " bytes, the most accepted",
		    CAB_UNPACK_MAX);
	if (w->total > CAB_UNPACK_FREE && w->total / CAB_UNPACK_TIMES > w->c->len)
		return kd_fail(e, KD_E_LIMIT,
		    "unpacks to more than %u times its size, which no driver does",
		    CAB_UNPACK_TIMES);
	return true;
}

/* ret_len: of what its files are in */
static bool
check_folder(struct walk *w, const struct cab_folder *f, uint64_t *ret_len,
    struct kd_err *e)
{
	unsigned compression = f->compression & CAB_COMPRESS_MASK;
	uint64_t before = w->total;

	if (compression != CAB_COMPRESS_NONE && compression != CAB_COMPRESS_MSZIP)
		return kd_fail(e, KD_E_FORMAT,
		    "typeCompress is 0x%04x, expected 1 (MSZIP) or 0 (not compressed)",
		    f->compression);
	if (f->data_off < w->off)
		return kd_fail(e, KD_E_FORMAT,
		    "coffCabStart is %" PRIu32
		    ", expected %" PRIu64 " (the end of the folder before) at least",
		    f->data_off, w->off);
	w->off = f->data_off;
	for (unsigned i = 0; i < f->blocks; i++)
		if (!check_block(w, (uint16_t)compression, i + 1u == f->blocks, e) ||
		    !check_size(w, e))
			return kd_in(e, "block %u of %u", i + 1, f->blocks);
	*ret_len = w->total - before;
	return true;
}

/* Files one behind the other in their folders. ends: by folder */
static bool
check_files(const struct cab_dir *d, const uint64_t *lens, uint64_t *ends,
    struct kd_err *e)
{
	for (size_t i = 0; i < d->files_n; i++) {
		const struct cab_file *f = &d->files[i];

		if (f->folder >= d->folders_n)
			return kd_fail(e, KD_E_FORMAT,
			    "'%s' goes on in another cabinet of its set", SHOW(f->name));
		if (f->off < ends[f->folder])
			return kd_fail(e, KD_E_FORMAT,
			    "'%s': uoffFolderStart is %" PRIu32 ", expected %" PRIu64
			    " (the end of the file before) at least",
			    SHOW(f->name), f->off, ends[f->folder]);
		ends[f->folder] = (uint64_t)f->off + f->size;
		if (ends[f->folder] > lens[f->folder])
			return kd_fail(e, KD_E_FORMAT,
			    "'%s' ends %" PRIu64 " bytes behind the data of folder %u",
			    SHOW(f->name), ends[f->folder] - lens[f->folder],
			    f->folder + 1u);
	}
	return true;
}

static bool
walk_all(struct walk *w, const struct cab_dir *d, struct kd_err *e)
{
	AUTO(free) uint8_t *buf = kd_alloc(PACKED_MAX);
	AUTO(free) uint64_t *lens = kd_alloc_array(d->folders_n, sizeof(*lens));
	AUTO(free) uint64_t *ends = kd_alloc_array(d->folders_n, sizeof(*ends));

	if (buf == NULL || lens == NULL || ends == NULL)
		return kd_fail_nomem(e, "cabinet's folders");
	w->buf = buf;
	w->off = d->end;
	for (size_t i = 0; i < d->folders_n; i++)
		if (!check_folder(w, &d->folders[i], &lens[i], e))
			return kd_in(e, "folder %zu of %zu", i + 1, d->folders_n);
	w->buf = NULL;
	return check_files(d, lens, ends, e);
}

bool
cab_data_check(int fd, const struct cab *c, const struct cab_dir *d, bool *ret_sums,
    struct kd_err *e)
{
	struct walk w = {.fd = fd, .c = c, .out_fd = -1};

	if ((c->flags & (CAB_FLAG_PREV | CAB_FLAG_NEXT)) != 0)
		return kd_fail(e, KD_E_FORMAT,
		    "is one of a set of cabinets, expected one that stands alone");
	if (c->folder_reserve != 0 || c->data_reserve != 0)
		return kd_fail(e, KD_E_FORMAT,
		    "cbCFFolder and cbCFData at offset 0x26 are %u and %u, expected 0",
		    c->folder_reserve, c->data_reserve);
	if (!walk_all(&w, d, e))
		return false;
	*ret_sums = !w.no_sum;
	return true;
}

bool
cab_data_add_sums(int fd, const struct cab *c, const struct cab_dir *d, int out_fd,
    struct kd_err *e)
{
	struct walk w = {.fd = fd, .c = c, .out_fd = out_fd};

	return format_copy(fd, 0, c->size, out_fd, 0, e) && walk_all(&w, d, e);
}
