/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/cfb_tree.c - the directory of a compound file: who is whose child, and whether
 * every stream is there. */
#include "config.h" /* _GNU_SOURCE: qsort_r */

#include "authenticode/cfb.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#define NAME_BYTES_MAX 62 /* without the terminator */

const uint8_t *
cfb_raw(const struct cfb *c, uint32_t id)
{
	return &c->dir.p[(size_t)id * CFB_ENTRY_LEN];
}

static uint32_t
field(const struct cfb *c, uint32_t id, enum cfb_field at)
{
	return cfb_u32(&cfb_raw(c, id)[at]);
}

/* ---- names ---- */

static unsigned
unit_at(const uint8_t *p, size_t i)
{
	return (unsigned)p[2 * i] | (unsigned)p[2 * i + 1] << 8;
}

const char *
cfb_name(const struct cfb *c, uint32_t id, char dst[CFB_NAME_MAX])
{
	AUTO(buf_clear) struct buf be = {0}, utf8 = {0};
	const uint8_t *p = cfb_raw(c, id);
	struct kd_err ignored = {0};

	for (size_t i = 0; i < c->v[id].name_len; i++)
		buf_u8(&be, p[i ^ 1]);
	if (be.failed || !text_from_utf16be(be.p, be.len, &utf8, &ignored))
		return text_show(dst, CFB_NAME_MAX, "?", 1);
	return text_show(dst, CFB_NAME_MAX, (const char *)utf8.p, utf8.len);
}

/* UTF-16 without a NUL and without half a surrogate pair, and the NUL behind it. */
static bool
name_is_right(const uint8_t *p, size_t units)
{
	for (size_t i = 0; i < units; i++) {
		unsigned u = unit_at(p, i);

		if (u == 0 || (u & 0xfc00) == 0xdc00)
			return false;
		if ((u & 0xfc00) == 0xd800 &&
		    (++i == units || (unit_at(p, i) & 0xfc00) != 0xdc00))
			return false;
	}
	return unit_at(p, units) == 0;
}

static bool
read_name(struct cfb *c, uint32_t id, struct kd_err *e)
{
	const uint8_t *p = cfb_raw(c, id);
	unsigned len = unit_at(&p[CFB_AT_NAME_LEN], 0);

	if (len < 4 || len > NAME_BYTES_MAX + 2 || len % 2 != 0 ||
	    !name_is_right(p, len / 2 - 1))
		return kd_fail(e, KD_E_FORMAT,
		    "directory entry %" PRIu32 ": its name of %u bytes is not 1 to 31 UTF-16 "
		    "characters with a NUL behind them",
		    id, len);
	c->v[id].name_len = (uint8_t)(len - 2);
	return true;
}

/* By the bytes of the names; of two that begin alike the shorter one, whose NUL is compared. */
static int
compare(const uint8_t *a, size_t na, const uint8_t *b, size_t nb)
{
	int d = memcmp(a, b, na < nb ? na : nb);

	return d != 0 ? d : (na > nb) - (na < nb);
}

static int
by_name(const void *pa, const void *pb, void *of)
{
	const struct cfb *c = of;
	uint32_t a = *(const uint32_t *)pa, b = *(const uint32_t *)pb;

	return compare(
	    cfb_raw(c, a), c->v[a].name_len, cfb_raw(c, b), c->v[b].name_len);
}

uint32_t
cfb_find(const struct cfb *c, uint32_t storage, const uint8_t *name, size_t n)
{
	uint32_t from = c->v[storage].kids, to = from + c->v[storage].kids_n;

	while (from < to) {
		uint32_t mid = from + (to - from) / 2, id = c->kids[mid];
		int d = compare(name, n, cfb_raw(c, id), c->v[id].name_len);

		if (d == 0)
			return id;
		if (d < 0)
			to = mid;
		else
			from = mid + 1;
	}
	return CFB_NONE;
}

