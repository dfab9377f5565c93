/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz/fuzz_cat.c - cat_parse over any bytes: refuses with a sentence, or gives what the
 * same CTL can be built from again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "authenticode/cat.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

#define ATTRS_MAX 256

static void
require(bool ok)
{
	if (!ok)
		abort();
}

/* False when there are more than this target has room for. */
static bool
add_attrs(struct cat_builder *b, const struct cat_member *m)
{
	struct cat_attr attrs[ATTRS_MAX];
	struct rd r = cat_attrs(m);
	struct kd_err e = {0};
	size_t n = 0;

	while (rd_left(&r) > 0) {
		if (n == ATTRS_MAX)
			return false;
		require(cat_next_attr(&r, &attrs[n], &e));
		n++;
	}
	require(cat_builder_member(b, m->id, m->id_len, attrs, n, &e));
	return true;
}

static bool
add_header(struct cat_builder *b, struct rd r)
{
	struct cat_attr attrs[ATTRS_MAX];
	struct kd_err e = {0};
	size_t n = 0;

	while (rd_left(&r) > 0) {
		if (n == ATTRS_MAX)
			return false;
		require(cat_next_header(&r, &attrs[n], &e));
		n++;
	}
	while (n > 0)
		require(cat_builder_header(b, &attrs[--n], &e));
	return true;
}

static void
check(const struct cat *c)
{
	AUTO(cat_builder_free) struct cat_builder *b = NULL;
	AUTO(buf_clear) struct buf again = {0};
	struct kd_err e = {0};

	require(cat_builder_new(c->version, &b, &e));
	if (!add_header(b, c->header))
		return;
	for (size_t i = c->members_n; i > 0; i--) {
		const struct cat_member *m = &c->members[i - 1];

		require(cat_find(c, m->id, m->id_len) == m);
		if (!add_attrs(b, m))
			return;
	}
	require(
	    cat_builder_finish(b, c->identifier, c->identifier_len, c->time, &again, &e));
	require(again.len == c->ctl_len && memcmp(again.p, c->ctl, c->ctl_len) == 0);
}

static void
judge(bool ok, const struct cat *c, const struct kd_err *e)
{
	require(ok == (e->code == KD_OK));
	if (ok)
		check(c);
	else
		require(e->msg[0] != '\0' &&
			(e->code == KD_E_FORMAT || e->code == KD_E_LIMIT));
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	AUTO(cat_clear) struct cat whole = {0};
	AUTO(cat_clear) struct cat ctl = {0};
	struct kd_err e = {0}, ctl_e = {0};

	judge(cat_parse(p, n, &whole, &e), &whole, &e);
	judge(cat_parse_ctl(p, n, &ctl, &ctl_e), &ctl, &ctl_e);
	return 0;
}
