/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/state_dir.c - the folder that holds latch, owner and transcript. */
#include "pkcs11/state_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"
#include "base/text.h"

#define LOCK_NAME "lock"

bool
state_dir_open(const char *dir, int *ret_fd, struct kd_err *e)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return kd_fail_errno(e, KD_E_CONFIG, errno, "state-dir '%s'", SHOW(dir));
	*ret_fd = fd;
	return true;
}

static bool
open_own(const char *dir, int *ret, struct kd_err *e)
{
	AUTO(close) int dfd = -1;
	struct stat st;

	if (mkdir(dir, 0700) != 0 && errno != EEXIST)
		return kd_fail_errno(
		    e, KD_E_CONFIG, errno, "state-dir '%s': cannot be made", SHOW(dir));
	if (!state_dir_open(dir, &dfd, e))
		return false;
	if (fstat(dfd, &st) != 0)
		return kd_fail_errno(e, KD_E_CONFIG, errno, "state-dir '%s'", SHOW(dir));
	if ((st.st_uid != geteuid() && st.st_uid != 0) || (st.st_mode & 022) != 0) {
		(void)kd_fail(e, KD_E_CONFIG,
		    "state-dir '%s': belongs to user %u with mode %03o, expected our own "
		    "user %u and nobody else able to write",
		    SHOW(dir), st.st_uid, st.st_mode & 0777, geteuid());
		if (st.st_uid != geteuid() && st.st_uid != 0)
			(void)kd_hint(e, "be that user: sudo -u '#%u' ...", st.st_uid);
		return false;
	}
	*ret = STEAL_FD(dfd);
	return true;
}

bool
state_dir_check(const char *dir, struct kd_err *e)
{
	AUTO(close) int dfd = -1;

	return open_own(dir, &dfd, e);
}

bool
state_dir_lock(const char *dir, int *ret_fd, struct kd_err *e)
{
	AUTO(close) int dfd = -1;
	AUTO(close) int fd = -1;

	if (!open_own(dir, &dfd, e))
		return false;
	fd = openat(dfd, LOCK_NAME, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return kd_fail_errno(e, KD_E_CONFIG, errno, "'%s/%s': cannot be opened",
		    SHOW(dir), LOCK_NAME);
	if (flock(fd, LOCK_EX | LOCK_NB) != 0)
		return kd_fail(e, KD_E_CONFIG,
		    "state-dir '%s': another kdsign-signer is using it", SHOW(dir));
	*ret_fd = STEAL_FD(fd);
	return true;
}

bool
state_dir_remove(const char *dir, const char *name, struct kd_err *e)
{
	AUTO(close) int dfd = -1;

	if (!state_dir_open(dir, &dfd, e))
		return false;
	if (unlinkat(dfd, name, 0) != 0 && errno != ENOENT)
		return kd_fail_errno(
		    e, KD_E_IO, errno, "'%s/%s': cannot be removed", SHOW(dir), name);
	return fsync(dfd) == 0 ||
	       kd_fail_errno(e, KD_E_IO, errno, "state-dir '%s': fsync", SHOW(dir));
}
