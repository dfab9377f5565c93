/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/wire/yaml.c - see yaml.h. */
#include "tests/unit/wire/yaml.h"

#include "base/file.h"
#include "tests/unit/wire/check.h"

#define DEPTH_MAX 24
#define NODES_MAX 4000

struct level {
	int indent;
	char key[100];
	unsigned elements; /* list elements seen below it */
};

struct reader {
	struct yaml *y;
	struct level stack[DEPTH_MAX];
	size_t depth;
	int text_indent; /* lines deeper than this belong to a "|" text; -1: in none */
	unsigned line;
};

static void
push(struct reader *r, int indent, const char *key, const char *value)
{
	struct yaml_node *node = &r->y->v[r->y->n];
	struct level *l = &r->stack[r->depth];
	size_t at = 0;

	if (r->depth == DEPTH_MAX || r->y->n == NODES_MAX ||
	    strlen(key) >= sizeof(l->key) || strlen(value) >= sizeof(node->value))
		fail_msg("line %u: more than this reader takes", r->line);
	*l = (struct level){.indent = indent};
	memcpy(l->key, key, strlen(key) + 1);
	r->depth++;
	r->y->n++;
	for (size_t i = 0; i < r->depth; i++)
		at += (size_t)snprintf(&node->path[at], sizeof(node->path) - at, "%s%s",
		    i == 0 ? "" : " ", r->stack[i].key);
	assert_true(at < sizeof(node->path));
	memcpy(node->value, value, strlen(value) + 1);
}

/* 'x' and "x" in place. */
static char *
unquoted(char *s)
{
	size_t n = strlen(s);

	if (n < 2 || (s[0] != '\'' && s[0] != '"') || s[n - 1] != s[0])
		return s;
	s[n - 1] = '\0';
	return s + 1;
}

/* "key: value", "key:" or, in lists only, a scalar. */
static void
take_entry(struct reader *r, int indent, char *s)
{
	char *colon = strstr(s, ": "), *value;
	size_t n = strlen(s);

	if (colon == NULL && s[n - 1] == ':')
		colon = &s[n - 1];
	if (colon == NULL)
		fail_msg("line %u: '%s' is no 'key: value'", r->line, s);
	value = colon[1] == '\0' ? &colon[1] : &colon[2];
	*colon = '\0';
	if (strcmp(value, "|") == 0) {
		r->text_indent = indent;
		value[0] = '\0';
	}
	push(r, indent, unquoted(s), unquoted(value));
}

static bool
is_entry(const char *s)
{
	return s[0] != '\'' && s[0] != '"' &&
	       (strstr(s, ": ") != NULL || s[strlen(s) - 1] == ':');
}

static void
take_line(struct reader *r, char *line)
{
	int indent = (int)strspn(line, " ");
	char *s = &line[indent], index[16];

	r->line++;
	if (s[0] == '\0' || s[0] == '#' ||
	    (r->text_indent >= 0 && indent > r->text_indent))
		return;
	r->text_indent = -1;
	while (r->depth > 0 && r->stack[r->depth - 1].indent >= indent)
		r->depth--;
	if (strncmp(s, "- ", 2) != 0) {
		take_entry(r, indent, s);
		return;
	}
	assert_true(r->depth > 0);
	(void)snprintf(index, sizeof(index), "%u", r->stack[r->depth - 1].elements++);
	if (is_entry(s + 2)) {
		push(r, indent, index, "");
		take_entry(r, indent + 2, s + 2);
	} else {
		push(r, indent, index, unquoted(s + 2));
	}
}

void
yaml_read(const char *path, struct yaml *ret)
{
	AUTO(buf_clear) struct buf b = {0};
	struct reader r = {.y = ret, .text_indent = -1};
	struct kd_err e = {0};
	char *rest, *line;

	check_done(file_read_all(path, 1 << 20, &b, &e), &e);
	*ret = (struct yaml){.v = kd_alloc_array(NODES_MAX, sizeof(*ret->v))};
	assert_non_null(ret->v);
	assert_non_null(buf_cstr(&b));
	rest = (char *)b.p;
	while ((line = strsep(&rest, "\n")) != NULL)
		take_line(&r, line);
}

void
yaml_clear(struct yaml *y)
{
	free(y->v);
	*y = (struct yaml){0};
}

const char *
yaml_get(const struct yaml *y, const char *fmt, ...)
{
	char path[300];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(path, sizeof(path), fmt, ap);
	va_end(ap);
	for (size_t i = 0; i < y->n; i++)
		if (strcmp(y->v[i].path, path) == 0)
			return y->v[i].value;
	return NULL;
}

/* The last component when path is a direct child of parent, else NULL. */
static const char *
child_name(const char *path, const char *parent)
{
	size_t n = strlen(parent);

	if (strncmp(path, parent, n) != 0 || path[n] != ' ' ||
	    strchr(&path[n + 1], ' ') != NULL)
		return NULL;
	return &path[n + 1];
}

bool
yaml_child(const struct yaml *y, const char *parent, size_t i, char *dst)
{
	for (size_t at = 0; at < y->n; at++) {
		const char *name = child_name(y->v[at].path, parent);

		if (name == NULL || i-- != 0)
			continue;
		(void)snprintf(dst, sizeof(y->v[at].path), "%s", name);
		return true;
	}
	return false;
}

size_t
yaml_children(const struct yaml *y, const char *parent)
{
	char name[sizeof(y->v->path)];
	size_t n = 0;

	while (yaml_child(y, parent, n, name))
		n++;
	return n;
}

bool
yaml_list_has(const struct yaml *y, const char *path, const char *value)
{
	const char *element;

	for (unsigned i = 0; (element = yaml_get(y, "%s %u", path, i)) != NULL; i++)
		if (strcmp(element, value) == 0)
			return true;
	return false;
}
