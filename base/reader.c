/* SPDX-License-Identifier: Apache-2.0 */
/* base/reader.c - the single bounds check between untrusted bytes and numbers. */
#include "base/reader.h"

#include <string.h>

static const uint8_t nothing[1];

struct rd
rd_init(const void *p, size_t len)
{
	return rd_init_at(p, len, 0);
}

struct rd
rd_init_at(const void *p, size_t len, uint64_t origin)
{
	return (struct rd){.p = p, .len = len, .origin = origin};
}

size_t
rd_left(const struct rd *r)
{
	return r->bad != NULL ? 0 : r->len - r->pos;
}

static void
set_bad(struct rd *r, size_t at, size_t need, const char *what)
{
	r->bad = what;
	r->bad_at = at;
	r->bad_need = need;
}

/* NULL, and NULL for ever, after the first miss. pos <= len always, so nothing can wrap.
 */
static const uint8_t *
take(struct rd *r, size_t n, const char *what)
{
	const uint8_t *at;

	if (r->bad != NULL)
		return NULL;
	if (n > r->len - r->pos) {
		set_bad(r, r->pos, n, what);
		return NULL;
	}
	if (r->p == NULL) /* an empty view over no memory: n is 0 */
		return nothing;
	at = r->p + r->pos;
	r->pos += n;
	return at;
}

static uint64_t
take_le(struct rd *r, size_t n, const char *what)
{
	const uint8_t *b = take(r, n, what);
	uint64_t v = 0;

	if (b == NULL)
		return 0;
	for (size_t i = n; i > 0; i--)
		v = v << 8 | b[i - 1];
	return v;
}

uint8_t
rd_u8(struct rd *r, const char *what)
{
	return (uint8_t)take_le(r, 1, what);
}

uint16_t
rd_u16le(struct rd *r, const char *what)
{
	return (uint16_t)take_le(r, 2, what);
}

uint32_t
rd_u32le(struct rd *r, const char *what)
{
	return (uint32_t)take_le(r, 4, what);
}

uint64_t
rd_u64le(struct rd *r, const char *what)
{
	return take_le(r, 8, what);
}

void
rd_magic(struct rd *r, const void *want, size_t n, const char *what)
{
	const uint8_t *b = take(r, n, what);

	if (b == NULL || memcmp(b, want, n) == 0)
		return;
	r->pos -= n;
	set_bad(r, r->pos, n, what);
	r->mismatch = true;
}

void
rd_skip(struct rd *r, size_t n, const char *what)
{
	(void)take(r, n, what);
}

const uint8_t *
rd_bytes(struct rd *r, size_t n, const char *what)
{
	return take(r, n, what);
}

struct rd
rd_sub(struct rd *r, size_t n, const char *what)
{
	uint64_t origin = r->origin + r->pos;
	const uint8_t *b = take(r, n, what);

	return b == NULL ? *r : rd_init_at(b, n, origin);
}

struct rd
rd_at(const struct rd *r, size_t off, size_t n, const char *what)
{
	struct rd s = *r;

	if (s.bad != NULL)
		return s;
	if (off > r->len) {
		set_bad(&s, off, n, what);
		return s;
	}
	s.pos = off;
	return rd_sub(&s, n, what);
}

bool
rd_ok(const struct rd *r, struct kd_err *e)
{
	if (r->bad == NULL)
		return true;
	if (r->mismatch)
		return kd_fail(e, KD_E_FORMAT, "no %s at offset %#llx", r->bad,
		    (unsigned long long)(r->origin + r->bad_at));
	return kd_fail(e, KD_E_FORMAT,
	    "%s at offset %#llx needs %zu bytes; the data ends at %#llx", r->bad,
	    (unsigned long long)(r->origin + r->bad_at), r->bad_need,
	    (unsigned long long)(r->origin + r->len));
}

bool
rd_end(const struct rd *r, struct kd_err *e)
{
	if (!rd_ok(r, e))
		return false;
	if (r->pos == r->len)
		return true;
	return kd_fail(e, KD_E_FORMAT, "%zu unexpected bytes at offset %#llx",
	    r->len - r->pos, (unsigned long long)(r->origin + r->pos));
}
