/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/cat_file.c - the members of one file, with the attributes that MakeCat
 * gives them. */
#include "authenticode/cat_file.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"

/* UTF-16LE with NUL. */
static bool
put_utf16le(struct buf *ret, const char *s, struct kd_err *e)
{
	size_t at = ret->len;

	if (!text_utf16be(s, ret, e))
		return false;
	for (; at + 1 < ret->len; at += 2) {
		uint8_t high = ret->p[at];

		ret->p[at] = ret->p[at + 1];
		ret->p[at + 1] = high;
	}
	buf_zero(ret, 2);
	return buf_ok(ret, "text", e);
}

/* store keeps the name, then the value, which the attribute borrows. */
static bool
encode(
    const struct cat_value *v, struct buf *store, struct cat_attr *ret, struct kd_err *e)
{
	struct cat_name_value *nv = &ret->name_value;

	ret->kind = CAT_ATTR_NAME_VALUE;
	nv->flags = v->flags & ~CAT_NOT_IN_COMPAT;
	if (!text_utf16be(v->name, store, e))
		return kd_in(e, "attribute '%s'", SHOW(v->name));
	nv->name_len = store->len;
	if ((v->flags & CAT_VALUE_BASE64) != 0
		? !text_unbase64(v->value, strlen(v->value), store, e)
		: !put_utf16le(store, v->value, e))
		return kd_in(e, "attribute '%s'", SHOW(v->name));
	nv->name = store->p;
	nv->value = &store->p[nv->name_len];
	nv->value_len = store->len - nv->name_len;
	return true;
}

bool
cat_add_header(struct cat_builder *b, const struct cat_value *v, struct kd_err *e)
{
	AUTO(buf_clear) struct buf store = {0};
	struct cat_attr a = {0};

	return encode(v, &store, &a, e) && cat_builder_header(b, &a, e);
}

/* Attributes of one member, with the memory that they borrow. */
struct attrs {
	struct cat_attr *v;
	struct buf *stores;
	size_t n, cap;
};

static void
attrs_clear(struct attrs *a)
{
	for (size_t i = 0; a->stores != NULL && i < a->cap; i++)
		buf_clear(&a->stores[i]);
	free(a->stores);
	free(a->v);
	*a = (struct attrs){0};
}
AUTO_DEFINE_CLEAR(struct attrs, attrs_clear);

static bool
attrs_init(struct attrs *a, size_t cap, struct kd_err *e)
{
	a->v = kd_alloc_array(cap, sizeof(*a->v));
	a->stores = kd_alloc_array(cap, sizeof(*a->stores));
	a->cap = cap;
	return (a->v != NULL && a->stores != NULL) || kd_fail_nomem(e, "attributes");
}

/* The file's type, and what the CDF says; compat: beside the SHA-1 of version 2. */
static bool
common_attrs(struct attrs *a, enum cat_version version, const struct cat_file *f,
    bool compat, struct kd_err *e)
{
	a->v[a->n++] = (struct cat_attr){
	    .kind = version == CAT_V2 ? CAT_ATTR_MEMBER_INFO2 : CAT_ATTR_MEMBER_INFO,
	    .subject = f->hash->subject};
	for (size_t i = 0; i < f->values_n; i++) {
		if (compat && (f->values[i].flags & CAT_NOT_IN_COMPAT) != 0)
			continue;
		if (!encode(&f->values[i], &a->stores[a->n], &a->v[a->n], e))
			return false;
		a->n++;
	}
	return true;
}

static struct cat_indirect
indirect_of(enum cat_version version, const struct cat_hash *h)
{
	bool two = version == CAT_V2;
	struct cat_indirect i = {.subject = h->subject,
	    .link = CAT_LINK_EMPTY,
	    .md = two ? MD_SHA256 : MD_SHA1,
	    .digest = two ? h->sha256 : h->sha1};

	if (h->subject == CAT_PE && h->pages.len != 0) {
		i.link = two ? CAT_LINK_PAGES_SHA256 : CAT_LINK_PAGES_SHA1;
		i.table = h->pages.p;
		i.table_len = h->pages.len;
	} else if (h->subject == CAT_CAB) {
		i.link = CAT_LINK_CAB;
		i.table = h->cab_header;
		i.table_len = md_len(i.md);
	}
	return i;
}

bool
cat_file_id(
    enum cat_version version, const struct cat_file *f, struct buf *ret, struct kd_err *e)
{
	if (f->tag != NULL)
		return put_utf16le(ret, f->tag, e);
	if (version == CAT_V2) {
		buf_add(ret, f->hash->sha256, sizeof(f->hash->sha256));
		return buf_ok(ret, "identifier", e);
	}
	for (size_t i = 0; i < sizeof(f->hash->sha1); i++) {
		static const uint8_t digits[] = "0123456789ABCDEF";

		buf_u16le(ret, digits[f->hash->sha1[i] >> 4]);
		buf_u16le(ret, digits[f->hash->sha1[i] & 15]);
	}
	buf_u16le(ret, 0);
	return buf_ok(ret, "identifier", e);
}

bool
cat_add_file(struct cat_builder *b, enum cat_version version, const struct cat_file *f,
    struct kd_err *e)
{
	AUTO(attrs_clear) struct attrs main = {0};
	AUTO(attrs_clear) struct attrs compat = {0};
	AUTO(buf_clear) struct buf id = {0};

	if (!cat_file_id(version, f, &id, e) || !attrs_init(&main, f->values_n + 2, e) ||
	    !common_attrs(&main, version, f, false, e))
		return false;
	main.v[main.n++] = (struct cat_attr){
	    .kind = CAT_ATTR_INDIRECT, .indirect = indirect_of(version, f->hash)};
	if (!cat_builder_member(b, id.p, id.len, main.v, main.n, e))
		return false;
	if (version != CAT_V2 || f->tag != NULL)
		return true;
	return attrs_init(&compat, f->values_n + 1, e) &&
	       common_attrs(&compat, version, f, true, e) &&
	       cat_builder_member(
		   b, f->hash->sha1, sizeof(f->hash->sha1), compat.v, compat.n, e);
}
