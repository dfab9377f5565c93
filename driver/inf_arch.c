/* SPDX-License-Identifier: Apache-2.0 */
/* driver/inf_arch.c - is each binary built for the machines that the INF installs it on? */
#include "driver/inf_arch.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "authenticode/pe.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "driver/inf_place.h"

#define FIRST_ROOM 32
#define ARCHS_LEN 40 /* all their names */
#define SUBSYSTEM_NATIVE 1
#define SUBSYSTEM_EFI_FIRST 10
#define SUBSYSTEM_EFI_LAST 13

/* users: where Windows runs a program or a library of that kind. An image for .NET alone
 * says x86 and runs everywhere. */
static const struct machine {
	uint16_t machine;
	enum inf_arch arch;
	unsigned users; /* mask */
} machines[] = {
    {0x014c, INF_X86, INF_ARCHS_ALL},
    {0x8664, INF_AMD64, 1u << INF_AMD64 | 1u << INF_ARM64},
    {0xaa64, INF_ARM64, 1u << INF_ARM64},
    {0x01c0, INF_ARM, 1u << INF_ARM | 1u << INF_ARM64},
    {0x01c2, INF_ARM, 1u << INF_ARM | 1u << INF_ARM64},
    {0x01c4, INF_ARM, 1u << INF_ARM | 1u << INF_ARM64},
    {0x0200, INF_IA64, 1u << INF_IA64},
};

static const struct machine *
machine_of(uint16_t machine)
{
	for (size_t i = 0; i < KD_ARRAY_LEN(machines); i++)
		if (machines[i].machine == machine)
			return &machines[i];
	return NULL;
}

bool
inf_arch_of_machine(uint16_t machine, enum inf_arch *ret)
{
	const struct machine *m = machine_of(machine);

	if (m != NULL)
		*ret = m->arch;
	return m != NULL;
}

struct sight { /* an image that a line copies on one architecture */
	char *path; /* from the folder; owned */
	const char *section;
	const struct inf *inf;
	unsigned line, wanted, fits; /* masks: that architecture, or nothing */
	uint16_t machine;
	size_t order;
};

struct search { /* of one architecture at a time */
	const struct inf_package *p;
	const struct inf_unit *unit;
	struct cdf_finder *finder;
	enum inf_arch arch;
	bool **seen;   /* by unit, by section: queued, or copied */
	bool *seen_bytes;
	struct inf_node *queue; /* each section once at most */
	size_t queue_n, sections_n;
	/* the image looked at last: many lines, and each architecture, name the same one */
	struct buf path;
	struct pe pe;
	bool is_pe;
	struct sight *sights; /* of all architectures; inf_files_collect had no more */
	size_t sights_n, sights_room;
};

static void
search_clear(struct search *s)
{
	for (size_t i = 0; i < s->sights_n; i++)
		free(s->sights[i].path);
	free(s->sights);
	free(s->seen);
	free(s->seen_bytes);
	free(s->queue);
	buf_clear(&s->path);
}
AUTO_DEFINE_CLEAR(struct search, search_clear);

static bool
is_new(struct search *s, const struct inf_node *node)
{
	bool *seen = &s->seen[node->unit - s->p->v][node->section - node->unit->inf.sections];
	bool fresh = !*seen;

	*seen = true;
	return fresh;
}

static void
enqueue(struct search *s, const struct inf_unit *unit, const struct inf_section *section)
{
	const struct inf_node node = {unit, section};

	if (section != NULL && is_new(s, &node))
		s->queue[s->queue_n++] = node;
}

/* Does one part of the name, behind a dot, say this architecture, or any? */
static bool
is_decorated(const char *name, enum inf_arch wanted)
{
	const char *dot = name;
	enum inf_arch arch;

	while ((dot = strchr(dot, '.')) != NULL)
		if (inf_arch_of(++dot, &arch) && arch == wanted)
			return true;
	return false;
}

unsigned
inf_archs_named(const struct inf *f)
{
	unsigned archs = 0;

	for (size_t i = 0; i < f->sections_n; i++)
		for (int a = 0; a < INF_ARCHS; a++)
			if (is_decorated(f->sections[i].name, (enum inf_arch)a))
				archs |= 1u << a;
	return archs;
}

/* Does any section's name begin so? */
static bool
has_beginning(const struct inf *f, const char *text)
{
	size_t low = 0, high = f->sections_n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcasecmp(f->by_name[middle]->name, text) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < f->sections_n &&
	       strncasecmp(f->by_name[low]->name, text, strlen(text)) == 0;
}

