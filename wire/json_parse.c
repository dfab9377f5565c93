/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire/json_parse.c - JSON text (RFC 8259) into values, in one pass and three
 * allocations.
 *
 * Our own, because a general library's tree took 9 us for an item of a request and 200 us
 * for an item of an answer, more than all else that is done for a signature in a batch; a
 * fuzz target and a test hold it against such a library.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "wire/json.h"
#include "wire/json_value.h"

struct parser {
	const char *p;
	size_t n, at;
	struct json *j;
	size_t values_n, values_cap, text_len;
	struct kd_err *e;
};

void
json_free(struct json *j)
{
	if (j == NULL)
		return;
	free(j->v);
	free(j->text);
	free(j);
}

/* A finding at offset at, told by line and column (in bytes, from 1). Always false. */
KD_PRINTF(3, 4)
static bool
bad(const struct parser *p, size_t at, const char *fmt, ...)
{
	size_t line = 1, column = 1;
	char what[300];
	va_list ap;

	for (size_t i = 0; i < at; i++) {
		column = p->p[i] == '\n' ? 1 : column + 1;
		line += p->p[i] == '\n';
	}
	va_start(ap, fmt);
	(void)vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	return kd_fail(p->e, KD_E_REQUEST, "line %zu column %zu: %s", line, column, what);
}

/* The next byte, or -1 at the end. */
static int
peek(const struct parser *p)
{
	return p->at < p->n ? (unsigned char)p->p[p->at] : -1;
}

static int
peek_after_blanks(struct parser *p)
{
	int c = peek(p);

	while (c == ' ' || c == '\n' || c == '\r' || c == '\t') {
		p->at++;
		c = peek(p);
	}
	return c;
}

/* What stands where something else was expected. */
static bool
unexpected(const struct parser *p, const char *expected)
{
	char shown[8];

	if (p->at == p->n)
		return bad(p, p->at, "the text ends where %s is expected", expected);
	return bad(p, p->at, "'%s' where %s is expected",
	    text_show(shown, sizeof(shown), &p->p[p->at], 1), expected);
}

static bool
new_value(struct parser *p, const char *name, size_t *ret)
{
	size_t cap = p->values_cap == 0 ? 64 : 2 * p->values_cap;
	struct value *v;

	if (p->values_n == JSON_VALUES_MAX)
		return kd_fail(
		    p->e, KD_E_TOO_LARGE, "more than %d JSON values", JSON_VALUES_MAX);
	if (p->values_n == p->values_cap) {
		v = kd_realloc_array(p->j->v, cap, sizeof(*v));
		if (v == NULL)
			return kd_fail_nomem(p->e, "parsing JSON");
		p->j->v = v;
		p->values_cap = cap;
	}
	*ret = p->values_n++;
	p->j->v[*ret] = (struct value){.name = name};
	return true;
}

/* Four hex digits behind "\u". */
static bool
read_hex4(struct parser *p, uint32_t *ret)
{
	uint8_t two[2];
	char digits[5] = {0};
	struct kd_err ignored = {0};

	if (p->n - p->at < 4)
		return bad(p, p->n, "the text ends inside a string");
	memcpy(digits, &p->p[p->at], 4);
	if (!text_unhex(digits, two, 2, &ignored))
		return bad(p, p->at, "\\u needs four hex digits");
	p->at += 4;
	*ret = (uint32_t)two[0] << 8 | two[1];
	return true;
}

static void
put_utf8(struct parser *p, uint32_t c)
{
	char *dst = &p->j->text[p->text_len];
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const uint8_t lead[] = {0, 0, 0xc0, 0xe0, 0xf0};

	for (size_t i = n; i-- > 1; c >>= 6)
		dst[i] = (char)(0x80 | (c & 0x3f));
	dst[0] = (char)(lead[n] | c);
	p->text_len += n;
}

/* \uXXXX, with its other half where it is the first of a surrogate pair (RFC 8259 section
 * 7). */
static bool
read_unicode_escape(struct parser *p)
{
	size_t start = p->at - 2;
	uint32_t c, low;

	if (!read_hex4(p, &c))
		return false;
	if (c == 0)
		return bad(p, start, "\\u0000 is not allowed");
	if (c >= 0xd800 && c < 0xdc00) {
		if (p->n - p->at < 2 || memcmp(&p->p[p->at], "\\u", 2) != 0)
			return bad(p, start, "half of a surrogate pair");
		p->at += 2;
		if (!read_hex4(p, &low))
			return false;
		if (low < 0xdc00 || low > 0xdfff)
			return bad(p, start, "half of a surrogate pair");
		c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
	} else if (c >= 0xdc00 && c <= 0xdfff) {
		return bad(p, start, "half of a surrogate pair");
	}
	put_utf8(p, c);
	return true;
}

