/* SPDX-License-Identifier: Apache-2.0 */
/* driver/inf_decode.h - an INF's bytes → UTF-8. For inf*.c. */
#ifndef KD_INF_DECODE_H
#define KD_INF_DECODE_H
#include <stdint.h>

#include "driver/inf.h"

/*
 * inf_decode - the text without its mark, NUL-terminated; no other NUL is in it.
 *
 * A last odd byte of UTF-16 is dropped, half a surrogate pair becomes U+FFFD.
 * ret  owned; ret_len without the NUL
 * Errors: KD_E_FORMAT (a NUL character, UTF-8 that is none after its mark); KD_E_NOMEM;
 *         the caller adds the path.
 * Spec:   INF facts 1.
 */
bool inf_decode(const uint8_t *p, size_t n, char **ret, size_t *ret_len,
    enum inf_encoding *ret_encoding, struct kd_err *e) KD_MUST;
#endif
