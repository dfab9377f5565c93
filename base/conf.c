/* SPDX-License-Identifier: Apache-2.0 */
/* base/conf.c - reads a configuration file by its table: lines, sections, keys. */
#include "base/conf.h"

#include <string.h>

#include "base/conf_value.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"

#define KEYS_MAX 64        /* rows of one section's table: bits of seen */
#define SECTIONS_MAX 16    /* rows of the table of sections: bits of done */
#define INSTANCES_MAX 4096 /* "[grant name]" of one kind */

struct parse {
	const char *path;
	const struct conf_section *sections;
	char *ret;
	const struct conf_section
	    *cur;      /* the section that lines now belong to, or NULL */
	char *base;    /* its struct */
	uint64_t seen; /* its keys, by row */
	uint32_t done; /* sections that were begun, by row */
	struct kd_err *e;
};

static size_t
count_keys(const struct conf_section *s)
{
	size_t n = 0;

	while (s->keys[n].name != NULL)
		n++;
	return n;
}

static bool
check_table(const struct conf_section *sections, struct kd_err *e)
{
	size_t i;

	for (i = 0; sections[i].keys != NULL; i++)
		if (count_keys(&sections[i]) > KEYS_MAX || i >= SECTIONS_MAX)
			return kd_fail(
			    e, KD_E_BUG, "configuration table has too many rows");
	return true;
}

static bool
set_defaults(const struct conf_section *s, char *base, struct kd_err *e)
{
	for (const struct conf_key *k = s->keys; k->name != NULL; k++)
		if (k->dflt != NULL &&
		    !conf_value_set(k, base + k->offset, k->dflt, "", e))
			return kd_in(e, "default of '%s'", k->name);
	return true;
}

/* What begin_section and the end of the file ask of a section that is complete. */
static bool
end_section(struct parse *p)
{
	const struct conf_section *s = p->cur;

	if (s == NULL)
		return true;
	for (size_t i = 0; s->keys[i].name != NULL; i++) {
		const struct conf_key *k = &s->keys[i];

		if ((p->seen >> i & 1) != 0 || k->dflt != NULL || k->optional)
			continue;
		if (s->kind == NULL)
			return kd_fail(p->e, KD_E_CONFIG, "'%s' is missing", k->name);
		if (s->named)
			return kd_fail(p->e, KD_E_CONFIG, "'%s' is missing in [%s %s]",
			    k->name, s->kind, *(char **)(void *)p->base);
		return kd_fail(
		    p->e, KD_E_CONFIG, "'%s' is missing in [%s]", k->name, s->kind);
	}
	return true;
}

static bool
begin_section(struct parse *p, const struct conf_section *s, char *base)
{
	p->cur = s;
	p->base = base;
	p->seen = 0;
	p->done |= 1u << (s - p->sections);
	return set_defaults(s, base, p->e);
}

/* One more struct at the end of the kind's array. */
static bool
add_instance(struct parse *p, const struct conf_section *s, const char *name)
{
	struct conf_array *a = (void *)(p->ret + s->offset);
	char *v = a->v;

	if (!conf_name_ok(name))
		return kd_fail(p->e, KD_E_CONFIG,
		    "'%s': a name has 1 to 64 of the characters A-Z a-z 0-9 . _ -",
		    SHOW(name));
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(*(char **)(void *)(v + i * s->size), name) == 0)
			return kd_fail(
			    p->e, KD_E_CONFIG, "[%s %s] stands twice", s->kind, name);
	if (a->n >= INSTANCES_MAX)
		return kd_fail(p->e, KD_E_CONFIG, "more than %d sections [%s]",
		    INSTANCES_MAX, s->kind);
	v = kd_realloc_array(v, a->n + 1, s->size);
	if (v == NULL)
		return kd_fail_nomem(p->e, "configuration");
	a->v = v;
	v += a->n * s->size;
	memset(v, 0, s->size);
	*(char **)(void *)v = kd_strdup(name);
	if (*(char **)(void *)v == NULL)
		return kd_fail_nomem(p->e, "configuration");
	a->n++;
	return begin_section(p, s, v);
}

