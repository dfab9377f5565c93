/* SPDX-License-Identifier: Apache-2.0 */
/* base/when.c - a time as people write it. */
#include "base/when.h"

#include <string.h>
#include <time.h>

#include "base/text.h"

#define DATE_LEN 10

/* "0000-00-00T00:00:00Z": digits where the form has them, anything else as it is. */
static bool
read_form(const char *text, int ret[6])
{
	static const char form[] = "0000-00-00T00:00:00Z";
	static const size_t field[] = {0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4,
	    5, 5, 5};
	size_t n = strlen(text);

	if (n != DATE_LEN && n != sizeof(form) - 1)
		return false;
	for (size_t i = 0; i < n; i++) {
		bool digit = text[i] >= '0' && text[i] <= '9';

		if (form[i] == '0' ? !digit : text[i] != form[i])
			return false;
		if (digit)
			ret[field[i]] = 10 * ret[field[i]] + text[i] - '0';
	}
	return true;
}

bool
when_utc(const int v[6], int64_t *ret)
{
	const struct tm tm = {.tm_year = v[0] - 1900,
	    .tm_mon = v[1] - 1,
	    .tm_mday = v[2],
	    .tm_hour = v[3],
	    .tm_min = v[4],
	    .tm_sec = v[5]};
	struct tm again = tm;
	time_t when = timegm(&again); /* normalizes the 31st of February */

	if (again.tm_mon != tm.tm_mon || again.tm_mday != tm.tm_mday ||
	    again.tm_hour != tm.tm_hour || again.tm_min != tm.tm_min ||
	    again.tm_sec != tm.tm_sec)
		return false;
	*ret = when;
	return true;
}

bool
when_parse(const char *text, int64_t *ret, struct kd_err *e)
{
	int v[6] = {0};

	return (read_form(text, v) && when_utc(v, ret)) ||
	       kd_fail(e, KD_E_USAGE,
		   "'%s' is no time, expected like 2015-07-29 or 2015-07-29T12:00:00Z "
		   "(UTC)",
		   SHOW(text));
}
