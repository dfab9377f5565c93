/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/keeper/make_ctl.c - see make_ctl.h. */
#include "tests/unit/keeper/make_ctl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void
put_id(struct buf *b, const struct ctl_member *m)
{
	if (m->tag == NULL) {
		buf_add(b, m->id, m->id_len);
		return;
	}
	for (const char *c = m->tag; *c != '\0'; c++)
		buf_u16le(b, (unsigned char)*c);
	buf_u16le(b, 0);
}

void
make_ctl(enum cat_version version, const struct ctl_member *v, size_t n, struct buf *ret)
{
	static const uint8_t identifier[CAT_IDENTIFIER_LEN] = {7};
	AUTO(cat_builder_free) struct cat_builder *b = NULL;
	struct kd_err e = {0};

	assert_true(cat_builder_new(version, &b, &e));
	for (size_t i = 0; i < n; i++) {
		AUTO(buf_clear) struct buf id = {0};
		struct cat_attr attr = {.kind = CAT_ATTR_INDIRECT,
		    .indirect = {.subject = CAT_FLAT,
			.link = CAT_LINK_EMPTY,
			.md = v[i].md,
			.digest = v[i].digest}};

		put_id(&id, &v[i]);
		assert_true(cat_builder_member(
		    b, id.p, id.len, &attr, v[i].md == MD_NONE ? 0 : 1, &e));
	}
	assert_true(cat_builder_finish(
	    b, identifier, sizeof(identifier), 1795482123, ret, &e));
}
