/* SPDX-License-Identifier: Apache-2.0 */
/* tests/mock/io_fail.c - preloaded into a daemon: system calls on its files that fail on
 * command. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * While the file that $IO_FAIL names exists, calls fail as its one line says:
 *
 *	CALLS ERRNO TIMES FILE-END
 *	sync 5 once -wal
 *
 * CALLS is "sync" (fsync, fdatasync) or "write" (write, pwrite); of files whose path ends
 * in FILE-END. TIMES "once" removes the control file at the first hit, "each" leaves that
 * to the test. A sync that fails has done nothing; what was written stays in the page
 * cache, as after a real disk error.
 */
static char *
word(char **at)
{
	char *w = *at;

	*at += strcspn(w, " \n");
	if (**at != '\0')
		*(*at)++ = '\0';
	return w;
}

static bool
is_file(int fd, const char *end)
{
	char link[32], target[4096];
	size_t n = strlen(end);
	ssize_t len;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, target, sizeof(target));
	return len >= (ssize_t)n && memcmp(&target[len - (ssize_t)n], end, n) == 0;
}

static bool
fails(const char *call, int fd)
{
	const char *control = getenv("IO_FAIL"), *calls, *times;
	int in = control == NULL ? -1 : open(control, O_RDONLY | O_CLOEXEC), err;
	char line[128] = "", *at = line;
	ssize_t n;

	if (in < 0)
		return false;
	n = read(in, line, sizeof(line) - 1);
	(void)close(in);
	if (n <= 0)
		return false;
	calls = word(&at);
	err = (int)strtoul(word(&at), NULL, 10);
	times = word(&at);
	if (strcmp(calls, call) != 0 || !is_file(fd, word(&at)))
		return false;
	if (strcmp(times, "once") == 0)
		(void)unlink(control);
	errno = err;
	return true;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

int
fsync(int fd)
{
	return fails("sync", fd) ? -1 : REAL(fsync)(fd);
}

int
fdatasync(int fd)
{
	return fails("sync", fd) ? -1 : REAL(fdatasync)(fd);
}

ssize_t
write(int fd, const void *p, size_t n)
{
	return fails("write", fd) ? -1 : REAL(write)(fd, p, n);
}

ssize_t
pwrite(int fd, const void *p, size_t n, off_t off)
{
	return fails("write", fd) ? -1 : REAL(pwrite)(fd, p, n, off);
}

ssize_t
pwrite64(int fd, const void *p, size_t n, off64_t off)
{
	return fails("write", fd) ? -1 : REAL(pwrite64)(fd, p, n, off);
}
