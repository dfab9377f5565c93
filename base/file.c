/* SPDX-License-Identifier: Apache-2.0 */
/* base/file.c - bounded whole-file reads and exact read and write loops. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"

#define READ_CHUNK ((size_t)64 << 10)

bool
file_open_read(const char *path, int *ret_fd, struct stat *ret_st, struct kd_err *e)
{
	/* O_NONBLOCK: opening a FIFO must not wait for its writer. Regular files ignore
	 * it. */
	AUTO(close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0)
		return kd_fail_errno(
		    e, KD_E_FILE, errno, "'%s': cannot open", SHOW(path));
	if (fstat(fd, &st) != 0)
		return kd_fail_errno(
		    e, KD_E_FILE, errno, "'%s': cannot examine", SHOW(path));
	if (S_ISDIR(st.st_mode))
		return kd_fail(e, KD_E_FILE, "'%s': is a directory", SHOW(path));
	if (!S_ISREG(st.st_mode))
		return kd_fail(e, KD_E_FILE, "'%s': not a regular file", SHOW(path));
	*ret_fd = STEAL_FD(fd);
	if (ret_st != NULL)
		*ret_st = st;
	return true;
}

bool
file_is_same(const char *a, const char *b)
{
	struct stat x, y;

	return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev &&
	       x.st_ino == y.st_ino;
}

bool
file_read_fd(int fd, size_t max, struct buf *ret, struct kd_err *e)
{
	size_t start = ret->len, room;
	uint8_t *at;
	ssize_t n;

	for (;;) {
		room =
		    max - (ret->len - start); /* one more byte shows that there is more */
		room = room < READ_CHUNK ? room + 1 : READ_CHUNK;
		at = buf_reserve(ret, room);
		if (at == NULL)
			return buf_ok(ret, "file content", e);
		n = read(fd, at, room);
		ret->len -= n < 0 ? room : room - (size_t)n;
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		if (ret->len - start > max) {
			ret->len = start;
			return kd_fail(e, KD_E_LIMIT, "larger than %zu bytes", max);
		}
	}
	if (n < 0) {
		ret->len = start;
		return kd_fail_errno(e, KD_E_FILE, errno, "cannot read");
	}
	return true;
}

bool
file_read_all(const char *path, size_t max, struct buf *ret, struct kd_err *e)
{
	AUTO(close) int fd = -1;

	if (!file_open_read(path, &fd, NULL, e))
		return false;
	if (!file_read_fd(fd, max, ret, e))
		return kd_in(e, "'%s'", SHOW(path));
	return true;
}

bool
file_pread_full(int fd, void *dst, size_t n, uint64_t off, struct kd_err *e)
{
	uint8_t *p = dst;
	size_t done = 0;
	ssize_t got;

	if (off > INT64_MAX || n > (uint64_t)INT64_MAX - off)
		return kd_fail(e, KD_E_FILE, "offset %#llx is beyond any file",
		    (unsigned long long)off);
	while (done < n) {
		got = pread(fd, p + done, n - done, (off_t)(off + done));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return kd_fail_errno(e, KD_E_FILE, errno,
			    "cannot read %zu bytes at offset %#llx", n,
			    (unsigned long long)off);
		if (got == 0)
			return kd_fail(e, KD_E_FILE,
			    "%zu bytes wanted at offset %#llx; the file ends at %#llx", n,
			    (unsigned long long)off, (unsigned long long)(off + done));
		done += (size_t)got;
	}
	return true;
}

bool
file_write_full(int fd, const void *p, size_t n, struct kd_err *e)
{
	const uint8_t *at = p;
	ssize_t did;

	while (n > 0) {
		did = write(fd, at, n);
		if (did < 0 && errno == EINTR)
			continue;
		if (did < 0)
			return kd_fail_errno(e, KD_E_FILE, errno, "cannot write");
		at += did;
		n -= (size_t)did;
	}
	return true;
}

bool
file_check_stat(const char *path, const struct stat *st, bool secret, struct kd_err *e)
{
	/* A POSIX ACL shows here too: its mask stands in the group bits. */
	mode_t mode = st->st_mode & 07777;

	if (secret && st->st_uid != geteuid() && st->st_uid != 0) {
		(void)kd_fail(e, KD_E_CONFIG,
		    "'%s': belongs to user %u, must be %u or root", SHOW(path),
		    (unsigned)st->st_uid, (unsigned)geteuid());
		return kd_hint(e, "run this as the file's owner (sudo -u), or give the "
				  "file to who runs it");
	}
	if (secret && (mode & 077) != 0)
		return kd_fail(e, KD_E_CONFIG,
		    "'%s': mode %04o lets others at a secret, must be 0600 or 0400",
		    SHOW(path), (unsigned)mode);
	if ((mode & 022) != 0)
		return kd_fail(e, KD_E_CONFIG,
		    "'%s': mode %04o lets others write, must be 0644 or less", SHOW(path),
		    (unsigned)mode);
	return true;
}

bool
file_check_private(const char *path, bool secret, struct kd_err *e)
{
	AUTO(close) int fd = -1;
	struct stat st;

	return file_open_read(path, &fd, &st, e) && file_check_stat(path, &st, secret, e);
}
