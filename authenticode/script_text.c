/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/script_text.c - a script as Windows reads it: encoding, lines, UTF-16LE. */
#include "authenticode/script_text.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"

#define CHUNK ((size_t)64 << 10)
#define EARLY 32
#define AT_END UINT32_MAX

size_t
script_width(enum script_encoding encoding)
{
	return encoding == SCRIPT_UTF16LE || encoding == SCRIPT_UTF16BE ? 2 : 1;
}

const char *
script_end_name(enum script_end end)
{
	static const char *const names[] = {"nothing", "LF", "CRLF", "CR"};

	return names[end];
}

/* ---- UTF-8, octet by octet (RFC 3629 section 4) ---- */

struct utf8 {
	uint32_t code;
	unsigned left;        /* octets that must follow */
	uint8_t least, most;  /* bounds of the next one */
	bool bad;
};

static void
utf8_lead(struct utf8 *u, uint8_t b)
{
	u->least = 0x80;
	u->most = 0xbf;
	u->left = b < 0x80 ? 0 : b < 0xe0 ? 1 : b < 0xf0 ? 2 : 3;
	u->code = b < 0x80 ? b : b & (uint32_t)(0x3f >> u->left);
	if ((b >= 0x80 && b < 0xc2) || b > 0xf4)
		u->bad = true;
	if (b == 0xe0)
		u->least = 0xa0; /* else an overlong form */
	else if (b == 0xed)
		u->most = 0x9f; /* else a surrogate */
	else if (b == 0xf0)
		u->least = 0x90;
	else if (b == 0xf4)
		u->most = 0x8f; /* else beyond U+10FFFF */
}

/* True when a character is complete, in u->code. */
static bool
utf8_add(struct utf8 *u, uint8_t b)
{
	if (u->left == 0) {
		utf8_lead(u, b);
		return u->left == 0;
	}
	if (b < u->least || b > u->most) {
		u->bad = true;
		u->left = 0;
		return false;
	}
	u->least = 0x80;
	u->most = 0xbf;
	u->code = u->code << 6 | (b & 0x3f);
	return --u->left == 0;
}

/* ---- the first bytes ---- */

static bool
is_early_utf8(const uint8_t *p, size_t n)
{
	struct utf8 u = {0};
	bool beyond = false;

	for (size_t i = 0; i < n && !u.bad; i++) {
		(void)utf8_add(&u, p[i]);
		beyond = beyond || p[i] >= 0x80;
	}
	return beyond && !u.bad && u.left == 0;
}

bool
script_head_read(int fd, uint64_t size, struct script_head *ret, struct kd_err *e)
{
	size_t n = size < EARLY ? (size_t)size : EARLY;
	struct script_head h = {.encoding = SCRIPT_UTF8};
	uint8_t b[EARLY];

	if (!file_pread_full(fd, b, n, 0, e))
		return false;
	h.bom = true;
	if (n >= 2 && b[0] == 0xff && b[1] == 0xfe)
		h.encoding = SCRIPT_UTF16LE;
	else if (n >= 2 && b[0] == 0xfe && b[1] == 0xff)
		h.encoding = SCRIPT_UTF16BE;
	else
		h.bom = n >= 3 && memcmp(b, "\xef\xbb\xbf", 3) == 0;
	h.utf8_early = !h.bom && is_early_utf8(b, n);
	*ret = h;
	return true;
}

/* ---- lines ---- */

struct script_reader {
	int fd;
	uint64_t size, filled; /* of the file; how much of it was read */
	size_t width;
	bool big;
	uint8_t buf[CHUNK]; /* a multiple of the width */
	size_t len, pos;
	uint32_t held; /* a unit put back; AT_END: none */
	uint64_t off;  /* of the next unit */
	uint64_t line; /* its number */
	struct utf8 utf8;
	struct script_seen seen;
};

bool
script_reader_new(int fd, uint64_t size, enum script_encoding encoding,
    struct script_reader **ret, struct kd_err *e)
{
	struct script_reader *r = kd_alloc(sizeof(*r));

	if (r == NULL)
		return kd_fail_nomem(e, "script");
	r->fd = fd;
	r->size = size;
	r->width = script_width(encoding);
	r->big = encoding == SCRIPT_UTF16BE;
	r->held = AT_END;
	r->line = 1;
	r->seen.ascii = true;
	*ret = r;
	return true;
}

void
script_reader_free(struct script_reader *r)
{
	free(r);
}

void
script_reader_seek(struct script_reader *r, uint64_t off)
{
	r->filled = r->off = off < r->size ? off : r->size;
	r->len = r->pos = 0;
	r->held = AT_END;
}

const struct script_seen *
script_reader_seen(const struct script_reader *r)
{
	return &r->seen;
}

static bool
fill(struct script_reader *r, struct kd_err *e)
{
	uint64_t left = r->size - r->filled;

	r->len = left < CHUNK ? (size_t)left : CHUNK;
	r->pos = 0;
	if (!file_pread_full(r->fd, r->buf, r->len, r->filled, e))
		return false;
	r->filled += r->len;
	return true;
}

static void
see(struct script_reader *r, uint32_t unit)
{
	if (unit == 0 && r->seen.nul_line == 0)
		r->seen.nul_line = r->line;
	if (unit >= 0x80 && !(unit == 0xfeff && r->off == 0))
		r->seen.ascii = false;
	if (r->width == 2 || r->utf8.bad || (unit < 0x80 && r->utf8.left == 0))
		return;
	(void)utf8_add(&r->utf8, (uint8_t)unit);
	if (r->utf8.bad)
		r->seen.not_utf8_line = r->line;
}

