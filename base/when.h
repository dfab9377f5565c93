/* SPDX-License-Identifier: Apache-2.0 */
/* base/when.h - a time as people write it. */
#ifndef KD_WHEN_H
#define KD_WHEN_H
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/* Year, month and day from 1 on, hour, minute, second, UTC → Unix seconds. False: there
 * is no such time (the 31st of February). */
bool when_utc(const int v[6], int64_t *ret) KD_MUST;

/* "2015-07-29" (its first second) or "2015-07-29T12:00:00Z", UTC → Unix seconds.
 * KD_E_USAGE. */
bool when_parse(const char *text, int64_t *ret, struct kd_err *e) KD_MUST;
#endif
