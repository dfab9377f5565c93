/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/cfb_edit.c - a changed copy of a compound file: the tree of the root's children,
 * and what is written where. */
#include "authenticode/cfb_edit.h"

#include <inttypes.h>
#include <string.h>

#include "authenticode/cfb_alloc.h"
#include "authenticode/format_io.h"
#include "base/mem.h"

#define RED 0
#define BLACK 1
#define STREAMS_MAX 4

static uint8_t *
raw(struct cfb *c, uint32_t id)
{
	return &c->dir.p[(size_t)id * CFB_ENTRY_LEN];
}

/* ---- the tree of the root's children ---- */

static unsigned
upper_at(const uint8_t *name, size_t i)
{
	unsigned u = (unsigned)name[2 * i] | (unsigned)name[2 * i + 1] << 8;

	return u >= 'a' && u <= 'z' ? u - 'a' + 'A' : u;
}

/* Shorter names first, then by upper-cased character ([MS-CFB] 2.6.4). What is beyond ASCII
 * keeps its case: the names that are looked for begin with U+0005, before any of that. */
static bool
comes_before(const struct cfb *c, const struct cfb_stream *s, uint32_t id)
{
	size_t n = cfb_raw(c, id)[CFB_AT_NAME_LEN];

	if (s->name_len + 2 != n)
		return s->name_len + 2 < n;
	for (size_t i = 0; i < s->name_len / 2; i++) {
		unsigned a = upper_at(s->name, i), b = upper_at(cfb_raw(c, id), i);

		if (a != b)
			return a < b;
	}
	return false;
}

/* The root's children as its tree orders them, with room for a few more. */
static bool
list_children(const struct cfb *c, struct cfb_chain *ret, struct kd_err *e)
{
	AUTO(free) uint32_t *path = kd_alloc_array(CFB_CHILDREN_MAX + 1, sizeof(*path));
	uint32_t n = 0, id = cfb_u32(&cfb_raw(c, 0)[CFB_AT_CHILD]);

	if (path == NULL)
		return kd_fail_nomem(e, "directory");
	while (id != CFB_NONE || n > 0) {
		for (; id != CFB_NONE; id = cfb_u32(&cfb_raw(c, id)[CFB_AT_LEFT]))
			path[n++] = id;
		id = path[--n];
		if (!cfb_chain_add(ret, id, e))
			return false;
		id = cfb_u32(&cfb_raw(c, id)[CFB_AT_RIGHT]);
	}
	return true;
}

/*
 * v[from, to) as a tree as flat as can be; its root. When the last level is not full, its
 * entries are red: no two red ones follow each other, and all ways down have as many black.
 */
static uint32_t
build_tree(struct cfb *c, const uint32_t *v, size_t from, size_t to, unsigned levels_left)
{
	size_t mid = from + (to - from) / 2;
	uint8_t *p;

	if (from == to)
		return CFB_NONE;
	p = raw(c, v[mid]);
	p[CFB_AT_COLOR] = levels_left == 0 ? RED : BLACK;
	cfb_put_u32(&p[CFB_AT_LEFT], build_tree(c, v, from, mid, levels_left - 1));
	cfb_put_u32(&p[CFB_AT_RIGHT], build_tree(c, v, mid + 1, to, levels_left - 1));
	return v[mid];
}

static void
set_children(struct cfb *c, const struct cfb_chain *kids)
{
	unsigned full = 0; /* levels that are full */

	while (((size_t)2 << full) - 1 <= kids->n)
		full++;
	cfb_put_u32(
	    &raw(c, 0)[CFB_AT_CHILD], build_tree(c, kids->v, 0, kids->n, full));
}

/* ---- in memory ---- */

static bool
take_out(struct cfb_change *g, const struct cfb_stream *s, struct cfb_chain *kids,
    struct kd_err *e)
{
	struct cfb *c = g->c;
	uint32_t id = cfb_find(c, 0, s->name, s->name_len);
	char name[CFB_NAME_MAX];
	size_t at = 0;

