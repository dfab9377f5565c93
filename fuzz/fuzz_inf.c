/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz/fuzz_inf.c - one or two INFs of any bytes as a driver package: refused with a
 * sentence, or tested, and what is good has catalogs that can be planned. */
#include "config.h" /* _GNU_SOURCE: memmem */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "driver/inf_catalog.h"

/* A line between two INFs of one package: a.inf and b.inf. */
#define BETWEEN "\n;;;; b.inf\n"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
require(bool ok)
{
	if (!ok)
		abort();
}

static bool
is_refusal(const struct kd_err *e)
{
	return (e->code == KD_E_FORMAT || e->code == KD_E_LIMIT) && e->msg[0] != '\0';
}

/* Everything that was read can be found again, and fits its bounds. */
static void
check_inf(const struct inf *f)
{
	AUTO(buf_clear) struct buf b = {0};

	require(f->lines_n <= INF_LINES_MAX && f->sections_n <= INF_SECTIONS_MAX);
	for (size_t i = 0; i < f->sections_n; i++) {
		const struct inf_section *s = &f->sections[i];

		require(s->name[0] != '\0' && inf_section(f, s->name) == s);
		require(s->first + s->n <= f->lines_n);
	}
	for (size_t i = 0; i < f->lines_n; i++) {
		const struct inf_line *line = &f->lines[i];
		const struct inf_section *s = &f->sections[line->section];
		struct kd_err e = {0};

		require(line->number > 0 && i >= s->first && i < s->first + s->n);
		require(line->key == NULL || inf_line_of(f, s, line->key) != NULL);
		for (size_t k = 0; k < line->n; k++)
			require(inf_value(f, line, k, &b, &e) || is_refusal(&e));
	}
}

static bool
add(struct inf_package *p, const char *name, const uint8_t *bytes, size_t n)
{
	struct kd_err e = {0};

	if (!inf_parse(name, bytes, n, &p->v[p->n].inf, &e)) {
		require(is_refusal(&e) && strstr(e.msg, name) != NULL);
		return false;
	}
	p->v[p->n].tested = true;
	p->v[p->n].name = kd_strdup(name);
	check_inf(&p->v[p->n++].inf);
	return true;
}

static void
check_findings(const struct inf_findings *found)
{
	require(found->n == found->errors + found->warnings ||
		found->n == INF_FINDINGS_MAX);
	for (size_t i = 0; i < found->n; i++)
		require(found->v[i].text[0] != '\0' && found->v[i].path[0] != '\0');
}

static void
check_catalogs(const struct inf_package *p, const struct inf_contents *contents,
    const struct oslist *os)
{
	AUTO(inf_catalogs_clear) struct inf_catalogs catalogs = {0};
	struct kd_err e = {0};

	require(inf_catalogs_plan(p, contents, os, CAT_V2, &catalogs, &e));
	require(catalogs.n > 0);
	for (size_t i = 0; i < catalogs.n; i++) {
		const struct cdf *cdf = &catalogs.v[i].cdf;

		require(strpbrk(catalogs.v[i].name, "/\\") == NULL);
		require(cdf->members_n > 0 && cdf->values_n == contents->ids.n + 1);
		for (size_t k = 0; k < cdf->members_n; k++)
			require(strstr(cdf->members[k].path, "/../") == NULL);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const char *between = n == 0 ? NULL : memmem(p, n, BETWEEN, strlen(BETWEEN));
	size_t first = between == NULL ? n : (size_t)(between - (const char *)p);
	AUTO(inf_package_clear) struct inf_package package = {0};
	AUTO(inf_contents_clear) struct inf_contents contents = {0};
	AUTO(inf_findings_clear) struct inf_findings found = {0};
	struct inf_check_options o = {.today = {2026, 11, 26, false}};
	struct oslist os = {0};
	struct kd_err e = {0};

	require(oslist_parse("7_X86,10_X64,10_RS3_ARM64", &os, &e));
	o.os = &os;
	package.dir = kd_strdup("/nonexistent");
	package.v = kd_alloc_array(2, sizeof(*package.v));
	require(package.dir != NULL && package.v != NULL);
	if (!add(&package, "a.inf", p, first))
		return 0;
	if (between != NULL &&
	    !add(&package, "b.inf", &p[first + strlen(BETWEEN)],
		n - first - strlen(BETWEEN)))
		return 0;
	if (!inf_check(&package, &o, &contents, &found, &e)) {
		require(is_refusal(&e));
		return 0;
	}
	check_findings(&found);
	if (found.errors == 0)
		check_catalogs(&package, &contents, &os);
	return 0;
}
