/* SPDX-License-Identifier: Apache-2.0 */
/* driver/inf_files.c - the files that an INF copies, and where they lie in its folder. */
#include "driver/inf_files.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/text.h"
#include "driver/inf_place.h"
#include "driver/inf_version.h"

#define FIRST_ROOM 32
#define COPY_FILES "CopyFiles"

void
inf_files_clear(struct inf_files *f)
{
	for (size_t i = 0; i < f->n; i++) {
		free(f->v[i].name);
		free(f->v[i].path);
	}
	free(f->v);
	*f = (struct inf_files){0};
}

struct collect {
	const struct inf_package *p;
	struct inf_files *ret;
	struct inf_findings *found;
	/* the INF whose section is being read */
	const struct inf_unit *unit;
	struct inf_disks disks;
	bool **copied;  /* by unit, by section: this list is in */
	bool **visited; /* the same: this section's CopyFiles are in */
};

static bool
add_file(struct collect *c, const struct inf_file *one, const char *name,
    const char *path, struct kd_err *e)
{
	struct inf_files *to = c->ret;
	AUTO(free) char *lower = kd_strdup(name);
	AUTO(buf_clear) struct buf whole = {0};

	to->text += strlen(c->p->dir) + strlen(path) + strlen(name);
	if (to->n == INF_FILES_MAX || to->text > INF_FILES_TEXT_MAX)
		return kd_fail(e, KD_E_LIMIT,
		    "more than %zu files, or than %zu bytes of their names",
		    INF_FILES_MAX, INF_FILES_TEXT_MAX);
	if (to->n == to->room) {
		size_t room = to->room == 0 ? FIRST_ROOM : 2 * to->room;
		struct inf_file *v = kd_realloc_array(to->v, room, sizeof(*v));

		if (v == NULL)
			return kd_fail_nomem(e, "list of files");
		to->v = v;
		to->room = room;
	}
	buf_printf(&whole, "%s/%s", c->p->dir, path);
	if (lower == NULL || buf_cstr(&whole) == NULL)
		return kd_fail_nomem(e, "list of files");
	for (char *p = lower; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	to->v[to->n] = *one;
	to->v[to->n].path = kd_strdup(buf_cstr(&whole));
	if (to->v[to->n].path == NULL)
		return kd_fail_nomem(e, "list of files");
	to->v[to->n].name = STEAL(lower);
	to->v[to->n].order = to->n;
	to->n++;
	return true;
}

static bool
has_layout(const struct inf *f)
{
	return inf_line_of(f, inf_section(f, "Version"), "LayoutFile") != NULL;
}

/* What to say of a file for which no architecture has a place in the folder. */
static bool
find_no_place(struct collect *c, unsigned line, const char *source, enum inf_place place,
    struct kd_err *e)
{
	const struct inf *f = &c->unit->inf;
	const char *inf = SHOW(inf_base_name(f->path));

	switch (place) {
	case INF_PLACE_NONE:
		if (has_layout(f)) /* one of Windows' own files */
			return true;
		return inf_find(c->found, INF_ERROR, "22.9.10", f, line, NULL, e,
		    "\\%s in \\%s is missing from [SourceDisksFiles] section; ok if file "
		    "source is provided via LayoutFile in [Version]",
		    SHOW(source), inf);
	case INF_PLACE_NO_DISK:
		return inf_find(c->found, INF_ERROR, "1008", f, line, NULL, e,
		    "\\%s: its disk in [SourceDisksFiles] is not in [SourceDisksNames] of "
		    "\\%s",
		    SHOW(source), inf);
	case INF_PLACE_OUTSIDE:
		return inf_find(c->found, INF_ERROR, "", f, line,
		    "a package is one folder with all that is below it", e,
		    "\\%s: by [SourceDisksFiles] and [SourceDisksNames] it is not in the "
		    "folder of \\%s",
		    SHOW(source), inf);
	case INF_PLACE_FOUND:
		break;
	}
	return true;
}

/* One file, from wherever it lies for each architecture. A catalog cannot list itself. */
static bool
add_places(struct collect *c, unsigned line, size_t list, const char *name,
    const char *source, struct kd_err *e)
{
	AUTO(buf_clear) struct buf path = {0};
	struct inf_file one = {.inf = &c->unit->inf, .line = line, .list = list};
	enum inf_place best = INF_PLACE_NONE;
	bool catalog;

	if (!inf_is_catalog(one.inf, source, &catalog, e))
		return false;
	if (catalog)
		return true;
	for (int a = 0; a < INF_ARCHS; a++) {
		enum inf_place place;

		one.arch = (enum inf_arch)a;
		if (!inf_place_of(
			one.inf, &c->disks, one.arch, source, &place, &path, e))
			return false;
		if (place > best)
			best = place;
		if (place == INF_PLACE_FOUND &&
		    !add_file(c, &one, name, buf_cstr(&path), e))
			return inf_in_line(one.inf, line, e);
	}
	return find_no_place(c, line, source, best, e);
}

/* name [, source [, unused [, flags]]] */
static bool
add_listed(struct collect *c, const struct inf_line *line, struct kd_err *e)
{
	const struct inf *f = &c->unit->inf;
	AUTO(buf_clear) struct buf name = {0};
	AUTO(buf_clear) struct buf source = {0};

	if (!inf_value(f, line, 0, &name, e) || !inf_value(f, line, 1, &source, e))
		return false;
	if (name.len == 0)
		return true;
	return add_places(c, line->number, line->section, buf_cstr(&name),
	    source.len > 0 ? buf_cstr(&source) : buf_cstr(&name), e);
}

/* A section of Windows' own INFs may be meant when there is an Include. */
static bool
find_no_list(struct collect *c, const struct inf_line *line, const char *name,
    struct kd_err *e)
{
	const struct inf *f = &c->unit->inf;

	if (inf_line_of(f, &f->sections[line->section], "Include") != NULL)
		return true;
	return inf_find(c->found, INF_WARNING, "", f, line->number, NULL, e,
	    "CopyFiles names [%s], and \\%s has no such section", SHOW(name),
	    SHOW(inf_base_name(f->path)));
}

static bool
add_list(struct collect *c, const struct inf_line *line, const char *name,
    struct kd_err *e)
{
	const struct inf *f = &c->unit->inf;
	const struct inf_section *list = inf_section(f, name);
	bool *copied;

	if (list == NULL)
		return find_no_list(c, line, name, e);
	copied = &c->copied[c->unit - c->p->v][list - f->sections];
	if (*copied)
		return true;
	*copied = true;
	for (size_t i = list->first; i < list->first + list->n; i++)
		if (!add_listed(c, &f->lines[i], e))
			return false;
	return true;
}

/* CopyFiles = @file, list, ... */
static bool
take_copy_files(struct collect *c, const struct inf_line *line, struct kd_err *e)
{
	AUTO(buf_clear) struct buf b = {0};

	for (size_t i = 0; i < line->n; i++) {
		const char *text;
		bool ok = true;

		if (!inf_value(&c->unit->inf, line, i, &b, e))
			return false;
		text = buf_cstr(&b);
		if (text[0] == '@' && text[1] != '\0')
			ok = add_places(c, line->number, SIZE_MAX, text + 1, text + 1, e);
		else if (text[0] != '\0')
			ok = add_list(c, line, text, e);
		if (!ok)
			return false;
	}
	return true;
}

static bool
take_section(struct collect *c, const struct inf_node *node, struct kd_err *e)
{
	size_t n;
	const struct inf_line *const *lines =
	    inf_lines_of(&node->unit->inf, node->section, COPY_FILES, &n);

	if (c->unit != node->unit) {
		c->unit = node->unit;
		inf_disks_init(&c->unit->inf, &c->disks);
	}
	for (size_t i = 0; i < n; i++)
		if (!take_copy_files(c, lines[i], e))
			return false;
	return true;
}

/* Two arrays of flags, one for each section of each unit. */
static bool
make_flags(const struct inf_package *p, bool ***ret, bool **ret_bytes, struct kd_err *e)
{
	bool **v = kd_alloc_array(p->n, sizeof(*v));
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++)
		n += p->v[i].inf.sections_n;
	*ret_bytes = kd_alloc_array(n, sizeof(bool));
	*ret = v;
	if (v == NULL || *ret_bytes == NULL)
		return kd_fail_nomem(e, "sections");
	n = 0;
	for (size_t i = 0; i < p->n; i++) {
		v[i] = &(*ret_bytes)[n];
		n += p->v[i].inf.sections_n;
	}
	return true;
}

