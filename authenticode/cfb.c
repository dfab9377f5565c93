/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/cfb.c - the header of a compound file, its tables of sectors, and chains in them. */
#include "authenticode/cfb.h"

#include <inttypes.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"

static const uint8_t magic[8] = {0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1};

bool
cfb_is_magic(const uint8_t *p, size_t n)
{
	return n >= sizeof(magic) && memcmp(p, magic, sizeof(magic)) == 0;
}

uint32_t
cfb_u32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	    (uint32_t)p[3] << 24;
}

void
cfb_put_u32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

static uint32_t
u16_at(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}

uint64_t
cfb_sector_off(const struct cfb *c, uint32_t sector)
{
	return ((uint64_t)sector + 1) * c->sector_len;
}

/* ---- tables and chains ---- */

bool
cfb_is_used(const struct cfb_table *t, uint32_t i)
{
	return (t->used[i / 8] >> (i % 8) & 1) != 0;
}

void
cfb_set_used(struct cfb_table *t, uint32_t i, bool used)
{
	uint8_t bit = (uint8_t)(1 << (i % 8));

	t->used[i / 8] = (uint8_t)(used ? t->used[i / 8] | bit : t->used[i / 8] & ~bit);
}

bool
cfb_chain_add(struct cfb_chain *c, uint32_t sector, struct kd_err *e)
{
	if (c->n == c->cap) {
		size_t cap = c->cap == 0 ? 64 : c->cap * 2;
		uint32_t *v = kd_realloc_array(c->v, cap, sizeof(*v));

		if (v == NULL)
			return kd_fail_nomem(e, "chain of sectors");
		c->v = v;
		c->cap = cap;
	}
	c->v[c->n++] = sector;
	return true;
}

bool
cfb_table_grow(struct cfb_table *t, uint64_t cap, struct kd_err *e)
{
	size_t old = ((size_t)t->cap + 7) / 8, bytes = ((size_t)cap + 7) / 8;
	uint32_t *next = kd_realloc_array(t->next, (size_t)cap, sizeof(*next));
	uint8_t *used;

	if (next == NULL)
		return kd_fail_nomem(e, "table of sectors");
	t->next = next;
	used = kd_realloc_array(t->used, bytes, 1);
	if (used == NULL)
		return kd_fail_nomem(e, "table of sectors");
	t->used = used;
	memset(&used[old], 0, bytes - old);
	for (uint64_t i = t->cap; i < cap; i++)
		next[i] = CFB_FREE;
	t->cap = (uint32_t)cap;
	return true;
}

bool
cfb_walk(struct cfb_table *t, uint32_t start, uint64_t need, const char *what,
    struct cfb_chain *ret, struct kd_err *e)
{
	const char *where = "begins in";
	uint64_t got = 0;

	for (uint32_t s = start; s != CFB_END; s = t->next[s], got++) {
		if (got > 0)
			where = "goes on in";
		if (s >= t->n)
			return kd_fail(e, KD_E_FORMAT,
			    "%s: its chain %s %s 0x%" PRIx32 " after %" PRIu64
			    " of them, expected one of the %" PRIu32 " that are there, or "
			    "the end 0xfffffffe",
			    what, where, t->unit, s, got, t->n);
		if (cfb_is_used(t, s))
			return kd_fail(e, KD_E_FORMAT,
			    "%s: its chain %s %s 0x%" PRIx32 " after %" PRIu64
			    " of them, which is in use already, expected a free one: a "
			    "cycle, or two chains that meet",
			    what, where, t->unit, s, got);
		cfb_set_used(t, s, true);
		if (ret != NULL && !cfb_chain_add(ret, s, e))
			return false;
	}
	if (got < need)
		return kd_fail(e, KD_E_FORMAT,
		    "%s: its chain ends after %" PRIu64 " %ss, expected %" PRIu64 " for its size",
		    what, got, t->unit, need);
	return true;
}

