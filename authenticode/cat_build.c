/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/cat_build.c - members and attributes → a catalog's bytes. */
#include "authenticode/cat.h"

#include <string.h>
#include <time.h>

#include "authenticode/cat_attr.h"
#include "authenticode/oid.h"
#include "base/mem.h"

#define FIRST_ITEMS 64

struct item { /* one encoded element in the arena */
	size_t at, len;
	size_t id_at, id_len; /* of a member, also in the arena */
};

struct items {
	struct item *v;
	size_t n, cap;
};

struct cat_builder {
	enum cat_version version;
	struct buf arena;
	struct items members, header;
};

bool
cat_builder_new(enum cat_version version, struct cat_builder **ret, struct kd_err *e)
{
	struct cat_builder *b = kd_alloc(sizeof(*b));

	if (b == NULL)
		return kd_fail_nomem(e, "catalog");
	b->version = version;
	b->arena.max = CAT_LEN_MAX;
	*ret = b;
	return true;
}

void
cat_builder_free(struct cat_builder *b)
{
	if (b == NULL)
		return;
	buf_clear(&b->arena);
	free(b->members.v);
	free(b->header.v);
	free(b);
}

static bool
push(struct items *l, struct item item, struct kd_err *e)
{
	if (l->n == l->cap) {
		size_t cap = l->cap == 0 ? FIRST_ITEMS : 2 * l->cap;
		struct item *v = kd_realloc_array(l->v, cap, sizeof(*v));

		if (v == NULL)
			return kd_fail_nomem(e, "catalog");
		l->v = v;
		l->cap = cap;
	}
	l->v[l->n++] = item;
	return true;
}

bool
cat_builder_header(struct cat_builder *b, const struct cat_attr *attr, struct kd_err *e)
{
	struct item item = {.at = b->arena.len};

	cat_header_put(&b->arena, attr);
	item.len = b->arena.len - item.at;
	return buf_ok(&b->arena, "catalog", e) && push(&b->header, item, e);
}

/* All attributes into one scratch buffer, then as a SET into the arena. */
static bool
put_attrs(struct buf *arena, const struct cat_attr *attrs, size_t n, struct kd_err *e)
{
	AUTO(buf_clear) struct buf b = {.max = CAT_LEN_MAX};
	AUTO(free) struct der_item *v = kd_alloc_array(n, sizeof(*v));
	size_t at = 0;

	if (v == NULL)
		return kd_fail_nomem(e, "catalog");
	for (size_t i = 0; i < n; i++) {
		cat_attr_put(&b, &attrs[i]);
		v[i].len = b.len - at;
		at = b.len;
	}
	if (!buf_ok(&b, "catalog", e))
		return false;
	for (size_t i = n; i > 0; i--) { /* b no longer moves */
		at -= v[i - 1].len;
		v[i - 1].p = &b.p[at];
	}
	der_put_set(arena, DER_SET, v, n);
	return true;
}

bool
cat_builder_member(struct cat_builder *b, const uint8_t *id, size_t id_len,
    const struct cat_attr *attrs, size_t n, struct kd_err *e)
{
	struct item item = {.id_len = id_len};
	size_t m;

	item.id_at = b->arena.len; /* once more, to sort by: the encoded one may move */
	buf_add(&b->arena, id, id_len);
	item.at = b->arena.len;
	m = der_begin(&b->arena, DER_SEQUENCE);
	der_put(&b->arena, DER_OCTET_STRING, id, id_len);
	if (!put_attrs(&b->arena, attrs, n, e))
		return false;
	der_end(&b->arena, m);
	item.len = b->arena.len - item.at;
	return buf_ok(&b->arena, "catalog", e) && push(&b->members, item, e);
}

struct sort_item {
	const uint8_t *id;
	size_t id_len, number;
};

/* By identifier; of equal ones the first added stays first. */
static int
compare_items(const void *pa, const void *pb)
{
	const struct sort_item *a = pa, *b = pb;
	size_t n = a->id_len < b->id_len ? a->id_len : b->id_len;
	int c = memcmp(a->id, b->id, n);

	if (c == 0)
		c = (a->id_len > b->id_len) - (a->id_len < b->id_len);
	return c != 0 ? c : (a->number > b->number) - (a->number < b->number);
}

