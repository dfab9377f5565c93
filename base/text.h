/* SPDX-License-Identifier: Apache-2.0 */
/* base/text.h - hex, base64, UTF-8, and outside text made safe to show. */
#ifndef KD_TEXT_H
#define KD_TEXT_H
#include <stddef.h>
#include <stdint.h>

#include "base/builder.h"
#include "base/error.h"

void text_hex(struct buf *ret, const void *p, size_t n); /* lower case */
/* dst must hold 2n + 1. */
void text_hex_to(char *dst, const void *p, size_t n);
/* Exactly n bytes from 2n digits of either case. */
bool text_unhex(const char *s, void *dst, size_t n, struct kd_err *e) KD_MUST;
void text_base64(struct buf *ret, const void *p, size_t n); /* RFC 4648 section 4, padded */
/* Strict: length a multiple of 4, padding right, no blanks, no stray bits. */
bool text_unbase64(const char *s, size_t n, struct buf *ret, struct kd_err *e) KD_MUST;
/* Well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms, no NUL). */
bool text_is_utf8(const char *s, size_t n);
/* UTF-8 → UTF-16BE (Authenticode's BMPString); refuses malformed UTF-8. Characters beyond
 * the BMP become surrogate pairs. */
bool text_utf16be(const char *s, struct buf *ret, struct kd_err *e) KD_MUST;
bool text_from_utf16be(const uint8_t *p, size_t n, struct buf *ret, struct kd_err *e) KD_MUST;
/*
 * text_show - s made safe for a terminal, a log line or a message: control characters and
 * malformed UTF-8 become \xNN, long text is cut with "...". Result in a per-call-site buffer:
 *     kd_fail(e, KD_E_FILE, "'%s': ...", SHOW(path));
 */
const char *text_show(char *dst, size_t dst_len, const char *s, size_t n);
#define SHOW(s) text_show_str((char[SHOW_LEN]){0}, SHOW_LEN, (s))
#define SHOW_LEN 200
const char *text_show_str(char *dst, size_t dst_len, const char *s); /* NULL: "(none)" */
/* Constant-time comparison is CRYPTO_memcmp; this is for public text. */
bool text_eq_nocase(const char *a, const char *b); /* ASCII */
/* The nearest of NULL-terminated names to s by edit distance, or NULL when none is near. */
const char *text_nearest(const char *s, const char *const *names);
/* "did you mean 'PREFIXNAME'?" as e's hint, of the nearest name. False: none is near. */
bool text_hint_nearest(
    struct kd_err *e, const char *prefix, const char *s, const char *const *names);
#endif