static bool
read_escape(struct parser *p)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *which;
	int c;

	p->at++; /* the backslash */
	c = peek(p);
	if (c < 0)
		return bad(p, p->at, "the text ends inside a string");
	p->at++;
	if (c == 'u')
		return read_unicode_escape(p);
	which = c == 0 ? NULL : strchr(from, c);
	if (which == NULL)
		return bad(p, p->at - 2, "an escape that JSON does not have");
	p->j->text[p->text_len++] = to[which - from];
	return true;
}

/* Bytes from here on that stand for themselves. */
static size_t
plain_run(const struct parser *p, bool *ret_ascii)
{
	unsigned char seen = 0, c;
	size_t at = p->at;

	for (; at < p->n; at++) {
		c = (unsigned char)p->p[at];
		if (c < 0x20 || c == '"' || c == '\\')
			break;
		seen |= c;
	}
	*ret_ascii = seen < 0x80;
	return at - p->at;
}

/* From the quote on. Decoded, no string is longer than it was, and the closing quote pays
 * for the NUL: the text has room for all of them. */
static bool
read_string(struct parser *p, const char **ret, uint32_t *ret_len)
{
	size_t start = p->text_len, run;
	bool ascii;
	int c;

	p->at++;
	for (;;) {
		run = plain_run(p, &ascii);
		if (!ascii && !text_is_utf8(&p->p[p->at], run))
			return bad(p, p->at, "a string that is not UTF-8");
		memcpy(&p->j->text[p->text_len], &p->p[p->at], run);
		p->text_len += run;
		p->at += run;
		c = peek(p);
		if (c == '"')
			break;
		if (c < 0)
			return bad(p, p->at, "the text ends inside a string");
		if (c != '\\')
			return bad(p, p->at, "control character 0x%02x in a string",
			    (unsigned)c);
		if (!read_escape(p))
			return false;
	}
	p->at++;
	*ret = &p->j->text[start];
	*ret_len = (uint32_t)(p->text_len - start);
	p->j->text[p->text_len++] = '\0';
	return true;
}

static size_t
skip_digits(struct parser *p)
{
	size_t start = p->at;

	while (peek(p) >= '0' && peek(p) <= '9')
		p->at++;
	return p->at - start;
}

/* ".5", "e+3": checked, not kept. */
static bool
skip_fraction(struct parser *p, bool *ret_real)
{
	*ret_real = false;
	if (peek(p) == '.') {
		p->at++;
		if (skip_digits(p) == 0)
			return unexpected(p, "a digit");
		*ret_real = true;
	}
	if (peek(p) == 'e' || peek(p) == 'E') {
		p->at++;
		if (peek(p) == '+' || peek(p) == '-')
			p->at++;
		if (skip_digits(p) == 0)
			return unexpected(p, "a digit");
		*ret_real = true;
	}
	return true;
}

static bool
read_number(struct parser *p, struct value *v)
{
	size_t start = p->at, first, end;
	bool negative = peek(p) == '-', real, fits = true;
	int64_t i = 0;

	p->at += negative;
	first = p->at;
	if (skip_digits(p) == 0)
		return unexpected(p, "a digit");
	end = p->at;
	if (p->p[first] == '0' && end - first > 1)
		return bad(p, start, "a number with a leading 0");
	if (!skip_fraction(p, &real))
		return false;
	v->type = real ? JSON_REAL : JSON_INTEGER;
	for (size_t at = first; at < end && !real && fits; at++) {
		int digit = p->p[at] - '0';

		fits = !__builtin_mul_overflow(i, 10, &i) &&
		       !__builtin_add_overflow(i, negative ? -digit : digit, &i);
	}
	if (!fits)
		return bad(p, start, "a whole number that does not fit 64 bits");
	v->i = i;
	return true;
}