/* The entries of a table, from the sectors that it stands in. */
static bool
read_entries(int fd, const struct cfb *c, struct cfb_table *t, const char *name,
    struct kd_err *e)
{
	uint8_t sector[4096];
	uint32_t per = c->sector_len / 4;

	for (size_t i = 0; i < t->at.n; i++) {
		if (!file_pread_full(
			fd, sector, c->sector_len, cfb_sector_off(c, t->at.v[i]), e))
			return false;
		for (uint32_t k = 0; k < per; k++) {
			uint32_t v = cfb_u32(&sector[4 * k]);

			if (v >= t->cap && v < CFB_DIFSECT)
				return kd_fail(e, KD_E_FORMAT,
				    "%s: %s 0x%zx is followed by 0x%" PRIx32
				    ", expected less than 0x%" PRIx32
				    " or one of the special values from 0xfffffffc on",
				    name, t->unit, i * per + k, v, t->cap);
			t->next[i * per + k] = v;
		}
	}
	return true;
}

/* ---- the FAT ---- */

/* A sector that holds a part of the FAT or of the DIFAT. */
static bool
claim(struct cfb *c, uint32_t sector, uint64_t sectors, const char *what, size_t i,
    struct cfb_chain *ret, struct kd_err *e)
{
	if (sector >= sectors)
		return kd_fail(e, KD_E_FORMAT,
		    "%s %zu is said to be in sector 0x%" PRIx32
		    ", expected one of the %" PRIu64 " that are there",
		    what, i, sector, sectors);
	if (sector < c->fat.n) {
		if (cfb_is_used(&c->fat, sector))
			return kd_fail(e, KD_E_FORMAT,
			    "%s %zu is said to be in sector 0x%" PRIx32
			    ", which is in use already, expected one of its own",
			    what, i, sector);
		cfb_set_used(&c->fat, sector, true);
	}
	return cfb_chain_add(ret, sector, e);
}

/* Which sectors the FAT stands in: 109 are named in the header, more of them in the DIFAT. */
static bool
find_fat(int fd, struct cfb *c, uint32_t fat_n, uint64_t sectors, struct kd_err *e)
{
	uint32_t per = c->sector_len / 4 - 1, next = cfb_u32(&c->header[CFB_HEAD_DIFAT]);
	uint8_t sector[4096];

	for (uint32_t i = 0; i < fat_n; i++) {
		uint32_t slot = i < CFB_DIFAT_HEADER ? i : (i - CFB_DIFAT_HEADER) % per;

		if (i >= CFB_DIFAT_HEADER && slot == 0) {
			if (!claim(c, next, sectors, "DIFAT sector", c->difat.n, &c->difat,
				e) ||
			    !file_pread_full(
				fd, sector, c->sector_len, cfb_sector_off(c, next), e))
				return false;
			next = cfb_u32(&sector[4 * per]);
		}
		if (!claim(c,
			cfb_u32(i < CFB_DIFAT_HEADER
				? &c->header[CFB_HEAD_FAT_AT + 4 * slot]
				: &sector[4 * slot]),
			sectors, "FAT sector", i, &c->fat.at, e))
			return false;
	}
	return true;
}

static bool
read_fat(int fd, struct cfb *c, struct kd_err *e)
{
	uint64_t sectors = c->size / c->sector_len - 1, per = c->sector_len / 4;
	uint32_t fat_n = cfb_u32(&c->header[CFB_HEAD_FAT_N]);
	uint32_t difat_n = cfb_u32(&c->header[CFB_HEAD_DIFAT_N]);
	uint64_t most = (sectors + per - 1) / per + CFB_SPARE_SECTORS, want;

	if (fat_n == 0 || fat_n > most)
		return kd_fail(e, KD_E_FORMAT,
		    "header: the FAT has %" PRIu32 " sectors, expected 1 to %" PRIu64
		    " in a file of %" PRIu64 " bytes",
		    fat_n, most, c->size);
	want = fat_n <= CFB_DIFAT_HEADER ? 0
					 : (fat_n - CFB_DIFAT_HEADER + per - 2) / (per - 1);
	if (difat_n != want)
		return kd_fail(e, KD_E_FORMAT,
		    "header: the DIFAT has %" PRIu32 " sectors, expected %" PRIu64
		    " for the %" PRIu32 " of the FAT",
		    difat_n, want, fat_n);
	if (!cfb_table_grow(&c->fat, fat_n * per, e))
		return false;
	c->fat.n = sectors < c->fat.cap ? (uint32_t)sectors : c->fat.cap;
	c->trailing = c->size - ((uint64_t)c->fat.n + 1) * c->sector_len;
	return find_fat(fd, c, fat_n, sectors, e) &&
	    read_entries(fd, c, &c->fat, "FAT", e);
}