static bool
next_unit(struct script_reader *r, uint32_t *ret, struct kd_err *e)
{
	const uint8_t *p;

	*ret = r->held;
	r->held = AT_END;
	if (*ret != AT_END) {
		r->off += r->width;
		return true;
	}
	if (r->pos == r->len && !fill(r, e))
		return false;
	if (r->len - r->pos < r->width) {
		if (r->utf8.left > 0 && r->seen.not_utf8_line == 0)
			r->seen.not_utf8_line = r->line; /* cut off */
		return true;
	}
	p = &r->buf[r->pos];
	*ret = r->width == 1 ? p[0]
	       : r->big	     ? (uint32_t)p[0] << 8 | p[1]
			     : (uint32_t)p[1] << 8 | p[0];
	see(r, *ret);
	r->pos += r->width;
	r->off += r->width;
	return true;
}

static void
put_back(struct script_reader *r, uint32_t unit)
{
	if (unit == AT_END)
		return;
	r->held = unit;
	r->off -= r->width;
}

/* Is unit the end of a line, and of what kind? */
static bool
end_of(struct script_reader *r, uint32_t unit, enum script_end *ret, struct kd_err *e)
{
	uint32_t after;

	*ret = unit == '\n' ? SCRIPT_END_LF : SCRIPT_END_NONE;
	if (unit != '\r')
		return true;
	if (!next_unit(r, &after, e))
		return false;
	*ret = after == '\n' ? SCRIPT_END_CRLF : SCRIPT_END_CR;
	if (after != '\n')
		put_back(r, after);
	return true;
}

bool
script_reader_line(struct script_reader *r, struct script_line *ret, struct kd_err *e)
{
	uint64_t len = 0;
	uint32_t unit;

	ret->number = r->line;
	ret->off = r->off;
	for (;;) {
		if (!next_unit(r, &unit, e) || !end_of(r, unit, &ret->end, e))
			return false;
		if (unit == AT_END || ret->end != SCRIPT_END_NONE)
			break;
		if (len < SCRIPT_LINE_KEPT)
			ret->text[len] = (char)(unit < 0x80 ? unit : 0x7f);
		len++;
	}
	ret->len = len;
	ret->next = r->off;
	r->line++;
	return true;
}

/* ---- UTF-16LE ---- */

/* What windows-1252 has at 0x80 to 0x9f, where it differs from Latin-1; its five holes are
 * read as the control characters of these numbers. */
static const uint16_t windows_1252[32] = {0x20ac, 0x0081, 0x201a, 0x0192, 0x201e, 0x2026,
    0x2020, 0x2021, 0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0x008d, 0x017d, 0x008f, 0x0090,
    0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a,
    0x0153, 0x009d, 0x017e, 0x0178};

/* From chunk to chunk. */
struct convert {
	enum script_encoding from;
	struct utf8 utf8;
	uint8_t out[2 * CHUNK + 4]; /* no octet becomes more than two */
	size_t len;
};

static void
put_unit(struct convert *c, uint32_t unit)
{
	c->out[c->len++] = (uint8_t)unit;
	c->out[c->len++] = (uint8_t)(unit >> 8);
}

static void
put_code(struct convert *c, uint32_t code)
{
	if (code < 0x10000) {
		put_unit(c, code);
		return;
	}
	put_unit(c, 0xd800 + ((code - 0x10000) >> 10));
	put_unit(c, 0xdc00 + ((code - 0x10000) & 0x3ff));
}

/* n is even where units have two octets: so is the chunk, and the text's length. */
static void
convert(struct convert *c, const uint8_t *p, size_t n)
{
	c->len = 0;
	for (size_t i = 0; i < n; i++) {
		if (c->from == SCRIPT_UTF16BE)
			c->out[c->len++] = p[i ^ 1];
		else if (c->from == SCRIPT_WINDOWS_1252)
			put_unit(c, p[i] >= 0x80 && p[i] < 0xa0 ? windows_1252[p[i] - 0x80]
								 : p[i]);
		else if (utf8_add(&c->utf8, p[i]))
			put_code(c, c->utf8.code);
	}
}

bool
script_hash(struct format_hash *h, int fd, uint64_t end, enum script_encoding encoding,
    struct kd_err *e)
{
	AUTO(free) struct convert *c = NULL;
	AUTO(free) uint8_t *buf = NULL;

	if (encoding == SCRIPT_UTF16LE)
		return format_hash_file(h, fd, 0, end, e);
	c = kd_alloc(sizeof(*c));
	buf = kd_alloc(CHUNK);
	if (c == NULL || buf == NULL)
		return kd_fail_nomem(e, "script");
	c->from = encoding;
	for (uint64_t off = 0; off < end;) {
		size_t n = end - off < CHUNK ? (size_t)(end - off) : CHUNK;

		if (!file_pread_full(fd, buf, n, off, e))
			return false;
		convert(c, buf, n);
		if (!format_hash_add(h, c->out, c->len, e))
			return false;
		off += n;
	}
	return true;
}

void
script_put(struct buf *b, enum script_encoding encoding, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (encoding == SCRIPT_UTF16BE)
			buf_u8(b, 0);
		buf_u8(b, (uint8_t)s[i]);
		if (encoding == SCRIPT_UTF16LE)
			buf_u8(b, 0);
	}
}
