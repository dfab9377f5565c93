/* SPDX-License-Identifier: Apache-2.0 */
/* driver/inf_needs.c - sections that take in others by Include and Needs. */
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "driver/inf_package.h"

/* The INFs of the folder that the node's section includes. */
static bool
read_includes(const struct inf_package *p, const struct inf_node *of,
    struct inf_includes *ret, struct kd_err *e)
{
	const struct inf *f = &of->unit->inf;
	AUTO(buf_clear) struct buf b = {0};
	size_t n, includes = 0;
	const struct inf_line *const *lines = inf_lines_of(f, of->section, "Include", &n);

	*ret = (struct inf_includes){.any = n > 0};
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < lines[i]->n; k++) {
			if (++includes > INF_INCLUDES_MAX) {
				(void)kd_fail(e, KD_E_LIMIT,
				    "more than %zu INFs included in one section",
				    INF_INCLUDES_MAX);
				return inf_in_line(f, lines[i]->number, e);
			}
			if (!inf_value(f, lines[i], k, &b, e))
				return false;
			ret->v[ret->n] = inf_package_unit(p, buf_cstr(&b));
			ret->n += ret->v[ret->n] != NULL;
		}
	}
	ret->of = of->section;
	return true;
}

/*
 * The section of that name: of an INF that the node's section includes, or of its own when
 * it includes none. [EHCI.Dev.NT] of many an INF includes Windows' usbport.inf and needs
 * its [EHCI.Dev.NT], not itself.
 */
static struct inf_node
resolve(const struct inf_node *of, const struct inf_includes *in, const char *name)
{
	struct inf_node found = {
	    of->unit, in->any ? NULL : inf_section(&of->unit->inf, name)};

	for (size_t i = 0; found.section == NULL && i < in->n; i++)
		found = (struct inf_node){in->v[i], inf_section(&in->v[i]->inf, name)};
	return found;
}

bool
inf_needs_next(const struct inf_package *p, const struct inf_node *of,
    struct inf_needs *at, struct inf_includes *in, struct inf_node *ret, struct kd_err *e)
{
	const struct inf *f = &of->unit->inf;
	AUTO(buf_clear) struct buf name = {0};
	size_t n;
	const struct inf_line *const *lines = inf_lines_of(f, of->section, "Needs", &n);

	*ret = (struct inf_node){0};
	if (n > 0 && in->of != of->section && !read_includes(p, of, in, e))
		return false;
	while (ret->section == NULL && at->line < n) {
		const struct inf_line *line = lines[at->line];

		if (at->field >= line->n) {
			at->line++;
			at->field = 0;
			continue;
		}
		at->number = line->number;
		if (!inf_value(f, line, at->field++, &name, e))
			return false;
		if (name.len > 0)
			*ret = resolve(of, in, buf_cstr(&name));
	}
	return true;
}

enum colour { UNSEEN, OPEN, DONE };

struct frame {
	struct inf_node node;
	struct inf_needs at;
};

struct search { /* depth first, on a stack of our own */
	const struct inf_package *p;
	struct inf_findings *found;
	unsigned char **colours; /* by unit, by section */
	struct frame *stack;     /* as deep as there are sections */
	size_t depth;
	struct inf_includes includes; /* of the section asked last */
};

static unsigned char *
colour_of(const struct search *s, const struct inf_node *node)
{
	size_t unit = (size_t)(node->unit - s->p->v);

	return &s->colours[unit][node->section - node->unit->inf.sections];
}

static void
push(struct search *s, const struct inf_node *node)
{
	*colour_of(s, node) = OPEN;
	s->stack[s->depth++] = (struct frame){.node = *node};
}

static bool
found_circle(struct search *s, const struct frame *from, const struct inf_node *to,
    struct kd_err *e)
{
	return inf_find(s->found, INF_ERROR, "", &from->node.unit->inf, from->at.number,
	    "take one of the Needs out", e,
	    "[%s] needs [%s] of \\%s, which by its own Needs comes back to it: a cycle",
	    SHOW(from->node.section->name), SHOW(to->section->name),
	    SHOW(inf_base_name(to->unit->inf.path)));
}

static bool
search_from(struct search *s, const struct inf_node *start, struct kd_err *e)
{
	push(s, start);
	while (s->depth > 0) {
		struct frame *top = &s->stack[s->depth - 1];
		struct inf_node next;

		if (!inf_needs_next(
			s->p, &top->node, &top->at, &s->includes, &next, e))
			return false;
		if (next.section == NULL) {
			*colour_of(s, &top->node) = DONE;
			s->depth--;
		} else if (*colour_of(s, &next) == OPEN) {
			if (!found_circle(s, top, &next, e))
				return false;
		} else if (*colour_of(s, &next) == UNSEEN) {
			push(s, &next);
		}
	}
	return true;
}

static bool
search_all(struct search *s, struct kd_err *e)
{
	for (size_t i = 0; i < s->p->n; i++) {
		const struct inf *f = &s->p->v[i].inf;

		for (size_t k = 0; k < f->sections_n; k++) {
			struct inf_node node = {&s->p->v[i], &f->sections[k]};

			if (*colour_of(s, &node) == UNSEEN && !search_from(s, &node, e))
				return false;
		}
	}
	return true;
}

bool
inf_needs_check(const struct inf_package *p, struct inf_findings *found, struct kd_err *e)
{
	size_t all = 0;
	AUTO(free) unsigned char **colours = kd_alloc_array(p->n, sizeof(*colours));
	AUTO(free) unsigned char *bytes = NULL;
	AUTO(free) struct frame *stack = NULL;
	struct search s = {.p = p, .found = found, .colours = colours};

	for (size_t i = 0; i < p->n; i++)
		all += p->v[i].inf.sections_n;
	bytes = kd_alloc(all);
	stack = kd_alloc_array(all, sizeof(*stack));
	if (colours == NULL || bytes == NULL || stack == NULL)
		return kd_fail_nomem(e, "sections");
	s.stack = stack;
	all = 0;
	for (size_t i = 0; i < p->n; i++) {
		colours[i] = &bytes[all];
		all += p->v[i].inf.sections_n;
	}
	return search_all(&s, e);
}
