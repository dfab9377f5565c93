/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/authenticode/pe_make.h - small PE images made to measure, in memory files.
 */
#ifndef KD_TEST_PE_MAKE_H
#define KD_TEST_PE_MAKE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PE_MAKE_CAP 8192

/* Two sections of 0x200 bytes at 0x200 and 0x400; PE header at 0x80; x64 or x86, native
 * subsystem. */
struct pe_make {
	bool plus;
	size_t overlay;  /* bytes after the last section, at 0x600 */
	size_t table;    /* bytes of certificate table after that; directory entry set */
	size_t trailing; /* bytes after the table */
};

/* Offsets in what pe_make() gives; OPT_* as the format's text counts them, in the
 * optional header. */
enum {
	MAKE_NT = 0x80,
	MAKE_OPT = MAKE_NT + 24,
	MAKE_CHECKSUM = MAKE_OPT + 64,
	MAKE_SECDIR_PLUS = MAKE_OPT + 144,
	MAKE_SECDIR_PE32 = MAKE_OPT + 128,
	MAKE_SECTIONS_PLUS = MAKE_OPT + 240,
	MAKE_SECTIONS_PE32 = MAKE_OPT + 224,
	MAKE_SIZE = 0x600
};

/* Returns the length. The content is a fixed pattern, so every byte counts in digest and
 * checksum. */
size_t pe_make(const struct pe_make *how, uint8_t b[PE_MAKE_CAP]);
void pe_make_put(uint8_t *b, size_t off, uint64_t v, size_t width); /* little-endian */
uint32_t pe_make_get32(const uint8_t *b, size_t off);
/* A new memory file with these bytes. The test fails when there is none. */
int pe_make_fd(const void *p, size_t n);
/* The whole content of a file (at most cap); returns its length. */
size_t pe_make_slurp(int fd, uint8_t *b, size_t cap);
#endif