/* ---- one entry ---- */

static bool
read_entry(struct cfb *c, uint32_t id, struct kd_err *e)
{
	struct cfb_entry *v = &c->v[id];

	v->type = cfb_raw(c, id)[CFB_AT_TYPE];
	v->start = field(c, id, CFB_AT_START);
	v->size = field(c, id, CFB_AT_SIZE);
	if (c->sector_len != 512) /* old writers left rubbish in the upper half */
		v->size |= (uint64_t)field(c, id, (enum cfb_field)(CFB_AT_SIZE + 4)) << 32;
	if (id == 0 ? v->type != CFB_ROOT : v->type != CFB_STORAGE && v->type != CFB_STREAM)
		return kd_fail(e, KD_E_FORMAT,
		    "directory entry %" PRIu32 " is of type %u, expected %s", id, v->type,
		    id == 0 ? "5 (the root)" : "1 (storage) or 2 (stream)");
	if (id != 0 && !read_name(c, id, e))
		return false;
	if (id == 0 && (field(c, 0, CFB_AT_LEFT) != CFB_NONE || field(c, 0, CFB_AT_RIGHT) != CFB_NONE))
		return kd_fail(e, KD_E_FORMAT,
		    "directory entry 0, the root, has siblings, expected none");
	if (v->type == CFB_STREAM && field(c, id, CFB_AT_CHILD) != CFB_NONE)
		return kd_fail(e, KD_E_FORMAT,
		    "directory entry %" PRIu32
		    " is a stream with a child 0x%" PRIx32 ", expected none",
		    id, field(c, id, CFB_AT_CHILD));
	return true;
}

/* Is all of the stream in the file? */
static bool
check_stream(struct cfb *c, uint32_t id, struct kd_err *e)
{
	const struct cfb_entry *v = &c->v[id];
	bool mini = v->size < CFB_MINI_BELOW;
	uint64_t unit = mini ? CFB_MINI_LEN : c->sector_len;
	char name[CFB_NAME_MAX];

	if (v->size == 0)
		return true;
	if (v->size > c->size)
		return kd_fail(e, KD_E_FORMAT,
		    "stream '%s' is said to have %" PRIu64
		    " bytes, expected less than the %" PRIu64 " of the file",
		    cfb_name(c, id, name), v->size, c->size);
	return cfb_walk(mini ? &c->mini : &c->fat, v->start, (v->size + unit - 1) / unit,
		   "FAT", NULL, e) ||
	    kd_in(e, "stream '%s'", cfb_name(c, id, name));
}

/* ---- the tree ---- */

struct todo { /* links to follow; each entry is in it once at most */
	uint32_t id;
	uint32_t level;
};

struct walk {
	struct cfb *c;
	struct todo *todo; /* room for as many as there are entries */
	uint32_t todo_n;
	uint32_t *levels;  /* of each storage, for its children; by entry */
	uint32_t kids_n;   /* entries in c->kids so far */
};

/* The entry that a link leads to, put on the list. */
static bool
follow(struct walk *w, uint32_t from, uint32_t to, uint32_t storage, uint32_t level,
    struct kd_err *e)
{
	struct cfb *c = w->c;

	if (to == CFB_NONE)
		return true;
	if (to >= c->n || to == 0 || c->v[to].in_tree)
		return kd_fail(e, KD_E_FORMAT,
		    "directory entry %" PRIu32 " points to entry 0x%" PRIx32 ", expected %s",
		    from, to,
		    to >= c->n ? "one that is there"
			       : "one that nothing else points to: a cycle in the tree");
	if (level > CFB_LEVELS_MAX)
		return kd_fail(e, KD_E_LIMIT,
		    "directory entry %" PRIu32 " is more than %d links away from the root",
		    to, CFB_LEVELS_MAX);
	c->v[to].in_tree = true;
	c->v[to].parent = storage;
	c->v[to].depth = (uint8_t)(c->v[storage].depth + 1);
	w->todo[w->todo_n++] = (struct todo){to, level};
	return read_entry(c, to, e);
}