/* ---- the header ---- */

static bool
want_u16(const struct cfb *c, enum cfb_header_field at, uint32_t want, const char *what,
    struct kd_err *e)
{
	uint32_t got = u16_at(&c->header[at]);

	if (got != want)
		return kd_fail(e, KD_E_FORMAT,
		    "header: %s at offset 0x%x is 0x%" PRIx32 ", expected 0x%" PRIx32
		    " ([MS-CFB] 2.2)",
		    what, (unsigned)at, got, want);
	return true;
}

static bool
read_header(int fd, struct cfb *c, struct kd_err *e)
{
	uint32_t major, cutoff;

	if (c->size > CFB_SIZE_MAX)
		return kd_fail(e, KD_E_LIMIT,
		    "has %" PRIu64 " bytes, at most %" PRIu64 " are accepted: more than "
		    "Windows Installer reads",
		    c->size, CFB_SIZE_MAX);
	if (c->size < 3 * 512)
		return kd_fail(e, KD_E_FORMAT,
		    "has %" PRIu64 " bytes, expected 1536 at least: header, FAT and directory",
		    c->size);
	if (!file_pread_full(fd, c->header, sizeof(c->header), 0, e))
		return false;
	if (!cfb_is_magic(c->header, sizeof(c->header)))
		return kd_fail(e, KD_E_FORMAT, "header: is not that of a compound file");
	major = u16_at(&c->header[CFB_HEAD_MAJOR]);
	if (major != 3 && major != 4)
		return kd_fail(e, KD_E_FORMAT,
		    "header: major version is %" PRIu32 ", expected 3 or 4", major);
	c->sector_len = major == 3 ? 512 : 4096;
	cutoff = cfb_u32(&c->header[CFB_HEAD_CUTOFF]);
	if (cutoff != CFB_MINI_BELOW)
		return kd_fail(e, KD_E_FORMAT,
		    "header: streams are said to be in mini sectors below %" PRIu32
		    " bytes, expected 4096",
		    cutoff);
	if (c->size < 3 * (uint64_t)c->sector_len)
		return kd_fail(e, KD_E_FORMAT,
		    "has %" PRIu64 " bytes, expected %" PRIu64 " at least: 3 sectors", c->size,
		    3 * (uint64_t)c->sector_len);
	return want_u16(c, CFB_HEAD_BYTE_ORDER, 0xfffe, "byte order", e) &&
	    want_u16(c, CFB_HEAD_SHIFT, major == 3 ? 9 : 12, "sector shift", e) &&
	    want_u16(c, CFB_HEAD_MINI_SHIFT, 6, "mini sector shift", e);
}

/* ---- directory and mini FAT, as far as they are tables ---- */

static bool
read_dir(int fd, struct cfb *c, struct kd_err *e)
{
	if (!cfb_walk(&c->fat, cfb_u32(&c->header[CFB_HEAD_DIR]), 1, "directory", &c->dir_at,
		e))
		return false;
	if (c->dir_at.n * c->sector_len / CFB_ENTRY_LEN > CFB_ENTRIES_MAX)
		return kd_fail(e, KD_E_LIMIT,
		    "directory has room for %zu entries, at most %d are accepted",
		    c->dir_at.n * c->sector_len / CFB_ENTRY_LEN, CFB_ENTRIES_MAX);
	for (size_t i = 0; i < c->dir_at.n; i++) {
		uint8_t *p = buf_reserve(&c->dir, c->sector_len);

		if (!buf_ok(&c->dir, "directory", e) ||
		    !file_pread_full(
			fd, p, c->sector_len, cfb_sector_off(c, c->dir_at.v[i]), e))
			return false;
	}
	return true;
}