	if (id == CFB_NONE)
		return true;
	if (c->v[id].type != CFB_STREAM)
		return kd_fail(e, KD_E_FORMAT,
		    "'%s' is a storage, expected a stream", cfb_name(c, id, name));
	if (!cfb_free_stream(g, id, e))
		return false;
	while (kids->v[at] != id)
		at++;
	memmove(&kids->v[at], &kids->v[at + 1], (kids->n - at - 1) * sizeof(*kids->v));
	kids->n--;
	cfb_blank_entry(raw(c, id));
	return true;
}

static bool
put_in(struct cfb_change *g, const struct cfb_stream *s, struct cfb_chain *kids,
    struct cfb_chain *ret, struct kd_err *e)
{
	struct cfb *c = g->c;
	uint32_t id;
	size_t at = 0;
	uint8_t *p;

	if (!cfb_alloc_entry(g, &id, e) || !cfb_alloc_stream(g, s->len, ret, e) ||
	    !cfb_chain_add(kids, id, e))
		return false;
	p = raw(c, id);
	cfb_blank_entry(p);
	memcpy(p, s->name, s->name_len);
	p[CFB_AT_NAME_LEN] = (uint8_t)(s->name_len + 2);
	p[CFB_AT_TYPE] = CFB_STREAM;
	cfb_put_u32(&p[CFB_AT_START], ret->v[0]);
	cfb_put_u32(&p[CFB_AT_SIZE], (uint32_t)s->len);
	while (at < kids->n - 1 && !comes_before(c, s, kids->v[at]))
		at++;
	memmove(&kids->v[at + 1], &kids->v[at], (kids->n - at - 1) * sizeof(*kids->v));
	kids->v[at] = id;
	return true;
}

static void
fill_header(struct cfb *c)
{
	uint8_t *h = c->header;

	if (c->sector_len != 512)
		cfb_put_u32(&h[CFB_HEAD_DIR_N], (uint32_t)c->dir_at.n);
	cfb_put_u32(&h[CFB_HEAD_FAT_N], (uint32_t)c->fat.at.n);
	cfb_put_u32(&h[CFB_HEAD_MINI], c->mini.at.n > 0 ? c->mini.at.v[0] : CFB_END);
	cfb_put_u32(&h[CFB_HEAD_MINI_N], (uint32_t)c->mini.at.n);
	cfb_put_u32(&h[CFB_HEAD_DIFAT], c->difat.n > 0 ? c->difat.v[0] : CFB_END);
	cfb_put_u32(&h[CFB_HEAD_DIFAT_N], (uint32_t)c->difat.n);
	for (size_t i = 0; i < CFB_DIFAT_HEADER; i++)
		cfb_put_u32(&h[CFB_HEAD_FAT_AT + 4 * i],
		    i < c->fat.at.n ? c->fat.at.v[i] : CFB_FREE);
}

/* ---- on disk ---- */

static bool
write_blanks(int fd, const struct cfb_change *g, struct kd_err *e)
{
	static const uint8_t zeros[4096];

	for (size_t i = 0; i < g->blank.n; i++)
		if (!format_pwrite(fd, zeros, g->c->sector_len, cfb_sector_off(g->c, g->blank.v[i]),
			e))
			return false;
	for (size_t i = 0; i < g->mini_blank.n; i++)
		if (!format_pwrite(fd, zeros, CFB_MINI_LEN, cfb_mini_off(g->c, g->mini_blank.v[i]),
			e))
			return false;
	return true;
}

static bool
write_stream(int fd, const struct cfb *c, const struct cfb_stream *s,
    const struct cfb_chain *at, struct kd_err *e)
{
	bool mini = s->len < CFB_MINI_BELOW;
	size_t unit = mini ? CFB_MINI_LEN : c->sector_len, done = 0;

	for (size_t i = 0; done < s->len; i++, done += unit)
		if (!format_pwrite(fd, &s->data[done],
			s->len - done < unit ? s->len - done : unit,
			mini ? cfb_mini_off(c, at->v[i]) : cfb_sector_off(c, at->v[i]), e))
			return false;
	return true;
}