static bool
put_members(const struct cat_builder *b, struct buf *ret, struct kd_err *e)
{
	size_t n = b->members.n, seq, written = 0;
	AUTO(free) struct sort_item *v = kd_alloc_array(n, sizeof(*v));

	if (v == NULL)
		return kd_fail_nomem(e, "catalog");
	for (size_t i = 0; i < n; i++)
		v[i] = (struct sort_item){
		    &b->arena.p[b->members.v[i].id_at], b->members.v[i].id_len, i};
	if (n > 1)
		qsort(v, n, sizeof(*v), compare_items);
	seq = der_begin(ret, DER_SEQUENCE);
	for (size_t i = 0; i < n; i++) {
		const struct item *item = &b->members.v[v[i].number];

		if (i > 0 && v[i].id_len == v[i - 1].id_len &&
		    memcmp(v[i].id, v[i - 1].id, v[i].id_len) == 0)
			continue;
		buf_add(ret, &b->arena.p[item->at], item->len);
		written++;
	}
	der_end(ret, seq);
	if (written > CAT_MEMBERS_MAX)
		return kd_fail(e, KD_E_LIMIT, "catalog of %zu members, at most %zu",
		    written, CAT_MEMBERS_MAX);
	return true;
}

static void
put_header(const struct cat_builder *b, struct buf *ret)
{
	size_t explicit, list;

	if (b->header.n == 0)
		return;
	explicit = der_begin(ret, DER_C0);
	list = der_begin(ret, DER_SEQUENCE);
	for (size_t i = b->header.n; i > 0; i--)
		buf_add(ret, &b->arena.p[b->header.v[i - 1].at], b->header.v[i - 1].len);
	der_end(ret, list);
	der_end(ret, explicit);
}

static bool
put_time(struct buf *ret, int64_t unix_s, struct kd_err *e)
{
	AUTO(buf_clear) struct buf text = {0};
	time_t t = (time_t)unix_s;
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL || tm.tm_year < 50 || tm.tm_year > 149)
		return kd_fail(e, KD_E_LIMIT,
		    "time %lld is not between 1950 and 2049, the years of UTCTime",
		    (long long)unix_s);
	buf_printf(&text, "%02d%02d%02d%02d%02d%02dZ", tm.tm_year % 100, tm.tm_mon + 1,
	    tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
	if (!buf_ok(&text, "time", e))
		return false;
	der_put(ret, DER_UTC_TIME, text.p, text.len);
	return true;
}

static void
put_oid_sequence(struct buf *b, const struct oid *o, bool null)
{
	size_t m = der_begin(b, DER_SEQUENCE);

	oid_put(b, o);
	if (null)
		der_put(b, DER_NULL, "", 0);
	der_end(b, m);
}

bool
cat_builder_finish(struct cat_builder *b, const uint8_t *identifier,
    size_t identifier_len, int64_t time, struct buf *ret, struct kd_err *e)
{
	AUTO(buf_clear) struct buf ctl = {.max = CAT_LEN_MAX};
	size_t m = der_begin(&ctl, DER_SEQUENCE);

	put_oid_sequence(&ctl, &oid_catalog_list, false);
	der_put(&ctl, DER_OCTET_STRING, identifier, identifier_len);
	if (!put_time(&ctl, time, e))
		return false;
	put_oid_sequence(
	    &ctl, b->version == CAT_V1 ? &oid_catalog_v1 : &oid_catalog_v2, true);
	if (!put_members(b, &ctl, e))
		return false;
	put_header(b, &ctl);
	der_end(&ctl, m);
	if (!buf_ok(&ctl, "catalog", e))
		return false;
	buf_add(ret, ctl.p, ctl.len);
	return buf_ok(ret, "catalog", e);
}

bool
cat_wrap(const uint8_t *ctl, size_t len, struct buf *ret, struct kd_err *e)
{
	size_t info, explicit, data, content, inner;

	info = der_begin(ret, DER_SEQUENCE);
	oid_put(ret, &oid_signed_data);
	explicit = der_begin(ret, DER_C0);
	data = der_begin(ret, DER_SEQUENCE);
	der_put(ret, DER_INTEGER, "\x01", 1);
	der_put(ret, DER_SET, "", 0); /* no digest algorithm */
	content = der_begin(ret, DER_SEQUENCE);
	oid_put(ret, &oid_ctl);
	inner = der_begin(ret, DER_C0);
	buf_add(ret, ctl, len);
	der_end(ret, inner);
	der_end(ret, content);
	der_put(ret, DER_SET, "", 0); /* no signer */
	der_end(ret, data);
	der_end(ret, explicit);
	der_end(ret, info);
	return buf_ok(ret, "catalog", e);
}