/* Is there an install section of that name for the architecture: "name.NTamd64", alone or
 * with more behind a dot? */
static bool
has_decorated(const struct search *s, const char *name)
{
	const struct inf *f = &s->unit->inf;
	AUTO(buf_clear) struct buf b = {0};

	buf_printf(&b, "%s.nt%s", name, inf_arch_name(s->arch));
	if (buf_cstr(&b) == NULL)
		return false;
	if (inf_section(f, buf_cstr(&b)) != NULL)
		return true;
	buf_u8(&b, '.');
	return buf_cstr(&b) != NULL && has_beginning(f, buf_cstr(&b));
}

/* "name.NT", else "name", each with what is copied beside it. */
static bool
take_plain(struct search *s, const char *name, struct kd_err *e)
{
	static const char *const ends[] = {".NT", ".NT.CoInstallers", "", ".CoInstallers"};
	const struct inf *f = &s->unit->inf;
	AUTO(buf_clear) struct buf b = {0};
	bool nt = false;

	for (size_t i = 0; i < KD_ARRAY_LEN(ends) && !(nt && i >= 2); i++) {
		const struct inf_section *section;

		buf_reset(&b);
		buf_printf(&b, "%s%s", name, ends[i]);
		if (buf_cstr(&b) == NULL)
			return buf_ok(&b, "section name", e);
		section = inf_section(f, buf_cstr(&b));
		nt = nt || (i == 0 && section != NULL);
		enqueue(s, s->unit, section);
	}
	return true;
}

/* The install sections that this Models section's lines name. */
static bool
take_models(struct search *s, const struct inf_section *models, struct kd_err *e)
{
	const struct inf *f = &s->unit->inf;
	AUTO(buf_clear) struct buf name = {0};
	const struct inf_node node = {s->unit, models};

	if (models == NULL || !is_new(s, &node))
		return true;
	for (size_t i = models->first; i < models->first + models->n; i++) {
		const struct inf_line *line = &f->lines[i];

		if (!inf_value(f, line, 0, &name, e))
			return false;
		if (line->key != NULL && name.len > 0 &&
		    !has_decorated(s, buf_cstr(&name)) &&
		    !take_plain(s, buf_cstr(&name), e))
			return false;
	}
	return true;
}

/* The Models section with this decoration, when it is for the architecture. */
static bool
take_decorated(struct search *s, const char *models, const char *decoration,
    struct kd_err *e)
{
	AUTO(buf_clear) struct buf name = {0};
	enum inf_arch arch = INF_X86; /* "NT", and none at all */

	(void)inf_arch_of(decoration, &arch);
	if (arch != s->arch)
		return true;
	buf_printf(&name, "%s%s%s", models, decoration[0] == '\0' ? "" : ".", decoration);
	if (buf_cstr(&name) == NULL)
		return buf_ok(&name, "section name", e);
	return take_models(s, inf_section(&s->unit->inf, buf_cstr(&name)), e);
}

static bool
take_manufacturer(struct search *s, const struct inf_line *line, struct kd_err *e)
{
	const struct inf *f = &s->unit->inf;
	AUTO(buf_clear) struct buf models = {0};
	AUTO(buf_clear) struct buf decoration = {0};

	if (!inf_value(f, line, 0, &models, e))
		return false;
	if (models.len == 0 && line->key != NULL && !inf_expand(f, line->key, &models, e))
		return inf_in_line(f, line->number, e);
	if (models.len == 0)
		return true;
	if (!take_decorated(s, buf_cstr(&models), "", e))
		return false;
	for (size_t i = 1; i < line->n; i++)
		if (!inf_value(f, line, i, &decoration, e) ||
		    (decoration.len > 0 &&
			!take_decorated(s, buf_cstr(&models), buf_cstr(&decoration), e)))
			return false;
	return true;
}

/* Sections that are for this architecture: by their names, or by their Models. */
static bool
take_sections(struct search *s, struct kd_err *e)
{
	const struct inf *f = &s->unit->inf;
	const struct inf_section *m = inf_section(f, "Manufacturer");

	for (size_t i = m == NULL ? 0 : m->first; m != NULL && i < m->first + m->n; i++)
		if (!take_manufacturer(s, &f->lines[i], e))
			return false;
	for (size_t i = 0; i < f->sections_n; i++)
		if (is_decorated(f->sections[i].name, s->arch))
			enqueue(s, s->unit, &f->sections[i]);
	return true;
}

