/* SPDX-License-Identifier: Apache-2.0 */
/* base/file_replace.c - a new file beside the old one, then in its place, or nothing at
 * all. */
#include "config.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"

#define SLOTS 256     /* files being replaced at once */
#define NAME_TRIES 16 /* 2^48 names: more than one try is a miracle */
#define DYING_WAITS_MS                                                                   \
	200 /* the handler's patience with a thread between two system calls */

/*
 * Temporary files that exist now, for the signal handler. A slot is claimed (CREATING)
 * before its file can exist and LIVE once it does. The handler sets dying, waits until
 * nothing is CREATING, and unlinks what is LIVE; a claim that sees dying goes no further.
 * Both are sequentially consistent, so either the claimer sees dying or the handler sees
 * the claim.
 */
enum slot_state { SLOT_FREE, SLOT_CREATING, SLOT_LIVE };
static struct {
	_Atomic int state;
	char path[PATH_MAX]; /* written by the claimer while CREATING */
} slots[SLOTS];
static _Atomic bool dying;

static const int fatal_signals[] = {SIGINT, SIGTERM, SIGHUP};

static bool
any_creating(void)
{
	for (size_t i = 0; i < SLOTS; i++)
		if (atomic_load(&slots[i].state) == SLOT_CREATING)
			return true;
	return false;
}

/* Only async-signal-safe calls. The claiming thread blocks these signals meanwhile, so
 * that it is never the one that waits for itself here. */
static void
on_fatal_signal(int signo)
{
	atomic_store(&dying, true);
	for (int i = 0; i < DYING_WAITS_MS && any_creating(); i++)
		(void)poll(NULL, 0, 1);
	for (size_t i = 0; i < SLOTS; i++)
		if (atomic_load(&slots[i].state) == SLOT_LIVE)
			(void)unlink(slots[i].path);
	(void)signal(signo, SIG_DFL);
	(void)raise(signo); /* delivered when this handler returns */
}

void
file_replace_on_signals(void)
{
	struct sigaction sa = {.sa_handler = on_fatal_signal}, old;

	(void)sigfillset(&sa.sa_mask);
	for (size_t i = 0; i < KD_ARRAY_LEN(fatal_signals); i++) {
		if (sigaction(fatal_signals[i], NULL, &old) == 0 &&
		    old.sa_handler == SIG_IGN)
			continue; /* nohup's wish */
		(void)sigaction(fatal_signals[i], &sa, NULL);
	}
}

static void
block_fatal(sigset_t *ret_old)
{
	sigset_t set;

	(void)sigemptyset(&set);
	for (size_t i = 0; i < KD_ARRAY_LEN(fatal_signals); i++)
		(void)sigaddset(&set, fatal_signals[i]);
	(void)pthread_sigmask(SIG_BLOCK, &set, ret_old);
}

/* A free slot, now CREATING; -1 when all are taken. Does not return in a dying process.
 */
static int
claim_slot(void)
{
	int i, expected;

	for (i = 0; i < SLOTS; i++) {
		expected = SLOT_FREE;
		if (atomic_compare_exchange_strong(
			&slots[i].state, &expected, SLOT_CREATING))
			break;
	}
	if (atomic_load(&dying)) {
		if (i < SLOTS)
			atomic_store(&slots[i].state, SLOT_FREE);
		for (;;)
			(void)pause();
	}
	return i < SLOTS ? i : -1;
}

/* "dir/.name.kdsign-XXXXXX" for "dir/name"; a long name is cut so that it stays a name.
 */
static bool
make_tmp_path(const char *path, char *dst, size_t dst_len, struct kd_err *e)
{
	static const char letters[] =
	    "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-_";
	const char *slash = strrchr(path, '/'), *base = slash == NULL ? path : slash + 1;
	unsigned char raw[6];
	char suffix[sizeof(raw) + 1] = "";
	int n;

	if (getrandom(raw, sizeof(raw), 0) != (ssize_t)sizeof(raw))
		return kd_fail_errno(e, KD_E_FILE, errno, "no random numbers");
	for (size_t i = 0; i < sizeof(raw); i++)
		suffix[i] = letters[raw[i] & 63];
	n = snprintf(dst, dst_len, "%.*s.%.*s.kdsign-%s", (int)(base - path), path,
	    NAME_MAX - 16, base, suffix);
	if (n < 0 || (size_t)n >= dst_len)
		return kd_fail(e, KD_E_FILE, "'%s': path too long", SHOW(path));
	return true;
}

/* A file system that is read-only is no failing disk: it is the target that cannot be
 * had. */
static bool
fail_read_only(int err, struct kd_err *e)
{
	if (err == EROFS)
		e->code = KD_E_FILE;
	return false;
}

