/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/pe_sum.h - the PE checksum's sum, fast, over parts in any order. */
#ifndef KD_PE_SUM_H
#define KD_PE_SUM_H
#include <stddef.h>
#include <stdint.h>

/* All-zero is the empty sum. Good for PE_SIZE_MAX bytes: 2^30 words of 32 bits fit 64. */
struct pe_sum {
	uint64_t acc; /* of little-endian 32-bit words, not folded yet */
};

/*
 * pe_sum_add - n bytes that stand at file offset off.
 *
 * Parts not added count as zero bytes, so the CheckSum field is simply left out.
 * Spec: facts 3 - 16-bit little-endian words with end-around carry, a last odd byte has
 * high byte 0. Sums of wider words fold to the same value, since 2^16 = 1 modulo 0xffff.
 */
void pe_sum_add(struct pe_sum *s, uint64_t off, const uint8_t *p, size_t n);
/* The two as one: the sum over both sets of parts. */
uint32_t pe_sum_fold(struct pe_sum a, struct pe_sum b);
#endif
