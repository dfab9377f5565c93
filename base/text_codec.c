/* SPDX-License-Identifier: Apache-2.0 */
/* base/text_codec.c - hex and base64 (RFC 4648), both ways, strict. */
#include <string.h>

#include "base/text.h"

static void
put_hex(uint8_t *dst, const void *p, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *b = p;

	for (size_t i = 0; i < n; i++) {
		dst[2 * i] = (uint8_t)digits[b[i] >> 4];
		dst[2 * i + 1] = (uint8_t)digits[b[i] & 15];
	}
}

void
text_hex_to(char *dst, const void *p, size_t n)
{
	put_hex((uint8_t *)dst, p, n);
	dst[2 * n] = '\0';
}

void
text_hex(struct buf *ret, const void *p, size_t n)
{
	uint8_t *out;

	if (n > BUF_MAX) { /* keeps 2n from wrapping; too large in any case */
		ret->failed = ret->over = true;
		return;
	}
	out = buf_reserve(ret, 2 * n);
	if (out != NULL)
		put_hex(out, p, n);
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

/* A digit's value plus 1, so that 0 says: none. */
/* clang-format off */
static const uint8_t base64_digit[256] = {
	['A'] = 1, ['B'] = 2, ['C'] = 3, ['D'] = 4, ['E'] = 5, ['F'] = 6, ['G'] = 7, ['H'] = 8,
	['I'] = 9, ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16,
	['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,
	['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32,
	['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40,
	['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48,
	['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
	['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['+'] = 63, ['/'] = 64,
};
/* clang-format on */

static int
base64_value(char c)
{
	return base64_digit[(unsigned char)c] - 1;
}

/* n digits without padding, n % 4 != 1, into the n * 3 / 4 bytes at out. False at a
 * character that is none or when the last digit has bits that no byte takes (RFC 4648
 * section 3.5). */
static bool
decode_digits(const char *s, size_t n, uint8_t *out)
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
			*out++ = (uint8_t)(bits >> have);
			bits &= (1u << have) - 1;
		}
	}
	return bits == 0;
}

bool
text_unbase64(const char *s, size_t n, struct buf *ret, struct kd_err *e)
{
	size_t start = ret->len, pad = 0;
	uint8_t *out;

	if (n % 4 != 0)
		return kd_fail(
		    e, KD_E_FORMAT, "base64 of %zu characters: not a multiple of 4", n);
	while (pad < 2 && pad < n && s[n - 1 - pad] == '=')
		pad++;
	out = buf_reserve(ret, (n - pad) / 4 * 3 + (n - pad) % 4 * 3 / 4);
	if (out != NULL && !decode_digits(s, n - pad, out)) {
		ret->len = start;
		return kd_fail(e, KD_E_FORMAT, "not base64 (RFC 4648 section 4)");
	}
	return buf_ok(ret, "base64", e);
}
