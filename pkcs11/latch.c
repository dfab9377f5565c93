/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/latch.c - one try of a PIN per operator action, whatever crashes in between. */
#include "config.h"

#include "pkcs11/latch.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/builder.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/own.h"
#include "base/text.h"
#include "pkcs11/state_dir.h"

#define LATCH_NAME "latch"

static bool
is_locked(int fd)
{
	struct flock l = {.l_type = F_RDLCK, .l_whence = SEEK_SET};

	return fcntl(fd, F_OFD_GETLK, &l) == 0 && l.l_type != F_UNLCK;
}

static bool
lock(int fd, struct kd_err *e)
{
	struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	return fcntl(fd, F_OFD_SETLK, &l) == 0 ||
	       kd_fail_errno(e, KD_E_CONFIG, errno, "cannot be locked");
}

/* "name value\n" out of text; "unknown" when it is not there. */
static void
copy_line(char *dst, size_t n, const char *text, const char *name)
{
	const char *p = strstr(text, name);
	size_t len;

	if (p == NULL) {
		(void)text_show(dst, n, "unknown", 7);
		return;
	}
	p += strlen(name);
	len = strcspn(p, "\n");
	(void)text_show(dst, n, p, len);
}

bool
latch_read(const char *dir, struct latch *ret, bool *ret_latched, struct kd_err *e)
{
	AUTO(close) int dfd = -1;
	AUTO(close) int fd = -1;
	char text[LATCH_TEXT_MAX + 1] = {0};

	if (!state_dir_open(dir, &dfd, e))
		return false;
	*ret = (struct latch){.dir = dir};
	fd = openat(dfd, LATCH_NAME, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0 && errno == ENOENT) {
		*ret_latched = false;
		return true;
	}
	if (fd < 0 || read(fd, text, LATCH_TEXT_MAX) < 0)
		text[0] = '\0';
	copy_line(ret->serial, sizeof(ret->serial), text, "token-serial ");
	copy_line(ret->time, sizeof(ret->time), text, "attempt ");
	ret->under_way = fd >= 0 && is_locked(fd);
	*ret_latched = true;
	return true;
}

bool
latch_fail(const struct latch *l, struct kd_err *e)
{
	if (l->under_way) {
		(void)kd_fail(e, KD_E_BUSY,
		    "somebody logs in to token serial '%s' at this moment", l->serial);
		return kd_hint(e, "wait for kdsign-signer or kdsign-token, which does it");
	}
	(void)kd_fail(e, KD_E_PIN,
	    "the login of %s to token serial '%s' failed or was cut off: latched, "
	    "no PIN is tried again until an operator acts",
	    l->time, l->serial);
	return kd_hint(
	    e, "put the right PIN in place, then run kdsign-token pin --config FILE");
}

static bool
sync_both(int fd, int dfd, struct kd_err *e)
{
	return (fsync(fd) == 0 && fsync(dfd) == 0) ||
	       kd_fail_errno(e, KD_E_IO, errno, "fsync");
}

static bool
fail_there(const char *dir, struct kd_err *e)
{
	bool latched = false;
	struct latch l;

	if (!latch_read(dir, &l, &latched, e))
		return false;
	if (latched && l.under_way)
		return latch_fail(&l, e);
	return kd_fail(e, KD_E_PIN, "'%s/%s': already latched", SHOW(dir), LATCH_NAME);
}

bool
latch_attempt(const char *dir, const char *serial, const char *label, int *ret_fd,
    struct kd_err *e)
{
	AUTO(close) int dfd = -1;
	AUTO(close) int fd = -1;
	AUTO(buf_clear) struct buf text = {.max = LATCH_TEXT_MAX};
	char now[CLOCK_UTC_LEN];

	clock_utc(now, clock_unix_ms());
	buf_printf(&text,
	    "kdsign-signer latch 1\nattempt %s\ntoken-serial %s\ntoken-label %s\n", now,
	    SHOW(serial), SHOW(label));
	if (!buf_ok(&text, "latch", e) || !state_dir_open(dir, &dfd, e))
		return false;
	fd = openat(
	    dfd, LATCH_NAME, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0 && errno == EEXIST)
		return fail_there(dir, e);
	if (fd < 0)
		return kd_fail_errno(e, KD_E_CONFIG, errno, "'%s/%s': cannot be made",
		    SHOW(dir), LATCH_NAME);
	if (lock(fd, e) && file_write_full(fd, text.p, text.len, e) &&
	    sync_both(fd, dfd, e)) {
		*ret_fd = STEAL_FD(fd);
		return true;
	}
	/* No PIN was given to anybody, so this is no attempt: a disk that is full for a
	 * moment must not need an operator. */
	(void)unlinkat(dfd, LATCH_NAME, 0);
	return kd_in(e, "'%s/%s'", SHOW(dir), LATCH_NAME);
}

bool
latch_remove(const char *dir, struct kd_err *e)
{
	return state_dir_remove(dir, LATCH_NAME, e);
}
