/* SPDX-License-Identifier: Apache-2.0 */
/* base/text.c - UTF-8 and UTF-16, outside text made safe to show, and near misses of
 * names. */
#include "base/text.h"

#include <string.h>

#include "base/num.h"

/* RFC 3629 section 4, "UTF8-octets": for each range of first bytes how long the character
 * is and where its second byte lies; that rules out overlong forms, surrogates and what
 * is past U+10FFFF. */
static const struct {
	unsigned char first, last, len, low, high;
} utf8_forms[] = {
    {0xc2, 0xdf, 2, 0x80, 0xbf},
    {0xe0, 0xe0, 3, 0xa0, 0xbf},
    {0xe1, 0xec, 3, 0x80, 0xbf},
    {0xed, 0xed, 3, 0x80, 0x9f},
    {0xee, 0xef, 3, 0x80, 0xbf},
    {0xf0, 0xf0, 4, 0x90, 0xbf},
    {0xf1, 0xf3, 4, 0x80, 0xbf},
    {0xf4, 0xf4, 4, 0x80, 0x8f},
};

/* How many of the n bytes at s the character there takes; 0 when malformed or cut. */
static size_t
utf8_char(const char *s, size_t n, uint32_t *ret)
{
	const unsigned char *p = (const unsigned char *)s;
	size_t form = 0, len;
	uint32_t c;

	if (n > 0 && p[0] < 0x80) {
		*ret = p[0];
		return 1;
	}
	while (form < KD_ARRAY_LEN(utf8_forms) && n > 0 && p[0] > utf8_forms[form].last)
		form++;
	if (n == 0 || form == KD_ARRAY_LEN(utf8_forms) || p[0] < utf8_forms[form].first)
		return 0;
	len = utf8_forms[form].len;
	if (n < len || p[1] < utf8_forms[form].low || p[1] > utf8_forms[form].high)
		return 0;
	c = p[0] & (0x7fu >> len);
	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3fu);
	}
	*ret = c;
	return len;
}

bool
text_is_utf8(const char *s, size_t n)
{
	uint32_t c = 0;
	size_t len;

	for (; n > 0; s += len, n -= len) {
		len = utf8_char(s, n, &c);
		if (len == 0 || c == 0)
			return false;
	}
	return true;
}

static void
add_u16be(struct buf *b, uint32_t v)
{
	buf_u8(b, (uint8_t)(v >> 8));
	buf_u8(b, (uint8_t)v);
}

bool
text_utf16be(const char *s, struct buf *ret, struct kd_err *e)
{
	size_t n = strlen(s), len;
	uint32_t c = 0;

	if (!text_is_utf8(s, n))
		return kd_fail(e, KD_E_FORMAT, "'%s': not UTF-8", SHOW(s));
	for (; n > 0; s += len, n -= len) {
		len = utf8_char(s, n, &c);
		if (c < 0x10000) {
			add_u16be(ret, c);
		} else { /* RFC 2781 section 2.1 */
			add_u16be(ret, 0xd800 | (c - 0x10000) >> 10);
			add_u16be(ret, 0xdc00 | ((c - 0x10000) & 0x3ff));
		}
	}
	return buf_ok(ret, "UTF-16 text", e);
}

static void
add_utf8(struct buf *b, uint32_t c)
{
	if (c < 0x80) {
		buf_u8(b, (uint8_t)c);
		return;
	}
	if (c < 0x800) {
		buf_u8(b, (uint8_t)(0xc0 | c >> 6));
	} else {
		if (c < 0x10000) {
			buf_u8(b, (uint8_t)(0xe0 | c >> 12));
		} else {
			buf_u8(b, (uint8_t)(0xf0 | c >> 18));
			buf_u8(b, (uint8_t)(0x80 | (c >> 12 & 0x3f)));
		}
		buf_u8(b, (uint8_t)(0x80 | (c >> 6 & 0x3f)));
	}
	buf_u8(b, (uint8_t)(0x80 | (c & 0x3f)));
}

/* The character that starts at byte i of n; 0 when it is NUL, cut, or half a pair. */
static uint32_t
utf16_char(const uint8_t *p, size_t n, size_t i)
{
	uint32_t c = (uint32_t)p[i] << 8 | p[i + 1], low;

	if (c < 0xd800 || c > 0xdfff)
		return c;
	if (c > 0xdbff || n - i < 4)
		return 0;
	low = (uint32_t)p[i + 2] << 8 | p[i + 3];
	if (low < 0xdc00 || low > 0xdfff)
		return 0;
	return 0x10000 + ((c & 0x3ff) << 10 | (low & 0x3ff));
}

