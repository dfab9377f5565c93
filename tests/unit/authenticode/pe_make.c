/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/authenticode/pe_make.c - writes the few header fields that matter, and a
 * pattern elsewhere. */
#include "config.h" /* _GNU_SOURCE: memfd_create */

#include "tests/unit/authenticode/pe_make.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

void
pe_make_put(uint8_t *b, size_t off, uint64_t v, size_t width)
{
	for (size_t i = 0; i < width; i++)
		b[off + i] = (uint8_t)(v >> (8 * i));
}

uint32_t
pe_make_get32(const uint8_t *b, size_t off)
{
	return (uint32_t)b[off] | (uint32_t)b[off + 1] << 8 | (uint32_t)b[off + 2] << 16 |
	       (uint32_t)b[off + 3] << 24;
}

static void
put_section(uint8_t *b, size_t off, const char *name, uint32_t raw)
{
	memset(&b[off], 0, 40);
	memcpy(&b[off], name, strlen(name));
	pe_make_put(b, off + 16, 0x200, 4);
	pe_make_put(b, off + 20, raw, 4);
}

size_t
pe_make(const struct pe_make *how, uint8_t b[PE_MAKE_CAP])
{
	size_t table = MAKE_SIZE + how->overlay;
	size_t size = table + how->table + how->trailing;
	size_t sections = how->plus ? MAKE_SECTIONS_PLUS : MAKE_SECTIONS_PE32;

	assert_true(size <= PE_MAKE_CAP);
	for (size_t i = 0; i < size; i++)
		b[i] = (uint8_t)(i * 31 + (i >> 8) * 7 + 3);
	memcpy(b, "MZ", 2);
	pe_make_put(b, 0x3c, MAKE_NT, 4);
	memset(&b[MAKE_NT], 0, sections - MAKE_NT);
	memcpy(&b[MAKE_NT], "PE", 2);
	pe_make_put(b, MAKE_NT + 4, how->plus ? 0x8664 : 0x14c, 2);
	pe_make_put(b, MAKE_NT + 6, 2, 2);                      /* NumberOfSections */
	pe_make_put(b, MAKE_NT + 20, sections - MAKE_OPT, 2);   /* SizeOfOptionalHeader */
	pe_make_put(b, MAKE_NT + 22, 0x2022, 2);                /* Characteristics */
	pe_make_put(b, MAKE_OPT, how->plus ? 0x20b : 0x10b, 2); /* Magic */
	pe_make_put(b, MAKE_CHECKSUM, 0x11223344, 4);
	pe_make_put(b, MAKE_OPT + 68, 1, 2); /* Subsystem: native */
	pe_make_put(
	    b, MAKE_OPT + (how->plus ? 108 : 92), 16, 4); /* NumberOfRvaAndSizes */
	put_section(b, sections, ".text", 0x200);
	put_section(b, sections + 40, ".data", 0x400);
	if (how->table > 0) {
		size_t dir = how->plus ? MAKE_SECDIR_PLUS : MAKE_SECDIR_PE32;

		pe_make_put(b, dir, table, 4);
		pe_make_put(b, dir + 4, how->table, 4);
	}
	return size;
}

int
pe_make_fd(const void *p, size_t n)
{
	int fd = memfd_create("pe", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, p, n, 0), (ssize_t)n);
	return fd;
}

size_t
pe_make_slurp(int fd, uint8_t *b, size_t cap)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	assert_true((size_t)st.st_size <= cap);
	assert_int_equal(pread(fd, b, cap, 0), st.st_size);
	return (size_t)st.st_size;
}
