/* SPDX-License-Identifier: Apache-2.0 */
/* driver/inf_sources.c - what [SourceDisksFiles] says that fits nothing else. */
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/text.h"
#include "driver/inf_place.h"
#include "driver/inf_version.h"

/* The last parts of the paths, sorted. */
static int
compare_names(const void *pa, const void *pb)
{
	return strcasecmp(*(const char *const *)pa, *(const char *const *)pb);
}

static bool
is_copied(const char *const *names, size_t n, const char *source)
{
	const char *name = inf_base_name(source);
	const char *back = strrchr(name, '\\');

	if (back != NULL)
		name = back + 1;
	return bsearch(&name, names, n, sizeof(*names), compare_names) != NULL;
}

/* It has a source, and nothing copies it: the catalogs excepted, which need no copying. */
static bool
check_copied(const struct inf *f, const struct inf_line *line, const char *section,
    struct inf_findings *found, struct kd_err *e)
{
	bool catalog;

	if (!inf_is_catalog(f, line->key, &catalog, e))
		return false;
	return catalog ||
	       inf_find(found, INF_WARNING, "", f, line->number, NULL, e,
		   "'%s' is in [%s], but no CopyFiles copies it: no catalog will list it",
		   SHOW(line->key), SHOW(section));
}

/* Two lines of one section with the same file. */
static bool
check_repeated(const struct inf *f, const struct inf_line *a, const struct inf_line *b,
    struct inf_findings *found, struct kd_err *e)
{
	if (strcasecmp(a->key, b->key) != 0 ||
	    (strcasecmp(inf_field(f, a, 0), inf_field(f, b, 0)) == 0 &&
		strcasecmp(inf_field(f, a, 1), inf_field(f, b, 1)) == 0))
		return true;
	return inf_find(found, INF_ERROR, "1330", f, b->number,
	    "which of the two is meant depends on the Windows that reads it", e,
	    "'%s' has one place in [%s] here, and another at line %u", SHOW(b->key),
	    SHOW(f->sections[b->section].name), a->number);
}

static bool
check_section(const struct inf *f, const struct inf_section *s, const char *const *names,
    size_t names_n, struct inf_findings *found, struct kd_err *e)
{
	for (size_t i = s->first; i < s->first + s->n; i++) {
		const struct inf_line *line = &f->lines[i];
		const struct inf_line *const *same;
		size_t n;

		if (line->key == NULL)
			continue;
		if (!is_copied(names, names_n, line->key) &&
		    !check_copied(f, line, s->name, found, e))
			return false;
		same = inf_lines_of(f, s, line->key, &n);
		if (n > 1 && line == same[1] &&
		    !check_repeated(f, same[0], same[1], found, e))
			return false;
	}
	return true;
}

bool
inf_sources_check(const struct inf_unit *unit, const struct inf_files *files,
    struct inf_findings *found, struct kd_err *e)
{
	const struct inf *f = &unit->inf;
	AUTO(free) const char **names = kd_alloc_array(files->n, sizeof(*names));
	struct inf_disks d;

	if (names == NULL)
		return kd_fail_nomem(e, "list of files");
	for (size_t i = 0; i < files->n; i++)
		names[i] = inf_base_name(files->v[i].path);
	if (files->n > 1)
		qsort(names, files->n, sizeof(*names), compare_names);
	inf_disks_init(f, &d);
	for (size_t a = 0; a <= INF_ARCHS; a++)
		if (d.files[a] != NULL &&
		    !check_section(f, d.files[a], names, files->n, found, e))
			return false;
	return true;
}
