/* SPDX-License-Identifier: Apache-2.0 */
/* driver/cdf_lines.c - a CDF's text, line by line. */
#include "driver/cdf_lines.h"

#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "driver/cdf.h"

#define FIRST_LINES 64
#define UTF8_BOM "\xef\xbb\xbf"

static const struct {
	const char *name;
	enum cdf_section section;
} sections[] = {{"[CatalogHeader]", CDF_HEADER}, {"[CatalogFiles]", CDF_FILES}};

struct splitter {
	struct cdf_lines *lines;
	enum cdf_section section;
	unsigned number;
	unsigned seen[CDF_FILES + 1]; /* line at which a section began, or 0 */
};

void
cdf_lines_clear(struct cdf_lines *l)
{
	free(l->v);
	*l = (struct cdf_lines){0};
}

bool
cdf_in_line(const char *path, unsigned line, struct kd_err *e)
{
	return kd_in(e, "'%s' line %u", SHOW(path), line);
}

int
cdf_compare(const char *a, const char *b)
{
	return strcasecmp(a, b); /* the client keeps the "C" locale: ASCII */
}

/* s without blanks around it, cut in place. */
static char *
trim(char *s)
{
	size_t n;

	s += strspn(s, " \t");
	n = strlen(s);
	while (n > 0 && (s[n - 1] == ' ' || s[n - 1] == '\t' || s[n - 1] == '\r'))
		n--;
	s[n] = '\0';
	return s;
}

static bool
begin_section(struct splitter *s, const char *name, struct kd_err *e)
{
	for (size_t i = 0; i < KD_ARRAY_LEN(sections); i++) {
		if (cdf_compare(name, sections[i].name) != 0)
			continue;
		s->section = sections[i].section;
		if (s->seen[s->section] != 0)
			return kd_fail(e, KD_E_FORMAT,
			    "section %s again; it began at line %u", sections[i].name,
			    s->seen[s->section]);
		s->seen[s->section] = s->number;
		return true;
	}
	return kd_fail(e, KD_E_FORMAT,
	    "unknown section '%s', expected [CatalogHeader] or [CatalogFiles]",
	    SHOW(name));
}

static bool
add(struct cdf_lines *l, struct cdf_line line, struct kd_err *e)
{
	if (l->n == CDF_LINES_MAX)
		return kd_fail(
		    e, KD_E_LIMIT, "more than %zu lines with keys", CDF_LINES_MAX);
	if (l->n == l->cap) {
		size_t cap = l->cap == 0 ? FIRST_LINES : 2 * l->cap;
		struct cdf_line *v = kd_realloc_array(l->v, cap, sizeof(*v));

		if (v == NULL)
			return kd_fail_nomem(e, "lines");
		l->v = v;
		l->cap = cap;
	}
	l->v[l->n++] = line;
	return true;
}

static bool
take_line(struct splitter *s, char *text, struct kd_err *e)
{
	char *line = trim(text), *equals;

	if (line[0] == '\0' || line[0] == '#' || line[0] == ';')
		return true;
	if (line[0] == '[')
		return begin_section(s, line, e);
	if (s->section == CDF_NO_SECTION)
		return kd_fail(e, KD_E_FORMAT,
		    "'%s' stands before the first section, [CatalogHeader]", SHOW(line));
	equals = strchr(line, '=');
	if (equals == NULL)
		return kd_fail(
		    e, KD_E_FORMAT, "'%s' has no '=', expected KEY=VALUE", SHOW(line));
	*equals = '\0';
	line = trim(line);
	if (line[0] == '\0')
		return kd_fail(e, KD_E_FORMAT, "no key before '='");
	return add(s->lines,
	    (struct cdf_line){s->section, s->number, line, trim(equals + 1)}, e);
}

static bool
check_encoding(const char *path, const char *text, size_t n, struct kd_err *e)
{
	if (n >= 2 &&
	    (memcmp(text, "\xff\xfe", 2) == 0 || memcmp(text, "\xfe\xff", 2) == 0))
		return kd_fail(e, KD_E_FORMAT,
		    "'%s': is UTF-16; save it as UTF-8 or ASCII", SHOW(path));
	return true;
}

bool
cdf_lines_split(
    const char *path, char *text, size_t n, struct cdf_lines *ret, struct kd_err *e)
{
	AUTO(cdf_lines_clear) struct cdf_lines lines = {.path = path};
	struct splitter s = {.lines = &lines};
	char *at = text, *end = text + n;

	if (!check_encoding(path, text, n, e))
		return false;
	if (n >= strlen(UTF8_BOM) && memcmp(text, UTF8_BOM, strlen(UTF8_BOM)) == 0)
		at += strlen(UTF8_BOM);
	while (at < end) {
		char *stop = memchr(at, '\n', (size_t)(end - at));
		size_t len;

		if (stop == NULL)
			stop = end; /* MakeCat drops a last line without its end */
		len = (size_t)(stop - at);
		s.number++;
		*stop = '\0';
		if (len > CDF_LINE_MAX)
			(void)kd_fail(
			    e, KD_E_LIMIT, "%zu bytes, at most %d", len, CDF_LINE_MAX);
		else if (!text_is_utf8(at, len))
			(void)kd_fail(e, KD_E_FORMAT,
			    "not UTF-8: '%s'; save the file as UTF-8 or ASCII", SHOW(at));
		else if (take_line(&s, at, e)) {
			at = stop + 1;
			continue;
		}
		return cdf_in_line(path, s.number, e);
	}
	*ret = lines;
	lines = (struct cdf_lines){0};
	return true;
}
