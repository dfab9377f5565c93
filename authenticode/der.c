/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/der.c - DER, written and read: tag, minimal length, content; nothing of
 * BER. */
#include "authenticode/der.h"

#include <string.h>

#define LONG_FORM 0x80
#define LENGTH_BYTES_MAX 4

static size_t
length_bytes(size_t n)
{
	size_t k = 0;

	if (n < LONG_FORM)
		return 0;
	for (; n != 0; n >>= 8)
		k++;
	return k;
}

size_t
der_begin(struct buf *b, uint8_t tag)
{
	buf_u8(b, tag);
	buf_u8(b, 0); /* most elements are short: this byte becomes the length */
	return b->len;
}

void
der_end(struct buf *b, size_t mark)
{
	size_t n, k;

	if (b->failed)
		return;
	n = b->len - mark;
	k = length_bytes(n);
	if (k == 0) {
		b->p[mark - 1] = (uint8_t)n;
		return;
	}
	if (buf_reserve(b, k) == NULL)
		return;
	memmove(&b->p[mark + k], &b->p[mark], n);
	b->p[mark - 1] = (uint8_t)(LONG_FORM | k);
	for (size_t i = 0; i < k; i++)
		b->p[mark + i] = (uint8_t)(n >> (8 * (k - 1 - i)));
}

void
der_put_head(struct buf *b, uint8_t tag, size_t n)
{
	size_t k = length_bytes(n);

	buf_u8(b, tag);
	buf_u8(b, (uint8_t)(k == 0 ? n : LONG_FORM | k));
	for (size_t i = 0; i < k; i++)
		buf_u8(b, (uint8_t)(n >> (8 * (k - 1 - i))));
}

void
der_put(struct buf *b, uint8_t tag, const void *p, size_t n)
{
	der_put_head(b, tag, n);
	buf_add(b, p, n);
}

/* X.690 11.6: as octet strings, the shorter one padded with zero octets at its end. An
 * encoded element is never a prefix of another one, so the padding never decides. */
static int
compare_items(const void *pa, const void *pb)
{
	const struct der_item *a = pa, *b = pb;
	int c = memcmp(a->p, b->p, a->len < b->len ? a->len : b->len);

	return c != 0 ? c : (a->len > b->len) - (a->len < b->len);
}

void
der_put_set(struct buf *b, uint8_t tag, struct der_item *v, size_t n)
{
	size_t m = der_begin(b, tag);

	if (n > 1)
		qsort(v, n, sizeof(*v), compare_items);
	for (size_t i = 0; i < n; i++)
		if (i == 0 || compare_items(&v[i - 1], &v[i]) != 0)
			buf_add(b, v[i].p, v[i].len);
	der_end(b, m);
}

/* The length octets after the first one. */
static bool
long_length(struct rd *r, const char *what, uint8_t first, size_t *ret, struct kd_err *e)
{
	unsigned long long at = r->origin + r->pos - 1;
	size_t k = first & 0x7f, n = 0;

	if (k == 0)
		return kd_fail(e, KD_E_FORMAT,
		    "%s at offset %#llx: indefinite length, DER expected", what, at - 1);
	if (k > LENGTH_BYTES_MAX)
		return kd_fail(e, KD_E_FORMAT,
		    "%s at offset %#llx: length of %zu bytes, at most %d expected", what,
		    at - 1, k, LENGTH_BYTES_MAX);
	for (size_t i = 0; i < k; i++)
		n = n << 8 | rd_u8(r, what);
	if (!rd_ok(r, e))
		return false;
	if (length_bytes(n) != k)
		return kd_fail(e, KD_E_FORMAT,
		    "%s at offset %#llx: length %zu in %zu bytes, DER expected", what,
		    at - 1, n, k);
	if (n > DER_LEN_MAX)
		return kd_fail(e, KD_E_FORMAT,
		    "%s at offset %#llx: length %zu, at most %zu", what, at - 1, n,
		    DER_LEN_MAX);
	*ret = n;
	return true;
}

bool
der_next(struct rd *r, const char *what, struct tlv *ret, struct kd_err *e)
{
	size_t start = r->pos, n;
	uint8_t tag = rd_u8(r, what), first = rd_u8(r, what);
	struct tlv t = {.tag = tag};

	if (!rd_ok(r, e))
		return false;
	if ((tag & 0x1f) == 0x1f)
		return kd_fail(e, KD_E_FORMAT,
		    "%s at offset %#llx: tag number over 30 is not expected here", what,
		    (unsigned long long)(r->origin + start));
	n = first;
	if (first >= LONG_FORM && !long_length(r, what, first, &n, e))
		return false;
	t.body = rd_sub(r, n, what);
	if (!rd_ok(r, e))
		return false;
	t.len = r->pos - start;
	t.p = rd_at(r, start, t.len, what).p;
	*ret = t;
	return true;
}

bool
der_want(struct rd *r, uint8_t tag, const char *what, struct tlv *ret, struct kd_err *e)
{
	unsigned long long at = r->origin + r->pos;
	struct tlv t;

	if (!der_next(r, what, &t, e))
		return false;
	if (t.tag != tag)
		return kd_fail(e, KD_E_FORMAT,
		    "%s at offset %#llx: tag 0x%02x, expected 0x%02x", what, at, t.tag,
		    tag);
	*ret = t;
	return true;
}

bool
der_is(const struct rd *r, uint8_t tag)
{
	struct rd look = *r;

	return rd_left(&look) > 0 && rd_u8(&look, "tag") == tag;
}

bool
der_opt(struct rd *r, uint8_t tag, const char *what, struct tlv *ret, struct kd_err *e)
{
	*ret = (struct tlv){0};
	return !der_is(r, tag) || der_next(r, what, ret, e);
}

bool
der_done(const struct rd *r, const char *what, struct kd_err *e)
{
	if (!rd_ok(r, e))
		return false;
	if (rd_left(r) == 0)
		return true;
	return kd_fail(e, KD_E_FORMAT, "%s has %zu unexpected bytes at offset %#llx",
	    what, rd_left(r), (unsigned long long)(r->origin + r->pos));
}

bool
der_body_is(const struct tlv *t, const void *p, size_t n)
{
	return t->body.p != NULL && t->body.len == n && memcmp(t->body.p, p, n) == 0;
}
