/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/pe_sum.c - adds 32 bytes a round in four independent lanes and folds once,
 * at the end. */
#include "authenticode/pe_sum.h"

#include <endian.h>
#include <string.h>

#define LANES 4

/* Both 32-bit halves of the eight bytes at p. */
static inline uint64_t
halves(const uint8_t *p)
{
	uint64_t w;

	memcpy(&w, p, sizeof(w));
	w = le64toh(w);
	return (w & 0xffffffff) + (w >> 32);
}

/* Fewer than eight bytes, the first at an even offset. */
static uint64_t
tail(const uint8_t *p, size_t n)
{
	uint8_t b[8] = {0};

	memcpy(b, p, n);
	return halves(b);
}

void
pe_sum_add(struct pe_sum *s, uint64_t off, const uint8_t *p, size_t n)
{
	uint64_t lane[LANES] = {0};
	size_t i = 0;

	if (n > 0 && off % 2 != 0) /* the high byte of its word */
		s->acc += (uint64_t)p[i++] << 8;
	for (; n - i >= LANES * 8; i += LANES * 8)
		for (size_t k = 0; k < LANES; k++)
			lane[k] += halves(&p[i + k * 8]);
	for (; n - i >= 8; i += 8)
		lane[0] += halves(&p[i]);
	s->acc += lane[0] + lane[1] + lane[2] + lane[3];
	if (n - i > 0)
		s->acc += tail(&p[i], n - i);
}

uint32_t
pe_sum_fold(struct pe_sum a, struct pe_sum b)
{
	uint64_t sum = a.acc + b.acc;

	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint32_t)sum;
}
