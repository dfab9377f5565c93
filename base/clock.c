/* SPDX-License-Identifier: Apache-2.0 */
/* base/clock.c - monotonic time for deadlines, wall time for records. */
#include "base/clock.h"

#include <limits.h>

#define NS_PER_S UINT64_C(1000000000)
#define NS_PER_MS UINT64_C(1000000)

/* What CLOCK_UTC_LEN can hold: 0000-01-01 to the end of 9999. */
#define UTC_FIRST_S INT64_C(-62167219200)
#define UTC_LAST_S INT64_C(253402300799)

uint64_t
clock_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts); /* cannot fail on Linux */
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

uint64_t
clock_ms(void)
{
	return clock_ns() / NS_PER_MS;
}

int
clock_left(uint64_t deadline_ms)
{
	uint64_t now = clock_ms();

	if (now >= deadline_ms)
		return 0;
	return deadline_ms - now > INT_MAX ? INT_MAX : (int)(deadline_ms - now);
}

int64_t
clock_unix_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / (int64_t)NS_PER_MS;
}

static char *
put_digits(char *dst, int n, int64_t v, char after)
{
	for (int i = n; i > 0; i--, v /= 10)
		dst[i - 1] = (char)('0' + v % 10);
	dst[n] = after;
	return dst + n + 1;
}

void
clock_utc(char dst[CLOCK_UTC_LEN], int64_t unix_ms)
{
	int64_t s = unix_ms / 1000, ms = unix_ms % 1000;
	struct tm tm = {0};
	time_t t;

	if (ms < 0) { /* division rounds towards zero, time does not */
		ms += 1000;
		s--;
	}
	if (s < UTC_FIRST_S || s > UTC_LAST_S) {
		ms = s < UTC_FIRST_S ? 0 : 999;
		s = s < UTC_FIRST_S ? UTC_FIRST_S : UTC_LAST_S;
	}
	t = (time_t)s;
	(void)gmtime_r(&t, &tm); /* cannot fail between these years */
	dst = put_digits(dst, 4, tm.tm_year + 1900, '-');
	dst = put_digits(dst, 2, tm.tm_mon + 1, '-');
	dst = put_digits(dst, 2, tm.tm_mday, 'T');
	dst = put_digits(dst, 2, tm.tm_hour, ':');
	dst = put_digits(dst, 2, tm.tm_min, ':');
	dst = put_digits(dst, 2, tm.tm_sec, '.');
	dst = put_digits(dst, 3, ms, 'Z');
	*dst = '\0';
}