/* s->pe, s->is_pe: of the file at that place in the folder. */
static bool
look_at(struct search *s, const char *place, struct kd_err *e)
{
	AUTO(buf_clear) struct buf path = {0};
	AUTO(buf_clear) struct buf real = {0};
	AUTO(close) int fd = -1;
	struct kd_err none = {0};

	buf_printf(&path, "%s/%s", s->p->dir, place);
	if (buf_cstr(&path) == NULL)
		return buf_ok(&path, "path", e);
	if (s->path.len != 0 && strcmp(buf_cstr(&s->path), buf_cstr(&path)) == 0)
		return true;
	s->is_pe = cdf_find(s->finder, "", buf_cstr(&path), &real, &none) &&
		   file_open_read(buf_cstr(&real), &fd, NULL, &none) &&
		   pe_open(fd, &s->pe, &none);
	if (none.code == KD_E_NOMEM)
		return kd_fail_nomem(e, "path");
	buf_clear(&s->path);
	s->path = path;
	path = (struct buf){0};
	return true;
}

static bool
fits(const struct pe *pe, enum inf_arch arch)
{
	const struct machine *m = machine_of(pe->machine);

	if (m == NULL ||
	    (pe->subsystem >= SUBSYSTEM_EFI_FIRST && pe->subsystem <= SUBSYSTEM_EFI_LAST))
		return true; /* nothing that Windows runs */
	return pe->subsystem == SUBSYSTEM_NATIVE ? m->arch == arch
						 : (m->users >> arch & 1) != 0;
}

static bool
add_sight(struct search *s, const struct sight *one, const char *place, struct kd_err *e)
{
	struct sight *v = s->sights;

	if (s->sights_n == s->sights_room) {
		size_t room = v == NULL ? FIRST_ROOM : 2 * s->sights_room;

		v = kd_realloc_array(v, room, sizeof(*v));
		if (v == NULL)
			return kd_fail_nomem(e, "list of files");
		s->sights = v;
		s->sights_room = room;
	}
	v[s->sights_n] = *one;
	v[s->sights_n].order = s->sights_n;
	v[s->sights_n].path = kd_strdup(place);
	return v[s->sights_n++].path != NULL || kd_fail_nomem(e, "list of files");
}

static bool
look(struct search *s, const struct inf_node *node, const struct inf_disks *d,
    unsigned line, const char *source, struct kd_err *e)
{
	AUTO(buf_clear) struct buf place = {0};
	struct sight one = {.section = node->section->name,
	    .inf = &node->unit->inf,
	    .line = line,
	    .wanted = 1u << s->arch};
	enum inf_place how;

	if (!inf_place_of(one.inf, d, s->arch, source, &how, &place, e))
		return false;
	if (how != INF_PLACE_FOUND)
		return true; /* said by inf_files_collect */
	if (!look_at(s, buf_cstr(&place), e))
		return false;
	if (!s->is_pe)
		return true;
	one.machine = s->pe.machine;
	one.fits = fits(&s->pe, s->arch) ? one.wanted : 0;
	return add_sight(s, &one, buf_cstr(&place), e);
}

/* A list: name [, source...]. */
static bool
look_at_list(struct search *s, const struct inf_unit *unit, const char *name,
    const struct inf_disks *d, struct kd_err *e)
{
	const struct inf *f = &unit->inf;
	const struct inf_node node = {unit, inf_section(f, name)};
	AUTO(buf_clear) struct buf source = {0};

	if (node.section == NULL || !is_new(s, &node))
		return true;
	for (size_t i = node.section->first; i < node.section->first + node.section->n;
	     i++) {
		const struct inf_line *line = &f->lines[i];

		if (!inf_value(f, line, 1, &source, e) ||
		    (source.len == 0 && !inf_value(f, line, 0, &source, e)))
			return false;
		if (source.len > 0 &&
		    !look(s, &node, d, line->number, buf_cstr(&source), e))
			return false;
	}
	return true;
}

static bool
look_at_section(struct search *s, const struct inf_node *node, struct kd_err *e)
{
	const struct inf *f = &node->unit->inf;
	AUTO(buf_clear) struct buf b = {0};
	struct inf_disks d;
	size_t n;
	const struct inf_line *const *lines =
	    inf_lines_of(f, node->section, "CopyFiles", &n);

	inf_disks_init(f, &d);
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < lines[i]->n; k++) {
			const char *text;

			if (!inf_value(f, lines[i], k, &b, e))
				return false;
			text = buf_cstr(&b);
			if (text[0] == '@'
				? !look(s, node, &d, lines[i]->number, text + 1, e)
				: !look_at_list(s, node->unit, text, &d, e))
				return false;
		}
	return true;
}