bool
text_from_utf16be(const uint8_t *p, size_t n, struct buf *ret, struct kd_err *e)
{
	size_t start = ret->len;
	uint32_t c;

	if (n % 2 != 0)
		return kd_fail(
		    e, KD_E_FORMAT, "UTF-16 text of %zu bytes: an odd number", n);
	for (size_t i = 0; i < n; i += c < 0x10000 ? 2 : 4) {
		c = utf16_char(p, n, i);
		if (c == 0) {
			if (!ret->failed)
				ret->len = start;
			return kd_fail(
			    e, KD_E_FORMAT, "UTF-16 text: malformed at byte %zu", i);
		}
		add_utf8(ret, c);
	}
	return buf_ok(ret, "text", e);
}

/* Characters that move the cursor, start a line, or reorder what stands around them. */
static bool
unsafe_to_show(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x61c || c == 0x200e ||
	       c == 0x200f || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

const char *
text_show(char *dst, size_t dst_len, const char *s, size_t n)
{
	static const char hex[] = "0123456789abcdef";
	size_t at = 0, cut = 0, len, need;
	uint32_t c = 0;
	bool plain;

	while (n > 0) {
		len = utf8_char(s, n, &c);
		plain = len > 0 && !unsafe_to_show(c);
		len = len == 0 ? 1 : len;
		need = plain ? len : 4 * len;
		if (at + 4 <= dst_len)
			cut = at; /* where "..." and its NUL would still fit */
		if (at + need + 1 > dst_len) {
			at = cut;
			need = dst_len < 4 ? 0 : 3;
			memcpy(dst + at, "...", need);
			at += need;
			break;
		}
		if (plain)
			memcpy(dst + at, s, len);
		for (size_t i = 0; !plain && i < len; i++) {
			dst[at + 4 * i] = '\\';
			dst[at + 4 * i + 1] = 'x';
			dst[at + 4 * i + 2] = hex[(unsigned char)s[i] >> 4];
			dst[at + 4 * i + 3] = hex[(unsigned char)s[i] & 15];
		}
		at += need;
		s += len;
		n -= len;
	}
	if (dst_len > 0)
		dst[at] = '\0';
	return dst;
}

const char *
text_show_str(char *dst, size_t dst_len, const char *s)
{
	if (s == NULL)
		s = "(none)";
	return text_show(dst, dst_len, s, strlen(s));
}

static int
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

bool
text_eq_nocase(const char *a, const char *b)
{
	while (*a != '\0' && lower(*a) == lower(*b)) {
		a++;
		b++;
	}
	return lower(*a) == lower(*b);
}

#define NEAREST_MAX 64 /* longer words are nobody's near miss */

/* Levenshtein distance, one row at a time. */
static size_t
distance(const char *a, size_t na, const char *b, size_t nb)
{
	size_t row[NEAREST_MAX + 1], diagonal, above, best;

	for (size_t j = 0; j <= nb; j++)
		row[j] = j;
	for (size_t i = 1; i <= na; i++) {
		diagonal = row[0];
		row[0] = i;
		for (size_t j = 1; j <= nb; j++) {
			above = row[j];
			best = diagonal + (lower(a[i - 1]) != lower(b[j - 1]));
			best = best < above + 1 ? best : above + 1;
			row[j] = best < row[j - 1] + 1 ? best : row[j - 1] + 1;
			diagonal = above;
		}
	}
	return row[nb];
}

const char *
text_nearest(const char *s, const char *const *names)
{
	size_t n = strlen(s), best = n / 3 + 2, d; /* the first distance too far */
	const char *ret = NULL;

	if (n > NEAREST_MAX)
		return NULL;
	for (; *names != NULL; names++) {
		size_t len = strlen(*names);

		if (len > NEAREST_MAX)
			continue;
		d = distance(s, n, *names, len);
		if (d < best && d < len) {
			best = d;
			ret = *names;
		}
	}
	return ret;
}

bool
text_hint_nearest(
    struct kd_err *e, const char *prefix, const char *s, const char *const *names)
{
	const char *near = text_nearest(s, names);

	if (near != NULL)
		(void)kd_hint(e, "did you mean '%s%s'?", prefix, near);
	return near != NULL;
}
