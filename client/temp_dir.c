/* SPDX-License-Identifier: Apache-2.0 */
/* client/temp_dir.c - a folder to unpack into. */
#include "config.h" /* _GNU_SOURCE: nftw */

#include "client/temp_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>

#include "base/builder.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"

#define DESCRIPTORS 16 /* that removing may hold open at once */

static const int fatal[] = {SIGINT, SIGTERM, SIGHUP};

static void
block(sigset_t *ret_old)
{
	sigset_t set;

	(void)sigemptyset(&set);
	for (size_t i = 0; i < KD_ARRAY_LEN(fatal); i++)
		(void)sigaddset(&set, fatal[i]);
	(void)pthread_sigmask(SIG_BLOCK, &set, ret_old);
}

bool
temp_dir_interrupted(void)
{
	sigset_t set;

	if (sigpending(&set) != 0)
		return false;
	for (size_t i = 0; i < KD_ARRAY_LEN(fatal); i++)
		if (sigismember(&set, fatal[i]) == 1)
			return true;
	return false;
}

static bool
make(struct temp_dir *t, struct kd_err *e)
{
	const char *tmp = getenv("TMPDIR");
	AUTO(buf_clear) struct buf b = {0};

	buf_printf(&b, "%s/kdsign-XXXXXX", tmp == NULL || tmp[0] == '\0' ? "/tmp" : tmp);
	if (buf_cstr(&b) == NULL)
		return buf_ok(&b, "path", e);
	t->path = kd_strdup(buf_cstr(&b));
	if (t->path == NULL)
		return kd_fail_nomem(e, "path");
	if (mkdtemp(t->path) != NULL)
		return true;
	(void)kd_fail_errno(
	    e, KD_E_FILE, errno, "'%s': cannot make a folder to unpack into", SHOW(t->path));
	free(STEAL(t->path));
	return kd_hint(e, "TMPDIR may name another place");
}

bool
temp_dir_enter(struct temp_dir *t, struct kd_err *e)
{
	t->cwd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (t->cwd < 0)
		return kd_fail_errno(e, KD_E_FILE, errno, "current folder");
	block(&t->old);
	if (!make(t, e)) {
		(void)pthread_sigmask(SIG_SETMASK, &t->old, NULL);
		(void)close(STEAL_FD(t->cwd));
		return false;
	}
	if (chdir(t->path) != 0) {
		(void)kd_fail_errno(e, KD_E_FILE, errno, "'%s'", SHOW(t->path));
		temp_dir_clear(t);
		return false;
	}
	return true;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	(void)remove(path);
	return 0;
}

void
temp_dir_clear(struct temp_dir *t)
{
	if (t->path == NULL)
		return;
	(void)!fchdir(t->cwd);
	(void)nftw(t->path, remove_one, DESCRIPTORS, FTW_DEPTH | FTW_PHYS);
	free(STEAL(t->path));
	(void)close(STEAL_FD(t->cwd));
	(void)pthread_sigmask(SIG_SETMASK, &t->old, NULL);
}
