/* SPDX-License-Identifier: Apache-2.0 */
/* base/file.h - bounded whole-file reads, exact pread/write loops, atomic replacement. */
#ifndef KD_FILE_H
#define KD_FILE_H
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/builder.h"
#include "base/error.h"

/* Opens a regular file for reading (O_CLOEXEC, no FIFO hang); a directory, a device or a missing
 * file is KD_E_FILE with the path in the message. st may be NULL. */
bool file_open_read(const char *path, int *ret_fd, struct stat *ret_st, struct kd_err *e) KD_MUST;
/* Do both paths lead to one file, by whatever links? No when either is not there. */
bool file_is_same(const char *a, const char *b);
/* The whole file, at most max bytes (KD_E_LIMIT beyond). */
bool file_read_all(const char *path, size_t max, struct buf *ret, struct kd_err *e) KD_MUST;
/* The same from an open descriptor, from where it stands to its end. ret is unchanged on failure. */
bool file_read_fd(int fd, size_t max, struct buf *ret, struct kd_err *e) KD_MUST;
/* realpath(3), owned by the caller, that follows no link which open(2) would not follow: in a folder
 * like /tmp somebody else's (proc(5), protected_symlinks). *ret is NULL when nothing is there. */
bool file_real_path(const char *path, char **ret, struct kd_err *e) KD_MUST;
/* Exactly n bytes at off; a short file is KD_E_FILE "ends at ...". EINTR is handled. */
bool file_pread_full(int fd, void *dst, size_t n, uint64_t off, struct kd_err *e) KD_MUST;
bool file_write_full(int fd, const void *p, size_t n, struct kd_err *e) KD_MUST;
/* A configuration or key file that others could write is refused (KD_E_CONFIG). */
bool file_check_private(const char *path, bool secret, struct kd_err *e) KD_MUST;
/* The same over the fstat(2) of a descriptor already open, which leaves no time to swap the file.
 * secret: owned by us or root, and no group or other bits at all. path is for the message. */
bool file_check_stat(const char *path, const struct stat *st, bool secret, struct kd_err *e) KD_MUST;

/*
 * Atomic replacement: a temporary file beside the target, filled by the caller, then fsync and
 * rename. Until file_replace_commit the target is untouched; file_replace_clear without a
 * commit removes the temporary file. A process that is killed by SIGINT, SIGTERM or SIGHUP
 * leaves none either when file_replace_on_signals() was called at its start.
 */
struct file_slot;
struct file_replace {
	int fd;          /* the temporary file, read-write; -1 when none, or finished */
	char *tmp_path;  /* owned */
	char *path;      /* owned */
	struct file_slot *slot; /* place in the table the signal handler cleans; NULL: none */
	/* while several are put into their places */
	enum { FILE_NOT_PLACED, FILE_PLACED_NEW, FILE_PLACED_SWAPPED, FILE_PLACED_ASIDE } placed;
	bool guarded;    /* was is what the target must still be */
	struct stat was;
	int lock;        /* descriptor + 1 of the target while it is being replaced; 0: none */
};
/* Would file_replace_begin let it be replaced, or made? As far as can be told without trying. */
bool file_replace_probe(const char *path, struct kd_err *e) KD_MUST;
/* Owner, group (where permitted), mode, ACL-less, taken from *like when like != NULL; otherwise 0666 & ~umask. */
bool file_replace_begin(const char *path, const struct stat *like, struct file_replace *ret,
	struct kd_err *e) KD_MUST;
/*
 * file_replace_expect - commit only while the target is still the file that was read.
 *
 * was  as fstat(2) gave it when it was read
 * It is compared at the last moment, under a lock: of several processes that replace a file
 * in this way one succeeds, and no update is lost. A program that takes no lock has the time
 * between two system calls to come in between. The commit of the others is KD_E_FILE.
 */
void file_replace_expect(struct file_replace *r, const struct stat *was);
/* The same file, and nothing was written to it? */
bool file_is_unchanged(const struct stat *was, const struct stat *now);
/* KD_E_FILE in the words that file_replace_commit has. Always false. */
bool file_fail_changed(const char *path, struct kd_err *e);
bool file_replace_commit(struct file_replace *r, bool sync, struct kd_err *e) KD_MUST;
/* The new content is whole: synced, and its descriptor closed. It waits for its commit. */
bool file_replace_finish(struct file_replace *r, bool sync, struct kd_err *e) KD_MUST;
/*
 * file_replace_commit_all - all of v into their places, or none of them.
 *
 * Each place gets its new content by one rename; when one fails, those before it are undone.
 * SIGINT, SIGTERM and SIGHUP wait until it is one or the other. SIGKILL or a power failure
 * between the first rename and the last leaves some files new and some old, each whole, and
 * the rest beside them under their temporary names; on file systems without exchange (NFS,
 * FAT) a file may then be there only under its temporary name with ".old" behind it.
 *
 * Errors: KD_E_IO, KD_E_FILE. The hint says so when a file could not be put back.
 */
bool file_replace_commit_all(struct file_replace *const *v, size_t n, bool sync,
	struct kd_err *e) KD_MUST;
void file_replace_clear(struct file_replace *r);
AUTO_DEFINE_CLEAR(struct file_replace, file_replace_clear);
void file_replace_on_signals(void);
#endif
