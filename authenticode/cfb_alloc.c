/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/cfb_alloc.c - finds room in a compound file: free sectors, or a longer file and
 * longer tables. */
#include "authenticode/cfb_alloc.h"

#include <inttypes.h>
#include <string.h>

#include "base/mem.h"

void
cfb_change_clear(struct cfb_change *g)
{
	free(g->blank.v);
	free(g->mini_blank.v);
	*g = (struct cfb_change){0};
}

static void
take(struct cfb_table *t, uint32_t s, uint32_t next)
{
	t->next[s] = next;
	cfb_set_used(t, s, true);
}

/* ---- sectors ---- */

/* The file's next sector, which the FAT has room for. */
static bool
append_sector(struct cfb_change *g, uint32_t next, uint32_t *ret, struct kd_err *e)
{
	struct cfb_table *t = &g->c->fat;

	if (((uint64_t)t->n + 2) * g->c->sector_len > CFB_SIZE_MAX)
		return kd_fail(e, KD_E_LIMIT,
		    "would have more than %" PRIu64 " bytes with its signature, the most accepted",
		    CFB_SIZE_MAX);
	*ret = t->n++;
	take(t, *ret, next);
	return cfb_chain_add(&g->blank, *ret, e);
}

/* One sector more of FAT, which is the first that it describes; then the DIFAT must name it. */
static bool
grow_fat(struct cfb_change *g, struct kd_err *e)
{
	struct cfb *c = g->c;
	uint32_t per = c->sector_len / 4, s;
	size_t named;

	if (!cfb_table_grow(&c->fat, (uint64_t)c->fat.cap + per, e) ||
	    !append_sector(g, CFB_FATSECT, &s, e) || !cfb_chain_add(&c->fat.at, s, e))
		return false;
	named = CFB_DIFAT_HEADER + c->difat.n * (per - 1);
	if (c->fat.at.n <= named)
		return true;
	return append_sector(g, CFB_DIFSECT, &s, e) && cfb_chain_add(&c->difat, s, e);
}

/*
 * Not sector 0, unless the file has no other: osslsigncode takes a link to it for damage. A
 * sector is free when the FAT says so and nothing is known to be in it.
 */
static bool
alloc_sector(struct cfb_change *g, uint32_t *ret, struct kd_err *e)
{
	struct cfb_table *t = &g->c->fat;

	if (g->from == 0)
		g->from = 1;
	for (; g->from < t->n; g->from++) {
		if (t->next[g->from] != CFB_FREE || cfb_is_used(t, g->from))
			continue;
		*ret = g->from++;
		take(t, *ret, CFB_END);
		return cfb_chain_add(&g->blank, *ret, e);
	}
	if (t->n == t->cap && !grow_fat(g, e))
		return false;
	g->from = t->n + 1;
	return append_sector(g, CFB_END, ret, e);
}

/* One sector more at the end of a chain. */
static bool
extend(struct cfb_change *g, struct cfb_chain *chain, uint32_t *ret, struct kd_err *e)
{
	if (!alloc_sector(g, ret, e))
		return false;
	if (chain->n > 0)
		g->c->fat.next[chain->v[chain->n - 1]] = *ret;
	return cfb_chain_add(chain, *ret, e);
}

/* ---- mini sectors ---- */

uint64_t
cfb_mini_off(const struct cfb *c, uint32_t mini)
{
	uint64_t at = (uint64_t)mini * CFB_MINI_LEN;

	return cfb_sector_off(c, c->mini_stream.v[at / c->sector_len]) + at % c->sector_len;
}