/* The temporary file exists and its slot is LIVE, or neither. */
static bool
create_tmp(const char *path, mode_t mode, struct file_replace *r, struct kd_err *e)
{
	sigset_t old;
	int slot, fd = -1, err = EEXIST;

	block_fatal(&old);
	slot = claim_slot();
	for (int i = 0; slot >= 0 && i < NAME_TRIES && fd < 0 && err == EEXIST; i++) {
		if (!make_tmp_path(path, slots[slot].path, sizeof(slots[slot].path), e))
			break;
		fd = open(slots[slot].path,
		    O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
		err = fd < 0 ? errno : 0;
	}
	if (slot >= 0)
		atomic_store(&slots[slot].state, fd < 0 ? SLOT_FREE : SLOT_LIVE);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (slot < 0)
		return kd_fail(
		    e, KD_E_LIMIT, "more than %d files being replaced at once", SLOTS);
	if (fd < 0) {
		(void)kd_fail_errno(e, KD_E_FILE, err,
		    "'%s': cannot create a file beside it", SHOW(path));
		return fail_read_only(err, e);
	}
	r->fd = fd;
	r->slot = slot;
	return true;
}

bool
file_real_path(const char *path, char **ret, struct kd_err *e)
{
	AUTO(free) char *real = realpath(path, NULL);
	struct stat st, named;

	if (real == NULL && errno == ENOENT) {
		*ret = NULL;
		return true;
	}
	/* stat() follows links by the kernel's rules, realpath() all of them. */
	if (real == NULL || stat(path, &named) != 0 || stat(real, &st) != 0)
		return kd_fail_errno(
		    e, KD_E_FILE, errno, "'%s': cannot replace", SHOW(path));
	if (st.st_dev != named.st_dev || st.st_ino != named.st_ino)
		return kd_fail(e, KD_E_FILE,
		    "'%s': leads to another file than a moment ago", SHOW(path));
	*ret = STEAL(real);
	return true;
}

/* The file that the name leads to: a symbolic link stays, what it points to is replaced.
 */
static bool
resolve(const char *path, char **ret, struct kd_err *e)
{
	AUTO(free) char *real = NULL;
	struct stat st;

	if (!file_real_path(path, &real, e))
		return false;
	if (real != NULL) {
		if (stat(real, &st) != 0)
			return kd_fail_errno(
			    e, KD_E_FILE, errno, "'%s': cannot examine", SHOW(path));
		if (!S_ISREG(st.st_mode))
			return kd_fail(e, KD_E_FILE, "'%s': %s", SHOW(path),
			    S_ISDIR(st.st_mode) ? "is a directory"
						: "not a regular file");
		/* rename() would not mind, but who made the file read-only does. */
		if (faccessat(AT_FDCWD, real, W_OK, AT_EACCESS) != 0) {
			int err = errno;

			(void)kd_fail_errno(
			    e, KD_E_FILE, err, "'%s': cannot write", SHOW(path));
			return fail_read_only(err, e);
		}
	}
	*ret = kd_strdup(real != NULL ? real : path);
	return *ret != NULL ? true : kd_fail_nomem(e, "file name");
}

static bool
take_attributes(int fd, const struct stat *like, struct kd_err *e)
{
	mode_t mode = like->st_mode & 07777;

	if (fchown(fd, like->st_uid, like->st_gid) != 0) {
		mode &=
		    ~(mode_t)(S_ISUID | S_ISGID); /* of an owner who is not the same */
		if (fchown(fd, (uid_t)-1, like->st_gid) != 0)
			mode &= ~(mode_t)S_IRWXG | (mode_t)(mode >> 3 & mode << 3 & 070);
	}
	if (fchmod(fd, mode) != 0)
		return kd_fail_errno(
		    e, KD_E_FILE, errno, "cannot set mode %04o", (unsigned)mode);
	return true;
}

bool
file_replace_begin(
    const char *path, const struct stat *like, struct file_replace *ret, struct kd_err *e)
{
	AUTO(file_replace_clear) struct file_replace r = {.fd = -1, .slot = -1};

	if (!resolve(path, &r.path, e))
		return false;
	if (!create_tmp(r.path, like != NULL ? 0600 : 0666, &r, e))
		return false;
	r.tmp_path = kd_strdup(slots[r.slot].path);
	if (r.tmp_path == NULL)
		return kd_fail_nomem(e, "file name");
	if (like != NULL && !take_attributes(r.fd, like, e))
		return kd_in(e, "'%s'", SHOW(path));
	*ret = r;
	r = (struct file_replace){.fd = -1, .slot = -1};
	return true;
}

static bool
sync_folder(const char *path, struct kd_err *e)
{
	const char *slash = strrchr(path, '/');
	char dir[PATH_MAX];
	size_t n = slash == NULL ? 0 : (size_t)(slash - path) + 1;
	AUTO(close) int fd = -1;

	if (n >= sizeof(dir))
		return kd_fail(e, KD_E_FILE, "'%s': path too long", SHOW(path));
	memcpy(dir, n == 0 ? "." : path, n == 0 ? 1 : n);
	dir[n == 0 ? 1 : n] = '\0';
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) != 0)
		return kd_fail_errno(e, KD_E_IO, errno,
		    "'%s': replaced, but its folder cannot be synced", SHOW(path));
	return true;
}

bool
file_replace_commit(struct file_replace *r, bool sync, struct kd_err *e)
{
	int fd = STEAL_FD(r->fd);
	bool synced = !sync || fsync(fd) == 0;
	int err = errno;

	if (close(fd) != 0 && synced) { /* NFS and quotas report a failed write here */
		synced = false;
		err = errno;
	}
	if (!synced)
		return kd_fail_errno(
		    e, KD_E_IO, err, "'%s': cannot write its new content", SHOW(r->path));
	if (rename(r->tmp_path, r->path) != 0)
		return kd_fail_errno(
		    e, KD_E_FILE, errno, "'%s': cannot replace", SHOW(r->path));
	atomic_store(&slots[r->slot].state, SLOT_FREE);
	r->slot = -1;
	return !sync || sync_folder(r->path, e);
}

void
file_replace_clear(struct file_replace *r)
{
	if (r->path != NULL) { /* not all-zero: fd and slot mean something */
		if (r->slot >= 0) {
			(void)unlink(slots[r->slot].path);
			atomic_store(&slots[r->slot].state, SLOT_FREE);
		}
		if (r->fd >= 0)
			(void)close(r->fd);
	}
	free(r->tmp_path);
	free(r->path);
	*r = (struct file_replace){.fd = -1, .slot = -1};
}
