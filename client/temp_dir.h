/* SPDX-License-Identifier: Apache-2.0 */
/* client/temp_dir.h - a folder to unpack into, which is gone whatever happens. */
#ifndef CLIENT_TEMP_DIR_H
#define CLIENT_TEMP_DIR_H
#include <signal.h>

#include "base/error.h"
#include "base/own.h"

struct temp_dir {
	char *path;   /* owned; NULL: none */
	int cwd;      /* where we were */
	sigset_t old; /* signals that were blocked before */
};

/*
 * temp_dir_enter - make a folder that only we may read, in TMPDIR or /tmp, and make it the
 * current one, so that paths in messages begin below it.
 *
 * Until temp_dir_clear, SIGINT, SIGTERM and SIGHUP wait: temp_dir_interrupted says so, and
 * work then ends early. The process has no other threads that look at the current folder.
 * Errors: KD_E_FILE, KD_E_NOMEM.
 */
bool temp_dir_enter(struct temp_dir *t, struct kd_err *e) KD_MUST;
/* Back to where we were; the folder is removed, and a signal that waited comes. */
void temp_dir_clear(struct temp_dir *t);
AUTO_DEFINE_CLEAR(struct temp_dir, temp_dir_clear);
bool temp_dir_interrupted(void);
#endif