static bool
unknown_section(struct parse *p, const char *kind)
{
	const char *kinds[SECTIONS_MAX + 1], *near;
	size_t n = 0;

	for (size_t i = 0; p->sections[i].keys != NULL; i++)
		if (p->sections[i].kind != NULL)
			kinds[n++] = p->sections[i].kind;
	kinds[n] = NULL;
	near = text_nearest(kind, kinds);
	if (near == NULL)
		return kd_fail(p->e, KD_E_CONFIG, "unknown section [%s]", SHOW(kind));
	return kd_fail(p->e, KD_E_CONFIG, "unknown section [%s]; did you mean [%s]?",
	    SHOW(kind), near);
}

/* line is "[kind]" or "[kind name]", without blanks around it; it is cut in place. */
static bool
section_line(struct parse *p, char *line)
{
	const struct conf_section *s = p->sections;
	size_t n = strlen(line);
	char *kind = line + 1, *name;

	if (line[n - 1] != ']')
		return kd_fail(
		    p->e, KD_E_CONFIG, "'%s': a section ends with ]", SHOW(line));
	line[n - 1] = '\0';
	kind = conf_trim(kind);
	name = kind + strcspn(kind, " \t");
	if (*name != '\0') {
		*name = '\0';
		name = conf_trim(name + 1);
	}
	while (s->keys != NULL && (s->kind == NULL || strcmp(s->kind, kind) != 0))
		s++;
	if (s->keys == NULL)
		return unknown_section(p, kind);
	if (!end_section(p))
		return false;
	if (s->named)
		return add_instance(p, s, name);
	if (*name != '\0')
		return kd_fail(
		    p->e, KD_E_CONFIG, "[%s] takes no name, has '%s'", kind, SHOW(name));
	if ((p->done >> (s - p->sections) & 1) != 0)
		return kd_fail(p->e, KD_E_CONFIG, "[%s] stands twice", kind);
	return begin_section(p, s, p->ret + s->offset);
}

static bool
unknown_key(struct parse *p, const char *name)
{
	const char *names[KEYS_MAX + 1], *near;
	size_t n = count_keys(p->cur);

	for (size_t i = 0; i <= n; i++)
		names[i] = p->cur->keys[i].name;
	near = text_nearest(name, names);
	if (near == NULL)
		return kd_fail(p->e, KD_E_CONFIG, "unknown key '%s'", SHOW(name));
	return kd_fail(
	    p->e, KD_E_CONFIG, "unknown key '%s'; did you mean '%s'?", SHOW(name), near);
}

static bool
key_line(struct parse *p, char *line)
{
	char *eq = strchr(line, '='), *name, *value;
	size_t i = 0;
	const struct conf_key *k;

	if (eq == NULL)
		return kd_fail(p->e, KD_E_CONFIG,
		    "'%s': neither 'key = value' nor [section]", SHOW(line));
	*eq = '\0';
	name = conf_trim(line);
	value = conf_trim(eq + 1);
	if (p->cur == NULL)
		return kd_fail(
		    p->e, KD_E_CONFIG, "key '%s' stands before any section", SHOW(name));
	while (p->cur->keys[i].name != NULL && strcmp(p->cur->keys[i].name, name) != 0)
		i++;
	k = &p->cur->keys[i];
	if (k->name == NULL)
		return unknown_key(p, name);
	if (*value == '\0')
		return kd_fail(p->e, KD_E_CONFIG, "'%s' has no value", name);
	if ((p->seen >> i & 1) == 0)
		conf_value_clear(k, p->base + k->offset); /* the default goes */
	else if (k->type != CONF_LIST && k->type != CONF_PATHS)
		return kd_fail(p->e, KD_E_CONFIG, "'%s' stands twice", name);
	p->seen |= UINT64_C(1) << i;
	return conf_value_set(k, p->base + k->offset, value, p->path, p->e) ||
	       kd_in(p->e, "'%s'", name);
}

/* One line of n bytes, copied so that it can be cut into words. */
static bool
any_line(struct parse *p, const char *text, size_t n)
{
	char copy[CONF_LINE_MAX + 1], *line;

	if (n > CONF_LINE_MAX)
		return kd_fail(
		    p->e, KD_E_CONFIG, "%zu bytes, at most %d allowed", n, CONF_LINE_MAX);
	if (!text_is_utf8(text, n))
		return kd_fail(p->e, KD_E_CONFIG, "not UTF-8");
	memcpy(copy, text, n);
	copy[n] = '\0';
	line = conf_trim(copy);
	for (const char *c = line; *c != '\0'; c++)
		if ((unsigned char)*c < ' ' && *c != '\t')
			return kd_fail(p->e, KD_E_CONFIG, "control character 0x%02x",
			    (unsigned)(unsigned char)*c);
	if (line[0] == '\0' || line[0] == '#')
		return true;
	return line[0] == '[' ? section_line(p, line) : key_line(p, line);
}