/* The root's stream one mini sector longer, and its table with an entry for it. */
static bool
append_mini(struct cfb_change *g, uint32_t *ret, struct kd_err *e)
{
	struct cfb *c = g->c;
	uint8_t *root = c->dir.p;
	uint64_t size = cfb_u32(&root[CFB_AT_SIZE]);
	uint32_t s;

	/* where the table was longer or shorter than the stream, both end here */
	size = size < (uint64_t)c->mini.n * CFB_MINI_LEN + CFB_MINI_LEN
	    ? (uint64_t)c->mini.n * CFB_MINI_LEN + CFB_MINI_LEN
	    : size;
	if (size > CFB_MINI_STREAM_MAX)
		return kd_fail(e, KD_E_LIMIT,
		    "would have a mini stream of more than %" PRIu64 " bytes, the most accepted",
		    CFB_MINI_STREAM_MAX);
	if (c->mini.n == c->mini.cap &&
	    (!cfb_table_grow(&c->mini, (uint64_t)c->mini.cap + c->sector_len / 4, e) ||
		!extend(g, &c->mini.at, &s, e)))
		return false;
	while ((uint64_t)c->mini_stream.n * c->sector_len < size)
		if (!extend(g, &c->mini_stream, &s, e))
			return false;
	cfb_put_u32(&root[CFB_AT_START], c->mini_stream.v[0]);
	cfb_put_u32(&root[CFB_AT_SIZE], (uint32_t)size);
	*ret = c->mini.n++;
	take(&c->mini, *ret, CFB_END);
	return cfb_chain_add(&g->mini_blank, *ret, e);
}

static bool
alloc_mini(struct cfb_change *g, uint32_t *ret, struct kd_err *e)
{
	struct cfb_table *t = &g->c->mini;

	if (g->mini_from == 0)
		g->mini_from = 1;
	for (; g->mini_from < t->n; g->mini_from++) {
		if (t->next[g->mini_from] != CFB_FREE || cfb_is_used(t, g->mini_from))
			continue;
		*ret = g->mini_from++;
		take(t, *ret, CFB_END);
		return cfb_chain_add(&g->mini_blank, *ret, e);
	}
	return append_mini(g, ret, e);
}

/* ---- streams and entries ---- */

bool
cfb_alloc_stream(
    struct cfb_change *g, uint64_t len, struct cfb_chain *ret, struct kd_err *e)
{
	bool mini = len < CFB_MINI_BELOW;
	struct cfb_table *t = mini ? &g->c->mini : &g->c->fat;
	uint64_t unit = mini ? CFB_MINI_LEN : g->c->sector_len;

	for (uint64_t n = (len + unit - 1) / unit; n > 0; n--) {
		uint32_t s;

		if (!(mini ? alloc_mini(g, &s, e) : alloc_sector(g, &s, e)))
			return false;
		if (ret->n > 0)
			t->next[ret->v[ret->n - 1]] = s;
		if (!cfb_chain_add(ret, s, e))
			return false;
	}
	return true;
}

bool
cfb_free_stream(struct cfb_change *g, uint32_t id, struct kd_err *e)
{
	const struct cfb_entry *v = &g->c->v[id];
	bool mini = v->size < CFB_MINI_BELOW;
	struct cfb_table *t = mini ? &g->c->mini : &g->c->fat;
	uint32_t s = v->start;

	while (v->size > 0 && s != CFB_END) { /* cfb_open has walked it */
		uint32_t next = t->next[s];

		t->next[s] = CFB_FREE;
		cfb_set_used(t, s, false);
		if (!cfb_chain_add(mini ? &g->mini_blank : &g->blank, s, e))
			return false;
		s = next;
	}
	return true;
}

void
cfb_blank_entry(uint8_t entry[CFB_ENTRY_LEN])
{
	memset(entry, 0, CFB_ENTRY_LEN);
	cfb_put_u32(&entry[CFB_AT_LEFT], CFB_NONE);
	cfb_put_u32(&entry[CFB_AT_RIGHT], CFB_NONE);
	cfb_put_u32(&entry[CFB_AT_CHILD], CFB_NONE);
}

bool
cfb_alloc_entry(struct cfb_change *g, uint32_t *ret, struct kd_err *e)
{
	struct cfb *c = g->c;
	uint32_t per = c->sector_len / CFB_ENTRY_LEN, s;
	uint8_t *p;

	for (uint32_t i = 1; i < c->dir.len / CFB_ENTRY_LEN; i++)
		if (cfb_raw(c, i)[CFB_AT_TYPE] == CFB_UNUSED) {
			*ret = i;
			return true;
		}
	if (!extend(g, &c->dir_at, &s, e))
		return false;
	*ret = (uint32_t)(c->dir.len / CFB_ENTRY_LEN);
	p = buf_reserve(&c->dir, c->sector_len);
	if (!buf_ok(&c->dir, "directory", e))
		return false;
	for (uint32_t i = 0; i < per; i++)
		cfb_blank_entry(&p[(size_t)i * CFB_ENTRY_LEN]);
	return true;
}
