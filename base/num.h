/* SPDX-License-Identifier: Apache-2.0 */
/* base/num.h - arithmetic that cannot wrap unseen, and text → integer. */
#ifndef KD_NUM_H
#define KD_NUM_H
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

#define kd_add(ret, a, b) (!__builtin_add_overflow((a), (b), (ret)))
#define kd_mul(ret, a, b) (!__builtin_mul_overflow((a), (b), (ret)))
#define KD_ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Decimal, no sign, no blanks, no leading zero but "0" itself; min <= value <= max. */
bool kd_parse_u64(const char *s, uint64_t min, uint64_t max, uint64_t *ret, struct kd_err *e) KD_MUST;
/* "32M", "4k", "1G" (powers of 1024), or plain bytes. */
bool kd_parse_size(const char *s, uint64_t min, uint64_t max, uint64_t *ret, struct kd_err *e) KD_MUST;
/* "500ms", "30s", "5min", "2h"; a bare number is refused. Result in milliseconds. */
bool kd_parse_duration(const char *s, uint64_t min_ms, uint64_t max_ms, uint64_t *ret_ms,
	struct kd_err *e) KD_MUST;
#endif
