/* SPDX-License-Identifier: Apache-2.0 */
/* base/text_codec.c - hex and base64 (RFC 4648), both ways, strict. */
#include <string.h>

#include "base/text.h"

void
text_hex_to(char *dst, const void *p, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *b = p;

	for (size_t i = 0; i < n; i++) {
		dst[2 * i] = digits[b[i] >> 4];
		dst[2 * i + 1] = digits[b[i] & 15];
	}
	dst[2 * n] = '\0';
}

void
text_hex(struct buf *ret, const void *p, size_t n)
{
	char two[3];

	for (size_t i = 0; i < n; i++) {
		text_hex_to(two, (const uint8_t *)p + i, 1);
		buf_add(ret, two, 2);
	}
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool
text_unhex(const char *s, void *dst, size_t n, struct kd_err *e)
{
	size_t len = strlen(s), good = 0;
	uint8_t *b = dst;

	while (good < len && hex_value(s[good]) >= 0)
		good++;
	if (good < len)
		return kd_fail(
		    e, KD_E_FORMAT, "'%s': no hex digit at place %zu", SHOW(s), good + 1);
	if (len != 2 * n)
		return kd_fail(
		    e, KD_E_FORMAT, "needs %zu hex digits, has %zu", 2 * n, len);
	for (size_t i = 0; i < n; i++)
		b[i] = (uint8_t)(hex_value(s[2 * i]) << 4 | hex_value(s[2 * i + 1]));
	return true;
}

void
text_base64(struct buf *ret, const void *p, size_t n)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const uint8_t *b = p;
	size_t left;
	uint32_t v;
	uint8_t *out;

	if (n >
	    BUF_MAX) { /* keeps the length below from wrapping; too large in any case */
		ret->failed = ret->over = true;
		return;
	}
	out = buf_reserve(ret, (n + 2) / 3 * 4);
	for (size_t i = 0; out != NULL && i < n; i += 3, out += 4) {
		left = n - i;
		v = (uint32_t)b[i] << 16 | (left > 1 ? (uint32_t)b[i + 1] << 8 : 0) |
		    (left > 2 ? b[i + 2] : 0u);
		out[0] = (uint8_t)digits[v >> 18];
		out[1] = (uint8_t)digits[v >> 12 & 63];
		out[2] = (uint8_t)(left > 1 ? digits[v >> 6 & 63] : '=');
		out[3] = (uint8_t)(left > 2 ? digits[v & 63] : '=');
	}
}

static int
base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* n digits without padding, n % 4 != 1, appended as bytes. False at a character that is
 * none or when the last digit has bits that no byte takes (RFC 4648 section 3.5). */
static bool
decode_digits(const char *s, size_t n, struct buf *ret)
{
	uint32_t bits = 0;
	unsigned have = 0;
	int v;

	for (size_t i = 0; i < n; i++) {
		v = base64_value(s[i]);
		if (v < 0)
			return false;
		bits = bits << 6 | (uint32_t)v;
		have += 6;
		if (have >= 8) {
			have -= 8;
			buf_u8(ret, (uint8_t)(bits >> have));
			bits &= (1u << have) - 1;
		}
	}
	return bits == 0;
}

bool
text_unbase64(const char *s, size_t n, struct buf *ret, struct kd_err *e)
{
	size_t start = ret->len, pad = 0;

	if (n % 4 != 0)
		return kd_fail(
		    e, KD_E_FORMAT, "base64 of %zu characters: not a multiple of 4", n);
	while (pad < 2 && pad < n && s[n - 1 - pad] == '=')
		pad++;
	if (!decode_digits(s, n - pad, ret)) {
		if (!ret->failed)
			ret->len = start;
		return kd_fail(e, KD_E_FORMAT, "not base64 (RFC 4648 section 4)");
	}
	return buf_ok(ret, "base64", e);
}
