/* SPDX-License-Identifier: Apache-2.0 */
/* wire/json_write.c - JSON written straight into a buf: no tree, no blanks. */
#include <string.h>

#include "base/text.h"
#include "wire/json.h"

/* The comma and the name before a value. A value never ends with one of these bytes; a
 * newline, written between documents, begins the next one. */
static void
begin(struct buf *b, const char *name)
{
	uint8_t last = b->len == 0 || b->failed ? '{' : b->p[b->len - 1];

	if (last != '{' && last != '[' && last != ':' && last != '\n')
		buf_u8(b, ',');
	if (name == NULL)
		return;
	buf_u8(b, '"');
	buf_str(b, name);
	buf_add(b, "\":", 2);
}

void
jw_open(struct buf *b)
{
	jw_open_member(b, NULL);
}

void
jw_open_member(struct buf *b, const char *name)
{
	begin(b, name);
	buf_u8(b, '{');
}

void
jw_close(struct buf *b)
{
	buf_u8(b, '}');
}

void
jw_arr_open(struct buf *b, const char *name)
{
	begin(b, name);
	buf_u8(b, '[');
}

void
jw_arr_close(struct buf *b)
{
	buf_u8(b, ']');
}

void
jw_str(struct buf *b, const char *name, const char *s)
{
	jw_strn(b, name, s, strlen(s));
}

/* Length of the UTF-8 character at s, of n bytes left; 0 when it is none. */
static size_t
character_len(const char *s, size_t n)
{
	unsigned char c = (unsigned char)s[0];
	size_t len = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

	return len <= n && text_is_utf8(s, len) ? len : 0;
}

static bool
is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

/* One byte that cannot stand as it is: RFC 8259 section 7. */
static void
put_escape(struct buf *b, unsigned char c)
{
	static const char from[] = "\"\\\b\t\n\f\r", to[] = "\"\\btnfr";
	const char *at = c == 0 ? NULL : strchr(from, c);

	if (at != NULL) {
		buf_u8(b, '\\');
		buf_u8(b, (uint8_t)to[at - from]);
	} else if (c < 0x20) {
		buf_printf(b, "\\u%04x", c);
	} else {
		buf_str(b, "\\ufffd");
	}
}

void
jw_strn(struct buf *b, const char *name, const char *s, size_t n)
{
	begin(b, name);
	buf_u8(b, '"');
	for (size_t i = 0, run; i < n; i += run) {
		for (run = 0; i + run < n && is_plain((unsigned char)s[i + run]);)
			run++;
		if (run == 0 && (unsigned char)s[i] >= 0x80)
			run = character_len(&s[i], n - i);
		if (run != 0) {
			buf_add(b, &s[i], run);
			continue;
		}
		put_escape(b, (unsigned char)s[i]);
		run = 1;
	}
	buf_u8(b, '"');
}

void
jw_uint(struct buf *b, const char *name, uint64_t v)
{
	char digits[20];
	size_t at = sizeof(digits);

	begin(b, name);
	do
		digits[--at] = (char)('0' + v % 10);
	while ((v /= 10) != 0);
	buf_add(b, &digits[at], sizeof(digits) - at);
}

void
jw_bool(struct buf *b, const char *name, bool v)
{
	begin(b, name);
	buf_str(b, v ? "true" : "false");
}

void
jw_null(struct buf *b, const char *name)
{
	begin(b, name);
	buf_str(b, "null");
}

void
jw_json(struct buf *b, const char *name, const struct buf *value)
{
	begin(b, name);
	buf_add(b, value->p, value->len);
}

void
jw_hex(struct buf *b, const char *name, const void *p, size_t n)
{
	begin(b, name);
	buf_u8(b, '"');
	text_hex(b, p, n);
	buf_u8(b, '"');
}

void
jw_base64(struct buf *b, const char *name, const void *p, size_t n)
{
	begin(b, name);
	buf_u8(b, '"');
	text_base64(b, p, n);
	buf_u8(b, '"');
}
