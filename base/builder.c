/* SPDX-License-Identifier: Apache-2.0 */
/* base/builder.c - the only place that grows a byte array. */
#include "base/builder.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"

#define FIRST_CAP 256

static size_t
bound(const struct buf *b)
{
	return b->max == 0 ? BUF_MAX : b->max;
}

void
buf_clear(struct buf *b)
{
	free(b->p);
	*b = (struct buf){.max = b->max};
}

void
buf_reset(struct buf *b)
{
	b->len = 0;
	b->failed = b->over = false;
}

/* Room for n bytes more and, past the bound, for the NUL of buf_cstr. */
static bool
grow(struct buf *b, size_t n)
{
	size_t need, cap = b->cap == 0 ? FIRST_CAP : b->cap;
	uint8_t *p;

	if (b->failed)
		return false;
	if (!kd_add(&need, b->len, n) || need > bound(b)) {
		b->failed = b->over = true;
		return false;
	}
	need++;
	if (need <= b->cap)
		return true;
	while (cap < need && cap <= SIZE_MAX / 2)
		cap *= 2;
	if (cap < need || cap > bound(b) + 1)
		cap = need > bound(b) / 2 ? bound(b) + 1 : need;
	p = kd_realloc_array(b->p, cap, 1);
	if (p == NULL) {
		b->failed = true;
		return false;
	}
	b->p = p;
	b->cap = cap;
	return true;
}

uint8_t *
buf_reserve(struct buf *b, size_t n)
{
	uint8_t *at;

	if (!grow(b, n))
		return NULL;
	at = b->p + b->len;
	b->len += n;
	return at;
}

void
buf_add(struct buf *b, const void *p, size_t n)
{
	uint8_t *at = buf_reserve(b, n);

	if (at != NULL && n > 0)
		memcpy(at, p, n);
}

static void
put_le(uint8_t *dst, uint64_t v, size_t n)
{
	for (size_t i = 0; i < n; i++, v >>= 8)
		dst[i] = (uint8_t)v;
}

static void
add_le(struct buf *b, uint64_t v, size_t n)
{
	uint8_t *at = buf_reserve(b, n);

	if (at != NULL)
		put_le(at, v, n);
}

void
buf_u8(struct buf *b, uint8_t v)
{
	add_le(b, v, 1);
}

void
buf_u16le(struct buf *b, uint16_t v)
{
	add_le(b, v, 2);
}

void
buf_u32le(struct buf *b, uint32_t v)
{
	add_le(b, v, 4);
}

void
buf_u64le(struct buf *b, uint64_t v)
{
	add_le(b, v, 8);
}

void
buf_zero(struct buf *b, size_t n)
{
	uint8_t *at = buf_reserve(b, n);

	if (at != NULL)
		memset(at, 0, n);
}

void
buf_str(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0) {
		b->failed = true;
		return;
	}
	if (!grow(b, (size_t)n))
		return;
	va_start(ap, fmt);
	(void)vsnprintf((char *)b->p + b->len, b->cap - b->len, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
}

void
buf_patch_u32le(struct buf *b, size_t off, uint32_t v)
{
	if (b->failed)
		return;
	if (off > b->len || b->len - off < 4)
		b->failed = true;
	else
		put_le(b->p + off, v, 4);
}

void
buf_drop_front(struct buf *b, size_t n)
{
	if (n >= b->len) {
		b->len = 0;
		return;
	}
	if (n == 0)
		return;
	memmove(b->p, b->p + n, b->len - n);
	b->len -= n;
}

const char *
buf_cstr(struct buf *b)
{
	if (!grow(b, 0))
		return NULL;
	b->p[b->len] = '\0';
	return (const char *)b->p;
}

bool
buf_ok(const struct buf *b, const char *what, struct kd_err *e)
{
	if (!b->failed)
		return true;
	if (b->over)
		return kd_fail(
		    e, KD_E_TOO_LARGE, "%s: larger than %zu bytes", what, bound(b));
	return kd_fail_nomem(e, what);
}

uint8_t *
buf_take(struct buf *b, size_t *ret_len)
{
	uint8_t *p;

	if (b->failed || b->len == 0)
		return NULL;
	p = b->p;
	*ret_len = b->len;
	*b = (struct buf){.max = b->max};
	return p;
}
