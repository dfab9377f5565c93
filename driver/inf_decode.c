/* SPDX-License-Identifier: Apache-2.0 */
/* driver/inf_decode.c - an INF's bytes → UTF-8. */
#include "driver/inf_decode.h"

#include <string.h>

#include "base/mem.h"
#include "base/reader.h"
#include "base/text.h"

#define UTF8_BOM "\xef\xbb\xbf"
#define REPLACEMENT 0xfffdu

struct writer {
	char *p; /* room for the longest that there can be */
	size_t n;
};

static void
put(struct writer *w, uint32_t c)
{
	if (c < 0x80) {
		w->p[w->n++] = (char)c;
	} else if (c < 0x800) {
		w->p[w->n++] = (char)(0xc0 | c >> 6);
		w->p[w->n++] = (char)(0x80 | (c & 0x3f));
	} else if (c < 0x10000) {
		w->p[w->n++] = (char)(0xe0 | c >> 12);
		w->p[w->n++] = (char)(0x80 | (c >> 6 & 0x3f));
		w->p[w->n++] = (char)(0x80 | (c & 0x3f));
	} else {
		w->p[w->n++] = (char)(0xf0 | c >> 18);
		w->p[w->n++] = (char)(0x80 | (c >> 12 & 0x3f));
		w->p[w->n++] = (char)(0x80 | (c >> 6 & 0x3f));
		w->p[w->n++] = (char)(0x80 | (c & 0x3f));
	}
}

static uint32_t
unit(struct rd *r, bool big)
{
	uint16_t v = rd_u16le(r, "UTF-16 character");

	return big ? (uint32_t)(v >> 8 | (v & 0xff) << 8) : v;
}

static void
from_utf16(struct rd r, bool big, struct writer *w)
{
	while (rd_left(&r) >= 2) {
		uint32_t c = unit(&r, big);
		struct rd next = r;
		uint32_t low = c - 0xd800 < 0x400 && rd_left(&r) >= 2 ? unit(&next, big) : 0;

		if (low - 0xdc00 < 0x400) {
			c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
			r = next;
		} else if (c - 0xd800 < 0x800) {
			c = REPLACEMENT;
		}
		put(w, c);
	}
}

static void
from_bytes(struct rd r, bool as_is, struct writer *w)
{
	while (rd_left(&r) > 0) {
		uint8_t c = rd_u8(&r, "character");

		if (as_is)
			w->p[w->n++] = (char)c;
		else
			put(w, c);
	}
}

static enum inf_encoding
encoding_of(const uint8_t *p, size_t n)
{
	if (n >= 2 && memcmp(p, "\xff\xfe", 2) == 0)
		return INF_UTF16LE;
	if (n >= 2 && memcmp(p, "\xfe\xff", 2) == 0)
		return INF_UTF16BE;
	if (n >= strlen(UTF8_BOM) && memcmp(p, UTF8_BOM, strlen(UTF8_BOM)) == 0)
		return INF_UTF8_BOM;
	for (size_t i = 0; i < n; i++)
		if (p[i] >= 0x80)
			return text_is_utf8((const char *)p, n) ? INF_UTF8 : INF_ANSI;
	return INF_ASCII;
}

static bool
check_nul(const struct writer *w, struct kd_err *e)
{
	const char *nul = memchr(w->p, '\0', w->n);
	unsigned line = 1;

	if (nul == NULL)
		return true;
	for (const char *p = w->p; p < nul; p++)
		line += *p == '\n';
	(void)kd_fail(e, KD_E_FORMAT, "line %u: a NUL character, which no text has", line);
	return kd_hint(e, "UTF-16 is known by the byte order mark at its beginning: save "
			  "the file with one");
}

bool
inf_decode(const uint8_t *p, size_t n, char **ret, size_t *ret_len,
    enum inf_encoding *ret_encoding, struct kd_err *e)
{
	enum inf_encoding encoding = encoding_of(p, n);
	/* A byte of ANSI becomes two, two of UTF-16 three; a pair's four become four. */
	AUTO(free) char *text = kd_alloc(2 * n + 1);
	struct writer w = {text, 0};
	struct rd r = rd_init(p, n);

	if (text == NULL)
		return kd_fail_nomem(e, "INF");
	if (encoding == INF_UTF16LE || encoding == INF_UTF16BE) {
		rd_skip(&r, 2, "byte order mark");
		from_utf16(r, encoding == INF_UTF16BE, &w);
	} else {
		if (encoding == INF_UTF8_BOM)
			rd_skip(&r, strlen(UTF8_BOM), "byte order mark");
		from_bytes(r, encoding != INF_ANSI, &w);
	}
	if (!check_nul(&w, e))
		return false;
	if (encoding == INF_UTF8_BOM && !text_is_utf8(w.p, w.n))
		return kd_fail(e, KD_E_FORMAT, "begins with UTF-8's mark and is not UTF-8");
	*ret = STEAL(text);
	*ret_len = w.n;
	*ret_encoding = encoding;
	return true;
}