struct queue { /* each section once at most */
	struct inf_node *v;
	size_t n;
};

static void
enqueue(struct collect *c, struct queue *q, const struct inf_node *node)
{
	bool *visited =
	    &c->visited[node->unit - c->p->v][node->section - node->unit->inf.sections];

	if (!*visited)
		q->v[q->n++] = *node;
	*visited = true;
}

/* The unit's own sections in its order, then what they need of other INFs. */
static bool
walk(struct collect *c, const struct inf_unit *unit, struct queue *q, struct kd_err *e)
{
	for (size_t i = 0; i < unit->inf.sections_n; i++)
		enqueue(c, q, &(struct inf_node){unit, &unit->inf.sections[i]});
	for (size_t i = 0; i < q->n; i++) {
		const struct inf_node node = q->v[i];
		struct inf_needs at = {0};
		struct inf_includes in = {0};
		struct inf_node next;

		if (!take_section(c, &node, e))
			return false;
		for (;;) {
			if (!inf_needs_next(c->p, &node, &at, &in, &next, e))
				return false;
			if (next.section == NULL)
				break;
			enqueue(c, q, &next);
		}
	}
	return true;
}

static int
compare_order(const void *pa, const void *pb)
{
	const struct inf_file *a = pa, *b = pb;

	return (a->order > b->order) - (a->order < b->order);
}

