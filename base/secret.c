/* SPDX-License-Identifier: Apache-2.0 */
/* base/secret.c - bytes in pages of their own: locked, in no core file, in no child,
 * wiped. */
#include "config.h"

#include "base/secret.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"

struct secret {
	size_t len;
	unsigned char
	    bytes[SECRET_MAX + 2]; /* room to see a newline, and that there is more */
};

void
secret_free(struct secret *s)
{
	if (s == NULL)
		return;
	explicit_bzero(s, sizeof(*s));
	(void)munmap(s, sizeof(*s)); /* also unlocks */
}

/*
 * Locked memory is not optional: a PIN that reaches the swap partition outlives every
 * wipe. One page is within the 64 KiB that every limit in use allows, so a refusal is a
 * set limit and the operator is told which.
 */
static bool
secret_new(struct secret **ret, struct kd_err *e)
{
	struct secret *s = mmap(
	    NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (s == MAP_FAILED)
		return kd_fail_nomem(e, "secret");
	if (mlock(s, sizeof(*s)) != 0) {
		kd_fail(e, KD_E_CONFIG, "memory for a secret cannot be locked: %s",
		    strerrordesc_np(errno));
		secret_free(s);
		return kd_hint(e,
		    "allow at least 64 KiB of locked memory (LimitMEMLOCK=, ulimit -l)");
	}
	if (madvise(s, sizeof(*s), MADV_DONTDUMP) != 0 ||
	    madvise(s, sizeof(*s), MADV_WIPEONFORK) != 0) {
		kd_fail_errno(e, KD_E_BUG, errno, "memory for a secret");
		secret_free(s);
		return false;
	}
	*ret = s;
	return true;
}

static bool
fill(struct secret *s, int fd, struct kd_err *e)
{
	ssize_t n;

	while (s->len < sizeof(s->bytes)) {
		n = read(fd, s->bytes + s->len, sizeof(s->bytes) - s->len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return kd_fail_errno(e, KD_E_IO, errno, "secret cannot be read");
		if (n == 0)
			break;
		s->len += (size_t)n;
	}
	if (s->len > 0 && s->bytes[s->len - 1] == '\n')
		s->bytes[--s->len] = 0;
	return true;
}

bool
secret_read_fd(int fd, struct secret **ret, struct kd_err *e)
{
	AUTO(secret_free) struct secret *s = NULL;

	if (!secret_new(&s, e) || !fill(s, fd, e))
		return false;
	if (s->len == 0)
		return kd_fail(e, KD_E_PIN, "secret is empty");
	if (s->len > SECRET_MAX)
		return kd_fail(e, KD_E_PIN, "secret is longer than %d bytes", SECRET_MAX);
	if (memchr(s->bytes, 0, s->len) != NULL)
		return kd_fail(e, KD_E_PIN, "secret has a NUL byte inside");
	*ret = STEAL(s);
	return true;
}

bool
secret_read_file(const char *path, struct secret **ret, struct kd_err *e)
{
	AUTO(close) int fd = -1;
	struct stat st;

	if (!file_open_read(path, &fd, &st, e) || !file_check_stat(path, &st, true, e))
		return false;
	return secret_read_fd(fd, ret, e) || kd_in(e, "'%s'", SHOW(path));
}

const unsigned char *
secret_bytes(const struct secret *s)
{
	return s->bytes;
}

size_t
secret_len(const struct secret *s)
{
	return s->len;
}

bool
secret_write_fd(const struct secret *s, int fd, struct kd_err *e)
{
	return file_write_full(fd, s->bytes, s->len, e) || kd_in(e, "secret");
}
