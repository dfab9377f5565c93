/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/authenticode/cab_make.h - small cabinets made to measure; packed files are
 * stored, not compressed. */
#ifndef KD_TEST_CAB_MAKE_H
#define KD_TEST_CAB_MAKE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/builder.h"

/* Two folders; "a\one.txt" and "a\two.txt" in the first, "b\three.txt" in the second. */
struct cab_make {
	bool reserve;       /* with the areas of these sizes */
	uint16_t area;      /* of the header */
	uint8_t fill;       /* its bytes */
	uint8_t folder_area, data_area;
	bool mark;          /* it is for a signature: the first 12 bytes of the area */
	uint32_t sig_off, sig_len;
	bool prev, next;    /* with names of neighbours */
	uint8_t tail;       /* bytes after the cabinet, of this value and number */
};
void cab_make(const struct cab_make *how, struct buf *ret);
void cab_make_put(struct buf *b, size_t off, uint64_t v, size_t width); /* little-endian */
uint32_t cab_make_get32(const struct buf *b, size_t off);
/* A new memory file with these bytes; the whole content of one. */
int cab_make_fd(const struct buf *b);
void cab_make_slurp(int fd, struct buf *ret);

/* Offsets in a plain one. */
enum {
	CAB_MAKE_FOLDERS = 36,
	CAB_MAKE_FILES = CAB_MAKE_FOLDERS + 2 * 8,
	CAB_MAKE_TWO = CAB_MAKE_FILES + 16 + 10,
	CAB_MAKE_THREE = CAB_MAKE_TWO + 16 + 10,
	CAB_MAKE_DATA = CAB_MAKE_THREE + 16 + 12,
	CAB_MAKE_LEN = CAB_MAKE_DATA + 8 + 5 + 8 + 5
};
#endif