static bool
look_for_arch(struct search *s, struct kd_err *e)
{
	memset(s->seen_bytes, 0, s->sections_n * sizeof(bool));
	s->queue_n = 0;
	if (!take_sections(s, e))
		return false;
	for (size_t i = 0; i < s->queue_n; i++) {
		const struct inf_node node = s->queue[i];
		struct inf_needs at = {0};
		struct inf_includes in = {0};
		struct inf_node next;

		if (!look_at_section(s, &node, e))
			return false;
		do {
			if (!inf_needs_next(s->p, &node, &at, &in, &next, e))
				return false;
			enqueue(s, next.unit, next.section);
		} while (next.section != NULL);
	}
	return true;
}

static bool
make_room(struct search *s, struct kd_err *e)
{
	size_t n = 0;

	for (size_t i = 0; i < s->p->n; i++)
		s->sections_n += s->p->v[i].inf.sections_n;
	s->seen = kd_alloc_array(s->p->n, sizeof(*s->seen));
	s->seen_bytes = kd_alloc_array(s->sections_n, sizeof(bool));
	s->queue = kd_alloc_array(s->sections_n, sizeof(*s->queue));
	if (s->seen == NULL || s->seen_bytes == NULL || s->queue == NULL)
		return kd_fail_nomem(e, "sections");
	for (size_t i = 0; i < s->p->n; i++) {
		s->seen[i] = &s->seen_bytes[n];
		n += s->p->v[i].inf.sections_n;
	}
	return true;
}

/* By file, in the INF's order. */
static int
compare_sights(const void *pa, const void *pb)
{
	const struct sight *a = pa, *b = pb;
	int d = strcasecmp(a->path, b->path);

	return d != 0 ? d : (a->order > b->order) - (a->order < b->order);
}

static const char *
archs_text(unsigned archs, char dst[ARCHS_LEN])
{
	size_t n = 0;

	dst[0] = '\0';
	for (int a = 0; a < INF_ARCHS; a++)
		if ((archs >> a & 1) != 0)
			n += (size_t)snprintf(&dst[n], ARCHS_LEN - n, "%s%s",
			    n == 0 ? "" : ", ", inf_arch_name((enum inf_arch)a));
	return dst;
}

/* v[0..n-1]: of one file. One that serves one architecture at least was built for it, and
 * that the INF says more is usual where each architecture has a package of its own. */
static bool
judge(const struct sight *v, size_t n, struct inf_findings *found,
    struct kd_err *e)
{
	unsigned wanted = 0, fit = 0;
	const struct sight *first = NULL; /* that does not fit */
	char machine[20], text[ARCHS_LEN];

	for (size_t i = 0; i < n; i++) {
		wanted |= v[i].wanted;
		fit |= v[i].fits;
		if (first == NULL && v[i].fits == 0)
			first = &v[i];
	}
	if (first == NULL)
		return true;
	return inf_find(found, fit == 0 ? INF_ERROR : INF_WARNING, "", first->inf,
	    first->line,
	    "put the right build in its place; builds for several architectures need a "
	    "[SourceDisksFiles.ARCH] section each",
	    e, "\\%s is built for %s, and [%s] copies it to Windows for %s",
	    SHOW(first->path), pe_machine_name(first->machine, machine),
	    SHOW(first->section), archs_text(wanted & ~fit, text));
}

static bool
judge_all(struct search *s, struct inf_findings *found, struct kd_err *e)
{
	size_t first = 0;

	if (s->sights_n > 1)
		qsort(s->sights, s->sights_n, sizeof(*s->sights), compare_sights);
	for (size_t i = 1; i <= s->sights_n; i++) {
		if (i < s->sights_n &&
		    strcasecmp(s->sights[first].path, s->sights[i].path) == 0)
			continue;
		if (!judge(&s->sights[first], i - first, found, e))
			return false;
		first = i;
	}
	return true;
}

bool
inf_arch_check(const struct inf_package *p, const struct inf_unit *unit,
    struct cdf_finder *finder, struct inf_findings *found, struct kd_err *e)
{
	AUTO(search_clear) struct search s = {.p = p, .unit = unit, .finder = finder};

	if (!make_room(&s, e))
		return false;
	for (int a = 0; a < INF_ARCHS; a++) {
		s.arch = (enum inf_arch)a;
		if (!look_for_arch(&s, e))
			return false;
	}
	return judge_all(&s, found, e);
}
