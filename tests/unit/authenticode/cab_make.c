/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/authenticode/cab_make.c - small cabinets made to measure. */
#include "config.h" /* _GNU_SOURCE: memfd_create */

#include "tests/unit/authenticode/cab_make.h"

#include <setjmp.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"

void
cab_make_put(struct buf *b, size_t off, uint64_t v, size_t width)
{
	for (size_t i = 0; i < width; i++)
		b->p[off + i] = (uint8_t)(v >> 8 * i);
}

uint32_t
cab_make_get32(const struct buf *b, size_t off)
{
	return b->p[off] | (uint32_t)b->p[off + 1] << 8 | (uint32_t)b->p[off + 2] << 16 |
	       (uint32_t)b->p[off + 3] << 24;
}

static void
fill(struct buf *b, uint8_t v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_u8(b, v);
}

static void
put_header(const struct cab_make *how, struct buf *b)
{
	buf_str(b, "MSCF");
	buf_zero(b, 20);
	buf_u16le(b, 0x0103);
	buf_u16le(b, 2);
	buf_u16le(b, 3);
	buf_u16le(b, (uint16_t)(how->prev | how->next << 1 | how->reserve << 2));
	buf_u16le(b, 0x1234);
	buf_u16le(b, 7);
	if (how->reserve) {
		buf_u16le(b, how->area);
		buf_u8(b, how->folder_area);
		buf_u8(b, how->data_area);
		fill(b, how->fill, how->area);
	}
	if (how->mark) {
		cab_make_put(b, 40, 0x00100000, 4);
		cab_make_put(b, 44, how->sig_off, 4);
		cab_make_put(b, 48, how->sig_len, 4);
	}
	if (how->prev)
		buf_add(b, "p.cab\0disk 1", 13);
	if (how->next)
		buf_add(b, "n.cab\0", 7); /* no name of a disk */
}

static void
put_file(struct buf *b, const char *name, size_t n, uint32_t off, uint16_t folder)
{
	buf_u32le(b, (uint32_t)n);
	buf_u32le(b, off);
	buf_u16le(b, folder);
	buf_u16le(b, 0x5043);
	buf_u16le(b, 0x20a3);
	buf_u16le(b, 0x20);
	buf_str(b, name);
	buf_u8(b, 0);
}

/* Returns where it is. */
static size_t
put_block(const struct cab_make *how, struct buf *b, const char *data, uint16_t n)
{
	size_t at = b->len;

	buf_u32le(b, 0); /* no sum */
	buf_u16le(b, n);
	buf_u16le(b, n);
	fill(b, 0, how->data_area);
	buf_add(b, data, n);
	return at;
}

void
cab_make(const struct cab_make *how, struct buf *ret)
{
	size_t folders, folder = 8u + how->folder_area;

	put_header(how, ret);
	folders = ret->len;
	for (int i = 0; i < 2; i++) {
		buf_u32le(ret, 0);
		buf_u16le(ret, 1);
		buf_u16le(ret, 0);
		fill(ret, 0, how->folder_area);
	}
	cab_make_put(ret, 16, ret->len, 4);
	put_file(ret, "a\\one.txt", 3, 0, 0);
	put_file(ret, "a\\two.txt", 2, 3, 0);
	put_file(ret, "b\\three.txt", 5, 0, 1);
	cab_make_put(ret, folders, put_block(how, ret, "onetw", 5), 4);
	cab_make_put(ret, folders + folder, put_block(how, ret, "three", 5), 4);
	cab_make_put(ret, 8, ret->len, 4);
	fill(ret, how->tail, how->tail);
	assert_false(ret->failed);
}

int
cab_make_fd(const struct buf *b)
{
	int fd = memfd_create("cab", MFD_CLOEXEC);

	assert_true(fd >= 0);
	if (b->len != 0)
		assert_int_equal(pwrite(fd, b->p, b->len, 0), (ssize_t)b->len);
	return fd;
}

void
cab_make_slurp(int fd, struct buf *ret)
{
	struct kd_err e = {0};

	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	buf_reset(ret);
	assert_true(file_read_fd(fd, 1 << 20, ret, &e));
}
