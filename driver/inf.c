/* SPDX-License-Identifier: Apache-2.0 */
/* driver/inf.c - an INF file: sections of one name merged, keys and strings looked up. */
#include "driver/inf.h"

#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "driver/inf_decode.h"
#include "driver/inf_lines.h"

#define STRINGS "Strings"

void
inf_clear(struct inf *f)
{
	free(f->path);
	free(f->text);
	free(f->sections);
	free(f->lines);
	free(f->fields);
	free(f->by_name);
	free(f->by_key);
	free(f->strings);
	*f = (struct inf){0};
}

bool
inf_in_line(const struct inf *f, unsigned line, struct kd_err *e)
{
	return kd_in(e, "'%s' line %u", SHOW(f->path), line);
}

static int
compare_headers(const void *pa, const void *pb)
{
	const struct inf_section *const *a = pa, *const *b = pb;
	int d = strcasecmp((*a)->name, (*b)->name);

	return d != 0 ? d : (*a > *b) - (*a < *b);
}

/* header → the section that it is part of; each section's name is its first header's. */
static bool
merge_headers(struct inf *f, size_t *map, struct kd_err *e)
{
	size_t n = f->sections_n, kept = 0;
	AUTO(free) struct inf_section **sorted = kd_alloc_array(n, sizeof(*sorted));
	AUTO(free) size_t *first = kd_alloc_array(n, sizeof(*first));

	if (sorted == NULL || first == NULL)
		return kd_fail_nomem(e, "sections");
	for (size_t i = 0; i < n; i++)
		sorted[i] = &f->sections[i];
	if (n > 1)
		qsort(sorted, n, sizeof(*sorted), compare_headers);
	for (size_t i = 0; i < n; i++) {
		size_t header = (size_t)(sorted[i] - f->sections);
		bool same =
		    i > 0 && strcasecmp(sorted[i - 1]->name, sorted[i]->name) == 0;

		first[header] =
		    same ? first[(size_t)(sorted[i - 1] - f->sections)] : header;
	}
	for (size_t i = 0; i < n; i++) { /* a first header stands before its others */
		if (first[i] == i) {
			f->sections[kept] = f->sections[i];
			map[i] = kept++;
		} else {
			map[i] = map[first[i]];
		}
	}
	f->sections_n = kept;
	return true;
}

/* The lines of each section side by side, in the file's order. */
static bool
group_lines(struct inf *f, const size_t *map, struct kd_err *e)
{
	AUTO(free) struct inf_line *grouped = kd_alloc_array(f->lines_n, sizeof(*grouped));
	size_t at = 0;

	if (grouped == NULL)
		return kd_fail_nomem(e, "lines");
	for (size_t i = 0; i < f->lines_n; i++) {
		f->lines[i].section = map[f->lines[i].section];
		f->sections[f->lines[i].section].n++;
	}
	for (size_t i = 0; i < f->sections_n; i++) {
		f->sections[i].first = at;
		at += f->sections[i].n;
		f->sections[i].n = 0;
	}
	for (size_t i = 0; i < f->lines_n; i++) {
		struct inf_section *s = &f->sections[f->lines[i].section];

		grouped[s->first + s->n++] = f->lines[i];
	}
	free(f->lines);
	f->lines = STEAL(grouped);
	return true;
}

static int
compare_keys(const void *pa, const void *pb)
{
	const struct inf_line *const *a = pa, *const *b = pb;
	int d = ((*a)->section > (*b)->section) - ((*a)->section < (*b)->section);

	if (d == 0)
		d = strcasecmp((*a)->key, (*b)->key);
	return d != 0 ? d : (*a > *b) - (*a < *b);
}

static int
compare_strings(const void *pa, const void *pb)
{
	const struct inf_string *a = pa, *b = pb;
	int d = strcasecmp(a->key, b->key);

	return d != 0 ? d : (a->order > b->order) - (a->order < b->order);
}

static int
compare_sections(const void *pa, const void *pb)
{
	const struct inf_section *const *a = pa, *const *b = pb;

	return strcasecmp((*a)->name, (*b)->name);
}

static bool
is_strings(const struct inf_section *s)
{
	size_t n = strlen(STRINGS);

	return strncasecmp(s->name, STRINGS, n) == 0 &&
	       (s->name[n] == '\0' || s->name[n] == '.');
}

static void
add_strings(struct inf *f, const struct inf_section *s)
{
	bool main_one = s->name[strlen(STRINGS)] == '\0';

	for (size_t i = s->first; i < s->first + s->n; i++)
		if (f->lines[i].key != NULL)
			f->strings[f->strings_n++] = (struct inf_string){f->lines[i].key,
			    inf_field(f, &f->lines[i], 0), main_one ? i : f->lines_n + i};
}

static bool
index_strings(struct inf *f, struct kd_err *e)
{
	size_t n = 0;

	for (size_t i = 0; i < f->sections_n; i++)
		if (is_strings(&f->sections[i]))
			n += f->sections[i].n;
	f->strings = kd_alloc_array(n, sizeof(*f->strings));
	if (f->strings == NULL)
		return kd_fail_nomem(e, "strings");
	for (size_t i = 0; i < f->sections_n; i++)
		if (is_strings(&f->sections[i]))
			add_strings(f, &f->sections[i]);
	if (f->strings_n > 1)
		qsort(f->strings, f->strings_n, sizeof(*f->strings), compare_strings);
	return true;
}

