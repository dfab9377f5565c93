/* SPDX-License-Identifier: Apache-2.0 */
/* wire/payload.h - the few shapes that payloads of our own frames are made of. */
#ifndef KD_PAYLOAD_H
#define KD_PAYLOAD_H
#include <stddef.h>
#include <stdint.h>

#include "base/builder.h"
#include "base/error.h"
#include "base/reader.h"

#define PAYLOAD_TEXT_MAX 255
#define PAYLOAD_REQUEST_ID_LEN 32

struct der { /* borrowed bytes */
	const uint8_t *p;
	size_t len;
};

/* u8 length, then that many bytes. s longer than PAYLOAD_TEXT_MAX is a bug of ours. */
void payload_put_text(struct buf *b, const char *s);
/*
 * payload_text - the reverse, NUL-terminated into dst (max + 1 bytes).
 *
 * Well-formed UTF-8 without NUL; dst is "" after any finding.
 * Errors: KD_E_PROTOCOL "<what>: 70 bytes, at most 64 allowed"; too few bytes mark r.
 */
void payload_text(
    struct rd *r, char *dst, size_t max, const char *what, struct kd_err *e);
/* A u32 length of at most max, then that many bytes, borrowed from r; empty after any finding. */
struct der payload_bytes(struct rd *r, size_t max, const char *what, struct kd_err *e);
void payload_put_bytes(struct buf *b, struct der d);
/* PAYLOAD_REQUEST_ID_LEN lower-case hex digits, NUL-terminated into dst. */
void payload_request_id(
    struct rd *r, char dst[PAYLOAD_REQUEST_ID_LEN + 1], struct kd_err *e);
/* A u8 that must be 0 or 1. */
bool payload_bool(struct rd *r, const char *what, struct kd_err *e);
/* All of r was read, nothing is left, and e holds no finding: else KD_E_PROTOCOL,
 * "<what>: ..." */
bool payload_end(const struct rd *r, const char *what, struct kd_err *e) KD_MUST;
#endif
