/* SPDX-License-Identifier: Apache-2.0 */
/* base/conf_print.c - effective values, in the syntax that conf.c reads. */
#include "base/conf_value.h"

#include <stdio.h>

static void
print_struct(const struct conf_section *s, const char *base, struct buf *ret)
{
	if (s->named)
		buf_printf(
		    ret, "\n[%s %s]\n", s->kind, *(char *const *)(const void *)base);
	else if (s->kind != NULL)
		buf_printf(ret, "\n[%s]\n", s->kind);
	for (const struct conf_key *k = s->keys; k->name != NULL; k++) {
		if (k->help != NULL)
			buf_printf(ret, "# %s\n", k->help);
		conf_value_print(k, base + k->offset, ret);
	}
}

void
conf_print(const struct conf_section *sections, const void *conf, struct buf *ret)
{
	for (const struct conf_section *s = sections; s->keys != NULL; s++) {
		const char *base = (const char *)conf + s->offset;
		const struct conf_array *a = (const void *)base;

		for (size_t i = 0; s->named && i < a->n; i++)
			print_struct(s, (const char *)a->v + i * s->size, ret);
		if (!s->named)
			print_struct(s, base, ret);
	}
}

bool
conf_show(const struct conf_section *sections, const void *conf, struct kd_err *e)
{
	AUTO(buf_clear) struct buf b = {0};

	conf_print(sections, conf, &b);
	if (!buf_ok(&b, "settings", e))
		return false;
	if (fwrite(b.p, 1, b.len, stdout) != b.len || fflush(stdout) != 0)
		return kd_fail(e, KD_E_IO, "standard output: cannot write");
	return true;
}