/* Sections that the file did not mention have their defaults, and their required keys
 * missing. */
static bool
absent_sections(struct parse *p)
{
	for (size_t i = 0; p->sections[i].keys != NULL; i++) {
		const struct conf_section *s = &p->sections[i];

		if (s->named || (p->done >> i & 1) != 0)
			continue;
		if (!begin_section(p, s, p->ret + s->offset) || !end_section(p))
			return false;
	}
	return true;
}

static bool
all_lines(struct parse *p, const char *text, size_t n)
{
	unsigned number = 0;

	while (n > 0) {
		const char *nl = memchr(text, '\n', n);
		size_t len = nl == NULL ? n : (size_t)(nl - text),
		       step = len + (nl != NULL);

		number++;
		if (!any_line(p, text, len))
			return kd_in(p->e, "'%s' line %u", SHOW(p->path), number);
		text += step;
		n -= step;
	}
	if (!end_section(p))
		return kd_in(p->e, "'%s'", SHOW(p->path));
	return absent_sections(p) || kd_in(p->e, "'%s'", SHOW(p->path));
}

/* The number and file modules speak of a command line and of files; here it is
 * configuration. */
static bool
as_config(struct kd_err *e)
{
	if (e->code == KD_E_USAGE || e->code == KD_E_FILE || e->code == KD_E_LIMIT)
		e->code = KD_E_CONFIG;
	return false;
}

bool
conf_parse(const char *path, const char *text, size_t n,
    const struct conf_section *sections, void *ret, struct kd_err *e)
{
	struct parse p = {.path = path, .sections = sections, .ret = ret, .e = e};

	if (!check_table(sections, e))
		return false;
	if (n > CONF_FILE_MAX)
		return kd_fail(e, KD_E_CONFIG, "'%s': larger than %zu bytes", SHOW(path),
		    CONF_FILE_MAX);
	for (const struct conf_section *s = sections; s->keys != NULL; s++)
		if (s->kind == NULL && !begin_section(&p, s, p.ret + s->offset))
			return as_config(e);
	return all_lines(&p, text, n) || as_config(e);
}

bool
conf_load(
    const char *path, const struct conf_section *sections, void *ret, struct kd_err *e)
{
	AUTO(buf_clear) struct buf text = {0};
	AUTO(close) int fd = -1;
	struct stat st;

	if (!file_open_read(path, &fd, &st, e) || !file_check_stat(path, &st, false, e))
		return as_config(e);
	if (!file_read_fd(fd, CONF_FILE_MAX, &text, e)) {
		kd_in(e, "'%s'", SHOW(path));
		return as_config(e);
	}
	return conf_parse(path, (const char *)text.p, text.len, sections, ret, e);
}

bool
conf_defaults(const struct conf_section *sections, void *ret, struct kd_err *e)
{
	if (!check_table(sections, e))
		return false;
	for (const struct conf_section *s = sections; s->keys != NULL; s++)
		if (!s->named && !set_defaults(s, (char *)ret + s->offset, e))
			return as_config(e);
	return true;
}

static void
clear_struct(const struct conf_section *s, char *base)
{
	for (const struct conf_key *k = s->keys; k->name != NULL; k++)
		conf_value_clear(k, base + k->offset);
	if (s->named)
		free(*(char **)(void *)base);
}

void
conf_clear(const struct conf_section *sections, void *conf)
{
	for (const struct conf_section *s = sections; s->keys != NULL; s++) {
		char *base = (char *)conf + s->offset;
		struct conf_array *a = (void *)base;

		if (!s->named) {
			clear_struct(s, base);
			continue;
		}
		for (size_t i = 0; i < a->n; i++)
			clear_struct(s, (char *)a->v + i * s->size);
		free(a->v);
		*a = (struct conf_array){0};
	}
}
