/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/pkcs11/latch_test.c - the latch and the PIN's source, on real files. */
#include "pkcs11/latch.h"
#include "pkcs11/state_dir.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/own.h"
#include "pkcs11/pin.h"

static char dir[64];
static char path[96];

static const char *
in_dir(const char *name)
{
	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void
put(const char *name, const char *text, mode_t mode)
{
	int fd = open(in_dir(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	(void)close(fd);
}

static int
make_dir(void **state)
{
	(void)snprintf(dir, sizeof(dir), "/tmp/kdsign-latch.XXXXXX");
	return mkdtemp(dir) == NULL;
}

static int
remove_dir(void **state)
{
	(void)chmod(dir, 0700);
	(void)unlink(in_dir("latch"));
	(void)unlink(in_dir("lock"));
	(void)unlink(in_dir("pin"));
	return rmdir(dir);
}

static bool
attempt(const char *where, struct kd_err *e)
{
	AUTO(close) int fd = -1;

	return latch_attempt(where, "00ff", "my token", &fd, e);
}

static void
an_attempt_latches_until_it_is_removed(void **state)
{
	struct kd_err e = {0};
	struct latch l;
	bool latched = true;

	assert_true(latch_read(dir, &l, &latched, &e));
	assert_false(latched);
	assert_true(attempt(dir, &e));
	assert_true(latch_read(dir, &l, &latched, &e));
	assert_true(latched);
	assert_string_equal(l.serial, "00ff");
	assert_int_equal(strlen(l.time), 24);
	assert_true(latch_remove(dir, &e));
	assert_true(latch_read(dir, &l, &latched, &e));
	assert_false(latched);
	assert_true(latch_remove(dir, &e)); /* not there is fine */
}

static void
a_second_attempt_is_refused(void **state)
{
	struct kd_err e = {0};
	char want[160];

	assert_true(attempt(dir, &e));
	assert_false(attempt(dir, &e));
	(void)snprintf(want, sizeof(want), "'%s/latch': already latched", dir);
	assert_string_equal(e.msg, want);
	assert_int_equal(e.code, KD_E_PIN);
}

static void
an_attempt_under_way_is_no_latch_yet(void **state)
{
	struct kd_err e = {0};
	bool latched = false;
	struct latch l;
	int fd = -1;

	assert_true(latch_attempt(dir, "00ff", "my token", &fd, &e));
	assert_true(latch_read(dir, &l, &latched, &e));
	assert_true(latched && l.under_way);
	assert_false(latch_fail(&l, &e));
	assert_int_equal(e.code, KD_E_BUSY);
	assert_string_equal(e.msg, "somebody logs in to token serial '00ff' at this moment");
	e = (struct kd_err){0};
	assert_false(attempt(dir, &e));
	assert_int_equal(e.code, KD_E_BUSY);
	e = (struct kd_err){0};
	(void)close(fd);
	assert_true(latch_read(dir, &l, &latched, &e));
	assert_true(latched && !l.under_way);
	assert_false(attempt(dir, &e));
	assert_int_equal(e.code, KD_E_PIN);
}

/* Until its parent closes the pipe, then it dies as from a kill. */
static int
attempt_and_die(const int go[2], const int begun[2])
{
	struct kd_err e = {0};
	char c = 'x';
	int fd = -1;

	(void)close(go[1]);
	if (!latch_attempt(dir, "1", "t", &fd, &e) || write(begun[1], &c, 1) != 1)
		return 99;
	return read(go[0], &c, 1) == 0 && kill(getpid(), SIGKILL) != 0 ? 98 : 97;
}

static void
an_attempt_whose_process_dies_is_a_latch(void **state)
{
	struct kd_err e = {0};
	int go[2], begun[2], status;
	bool latched = false;
	struct latch l;
	pid_t pid;
	char c;

	assert_int_equal(pipe(go), 0);
	assert_int_equal(pipe(begun), 0);
	pid = fork();
	if (pid == 0)
		_exit(attempt_and_die(go, begun));
	assert_int_equal(read(begun[0], &c, 1), 1);
	assert_true(latch_read(dir, &l, &latched, &e));
	assert_true(latched && l.under_way);
	(void)close(go[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(latch_read(dir, &l, &latched, &e));
	assert_true(latched && !l.under_way);
	(void)close(go[0]);
	(void)close(begun[0]);
	(void)close(begun[1]);
}

/* In a child process, whose files may have no byte. */
static int
attempt_on_a_full_disk(void)
{
	const struct rlimit nothing = {0, 0};
	struct kd_err e = {0};

	if (signal(SIGXFSZ, SIG_IGN) == SIG_ERR || setrlimit(RLIMIT_FSIZE, &nothing) != 0)
		return 99;
	return attempt(dir, &e) || e.code == KD_E_PIN;
}

static void
an_attempt_that_cannot_be_recorded_leaves_no_latch(void **state)
{
	struct kd_err e = {0};
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		_exit(attempt_on_a_full_disk());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_true(attempt(dir, &e));
}

static void
an_unreadable_latch_counts(void **state)
{
	struct kd_err e = {0};
	struct latch l;
	bool latched = false;

	put("latch", "what is this", 0600);
	assert_true(latch_read(dir, &l, &latched, &e));
	assert_true(latched);
	assert_string_equal(l.serial, "unknown");
	assert_false(latch_fail(&l, &e));
	assert_int_equal(e.code, KD_E_PIN);
	assert_string_equal(e.msg, "the login of unknown to token serial "
				   "'unknown' failed or was cut off: latched, "
				   "no PIN is tried again until an operator acts");
	assert_int_equal(unlink(in_dir("latch")), 0);
	assert_int_equal(symlink("/nowhere", in_dir("latch")), 0);
	assert_true(latch_read(dir, &l, &latched, &e));
	assert_true(latched);
}

static void
a_folder_that_is_not_there_is_no_permission(void **state)
{
	struct kd_err e = {0};
	struct latch l;
	bool latched = false;

	assert_false(latch_read("/nowhere/at/all", &l, &latched, &e));
	assert_int_equal(e.code, KD_E_CONFIG);
	e = (struct kd_err){0};
	assert_false(attempt("/nowhere/at/all", &e));
	assert_int_equal(e.code, KD_E_CONFIG);
}

static void
one_signer_per_folder_and_nobody_else_in_it(void **state)
{
	struct kd_err e = {0};
	int fd = -1, second = -1;

	assert_true(state_dir_lock(dir, &fd, &e));
	assert_false(state_dir_lock(dir, &second, &e));
	assert_non_null(strstr(e.msg, "another kdsign-signer is using it"));
	assert_int_equal(second, -1);
	(void)close(fd);
	assert_int_equal(chmod(dir, 0777), 0);
	e = (struct kd_err){0};
	assert_false(state_dir_lock(dir, &second, &e));
	assert_non_null(strstr(e.msg, "with mode 777, expected our own user"));
	assert_int_equal(e.code, KD_E_CONFIG);
}

static void
the_pin_comes_from_the_first_source(void **state)
{
	struct pin_source src = {.fd = -1, .file = path};
	AUTO(secret_free) struct secret *pin = NULL;
	struct kd_err e = {0};

	put("pin", "4711\n", 0600);
	assert_true(pin_check(&src, &e));
	assert_true(pin_load(&src, &pin, &e));
	assert_int_equal(secret_len(pin), 4);
	assert_memory_equal(secret_bytes(pin), "4711", 4);
	assert_true(pin_can_reload(&src));

	secret_free(STEAL(pin));
	src.fd = open(path, O_RDONLY);
	src.file = "/nowhere";
	assert_true(pin_load(&src, &pin, &e));
	assert_int_equal(secret_len(pin), 4);
	assert_false(pin_can_reload(&src)); /* although a file is configured */
}

static void
a_pin_that_others_can_read_is_refused(void **state)
{
	struct pin_source src = {.fd = -1, .file = path};
	struct secret *pin = NULL;
	struct kd_err e = {0};

	put("pin", "4711\n", 0644);
	assert_false(pin_check(&src, &e));
	assert_int_equal(e.code, KD_E_CONFIG);
	e = (struct kd_err){0};
	assert_false(pin_load(&src, &pin, &e));
	assert_int_equal(e.code, KD_E_CONFIG);
	assert_null(pin);
}

static void
no_source_is_said(void **state)
{
	struct pin_source src = {.fd = -1};
	struct secret *pin = NULL;
	struct kd_err e = {0};

	(void)unsetenv("CREDENTIALS_DIRECTORY");
	assert_true(pin_check(&src, &e)); /* the unit may give it */
	assert_false(pin_load(&src, &pin, &e));
	assert_string_equal(e.msg, "no PIN: nothing says where to read it");
	assert_int_equal(e.code, KD_E_CONFIG);
}

#define WITH_DIR(f) cmocka_unit_test_setup_teardown(f, make_dir, remove_dir)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    WITH_DIR(an_attempt_latches_until_it_is_removed),
	    WITH_DIR(a_second_attempt_is_refused),
	    WITH_DIR(an_attempt_under_way_is_no_latch_yet),
	    WITH_DIR(an_attempt_whose_process_dies_is_a_latch),
	    WITH_DIR(an_attempt_that_cannot_be_recorded_leaves_no_latch),
	    WITH_DIR(an_unreadable_latch_counts),
	    WITH_DIR(a_folder_that_is_not_there_is_no_permission),
	    WITH_DIR(one_signer_per_folder_and_nobody_else_in_it),
	    WITH_DIR(the_pin_comes_from_the_first_source),
	    WITH_DIR(a_pin_that_others_can_read_is_refused),
	    WITH_DIR(no_source_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
