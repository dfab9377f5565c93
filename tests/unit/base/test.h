/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/base/test.h - what the unit tests of base/ share. */
#ifndef KD_BASE_TEST_H
#define KD_BASE_TEST_H
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/builder.h"
#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/num.h"

/* The call fails with that code and exactly that message. */
#define assert_fails(call, want_code, want_msg)                                          \
	do {                                                                             \
		struct kd_err e = {0};                                                   \
		assert_false(call);                                                      \
		assert_string_equal(e.msg, want_msg);                                    \
		assert_int_equal(e.code, want_code);                                     \
	} while (0)

/* The call succeeds; its last argument is &e, which stays empty. */
#define assert_done(call)                                                                \
	do {                                                                             \
		struct kd_err e = {0};                                                   \
		bool done = (call);                                                      \
		assert_string_equal(e.msg, "");                                          \
		assert_true(done);                                                       \
		assert_int_equal(e.code, KD_OK);                                         \
	} while (0)

/* A fresh folder, as setup and teardown of a test that writes files; *state is its path.
 */
static inline int
make_folder(void **state)
{
	const char *tmp = getenv("TMPDIR");
	char *dir = NULL;

	if (asprintf(&dir, "%s/kdsign-unit.XXXXXX", tmp != NULL ? tmp : "/tmp") < 0)
		return -1;
	*state = dir;
	return mkdtemp(dir) == NULL ? -1 : 0;
}

static inline int
remove_folder(void **state)
{
	char *command = NULL;
	int n = asprintf(&command, "rm -rf '%s'", (char *)*state);
	pid_t pid = n < 0 ? -1 : fork();

	if (pid == 0) {
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
	if (pid > 0)
		(void)waitpid(pid, NULL, 0);
	free(command);
	free(*state);
	return 0;
}

/* "folder/name", in memory that the next call but three overwrites. */
static inline const char *
in_folder(void **state, const char *name)
{
	static char paths[4][4096];
	static unsigned turn;
	char *path = paths[turn++ % 4];

	(void)snprintf(path, sizeof(paths[0]), "%s/%s", (const char *)*state, name);
	return path;
}

static inline void
write_file(const char *path, const char *text, mode_t mode)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static inline void
assert_content(const char *path, const char *text)
{
	AUTO(buf_clear) struct buf b = {0};
	struct kd_err e = {0};

	assert_true(file_read_all(path, 1 << 20, &b, &e));
	assert_string_equal(buf_cstr(&b), text);
}

/* What a forked child made of itself: its exit status, or 128 + the signal that ended it.
 */
static inline int
status_of(pid_t pid)
{
	int status = 0;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
#endif
