/* SPDX-License-Identifier: Apache-2.0 */
/* base/reader.h - the only way untrusted bytes become numbers. */
#ifndef KD_READER_H
#define KD_READER_H
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/*
 * A view that borrows its bytes; copy it freely. The first field that does not fit is
 * remembered; from then on every read gives 0 or an empty view, so a run of reads needs one
 * rd_ok() - before any value is used as a size, offset, index or loop bound.
 */
struct rd {
	const uint8_t *p;
	size_t len, pos;
	uint64_t origin; /* file offset of p[0]; for messages only */
	const char *bad; /* first field that did not fit; NULL while good */
	size_t bad_at, bad_need;
	bool mismatch;   /* bad is a magic that differed, not a lack of bytes */
};

struct rd rd_init(const void *p, size_t len);
struct rd rd_init_at(const void *p, size_t len, uint64_t origin);
size_t rd_left(const struct rd *r);
uint8_t rd_u8(struct rd *r, const char *what);
uint16_t rd_u16le(struct rd *r, const char *what);
uint32_t rd_u32le(struct rd *r, const char *what);
uint64_t rd_u64le(struct rd *r, const char *what);
void rd_magic(struct rd *r, const void *want, size_t n, const char *what);
void rd_skip(struct rd *r, size_t n, const char *what);
/* n borrowed bytes, or NULL (and r bad) when fewer are left. n == 0 gives a non-NULL pointer. */
const uint8_t *rd_bytes(struct rd *r, size_t n, const char *what);
/* The next n bytes as a view of their own; the parent moves past them. */
struct rd rd_sub(struct rd *r, size_t n, const char *what);
/* n bytes at offset off of r's bytes, wherever r stands; r itself does not move. */
struct rd rd_at(const struct rd *r, size_t off, size_t n, const char *what);
bool rd_ok(const struct rd *r, struct kd_err *e) KD_MUST;  /* KD_E_FORMAT, names the field */
bool rd_end(const struct rd *r, struct kd_err *e) KD_MUST; /* rd_ok, and nothing left over */
#endif
