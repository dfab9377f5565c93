/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/pkcs11/prestart_test.c - commands before the module: which are taken, and how
 * each may end. */
#include "pkcs11/prestart.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/builder.h"
#include "base/num.h"

static void
a_program_of_roots_with_arguments_is_taken(void **state)
{
	struct kd_err e = {0};

	(void)state;
	assert_true(prestart_check("/bin/sh", &e));
	assert_true(prestart_check("  /bin/sh\t-c true ", &e));
}

static void
anything_else_is_refused_in_words(void **state)
{
	static const struct {
		const char *command, *says;
	} bad[] = {
	    {"", "absolute path"},
	    {"   ", "absolute path"},
	    {"sh -c true", "absolute path"},
	    {"/nowhere/flush -t", "flush"},
	    {"/etc/passwd", "passwd"}, /* nothing to execute */
	    {"/bin/sh 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16", "words"},
	};

	(void)state;
	for (size_t i = 0; i < KD_ARRAY_LEN(bad); i++) {
		struct kd_err e = {0};

		assert_false(prestart_check(bad[i].command, &e));
		assert_int_equal(e.code, KD_E_CONFIG);
		assert_non_null(strstr(e.msg, bad[i].says));
	}
}

/* It would be somebody else's program, with our rights. */
static void
a_program_that_others_can_write_is_refused(void **state)
{
	char path[] = "/tmp/kdsign-prestart.XXXXXX";
	struct kd_err e = {0};
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(fchmod(fd, 0757), 0);
	assert_false(prestart_check(path, &e));
	assert_int_equal(e.code, KD_E_CONFIG);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(close(fd), 0);
}

static void
it_is_waited_for_and_its_end_is_told(void **state)
{
	static const struct {
		const char *command, *says; /* NULL: it ends well */
	} some[] = {
	    {"/bin/true", NULL},
	    {"/bin/test 1 = 1", NULL},
	    {"/bin/test -e /proc/self/fd/9", "status 1"}, /* none of ours is inherited */
	    {"/bin/false", "status 1"},
	    {"/bin/cat", NULL}, /* has nothing to read */
	    {"/nowhere/flush", "status 127"},
	};

	(void)state;
	assert_int_equal(dup2(STDERR_FILENO, 9), 9);
	for (size_t i = 0; i < KD_ARRAY_LEN(some); i++) {
		struct kd_err e = {0};
		bool done = prestart_run(some[i].command, &e);

		assert_int_equal(done, some[i].says == NULL);
		if (done)
			continue;
		assert_int_equal(e.code, KD_E_TOKEN);
		assert_non_null(strstr(e.msg, some[i].command));
		assert_non_null(strstr(e.msg, some[i].says));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_program_of_roots_with_arguments_is_taken),
	    cmocka_unit_test(anything_else_is_refused_in_words),
	    cmocka_unit_test(a_program_that_others_can_write_is_refused),
	    cmocka_unit_test(it_is_waited_for_and_its_end_is_told),
	};

	return cmocka_run_group_tests_name("prestart", tests, NULL, NULL);
}