static bool
index_names(struct inf *f, struct kd_err *e)
{
	f->by_name = kd_alloc_array(f->sections_n, sizeof(*f->by_name));
	f->by_key = kd_alloc_array(f->lines_n, sizeof(*f->by_key));
	if (f->by_name == NULL || f->by_key == NULL)
		return kd_fail_nomem(e, "sections");
	for (size_t i = 0; i < f->sections_n; i++)
		f->by_name[i] = &f->sections[i];
	for (size_t i = 0; i < f->lines_n; i++)
		if (f->lines[i].key != NULL)
			f->by_key[f->by_key_n++] = &f->lines[i];
	if (f->sections_n > 1)
		qsort(f->by_name, f->sections_n, sizeof(*f->by_name), compare_sections);
	if (f->by_key_n > 1)
		qsort(f->by_key, f->by_key_n, sizeof(*f->by_key), compare_keys);
	return true;
}

static bool
read_into(struct inf *f, const char *path, const void *p, size_t n, struct kd_err *e)
{
	AUTO(free) size_t *map = NULL;

	f->path = kd_strdup(path);
	if (f->path == NULL)
		return kd_fail_nomem(e, "INF");
	if (n > INF_LEN_MAX)
		return kd_fail(e, KD_E_LIMIT, "'%s': larger than %zu bytes", SHOW(path),
		    INF_LEN_MAX);
	if (!inf_decode(p, n, &f->text, &f->text_len, &f->encoding, e))
		return kd_in(e, "'%s'", SHOW(path));
	if (!inf_lines_split(f, e))
		return false;
	map = kd_alloc_array(f->sections_n, sizeof(*map));
	if (map == NULL)
		return kd_fail_nomem(e, "sections");
	return merge_headers(f, map, e) && group_lines(f, map, e) && index_names(f, e) &&
	       index_strings(f, e);
}

bool
inf_parse(const char *path, const void *p, size_t n, struct inf *ret, struct kd_err *e)
{
	AUTO(inf_clear) struct inf f = {0};

	if (!read_into(&f, path, p, n, e))
		return false;
	*ret = f;
	f = (struct inf){0};
	return true;
}

bool
inf_load(const char *path, struct inf *ret, struct kd_err *e)
{
	AUTO(buf_clear) struct buf b = {0};

	return file_read_all(path, INF_LEN_MAX, &b, e) &&
	       inf_parse(path, b.p, b.len, ret, e);
}

const struct inf_section *
inf_section(const struct inf *f, const char *name)
{
	const struct inf_section key = {.name = name}, *wanted = &key;
	const struct inf_section **found = bsearch(&wanted, f->by_name, f->sections_n,
	    sizeof(*f->by_name), compare_sections);

	return found == NULL ? NULL : *found;
}

/* Like compare_keys, but for the place. */
static int
compare_to_key(const struct inf_line *line, size_t section, const char *key)
{
	int d = (line->section > section) - (line->section < section);

	return d != 0 ? d : strcasecmp(line->key, key);
}

/* The first line of by_key that is not before the key, or past: behind all that have it. */
static size_t
bound(const struct inf *f, size_t section, const char *key, bool past)
{
	size_t low = 0, high = f->by_key_n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int d = compare_to_key(f->by_key[middle], section, key);

		if (d < 0 || (d == 0 && past))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct inf_line *const *
inf_lines_of(const struct inf *f, const struct inf_section *section, const char *key,
    size_t *ret_n)
{
	size_t index, first;

	*ret_n = 0;
	if (section == NULL)
		return NULL;
	index = (size_t)(section - f->sections);
	first = bound(f, index, key, false);
	*ret_n = bound(f, index, key, true) - first;
	return &f->by_key[first];
}

const struct inf_line *
inf_line_of(const struct inf *f, const struct inf_section *section, const char *key)
{
	size_t n;
	const struct inf_line *const *lines = inf_lines_of(f, section, key, &n);

	return n == 0 ? NULL : lines[0];
}

const char *
inf_field(const struct inf *f, const struct inf_line *line, size_t i)
{
	return i < line->n ? f->fields[line->first + i] : "";
}

/* The value of the string with the first n bytes of key for its name; NULL: none. */
static const char *
string_value(const struct inf *f, const char *key, size_t n)
{
	size_t low = 0, high = f->strings_n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const char *have = f->strings[middle].key;
		int d = strncasecmp(have, key, n);

		if (d < 0) /* a longer one that begins so comes after it */
			low = middle + 1;
		else
			high = middle;
	}
	if (low == f->strings_n || strncasecmp(f->strings[low].key, key, n) != 0 ||
	    f->strings[low].key[n] != '\0')
		return NULL;
	return f->strings[low].value;
}

bool
inf_expand(const struct inf *f, const char *text, struct buf *ret, struct kd_err *e)
{
	buf_reset(ret);
	while (*text != '\0' && ret->len <= 4 * INF_FIELD_CHARS_MAX) {
		size_t n = strcspn(text, "%"), key;
		const char *value;

		buf_add(ret, text, n);
		text += n;
		if (*text == '\0')
			break;
		key = strcspn(text + 1, "%");
		if (text[1 + key] == '\0') { /* a single one */
			buf_str(ret, text);
			break;
		}
		value = key == 0 ? "%" : string_value(f, text + 1, key);
		if (value != NULL)
			buf_str(ret, value);
		else
			buf_add(ret, text, key + 2);
		text += key + 2;
	}
	if (ret->len > 4 * INF_FIELD_CHARS_MAX)
		return kd_fail(e, KD_E_LIMIT,
		    "longer than %d characters with its %%strings%% replaced",
		    INF_FIELD_CHARS_MAX);
	return buf_cstr(ret) != NULL || buf_ok(ret, "text", e);
}

bool
inf_value(const struct inf *f, const struct inf_line *line, size_t i, struct buf *ret,
    struct kd_err *e)
{
	return inf_expand(f, inf_field(f, line, i), ret, e) ||
	       inf_in_line(f, line->number, e);
}
