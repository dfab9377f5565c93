/* SPDX-License-Identifier: Apache-2.0 */
/* base/builder.h - numbers → bytes, bounded. The only place that grows a byte array. */
#ifndef KD_BUILDER_H
#define KD_BUILDER_H
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/own.h"

/*
 * A growing byte string that owns its memory. All-zero is empty and valid, with the default
 * bound BUF_MAX. A failed append sticks (failed), so a run of appends needs one buf_ok().
 */
struct buf {
	uint8_t *p;
	size_t len, cap;
	size_t max;  /* 0 means BUF_MAX */
	bool failed; /* out of memory or over max; content is then meaningless */
	bool over;   /* failed because of max */
};
#define BUF_MAX ((size_t)256 << 20)

void buf_clear(struct buf *b); /* frees; b is all-zero but for max afterwards */
AUTO_DEFINE_CLEAR(struct buf, buf_clear);
void buf_reset(struct buf *b); /* empties, keeps the memory */
void buf_add(struct buf *b, const void *p, size_t n);
void buf_u8(struct buf *b, uint8_t v);
void buf_u16le(struct buf *b, uint16_t v);
void buf_u32le(struct buf *b, uint32_t v);
void buf_u64le(struct buf *b, uint64_t v);
void buf_zero(struct buf *b, size_t n);
void buf_str(struct buf *b, const char *s); /* without the NUL */
void buf_printf(struct buf *b, const char *fmt, ...) KD_PRINTF(2, 3);
void buf_patch_u32le(struct buf *b, size_t off, uint32_t v); /* off + 4 <= len, else failed */
/* n bytes for the caller to fill, part of b at once; NULL when failed. */
uint8_t *buf_reserve(struct buf *b, size_t n);
void buf_drop_front(struct buf *b, size_t n);
/* NUL-terminated view of the content; the NUL is not counted in len. NULL when failed. */
const char *buf_cstr(struct buf *b);
bool buf_ok(const struct buf *b, const char *what, struct kd_err *e) KD_MUST; /* NOMEM, TOO_LARGE */
/* The bytes move out to the caller (free()); b becomes empty. NULL when failed or empty. */
uint8_t *buf_take(struct buf *b, size_t *ret_len);
#endif
