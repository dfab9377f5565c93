/* SPDX-License-Identifier: Apache-2.0 */
/* driver/cdf_attr.h - attributes in a CDF: TYPE:NAME:VALUE. For cdf*.c. */
#ifndef KD_CDF_ATTR_H
#define KD_CDF_ATTR_H
#include <stdint.h>

#include "authenticode/cat_file.h"

/*
 * cdf_attr_parse - one attribute, its base64 checked.
 *
 * text  cut in place; ret borrows from it. VALUE is all after the second colon
 * Errors: KD_E_FORMAT; KD_E_NOMEM.
 * Spec:   Microsoft "MakeCat", CATATTR; cdf facts 3 "type".
 */
bool cdf_attr_parse(char *text, struct cat_value *ret, struct kd_err *e) KD_MUST;
/* MakeCat's number for what is wrong with text, which was not parsed yet, if anything. */
uint32_t cdf_attr_fault(const char *text);
/* A number, decimal or with 0x, and ':' behind it: what no path begins with. */
bool cdf_attr_like(const char *text);
/* "0x10010001" or decimal; all of the n bytes. */
bool cdf_number(const char *text, size_t n, uint32_t *ret);

/* The number n of "<stem>n" when key is that, else 0: "FileATTR12", "ATTR". stem_len: of
 * what stands before the stem. */
unsigned cdf_numbered(const char *key, const char *stem, size_t *ret_prefix_len);

/* Values that arrive in any order, by their number; a gap or a repetition is an error. */
struct cdf_slot {
	unsigned number, line;
	struct cat_value value;
};
bool cdf_slots_take(struct cdf_slot *slots, size_t n, const char *path,
    struct cat_value **ret, struct kd_err *e) KD_MUST;
#endif
