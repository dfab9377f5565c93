/* SPDX-License-Identifier: Apache-2.0 */
/* base/clock.h - monotonic time for deadlines, wall time for records. */
#ifndef KD_CLOCK_H
#define KD_CLOCK_H
#include <stddef.h>
#include <stdint.h>
#include <time.h>

uint64_t clock_ms(void);  /* CLOCK_MONOTONIC */
uint64_t clock_ns(void);
/* Milliseconds from now until deadline_ms, for poll(2): 0 when past, INT_MAX at most. */
int clock_left(uint64_t deadline_ms);
#define CLOCK_UTC_LEN 25
/* "2026-11-23T22:24:17.123Z" */
void clock_utc(char dst[CLOCK_UTC_LEN], int64_t unix_ms);
int64_t clock_unix_ms(void); /* CLOCK_REALTIME */
#endif
