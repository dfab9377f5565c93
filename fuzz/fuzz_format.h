/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz/fuzz_format.h - a whole file of one format: opened, hashed, its signature read, a
 * new one put in and taken out again. */
#ifndef KD_FUZZ_FORMAT_H
#define KD_FUZZ_FORMAT_H
#include "authenticode/format.h"

/* Aborts where the format contradicts itself or refuses without a reason. */
void fuzz_format(
    const struct format *format, const char *name, const uint8_t *p, size_t n);
#endif
