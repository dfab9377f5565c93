/* SPDX-License-Identifier: Apache-2.0 */
/* base/num.c - text → integer, whole or not at all. */
#include "base/num.h"

#include <string.h>

#include "base/text.h"

#define PRI(v) ((unsigned long long)(v))

/* The digits at the front of s. False when there are none, a leading zero, or too many.
 */
static bool
digits(const char **s, uint64_t *ret)
{
	const char *p = *s;
	uint64_t v = 0;

	if (*p < '0' || *p > '9' || (p[0] == '0' && p[1] >= '0' && p[1] <= '9'))
		return false;
	for (; *p >= '0' && *p <= '9'; p++)
		if (!kd_mul(&v, v, UINT64_C(10)) || !kd_add(&v, v, (uint64_t)(*p - '0')))
			return false;
	*s = p;
	*ret = v;
	return true;
}

bool
kd_parse_u64(const char *s, uint64_t min, uint64_t max, uint64_t *ret, struct kd_err *e)
{
	const char *p = s;
	uint64_t v;

	if (!digits(&p, &v) || *p != '\0' || v < min || v > max)
		return kd_fail(e, KD_E_USAGE,
		    "'%s': not a whole number from %llu to %llu", SHOW(s), PRI(min),
		    PRI(max));
	*ret = v;
	return true;
}

struct unit {
	const char *name;
	uint64_t factor;
};

static const struct unit size_units[] = {{"", 1}, {"k", 1u << 10}, {"K", 1u << 10},
    {"M", 1u << 20}, {"G", 1u << 30}, {NULL, 0}};
static const struct unit time_units[] = {
    {"ms", 1}, {"s", 1000}, {"min", 60 * 1000}, {"h", 60 * 60 * 1000}, {NULL, 0}};

static bool
with_unit(const char *s, const struct unit *units, uint64_t *ret)
{
	uint64_t v;

	if (!digits(&s, &v))
		return false;
	for (; units->name != NULL; units++)
		if (strcmp(s, units->name) == 0)
			return kd_mul(ret, v, units->factor);
	return false;
}

bool
kd_parse_size(const char *s, uint64_t min, uint64_t max, uint64_t *ret, struct kd_err *e)
{
	uint64_t v;

	if (!with_unit(s, size_units, &v))
		return kd_fail(e, KD_E_USAGE,
		    "'%s': not a size; write bytes, or a number with k, M or G", SHOW(s));
	if (v < min || v > max)
		return kd_fail(e, KD_E_USAGE, "'%s': not from %llu to %llu bytes",
		    SHOW(s), PRI(min), PRI(max));
	*ret = v;
	return true;
}

bool
kd_parse_duration(
    const char *s, uint64_t min_ms, uint64_t max_ms, uint64_t *ret_ms, struct kd_err *e)
{
	uint64_t v;

	if (!with_unit(s, time_units, &v))
		return kd_fail(e, KD_E_USAGE,
		    "'%s': not a duration; write a number with ms, s, min or h", SHOW(s));
	if (v < min_ms || v > max_ms)
		return kd_fail(e, KD_E_USAGE, "'%s': not from %llums to %llums", SHOW(s),
		    PRI(min_ms), PRI(max_ms));
	*ret_ms = v;
	return true;
}
