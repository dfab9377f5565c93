/* SPDX-License-Identifier: Apache-2.0 */
/* driver/inf_models.c - [Manufacturer] and Models: for which hardware an INF is. */
#include "driver/inf_models.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "driver/oslist.h"

#define FIRST_ROOM 64

void
inf_ids_clear(struct inf_ids *ids)
{
	for (size_t i = 0; i < ids->n; i++)
		free(ids->v[i].text);
	free(ids->v);
	*ids = (struct inf_ids){0};
}

static bool
add_id(struct inf_ids *ids, const char *text, struct kd_err *e)
{
	char *copy;

	ids->text += strlen(text);
	if (ids->n == INF_IDS_MAX || ids->text > INF_IDS_TEXT_MAX)
		return kd_fail(e, KD_E_LIMIT,
		    "more than %zu hardware ids, or than %zu bytes of them", INF_IDS_MAX,
		    INF_IDS_TEXT_MAX);
	if (ids->n == ids->room) {
		size_t room = ids->room == 0 ? FIRST_ROOM : 2 * ids->room;
		struct inf_id *v = kd_realloc_array(ids->v, room, sizeof(*v));

		if (v == NULL)
			return kd_fail_nomem(e, "hardware ids");
		ids->v = v;
		ids->room = room;
	}
	copy = kd_strdup(text);
	if (copy == NULL)
		return kd_fail_nomem(e, "hardware ids");
	for (char *p = copy; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	ids->v[ids->n] = (struct inf_id){.text = copy, .order = ids->n};
	ids->n++;
	return true;
}

static int
compare_text(const void *pa, const void *pb)
{
	const struct inf_id *a = pa, *b = pb;
	int d = strcmp(a->text, b->text);

	return d != 0 ? d : (a->order > b->order) - (a->order < b->order);
}

static int
compare_order(const void *pa, const void *pb)
{
	const struct inf_id *a = pa, *b = pb;

	return (a->order > b->order) - (a->order < b->order);
}

void
inf_ids_number(struct inf_ids *ids)
{
	size_t n = 0;

	if (ids->n > 1)
		qsort(ids->v, ids->n, sizeof(*ids->v), compare_text);
	for (size_t i = 0; i < ids->n; i++) {
		if (n > 0 && strcmp(ids->v[n - 1].text, ids->v[i].text) == 0)
			free(ids->v[i].text);
		else
			ids->v[n++] = ids->v[i];
	}
	ids->n = n;
	if (n > 1)
		qsort(ids->v, n, sizeof(*ids->v), compare_order);
	for (size_t i = 0; i < n; i++)
		(void)snprintf(ids->v[i].name, sizeof(ids->v[i].name), "HWID%u",
		    (unsigned)(i + 1)); /* INF_IDS_MAX at most */
}

struct walk {
	const struct inf *f;
	struct inf_ids *ids;
	struct inf_models *models;
	struct inf_findings *found;
	bool *seen; /* by section: its ids are there already */
};

static bool
take_models(struct walk *w, const struct inf_section *s, struct kd_err *e)
{
	AUTO(buf_clear) struct buf b = {0};
	size_t index = (size_t)(s - w->f->sections);

	if (w->seen[index])
		return true;
	w->seen[index] = true;
	for (size_t i = s->first; i < s->first + s->n; i++) {
		const struct inf_line *line = &w->f->lines[i];

		/* description = install section, id, id... */
		for (size_t k = 1; line->key != NULL && k < line->n; k++) {
			if (!inf_value(w->f, line, k, &b, e))
				return false;
			if (b.len > 0 && !add_id(w->ids, buf_cstr(&b), e))
				return inf_in_line(w->f, line->number, e);
		}
	}
	return true;
}

/* Models and one of its decorations, "" for none. *ret_there: is there such a section? */
static bool
take_decorated(struct walk *w, const char *models, const char *decoration,
    bool *ret_there, struct kd_err *e)
{
	AUTO(buf_clear) struct buf name = {0};
	const struct inf_section *s;
	enum inf_arch arch;

	buf_str(&name, models);
	if (decoration[0] != '\0')
		buf_printf(&name, ".%s", decoration);
	if (buf_cstr(&name) == NULL)
		return buf_ok(&name, "section name", e);
	s = inf_section(w->f, buf_cstr(&name));
	if (s == NULL)
		return true;
	*ret_there = true;
	if (inf_arch_of(decoration, &arch))
		w->models->archs |= 1u << arch;
	if (decoration[0] == '\0' && s->n > 0)
		w->models->plain = true;
	return take_models(w, s, e);
}

/* %mfg% = models [, NTamd64 ...], or models alone. */
static bool
take_manufacturer(struct walk *w, const struct inf_line *line, struct kd_err *e)
{
	AUTO(buf_clear) struct buf models = {0};
	AUTO(buf_clear) struct buf decoration = {0};
	bool there = false;

	if (!inf_value(w->f, line, 0, &models, e))
		return false;
	if (models.len == 0 && line->key != NULL) {
		/* "models =": the name is the key's */
		if (!inf_expand(w->f, line->key, &models, e))
			return inf_in_line(w->f, line->number, e);
	}
	if (models.len == 0)
		return inf_find(w->found, INF_ERROR, "1011", w->f, line->number, NULL, e,
		    "[Manufacturer]: an entry without the name of its Models section");
	if (!take_decorated(w, buf_cstr(&models), "", &there, e))
		return false;
	for (size_t i = 1; i < line->n; i++) {
		if (!inf_value(w->f, line, i, &decoration, e))
			return false;
		if (decoration.len > 0 &&
		    !take_decorated(w, buf_cstr(&models), buf_cstr(&decoration), &there,
			e))
			return false;
	}
	if (there)
		return true;
	return inf_find(w->found, INF_WARNING, "", w->f, line->number, NULL, e,
	    "[Manufacturer]: there is no section [%s], with or without one of the "
	    "decorations listed",
	    SHOW(buf_cstr(&models)));
}

bool
inf_models_read(const struct inf *f, struct inf_ids *ids, struct inf_models *ret,
    struct inf_findings *found, struct kd_err *e)
{
	const struct inf_section *s = inf_section(f, "Manufacturer");
	AUTO(free) bool *seen = kd_alloc_array(f->sections_n, sizeof(*seen));
	struct walk w = {f, ids, ret, found, seen};

	*ret = (struct inf_models){0};
	if (seen == NULL)
		return kd_fail_nomem(e, "sections");
	if (s == NULL)
		return true;
	ret->any = s->n > 0;
	ret->line = s->line;
	for (size_t i = s->first; i < s->first + s->n; i++)
		if (!take_manufacturer(&w, &f->lines[i], e))
			return false;
	return true;
}
