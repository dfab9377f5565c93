/* SPDX-License-Identifier: Apache-2.0 */
/* base/mem.c - the only callers of malloc and its family. */
#include "base/mem.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"

/* Allocations left until they fail; negative: never. Only tests set it. */
static _Atomic long fail_countdown = -1;

static bool
told_to_fail(void)
{
	long left = atomic_load_explicit(&fail_countdown, memory_order_relaxed);

	if (left < 0)
		return false;
	if (left > 0)
		atomic_store_explicit(&fail_countdown, left - 1, memory_order_relaxed);
	return left == 0;
}

void
kd_alloc_fail_at(long nth)
{
	atomic_store_explicit(&fail_countdown, nth, memory_order_relaxed);
}

void *
kd_alloc(size_t n)
{
	return told_to_fail() ? NULL : calloc(1, n == 0 ? 1 : n);
}

void *
kd_alloc_array(size_t count, size_t size)
{
	size_t n;

	return kd_mul(&n, count, size) ? kd_alloc(n) : NULL;
}

void *
kd_realloc_array(void *p, size_t count, size_t size)
{
	size_t n;

	if (!kd_mul(&n, count, size) || told_to_fail())
		return NULL;
	return realloc(p, n == 0 ? 1 : n); /* 0 would free p */
}

char *
kd_strdup(const char *s)
{
	return kd_memdup(s, strlen(s) + 1);
}

void *
kd_memdup(const void *p, size_t n)
{
	void *copy = kd_alloc(n);

	if (copy != NULL && n > 0)
		memcpy(copy, p, n);
	return copy;
}
