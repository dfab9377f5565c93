/* SPDX-License-Identifier: Apache-2.0 */
/* base/mem.h - allocation. NULL is an ordinary error (kd_fail_nomem), never an abort. */
#ifndef KD_MEM_H
#define KD_MEM_H
#include <stddef.h>

void *kd_alloc(size_t n);                          /* zeroed; n == 0 gives a valid pointer */
void *kd_alloc_array(size_t count, size_t size);   /* zeroed; overflow gives NULL */
void *kd_realloc_array(void *p, size_t count, size_t size); /* p unchanged on failure */
char *kd_strdup(const char *s);
void *kd_memdup(const void *p, size_t n);

/* Tests: let the nth allocation from now (0 = next) and all later ones fail; -1 = never. */
void kd_alloc_fail_at(long nth);
#endif