/* All children of one storage: siblings are a binary tree. */
static bool
read_children(struct walk *w, uint32_t storage, struct kd_err *e)
{
	struct cfb *c = w->c;
	struct cfb_entry *s = &c->v[storage];
	uint32_t level = w->levels[storage];

	s->kids = w->kids_n;
	if (!follow(w, storage, field(c, storage, CFB_AT_CHILD), storage, level + 1, e))
		return false;
	while (w->todo_n > 0) {
		struct todo t = w->todo[--w->todo_n];

		if (++s->kids_n > CFB_CHILDREN_MAX)
			return kd_fail(e, KD_E_LIMIT,
			    "directory entry %" PRIu32
			    " has more than %d children, the most accepted",
			    storage, CFB_CHILDREN_MAX);
		c->kids[w->kids_n++] = t.id;
		w->levels[t.id] = t.level;
		if (!follow(w, t.id, field(c, t.id, CFB_AT_LEFT), storage, t.level + 1, e) ||
		    !follow(w, t.id, field(c, t.id, CFB_AT_RIGHT), storage, t.level + 1, e))
			return false;
	}
	return true;
}

static bool
sort_children(struct cfb *c, uint32_t storage, struct kd_err *e)
{
	const struct cfb_entry *s = &c->v[storage];
	uint32_t *kids = &c->kids[s->kids];
	char name[CFB_NAME_MAX];

	qsort_r(kids, s->kids_n, sizeof(*kids), by_name, c);
	for (uint32_t i = 1; i < s->kids_n; i++)
		if (by_name(&kids[i - 1], &kids[i], c) == 0)
			return kd_fail(e, KD_E_FORMAT,
			    "directory entries %" PRIu32 " and %" PRIu32
			    " of one storage are both named '%s'",
			    kids[i - 1] < kids[i] ? kids[i - 1] : kids[i],
			    kids[i - 1] < kids[i] ? kids[i] : kids[i - 1],
			    cfb_name(c, kids[i], name));
	return true;
}

static bool
read_all(struct walk *w, struct kd_err *e)
{
	struct cfb *c = w->c;

	c->v[0].in_tree = true;
	c->v[0].parent = CFB_NONE;
	if (!read_entry(c, 0, e) || !read_children(w, 0, e) || !sort_children(c, 0, e))
		return false;
	/* the list grows while it is walked: storages come before what is in them */
	for (uint32_t i = 0; i < w->kids_n; i++) {
		uint32_t id = c->kids[i];

		if (c->v[id].type == CFB_STREAM) {
			if (!check_stream(c, id, e))
				return false;
			continue;
		}
		if (c->v[id].depth > CFB_DEPTH_MAX)
			return kd_fail(e, KD_E_LIMIT,
			    "directory entry %" PRIu32 " is in more than %d storages", id,
			    CFB_DEPTH_MAX);
		if (!read_children(w, id, e) || !sort_children(c, id, e))
			return false;
	}
	return true;
}

bool
cfb_read_tree(struct cfb *c, struct kd_err *e)
{
	AUTO(free) struct todo *todo = NULL;
	AUTO(free) uint32_t *levels = NULL;
	struct walk w = {.c = c};

	c->n = (uint32_t)(c->dir.len / CFB_ENTRY_LEN);
	c->v = kd_alloc_array(c->n, sizeof(*c->v));
	c->kids = kd_alloc_array(c->n, sizeof(*c->kids));
	todo = w.todo = kd_alloc_array(c->n, sizeof(*todo));
	levels = w.levels = kd_alloc_array(c->n, sizeof(*levels));
	if (c->v == NULL || c->kids == NULL || todo == NULL || levels == NULL)
		return kd_fail_nomem(e, "directory");
	return read_all(&w, e);
}
