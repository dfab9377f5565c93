/* SPDX-License-Identifier: Apache-2.0 */
/* base/file_guard.c - a file is replaced only as long as it is the one that was read. */
#include "config.h"

#include "base/file_guard.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"

/* Whoever holds it only renames: milliseconds, for a whole package too. */
#define PATIENCE_MS 5000
#define PAUSE_MS 2
/* In the whole process: a package may have more files than there are descriptors, and the
 * locks on its first files already keep another run over it out. */
#define LOCKS_MAX 128

static _Atomic unsigned locks_n;

/* A hard link made or removed meanwhile, perhaps by us, changes st_ctime as well, and not
 * the content. */
bool
file_is_unchanged(const struct stat *was, const struct stat *now)
{
	return was->st_dev == now->st_dev && was->st_ino == now->st_ino &&
	       was->st_size == now->st_size &&
	       was->st_mtim.tv_sec == now->st_mtim.tv_sec &&
	       was->st_mtim.tv_nsec == now->st_mtim.tv_nsec &&
	       (was->st_nlink != now->st_nlink ||
		   (was->st_ctim.tv_sec == now->st_ctim.tv_sec &&
		       was->st_ctim.tv_nsec == now->st_ctim.tv_nsec));
}

bool
file_fail_changed(const char *path, struct kd_err *e)
{
	(void)kd_fail(e, KD_E_FILE, "'%s': changed while it was worked on", SHOW(path));
	return kd_hint(e, "it stays as the other program left it; run this again when no "
			  "other works on it");
}

void
file_replace_expect(struct file_replace *r, const struct stat *was)
{
	r->was = *was;
	r->guarded = true;
}

/*
 * A container's file that is still in the layer below (overlayfs) is copied by being opened
 * to write: another st_ctime, and another st_ino where the layers are on several file
 * systems. It was compared just before.
 */
static void
keep_copy(struct file_replace *r)
{
	struct stat now;

	if (fstat(r->lock - 1, &now) == 0 && now.st_size == r->was.st_size &&
	    now.st_mtim.tv_sec == r->was.st_mtim.tv_sec &&
	    now.st_mtim.tv_nsec == r->was.st_mtim.tv_nsec)
		r->was = now;
}

/* False: there is no lock to be had. Where the file is gone, the comparison says so. */
static bool
open_lock(struct file_replace *r)
{
	if (atomic_fetch_add(&locks_n, 1) < LOCKS_MAX)
		r->lock = open(r->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK) + 1;
	if (r->lock == 0)
		(void)atomic_fetch_sub(&locks_n, 1);
	else
		keep_copy(r);
	return r->lock != 0;
}

/*
 * An OFD lock, which only programs that may write the file can hold, and which is not the
 * flock(2) that a script may hold around us. Where there are no locks (some network file
 * systems) the comparison alone has to do.
 */
static bool
lock(struct file_replace *r, struct kd_err *e)
{
	struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	uint64_t until = clock_ms() + PATIENCE_MS;

	if (!open_lock(r))
		return true;
	while (fcntl(r->lock - 1, F_OFD_SETLK, &whole) != 0) {
		if (errno != EAGAIN && errno != EACCES)
			return true;
		if (clock_ms() >= until) {
			(void)kd_fail(e, KD_E_FILE,
			    "'%s': cannot replace: another program holds a lock on it",
			    SHOW(r->path));
			return kd_hint(e, "fuser or lslocks tells which one");
		}
		(void)poll(NULL, 0, PAUSE_MS);
	}
	return true;
}

/* By another name: a second lock would wait for the first. */
static bool
is_locked(struct file_replace *const *before, size_t n, struct file_replace *r)
{
	for (size_t i = 0; i < n; i++) {
		const struct stat *was = &before[i]->was;

		if (before[i]->lock == 0 || was->st_ino != r->was.st_ino ||
		    was->st_dev != r->was.st_dev)
			continue;
		r->was.st_ctim = was->st_ctim; /* as keep_copy left it */
		return true;
	}
	return false;
}

static bool
is_as_read(const struct file_replace *r)
{
	struct stat now;

	return lstat(r->path, &now) == 0 && file_is_unchanged(&r->was, &now);
}

bool
file_guard_take(struct file_replace *r, struct file_replace *const *before, size_t n,
    struct kd_err *e)
{
	if (!r->guarded)
		return true;
	if (!is_locked(before, n, r)) {
		if (!is_as_read(r))
			return file_fail_changed(r->path, e);
		if (!lock(r, e))
			return false;
	}
	/* By name, and after the lock: whoever held it may have replaced the file. */
	return is_as_read(r) || file_fail_changed(r->path, e);
}

void
file_guard_drop(struct file_replace *r)
{
	if (r->lock > 0) {
		(void)close(r->lock - 1);
		(void)atomic_fetch_sub(&locks_n, 1);
	}
	r->lock = 0;
}
