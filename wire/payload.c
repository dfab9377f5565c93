/* SPDX-License-Identifier: Apache-2.0 */
/* wire/payload.c - length-prefixed text, booleans, and the end of a payload. */
#include "wire/payload.h"

#include <assert.h>
#include <string.h>

#include "base/text.h"

void
payload_put_text(struct buf *b, const char *s)
{
	size_t n = strlen(s);

	assert(n <= PAYLOAD_TEXT_MAX);
	buf_u8(b, (uint8_t)n);
	buf_add(b, s, n);
}

void
payload_text(struct rd *r, char *dst, size_t max, const char *what, struct kd_err *e)
{
	size_t n = rd_u8(r, what);
	const uint8_t *p = rd_bytes(r, n, what);

	dst[0] = '\0';
	if (p == NULL)
		return;
	if (n > max) {
		kd_fail(
		    e, KD_E_PROTOCOL, "%s: %zu bytes, at most %zu allowed", what, n, max);
		return;
	}
	if (!text_is_utf8((const char *)p, n)) {
		kd_fail(e, KD_E_PROTOCOL, "%s: is not UTF-8", what);
		return;
	}
	memcpy(dst, p, n);
	dst[n] = '\0';
}

struct der
payload_bytes(struct rd *r, size_t max, const char *what, struct kd_err *e)
{
	struct der d = {.len = rd_u32le(r, what)};

	if (d.len > max) {
		kd_fail(e, KD_E_PROTOCOL, "%s: %zu bytes, at most %zu allowed", what,
		    d.len, max);
		return (struct der){0};
	}
	d.p = rd_bytes(r, d.len, what);
	return d.p == NULL ? (struct der){0} : d;
}

void
payload_put_bytes(struct buf *b, struct der d)
{
	buf_u32le(b, (uint32_t)d.len);
	buf_add(b, d.p, d.len);
}

void
payload_request_id(struct rd *r, char dst[PAYLOAD_REQUEST_ID_LEN + 1], struct kd_err *e)
{
	const uint8_t *p = rd_bytes(r, PAYLOAD_REQUEST_ID_LEN, "request id");

	if (p == NULL)
		return;
	memcpy(dst, p, PAYLOAD_REQUEST_ID_LEN);
	dst[PAYLOAD_REQUEST_ID_LEN] = '\0';
	if (strspn(dst, "0123456789abcdef") != PAYLOAD_REQUEST_ID_LEN)
		kd_fail(e, KD_E_PROTOCOL, "request id: is not %d lower-case hex digits",
		    PAYLOAD_REQUEST_ID_LEN);
}

bool
payload_bool(struct rd *r, const char *what, struct kd_err *e)
{
	uint8_t v = rd_u8(r, what);

	if (v > 1)
		kd_fail(e, KD_E_PROTOCOL, "%s: is %u, must be 0 or 1", what, v);
	return v == 1;
}

bool
payload_end(const struct rd *r, const char *what, struct kd_err *e)
{
	if (e->code == KD_OK && rd_end(r, e))
		return true;
	e->code = KD_E_PROTOCOL; /* rd speaks of files; here a peer of ours is wrong */
	return kd_in(e, "%s", what);
}
