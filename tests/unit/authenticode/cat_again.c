/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/authenticode/cat_again.c - a parsed catalog, built again. */
#include "cat_again.h"

static bool
add_member(struct cat_builder *b, const struct cat_member *m, struct cat_again *seen,
    struct kd_err *e)
{
	static struct cat_attr attrs[CAT_AGAIN_ATTRS_MAX];
	struct rd r = cat_attrs(m);
	size_t n = 0;

	while (rd_left(&r) > 0) {
		struct cat_attr *a = &attrs[n++];

		if (n == CAT_AGAIN_ATTRS_MAX || !cat_next_attr(&r, a, e))
			return false;
		seen->attrs++;
		seen->others += a->kind == CAT_ATTR_OTHER;
		seen->unlike +=
		    a->kind == CAT_ATTR_INDIRECT && a->indirect.subject == CAT_OTHER;
		if (a->kind != CAT_ATTR_OTHER) /* nothing may be left to copy from */
			a->der = NULL;
	}
	return cat_builder_member(b, m->id, m->id_len, attrs, n, e);
}

/* Stored last one first, so added from the last to the first. */
static bool
add_header(struct cat_builder *b, const struct cat *c, struct kd_err *e)
{
	static struct cat_attr attrs[CAT_AGAIN_ATTRS_MAX];
	struct rd r = c->header;
	size_t n = 0;

	while (rd_left(&r) > 0)
		if (n == CAT_AGAIN_ATTRS_MAX || !cat_next_header(&r, &attrs[n++], e))
			return false;
	while (n > 0)
		if (!cat_builder_header(b, &attrs[--n], e))
			return false;
	return true;
}

bool
cat_again(const struct cat *c, struct buf *ret, struct cat_again *seen, struct kd_err *e)
{
	AUTO(cat_builder_free) struct cat_builder *b = NULL;

	if (!cat_builder_new(c->version, &b, e) || !add_header(b, c, e))
		return false;
	for (size_t i = c->members_n; i > 0; i--) /* not the order that must come out */
		if (!add_member(b, &c->members[i - 1], seen, e))
			return false;
	return cat_builder_finish(b, c->identifier, c->identifier_len, c->time, ret, e);
}