static bool
read_word(struct parser *p, struct value *v)
{
	static const struct {
		const char *word;
		size_t n;
		enum json_type type;
	} words[] = {
	    {"true", 4, JSON_TRUE}, {"false", 5, JSON_FALSE}, {"null", 4, JSON_NULL}};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (p->n - p->at < words[i].n ||
		    memcmp(&p->p[p->at], words[i].word, words[i].n) != 0)
			continue;
		p->at += words[i].n;
		v->type = words[i].type;
		return true;
	}
	return unexpected(p, "a value");
}

static bool read_value(struct parser *p, const char *name, unsigned depth);

/* Members are few: each against all before it. name_at is for the message. */
static bool
check_new_name(const struct parser *p, size_t object, const char *name, size_t name_at)
{
	const struct value *o = &p->j->v[object];

	for (const struct value *v = value_first(o); v != NULL; v = value_next(v))
		if (strcmp(v->name, name) == 0)
			return bad(p, name_at, "member '%s' appears twice", SHOW(name));
	if (o->n == JSON_MEMBERS_MAX)
		return bad(
		    p, name_at, "an object of more than %d members", JSON_MEMBERS_MAX);
	return true;
}

/* "name": of a member. */
static bool
read_name(struct parser *p, size_t object, const char **ret)
{
	size_t at = p->at;
	uint32_t n;

	if (peek(p) != '"')
		return unexpected(p, "a member's name");
	if (!read_string(p, ret, &n) || !check_new_name(p, object, *ret, at))
		return false;
	if (peek_after_blanks(p) != ':')
		return unexpected(p, "':'");
	p->at++;
	return true;
}

/* One child of the container self, after the child last. */
static bool
read_child(struct parser *p, size_t self, size_t *last, unsigned depth)
{
	const char *name = NULL;
	size_t child = p->values_n;

	(void)peek_after_blanks(p);
	if (p->j->v[self].type == JSON_OBJECT && !read_name(p, self, &name))
		return false;
	if (!read_value(p, name, depth))
		return false;
	if (p->j->v[self].n++ != 0)
		p->j->v[*last].next = (uint32_t)(child - *last);
	*last = child;
	return true;
}

/* From the opening bracket on. */
static bool
read_container(struct parser *p, size_t self, unsigned depth)
{
	bool object = p->p[p->at] == '{';
	int c, close = object ? '}' : ']';
	size_t last = 0;

	if (depth > JSON_DEPTH_MAX)
		return bad(p, p->at, "nested more than %d deep", JSON_DEPTH_MAX);
	p->j->v[self].type = object ? JSON_OBJECT : JSON_ARRAY;
	p->at++;
	for (c = peek_after_blanks(p); c != close || p->j->v[self].n != 0; p->at++) {
		if (!read_child(p, self, &last, depth))
			return false;
		c = peek_after_blanks(p);
		if (c == close)
			break;
		if (c != ',')
			return unexpected(p, object ? "',' or '}'" : "',' or ']'");
	}
	p->at++;
	return true;
}

static bool
read_value(struct parser *p, const char *name, unsigned depth)
{
	int c = peek_after_blanks(p);
	struct value *v;
	size_t self = 0;

	if (!new_value(p, name, &self))
		return false;
	if (c == '{' || c == '[')
		return read_container(p, self, depth + 1);
	v = &p->j->v[self];
	if (c == '"') {
		v->type = JSON_STRING;
		return read_string(p, &v->s, &v->n);
	}
	if (c == '-' || (c >= '0' && c <= '9'))
		return read_number(p, v);
	return read_word(p, v);
}

bool
json_parse(const char *text, size_t n, struct json **ret, struct kd_err *e)
{
	AUTO(json_free) struct json *j = NULL;
	struct parser p = {.p = text, .n = n, .e = e};
	int c;

	if (n > JSON_LEN_MAX)
		return kd_fail(e, KD_E_TOO_LARGE,
		    "%zu bytes of JSON, at most %zu allowed", n, JSON_LEN_MAX);
	j = kd_alloc(sizeof(*j));
	if (j == NULL || (j->text = kd_alloc(n)) == NULL)
		return kd_fail_nomem(e, "parsing JSON");
	p.j = j;
	c = peek_after_blanks(&p);
	if (c != '{' && c != '[')
		return unexpected(&p, "'{' or '['");
	if (!read_value(&p, NULL, 0))
		return false;
	if (peek_after_blanks(&p) >= 0)
		return unexpected(&p, "the end of the text");
	*ret = STEAL(j);
	return true;
}
