/* SPDX-License-Identifier: Apache-2.0 */
/* driver/inf_lines.c - an INF's text → section headers, lines and fields. */
#include "driver/inf_lines.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#define FIRST_ROOM 256

/*
 * What is written never overtakes what is read: unquoting only shortens, and a string's
 * NUL takes the place of the delimiter behind it.
 */
struct scan {
	struct inf *f;
	char *text; /* text[len] is NUL, and no other is */
	size_t len, at, out;
	unsigned line;
	size_t sections_room, lines_room, fields_room;
};

enum stop { STOP_LINE, STOP_COMMA, STOP_EQUALS };

static char
peek(const struct scan *s)
{
	return s->text[s->at];
}

static void
put(struct scan *s, char c)
{
	s->text[s->out++] = c;
}

static bool
is_blank(char c)
{
	/* ^Z once ended text files. */
	return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v' || c == 0x1a;
}

static size_t
after_blanks(const struct scan *s, size_t at)
{
	while (is_blank(s->text[at]))
		at++;
	return at;
}

static size_t
line_end(const struct scan *s, size_t at)
{
	return at + strcspn(&s->text[at], "\n");
}

static bool
grow(void **v, size_t n, size_t *room, size_t size, size_t max, const char *what,
    struct kd_err *e)
{
	size_t want = *room == 0 ? FIRST_ROOM : 2 * *room;
	void *p;

	if (n == max)
		return kd_fail(e, KD_E_LIMIT, "more than %zu %s", max, what);
	if (n < *room)
		return true;
	if (want > max)
		want = max;
	p = kd_realloc_array(*v, want, size);
	if (p == NULL)
		return kd_fail_nomem(e, what);
	*v = p;
	*room = want;
	return true;
}

static bool
add_field(struct scan *s, const char *text, struct kd_err *e)
{
	void *v = s->f->fields;
	bool ok = grow(&v, s->f->fields_n, &s->fields_room, sizeof(*s->f->fields),
	    INF_FIELDS_MAX, "fields", e);

	s->f->fields = v;
	if (ok)
		s->f->fields[s->f->fields_n++] = text;
	return ok;
}

static bool
add_line(struct scan *s, const struct inf_line *line, struct kd_err *e)
{
	void *v = s->f->lines;
	bool ok = grow(&v, s->f->lines_n, &s->lines_room, sizeof(*s->f->lines),
	    INF_LINES_MAX, "lines", e);

	s->f->lines = v;
	if (ok)
		s->f->lines[s->f->lines_n++] = *line;
	return ok;
}

static bool
add_section(struct scan *s, const char *name, struct kd_err *e)
{
	void *v = s->f->sections;
	bool ok = grow(&v, s->f->sections_n, &s->sections_room, sizeof(*s->f->sections),
	    INF_SECTIONS_MAX, "sections", e);

	s->f->sections = v;
	if (ok)
		s->f->sections[s->f->sections_n++] =
		    (struct inf_section){.name = name, .line = s->line};
	return ok;
}