/* What would go to one place: the same list, architecture and name. */
static int
compare_targets(const void *pa, const void *pb)
{
	const struct inf_file *a = pa, *b = pb;
	int d = (a->inf > b->inf) - (a->inf < b->inf);

	if (d == 0)
		d = (a->list > b->list) - (a->list < b->list);
	if (d == 0)
		d = (a->arch > b->arch) - (a->arch < b->arch);
	if (d == 0)
		d = strcmp(a->name, b->name);
	return d != 0 ? d : compare_order(a, b);
}

static int
compare_files(const void *pa, const void *pb)
{
	const struct inf_file *a = pa, *b = pb;
	int d = strcmp(a->name, b->name);

	if (d == 0)
		d = strcasecmp(a->path, b->path);
	return d != 0 ? d : compare_order(a, b);
}

static bool
same_target(const struct inf_file *a, const struct inf_file *b)
{
	return a->inf == b->inf && a->list == b->list && a->list != SIZE_MAX &&
	       a->arch == b->arch && strcmp(a->name, b->name) == 0;
}

/* Sorted by target. One sentence for a line, not one for each architecture. */
static bool
check_targets(struct collect *c, struct kd_err *e)
{
	const struct inf_file *v = c->ret->v;
	unsigned said = 0;

	for (size_t i = 1; i < c->ret->n; i++) {
		if (!same_target(&v[i - 1], &v[i]) ||
		    strcasecmp(v[i - 1].path, v[i].path) == 0 || v[i].line == said)
			continue;
		said = v[i].line;
		if (!inf_find(c->found, INF_ERROR, "1330", v[i].inf, v[i].line,
			"give one of them another name, or another list", e,
			"'%s' is copied from '%s' here, and from '%s' by line %u of the "
			"same list",
			SHOW(v[i].name), SHOW(v[i].path), SHOW(v[i - 1].path),
			v[i - 1].line))
			return false;
	}
	return true;
}

static void
remove_repeated(struct inf_files *f)
{
	size_t n = 0;

	if (f->n > 1)
		qsort(f->v, f->n, sizeof(*f->v), compare_files);
	for (size_t i = 0; i < f->n; i++) {
		if (n > 0 && strcmp(f->v[n - 1].name, f->v[i].name) == 0 &&
		    strcasecmp(f->v[n - 1].path, f->v[i].path) == 0) {
			free(f->v[i].name);
			free(f->v[i].path);
		} else {
			f->v[n++] = f->v[i];
		}
	}
	f->n = n;
	if (n > 1)
		qsort(f->v, n, sizeof(*f->v), compare_order);
}

bool
inf_files_collect(const struct inf_package *p, const struct inf_unit *unit,
    struct inf_files *ret, struct inf_findings *found, struct kd_err *e)
{
	struct collect c = {.p = p, .ret = ret, .found = found};
	AUTO(free) bool **copied = NULL;
	AUTO(free) bool **visited = NULL;
	AUTO(free) bool *copied_bytes = NULL;
	AUTO(free) bool *visited_bytes = NULL;
	AUTO(free) struct inf_node *nodes = NULL;
	struct queue q = {0};
	size_t all = 0;

	if (!make_flags(p, &copied, &copied_bytes, e) ||
	    !make_flags(p, &visited, &visited_bytes, e))
		return false;
	for (size_t i = 0; i < p->n; i++)
		all += p->v[i].inf.sections_n;
	nodes = kd_alloc_array(all, sizeof(*nodes));
	if (nodes == NULL)
		return kd_fail_nomem(e, "sections");
	c.copied = copied;
	c.visited = visited;
	q.v = nodes;
	if (!walk(&c, unit, &q, e))
		return false;
	if (ret->n > 1)
		qsort(ret->v, ret->n, sizeof(*ret->v), compare_targets);
	if (!check_targets(&c, e))
		return false;
	remove_repeated(ret);
	return true;
}
