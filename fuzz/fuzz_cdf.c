/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz/fuzz_cdf.c - cdf_parse over any bytes: refuses with a sentence, or gives what a
 * catalog can be made from. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "driver/cdf.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
require(bool ok)
{
	if (!ok)
		abort();
}

static void
check_values(const struct cat_value *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		require(v[i].name[0] != '\0' && v[i].value != NULL &&
			(v[i].flags & CAT_NAME_TEXT) != 0);
}

/* Whatever the files' hashes will be, the members can be written and read. */
static void
check_catalog(const struct cdf *c)
{
	AUTO(cat_builder_free) struct cat_builder *b = NULL;
	AUTO(cat_clear) struct cat cat = {0};
	AUTO(buf_clear) struct buf ctl = {0};
	struct cat_hash hash = {.size = 1};
	struct kd_err e = {0};

	require(cat_builder_new(c->version, &b, &e));
	for (size_t i = 0; i < c->values_n; i++)
		require(cat_add_header(b, &c->values[i], &e));
	for (size_t i = 0; i < c->members_n; i++) {
		const struct cdf_member *m = &c->members[i];
		const struct cat_file f = {
		    m->by_hash ? NULL : m->tag, &hash, m->values, m->values_n};

		hash.sha1[0] = hash.sha256[0] = (uint8_t)i;
		require(cat_add_file(b, c->version, &f, &e));
	}
	require(cat_builder_finish(b, hash.sha1, CAT_IDENTIFIER_LEN, 0, &ctl, &e));
	require(cat_parse_ctl(ctl.p, ctl.len, &cat, &e));
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	AUTO(cdf_clear) struct cdf c = {0};
	struct kd_err e = {0};

	if (!cdf_parse("fuzz.cdf", (const char *)p, n, &c, &e)) {
		require((e.code == KD_E_FORMAT || e.code == KD_E_LIMIT) &&
			strstr(e.msg, "fuzz.cdf") != NULL);
		return 0;
	}
	require(c.name[0] != '\0' && c.result_dir != NULL && c.members_n > 0);
	check_values(c.values, c.values_n);
	for (size_t i = 0; i < c.members_n; i++) {
		const struct cdf_member *m = &c.members[i];

		require(m->tag[0] != '\0' && m->path[0] != '\0' && m->line > 0);
		require(strchr(m->path, '\\') == NULL);
		check_values(m->values, m->values_n);
	}
	check_catalog(&c);
	return 0;
}