static size_t
characters(const char *s)
{
	size_t n = 0;

	for (; *s != '\0'; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

/* "..." with "" for a quotation mark; one that is not closed ends with its line. */
static void
take_quoted(struct scan *s)
{
	s->at++;
	for (char c; (c = peek(s)) != '\0' && c != '\n'; s->at++) {
		if (c == '\r' && s->text[s->at + 1] == '\n')
			return;
		if (c == '"' && s->text[s->at + 1] == '"')
			s->at++;
		else if (c == '"') {
			s->at++;
			return;
		}
		put(s, c);
	}
}

/* %key%, in which ';' begins no comment; or a single '%'. */
static void
take_percent(struct scan *s)
{
	size_t n = strcspn(&s->text[s->at + 1], "%\n,=\"");
	bool key = s->text[s->at + 1 + n] == '%' && !is_blank(s->text[s->at + 1]);

	for (n = key ? n + 2 : 1; n > 0; n--)
		put(s, s->text[s->at++]);
}

/*
 * Backslashes; true: they continue the line, and the next one begins. Of two at a line's
 * end the first is ignored and the second continues. At the end of the text there is
 * nothing to go on with.
 */
static bool
take_backslashes(struct scan *s)
{
	size_t n = strspn(&s->text[s->at], "\\");
	size_t end = after_blanks(s, s->at + n);
	bool continues;

	if (s->text[end] == ';')
		end = line_end(s, end);
	continues = s->text[end] == '\n' || s->text[end] == '\0';
	for (size_t i = continues ? 2 : 0; i < n; i++)
		put(s, '\\');
	s->at += n;
	if (!continues)
		return false;
	s->at = end;
	if (s->text[end] == '\n') {
		s->at = after_blanks(s, end + 1);
		s->line++;
	}
	return true;
}

/* One more piece of a field; false: a section's header follows. */
static bool
take_piece(struct scan *s, size_t *keep)
{
	char c = peek(s);
	size_t before = s->out;
	bool next = false;

	if (c == '"') {
		take_quoted(s);
	} else if (c == '\\') {
		next = take_backslashes(s);
	} else if (c == '%') {
		take_percent(s);
	} else {
		put(s, c);
		s->at++;
		if (is_blank(c))
			return true; /* kept when something follows */
	}
	if (s->out > before)
		*keep = s->out;
	return !next || peek(s) != '[';
}

static bool
ends_field(char c, bool key_allowed)
{
	return c == '\0' || c == '\n' || c == ';' || c == ',' || (c == '=' && key_allowed);
}

/*
 * One field, with the delimiter behind it; a comment goes with the line's end. A section's
 * header after a backslash is no part of the line: "1 = %Disk%,,,\" is a common slip, and
 * nobody means the section to vanish.
 *
 * ret_lines  1 when the line's end was taken, too
 */
static enum stop
take_field(struct scan *s, bool key_allowed, const char **ret, unsigned *ret_lines)
{
	size_t start, keep;
	char c;

	s->at = after_blanks(s, s->at);
	start = keep = s->out;
	while (!ends_field(peek(s), key_allowed))
		if (!take_piece(s, &keep))
			break;
	if (peek(s) == ';')
		s->at = line_end(s, s->at);
	c = peek(s);
	if (c == '\n')
		*ret_lines = 1;
	if (c == '\n' || c == ',' || (c == '=' && key_allowed))
		s->at++;
	s->out = keep;
	put(s, '\0');
	*ret = &s->text[start];
	return c == ',' ? STOP_COMMA : c == '=' && key_allowed ? STOP_EQUALS : STOP_LINE;
}

static bool
take_entry(struct scan *s, struct kd_err *e)
{
	struct inf_line line = {.number = s->line,
	    .section = s->f->sections_n - 1,
	    .first = s->f->fields_n};
	enum stop stop = STOP_COMMA;
	unsigned ended = 0;

	if (s->f->sections_n == 0)
		return kd_fail(e, KD_E_FORMAT,
		    "text before the first [section] (InfVerif 1005)");
	while (stop != STOP_LINE) {
		const char *text;

		stop = take_field(s, line.key == NULL && line.n == 0, &text, &ended);
		if (characters(text) > INF_FIELD_CHARS_MAX)
			return kd_fail(e, KD_E_LIMIT,
			    "a value of %zu characters, at most %d", characters(text),
			    INF_FIELD_CHARS_MAX);
		if (stop == STOP_EQUALS) {
			line.key = text;
			continue;
		}
		if (stop == STOP_LINE && line.n == 0 && text[0] == '\0')
			break; /* "key =", or nothing at all */
		if (!add_field(s, text, e))
			return false;
		line.n++;
	}
	if (line.key == NULL && line.n == 0) {
		s->line += ended;
		return true;
	}
	if (!add_line(s, &line, e))
		return false;
	s->line += ended;
	return true;
}

static bool
take_section(struct scan *s, struct kd_err *e)
{
	size_t n = strcspn(&s->text[s->at], "]\n"), start = s->at + 1, end = s->at + n;

	if (s->text[end] != ']')
		return kd_fail(e, KD_E_FORMAT, "a section's name without ']'");
	s->at = line_end(s, end);
	start = after_blanks(s, start);
	while (end > start && is_blank(s->text[end - 1]))
		end--;
	if (start >= end)
		return kd_fail(e, KD_E_FORMAT, "a section without a name");
	s->text[end] = '\0'; /* end is before the line's end, where the reading goes on */
	s->out = end + 1;
	if (characters(&s->text[start]) > INF_SECTION_CHARS_MAX)
		return kd_fail(e, KD_E_LIMIT, "a section's name of %zu characters, at most %d",
		    characters(&s->text[start]), INF_SECTION_CHARS_MAX);
	return add_section(s, &s->text[start], e);
}

bool
inf_lines_split(struct inf *f, struct kd_err *e)
{
	struct scan s = {.f = f, .text = f->text, .len = f->text_len, .line = 1};

	while (s.at < s.len) {
		char c = peek(&s);
		bool ok = true;

		if (c == '\n') {
			s.line++;
			s.at++;
		} else if (is_blank(c)) {
			s.at++;
		} else if (c == ';') {
			s.at = line_end(&s, s.at);
		} else {
			s.out = s.at;
			ok = c == '[' ? take_section(&s, e) : take_entry(&s, e);
		}
		if (!ok)
			return inf_in_line(f, s.line, e);
	}
	return true;
}
