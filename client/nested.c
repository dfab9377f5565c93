/* SPDX-License-Identifier: Apache-2.0 */
/* client/nested.c - which of a file's signatures a number means. */
#include "client/nested.h"

struct numbered {
	struct nested_place place;
	unsigned sequence; /* 0: has none */
};

static bool
read_all(const struct cms *c, struct numbered *ret, size_t *ret_n, struct kd_err *e)
{
	struct rd r = c->nested;
	size_t n = 0;

	for (; rd_left(&r) > 0 && n < CMS_NESTED_MAX; n++) {
		AUTO(cms_clear) struct cms one = {0};
		struct numbered *v = &ret[n];

		*v = (struct numbered){.place = {.nested = true, .position = n}};
		if (!cms_next_nested(&r, &v->place.p, &v->place.len, e) ||
		    !cms_parse(v->place.p, v->place.len, &one, e))
			return kd_in(e, "nested signature %zu", n + 1);
		v->sequence = one.sequence;
	}
	*ret_n = n;
	return true;
}

static void
order(struct numbered *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].sequence == 0)
			return;
	for (size_t i = 1; i < n; i++) {
		struct numbered one = v[i];
		size_t k = i;

		for (; k > 0 && v[k - 1].sequence > one.sequence; k--)
			v[k] = v[k - 1];
		v[k] = one;
	}
}

bool
nested_find(const uint8_t *cms, size_t len, size_t index, struct nested_place *ret,
    struct kd_err *e)
{
	AUTO(cms_clear) struct cms c = {0};
	struct numbered v[CMS_NESTED_MAX];
	size_t n = 0;

	if (index == 0) {
		*ret = (struct nested_place){.p = cms, .len = len};
		return true;
	}
	if (!cms_parse(cms, len, &c, e) || !read_all(&c, v, &n, e))
		return false;
	if (index > n)
		return kd_fail(e, KD_E_UNSIGNED,
		    "has no signature %zu: the first is 0, the last %zu", index, n);
	order(v, n);
	*ret = v[index - 1].place;
	return true;
}
