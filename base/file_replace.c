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

#include "base/file_guard.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"

#define BLOCK_SLOTS 256
#define BLOCKS_MAX 256 /* of slots: 65536 files being replaced at once */
#define NAME_TRIES 16  /* 2^48 names: more than one try is a miracle */
/* The handler's patience with a thread between two system calls, or between the renames of
 * one package. */
#define DYING_WAITS_MS 2000
#define ASIDE ".old"
#define REAL_PATH_TRIES 8

/*
 * Temporary files that exist now, for the signal handler. A slot is claimed (BUSY) before
 * its file can exist and LIVE once it does; it is BUSY again while several files are being
 * put into their places. The handler sets dying, waits until nothing is BUSY, and unlinks
 * what is LIVE; a claim that sees dying goes no further. Both are sequentially consistent,
 * so either the claimer sees dying or the handler sees the claim.
 */
enum slot_state { SLOT_FREE, SLOT_BUSY, SLOT_LIVE };
struct file_slot {
	_Atomic int state;
	char path[PATH_MAX]; /* written by the claimer while BUSY */
};
/* Never freed: the handler may come at any time. */
static struct block {
	struct file_slot v[BLOCK_SLOTS];
} first_block;
static struct block *_Atomic blocks[BLOCKS_MAX] = {&first_block};
static _Atomic bool dying;

static const int fatal_signals[] = {SIGINT, SIGTERM, SIGHUP};

/* Slot i of those that there are; NULL behind the last one. */
static struct file_slot *
slot_at(size_t i)
{
	struct block *b = i / BLOCK_SLOTS < BLOCKS_MAX
			      ? atomic_load(&blocks[i / BLOCK_SLOTS])
			      : NULL;

	return b == NULL ? NULL : &b->v[i % BLOCK_SLOTS];
}

static bool
any_busy(void)
{
	struct file_slot *s;

	for (size_t i = 0; (s = slot_at(i)) != NULL; i++)
		if (atomic_load(&s->state) == SLOT_BUSY)
			return true;
	return false;
}

/* Only async-signal-safe calls. The claiming thread blocks these signals meanwhile, so
 * that it is never the one that waits for itself here. */