/* The root's stream holds the mini sectors. */
static bool
read_mini(int fd, struct cfb *c, struct kd_err *e)
{
	const uint8_t *root = c->dir.p;
	uint64_t size = cfb_u32(&root[CFB_AT_SIZE]), per = c->sector_len / 4, most;
	uint32_t first = cfb_u32(&c->header[CFB_HEAD_MINI]);

	most = (size / CFB_MINI_LEN + per - 1) / per + CFB_SPARE_SECTORS;
	if (size > CFB_MINI_STREAM_MAX)
		return kd_fail(e, KD_E_LIMIT,
		    "mini stream has %" PRIu64 " bytes, at most %" PRIu64 " are accepted", size,
		    CFB_MINI_STREAM_MAX);
	if (size > 0 &&
	    !cfb_walk(&c->fat, cfb_u32(&root[CFB_AT_START]),
		(size + c->sector_len - 1) / c->sector_len, "mini stream", &c->mini_stream, e))
		return false;
	if (first < CFB_DIFSECT && !cfb_walk(&c->fat, first, 0, "mini FAT", &c->mini.at, e))
		return false;
	if (c->mini.at.n != cfb_u32(&c->header[CFB_HEAD_MINI_N]))
		return kd_fail(e, KD_E_FORMAT,
		    "header: the mini FAT has %" PRIu32 " sectors, expected the %zu of its chain",
		    cfb_u32(&c->header[CFB_HEAD_MINI_N]), c->mini.at.n);
	if (c->mini.at.n > most)
		return kd_fail(e, KD_E_FORMAT,
		    "mini FAT has %zu sectors, expected at most %" PRIu64
		    " for a mini stream of %" PRIu64 " bytes",
		    c->mini.at.n, most, size);
	if (c->mini.at.n == 0)
		return true;
	if (!cfb_table_grow(&c->mini, c->mini.at.n * per, e))
		return false;
	size /= CFB_MINI_LEN;
	c->mini.n = size < c->mini.cap ? (uint32_t)size : c->mini.cap;
	return read_entries(fd, c, &c->mini, "mini FAT", e);
}

static bool
read_tables(int fd, struct cfb *c, struct kd_err *e)
{
	c->fat.unit = "sector";
	c->mini.unit = "mini sector";
	return read_header(fd, c, e) && read_fat(fd, c, e) && read_dir(fd, c, e) &&
	    read_mini(fd, c, e);
}

bool
cfb_open(int fd, uint64_t size, struct cfb *ret, struct kd_err *e)
{
	ret->size = size;
	if (read_tables(fd, ret, e) && cfb_read_tree(ret, e))
		return true;
	if (e->code == KD_E_FORMAT)
		(void)kd_hint(e,
		    "the file is damaged or was cut short: build it again, or copy it again "
		    "and compare sizes");
	return false;
}

/* ---- release ---- */

static void
chain_clear(struct cfb_chain *c)
{
	free(c->v);
	*c = (struct cfb_chain){0};
}

static void
table_clear(struct cfb_table *t)
{
	free(t->next);
	free(t->used);
	chain_clear(&t->at);
	*t = (struct cfb_table){0};
}

void
cfb_drop_tables(struct cfb *c)
{
	table_clear(&c->fat);
	table_clear(&c->mini);
	chain_clear(&c->difat);
	chain_clear(&c->dir_at);
	chain_clear(&c->mini_stream);
}

void
cfb_clear(struct cfb *c)
{
	cfb_drop_tables(c);
	buf_clear(&c->dir);
	free(c->v);
	free(c->kids);
	*c = (struct cfb){0};
}