/* The n numbers from v on that one sector of a table holds, free ones behind them. */
static bool
write_numbers(int fd, const struct cfb *c, uint32_t sector, const uint32_t *v, size_t n,
    uint32_t last, struct kd_err *e)
{
	uint8_t p[4096];

	for (size_t k = 0; k < c->sector_len / 4; k++)
		cfb_put_u32(&p[4 * k], k < n ? v[k] : CFB_FREE);
	if (last != CFB_FREE)
		cfb_put_u32(&p[c->sector_len - 4], last);
	return format_pwrite(fd, p, c->sector_len, cfb_sector_off(c, sector), e);
}

static bool
write_tables(int fd, const struct cfb *c, struct kd_err *e)
{
	size_t per = c->sector_len / 4;

	for (size_t i = 0; i < c->fat.at.n; i++)
		if (!write_numbers(fd, c, c->fat.at.v[i], &c->fat.next[i * per], per,
			CFB_FREE, e))
			return false;
	for (size_t i = 0; i < c->mini.at.n; i++)
		if (!write_numbers(fd, c, c->mini.at.v[i], &c->mini.next[i * per], per,
			CFB_FREE, e))
			return false;
	for (size_t i = 0; i < c->difat.n; i++) {
		size_t from = CFB_DIFAT_HEADER + i * (per - 1), left = c->fat.at.n - from;

		if (!write_numbers(fd, c, c->difat.v[i], &c->fat.at.v[from],
			left < per - 1 ? left : per - 1,
			i + 1 < c->difat.n ? c->difat.v[i + 1] : CFB_END, e))
			return false;
	}
	for (size_t i = 0; i < c->dir_at.n; i++)
		if (!format_pwrite(fd, &c->dir.p[i * c->sector_len], c->sector_len,
			cfb_sector_off(c, c->dir_at.v[i]), e))
			return false;
	return format_pwrite(fd, c->header, sizeof(c->header), 0, e);
}

static bool
write_all(int in_fd, const struct cfb_change *g, const struct cfb_stream *v,
    const struct cfb_chain *at, size_t n, int out_fd, struct kd_err *e)
{
	const struct cfb *c = g->c;

	if (!format_copy(in_fd, 0, c->size, out_fd, 0, e) || !write_blanks(out_fd, g, e))
		return false;
	for (size_t i = 0; i < n; i++)
		if (v[i].data != NULL && !write_stream(out_fd, c, &v[i], &at[i], e))
			return false;
	return write_tables(out_fd, c, e);
}

static bool
edit(int in_fd, struct cfb_change *g, const struct cfb_stream *v, struct cfb_chain *at,
    size_t n, struct cfb_chain *kids, int out_fd, struct kd_err *e)
{
	if (!list_children(g->c, kids, e))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!take_out(g, &v[i], kids, e))
			return false;
	for (size_t i = 0; i < n; i++)
		if (v[i].data != NULL && !put_in(g, &v[i], kids, &at[i], e))
			return false;
	set_children(g->c, kids);
	fill_header(g->c);
	return write_all(in_fd, g, v, at, n, out_fd, e);
}

bool
cfb_check_end(const struct cfb *c, struct kd_err *e)
{
	return c->trailing == 0 ||
	    kd_fail(e, KD_E_FORMAT,
		"%" PRIu64 " bytes follow the last sector that the FAT knows of, expected "
		"none: no digest covers them",
		c->trailing);
}

bool
cfb_edit(int in_fd, struct cfb *c, const struct cfb_stream *v, size_t n, int out_fd,
    struct kd_err *e)
{
	AUTO(cfb_change_clear) struct cfb_change g = {.c = c};
	struct cfb_chain at[STREAMS_MAX] = {{0}}, kids = {0};
	bool done;

	if (!cfb_check_end(c, e))
		return false;
	done = n <= STREAMS_MAX ? edit(in_fd, &g, v, at, n, &kids, out_fd, e)
				: kd_fail(e, KD_E_BUG, "more than %d streams", STREAMS_MAX);
	for (size_t i = 0; i < STREAMS_MAX; i++)
		free(at[i].v);
	free(kids.v);
	return done;
}