static void
on_fatal_signal(int signo)
{
	struct file_slot *s;

	atomic_store(&dying, true);
	for (int i = 0; i < DYING_WAITS_MS && any_busy(); i++)
		(void)poll(NULL, 0, 1);
	for (size_t i = 0; (s = slot_at(i)) != NULL; i++)
		if (atomic_load(&s->state) == SLOT_LIVE)
			(void)unlink(s->path);
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

/* Room for more. false: there is none to be had. */
static bool
add_block(size_t i)
{
	struct block *b, *none = NULL;

	if (i >= BLOCKS_MAX)
		return false;
	b = kd_alloc(sizeof(*b));
	if (b != NULL && !atomic_compare_exchange_strong(&blocks[i], &none, b))
		free(b); /* another thread was faster */
	return atomic_load(&blocks[i]) != NULL;
}

/* A free slot, now BUSY; NULL when there is none. Does not return in a dying process. */
static struct file_slot *
claim_slot(void)
{
	struct file_slot *s = NULL;
	int expected;

	for (size_t i = 0;; i++) {
		s = slot_at(i);
		if (s == NULL && !add_block(i / BLOCK_SLOTS))
			break;
		s = slot_at(i);
		expected = SLOT_FREE;
		if (atomic_compare_exchange_strong(&s->state, &expected, SLOT_BUSY))
			break;
	}
	if (atomic_load(&dying)) {
		if (s != NULL)
			atomic_store(&s->state, SLOT_FREE);
		for (;;)
			(void)pause();
	}
	return s;
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
	struct file_slot *slot;
	int fd = -1, err = EEXIST;

	block_fatal(&old);
	slot = claim_slot();
	for (int i = 0; slot != NULL && i < NAME_TRIES && fd < 0 && err == EEXIST; i++) {
		if (!make_tmp_path(path, slot->path, sizeof(slot->path), e))
			break;
		fd = open(slot->path,
		    O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
		err = fd < 0 ? errno : 0;
	}
	if (slot != NULL)
		atomic_store(&slot->state, fd < 0 ? SLOT_FREE : SLOT_LIVE);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (slot == NULL)
		return kd_fail(e, KD_E_LIMIT, "too many files being replaced at once");
	if (fd < 0) {
		(void)kd_fail_errno(e, KD_E_FILE, err,
		    "'%s': cannot create a file beside it", SHOW(path));
		return fail_read_only(err, e);
	}
	r->fd = fd;
	r->slot = slot;
	return true;
}

/* stat(2) follows links by the kernel's rules, realpath(3) all of them: both must come to
 * one file. *ret_same is also false when another program has just renamed one into its
 * place. */
static bool
real_path_once(const char *path, char **ret, bool *ret_same, struct kd_err *e)
{
	AUTO(free) char *real = realpath(path, NULL);
	struct stat st, named;

	*ret_same = true;
	if (real == NULL && errno == ENOENT) {
		*ret = NULL;
		return true;
	}
	if (real == NULL || stat(path, &named) != 0 || stat(real, &st) != 0)
		return kd_fail_errno(
		    e, KD_E_FILE, errno, "'%s': cannot replace", SHOW(path));
	*ret_same = st.st_dev == named.st_dev && st.st_ino == named.st_ino;
	if (*ret_same)
		*ret = STEAL(real);
	return true;
}

bool
file_real_path(const char *path, char **ret, struct kd_err *e)
{
	bool same = false;

	for (int i = 0; i < REAL_PATH_TRIES && !same; i++)
		if (!real_path_once(path, ret, &same, e))
			return false;
	return same || kd_fail(e, KD_E_FILE,
			   "'%s': leads to another file than a moment ago", SHOW(path));
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

bool
file_replace_probe(const char *path, struct kd_err *e)
{
	AUTO(free) char *real = NULL;
	char *slash;
	int err;

	if (!resolve(path, &real, e))
		return false;
	slash = strrchr(real, '/');
	if (slash != NULL)
		slash[slash == real ? 1 : 0] = '\0';
	if (faccessat(AT_FDCWD, slash == NULL ? "." : real, W_OK | X_OK, AT_EACCESS) == 0)
		return true;
	err = errno;
	(void)kd_fail_errno(
	    e, KD_E_FILE, err, "'%s': cannot create a file beside it", SHOW(path));
	return fail_read_only(err, e);
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
	AUTO(file_replace_clear) struct file_replace r = {.fd = -1};

	if (!resolve(path, &r.path, e))
		return false;
	if (!create_tmp(r.path, like != NULL ? 0600 : 0666, &r, e))
		return false;
	r.tmp_path = kd_strdup(r.slot->path);
	if (r.tmp_path == NULL)
		return kd_fail_nomem(e, "file name");
	if (like != NULL && !take_attributes(r.fd, like, e))
		return kd_in(e, "'%s'", SHOW(path));
	*ret = r;
	r = (struct file_replace){.fd = -1};
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
file_replace_finish(struct file_replace *r, bool sync, struct kd_err *e)
{
	int fd = STEAL_FD(r->fd);
	bool synced;
	int err;

	if (fd < 0)
		return true;
	synced = !sync || fsync(fd) == 0;
	err = errno;
	if (close(fd) != 0 && synced) { /* NFS and quotas report a failed write here */
		synced = false;
		err = errno;
	}
	return synced || kd_fail_errno(e, KD_E_IO, err,
			     "'%s': cannot write its new content", SHOW(r->path));
}

static void
free_slot(struct file_replace *r)
{
	if (r->slot != NULL)
		atomic_store(&r->slot->state, SLOT_FREE);
	r->slot = NULL;
}

bool
file_replace_commit(struct file_replace *r, bool sync, struct kd_err *e)
{
	bool done = file_replace_finish(r, sync, e) && file_guard_take(r, NULL, 0, e) &&
		    (rename(r->tmp_path, r->path) == 0 ||
			kd_fail_errno(e, KD_E_FILE, errno, "'%s': cannot replace",
			    SHOW(r->path)));

	file_guard_drop(r);
	if (!done)
		return false;
	free_slot(r);
	return !sync || sync_folder(r->path, e);
}

void
file_replace_clear(struct file_replace *r)
{
	if (r->path != NULL) { /* not all-zero: fd means something */
		if (r->slot != NULL)
			(void)unlink(r->slot->path);
		free_slot(r);
		if (r->fd >= 0)
			(void)close(r->fd);
		file_guard_drop(r);
	}
	free(r->tmp_path);
	free(r->path);
	*r = (struct file_replace){.fd = -1};
}

static bool
aside_path(const struct file_replace *r, char dst[PATH_MAX])
{
	int n = snprintf(dst, PATH_MAX, "%s" ASIDE, r->tmp_path);

	return n > 0 && n < PATH_MAX;
}

/* Where renameat2(2) cannot exchange two files (NFS, FAT): the old one is linked, or else
 * moved, to a third name first. */
static bool
place_by_aside(struct file_replace *r)
{
	char aside[PATH_MAX];
	int err;

	if (!aside_path(r, aside)) {
		errno = ENAMETOOLONG;
		return false;
	}
	if (link(r->path, aside) != 0 && rename(r->path, aside) != 0)
		return false;
	r->placed = FILE_PLACED_ASIDE;
	if (rename(r->tmp_path, r->path) == 0)
		return true;
	err = errno;
	(void)rename(aside, r->path);
	(void)unlink(aside); /* a link to the same file: rename() does nothing then */
	r->placed = FILE_NOT_PLACED;
	errno = err;
	return false;
}

static bool
place(struct file_replace *r, struct kd_err *e)
{
	bool done;

	r->placed = FILE_PLACED_SWAPPED;
	if (renameat2(AT_FDCWD, r->tmp_path, AT_FDCWD, r->path, RENAME_EXCHANGE) == 0)
		return true;
	if (errno == ENOENT) { /* there is no old one, or no new one */
		r->placed = FILE_PLACED_NEW;
		done = rename(r->tmp_path, r->path) == 0;
	} else if (errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP) {
		done = place_by_aside(r);
	} else {
		done = false;
	}
	if (done)
		return true;
	r->placed = FILE_NOT_PLACED;
	return kd_fail_errno(
	    e, KD_E_FILE, errno, "'%s': cannot replace", SHOW(r->path));
}

/* As it was before place(). A file that cannot be put back stays beside under its temporary
 * name, which the sentence says. */
static void
put_back(struct file_replace *r, struct kd_err *e)
{
	char aside[PATH_MAX];
	bool done = true;

	switch (r->placed) {
	case FILE_NOT_PLACED:
		return;
	case FILE_PLACED_NEW:
		done = rename(r->path, r->tmp_path) == 0;
		break;
	case FILE_PLACED_SWAPPED:
		done = renameat2(AT_FDCWD, r->tmp_path, AT_FDCWD, r->path,
			   RENAME_EXCHANGE) == 0;
		break;
	case FILE_PLACED_ASIDE:
		done = aside_path(r, aside) && rename(aside, r->path) == 0;
		break;
	}
	r->placed = FILE_NOT_PLACED;
	if (done)
		return;
	free_slot(r); /* not to be unlinked: it holds the old content */
	(void)kd_hint(e, "'%s' could not be put back as it was: see '%s*' beside it",
	    SHOW(r->path), SHOW(r->tmp_path));
}

/* The old content goes, and with it the last trace. */
static void
settle(struct file_replace *r)
{
	char aside[PATH_MAX];

	if (r->placed == FILE_PLACED_ASIDE && aside_path(r, aside))
		(void)unlink(aside);
	if (r->placed == FILE_PLACED_SWAPPED)
		(void)unlink(r->tmp_path);
	free_slot(r);
}

static void
set_all(struct file_replace *const *v, size_t n, enum slot_state state)
{
	for (size_t i = 0; i < n; i++)
		if (v[i]->slot != NULL)
			atomic_store(&v[i]->slot->state, state);
}

static bool
sync_folders(struct file_replace *const *v, size_t n, struct kd_err *e)
{
	const char *last = "";

	for (size_t i = 0; i < n; i++) {
		const char *slash = strrchr(v[i]->path, '/');
		size_t len = slash == NULL ? 0 : (size_t)(slash - v[i]->path) + 1;

		if (i > 0 && strncmp(last, v[i]->path, len) == 0 &&
		    strchr(&last[len], '/') == NULL)
			continue; /* that folder was just done */
		last = v[i]->path;
		if (!sync_folder(last, e))
			return false;
	}
	return true;
}

/* All of them, or none; no signal comes in between. */
static bool
place_all(struct file_replace *const *v, size_t n, struct kd_err *e)
{
	sigset_t old;
	bool done = true;
	size_t i;

	block_fatal(&old);
	set_all(v, n, SLOT_BUSY);
	if (atomic_load(&dying)) {
		set_all(v, n, SLOT_LIVE);
		for (;;)
			(void)pause();
	}
	for (i = 0; done && i < n; i++)
		done = place(v[i], e);
	for (i = 0; i < n; i++) {
		if (done)
			settle(v[i]);
		else
			put_back(v[n - 1 - i], e);
	}
	if (!done)
		set_all(v, n, SLOT_LIVE);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	return done;
}

bool
file_replace_commit_all(
    struct file_replace *const *v, size_t n, bool sync, struct kd_err *e)
{
	bool done = true;
	size_t i;

	for (i = 0; done && i < n; i++)
		done = file_replace_finish(v[i], sync, e);
	for (i = 0; done && i < n; i++)
		done = file_guard_take(v[i], v, i, e);
	done = done && place_all(v, n, e);
	for (i = 0; i < n; i++)
		file_guard_drop(v[i]);
	return done && (!sync || sync_folders(v, n, e));
}
