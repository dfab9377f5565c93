/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/authenticode/format_file_make.c - files of one format in memory, for tests. */
#include "config.h" /* _GNU_SOURCE: memfd_create */

#include "tests/unit/authenticode/format_file_make.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"

int
format_make_fd(const void *p, size_t n)
{
	int fd = memfd_create("format", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, p, n, 0), (ssize_t)n);
	return fd;
}

void
format_make_slurp(int fd, struct buf *ret)
{
	struct kd_err e = {0};

	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	if (!file_read_fd(fd, 256 << 20, ret, &e))
		fail_msg("%s", e.msg);
}

void
format_make_open(
    const struct format *format, int fd, const char *name, struct format_file *ret)
{
	struct kd_err e = {0};

	if (!format_open(fd, name, &format, 1, ret, &e))
		fail_msg("%s", e.msg);
	assert_ptr_equal(ret->format, format);
}

int
format_make_embed(const struct format *format, int fd, const char *name,
    const uint8_t *cms, size_t len)
{
	AUTO(format_file_clear) struct format_file f = {0};
	int out = format_make_fd("", 0);
	struct kd_err e = {0};

	format_make_open(format, fd, name, &f);
	if (!format->embed(fd, &f, cms, len, out, &e))
		fail_msg("%s", e.msg);
	return out;
}

void
format_make_check(int fd, const void *p, size_t n)
{
	AUTO(buf_clear) struct buf b = {0};

	format_make_slurp(fd, &b);
	assert_int_equal(b.len, n);
	if (n > 0)
		assert_memory_equal(b.p, p, n);
}
