/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/client/ms_files_test.c - Windows' way to write paths. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/num.h"
#include "client/ms_files.h"

static const char *const names[] = {"amd64/a.sys", "amd64/B.SYS", "amd64/c.inf",
    "amd64/.d.sys", "plain", "back\\slash", "star*"};
static char dir[64];

static int
set_up(void **state)
{
	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/kdsign-msfiles.XXXXXX");
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chdir(dir), 0);
	assert_int_equal(mkdir("amd64", 0700), 0);
	assert_int_equal(mkdir("amd64/e.sys", 0700), 0);
	for (size_t i = 0; i < KD_ARRAY_LEN(names); i++) {
		FILE *f = fopen(names[i], "w");

		assert_non_null(f);
		assert_int_equal(fclose(f), 0);
	}
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	for (size_t i = 0; i < KD_ARRAY_LEN(names); i++)
		(void)remove(names[i]);
	(void)remove("amd64/e.sys");
	(void)remove("amd64");
	assert_int_equal(chdir("/"), 0);
	return remove(dir);
}

static void
words_become_files(void **state)
{
	static const struct {
		const char *word;
		const char *shown[3], *path[3];
		bool found;
	} cases[] = {
	    {"plain", {"plain"}, {"plain"}, true},
	    {"PLAIN", {"PLAIN"}, {"plain"}, true},
	    {"back\\slash", {"back\\slash"}, {"back\\slash"}, true},
	    {"star*", {"star*"}, {"star*"}, true},
	    {"AMD64\\A.SYS", {"AMD64\\A.SYS"}, {"amd64/a.sys"}, true},
	    {".\\amd64\\*.sys", {".\\amd64\\B.SYS", ".\\amd64\\a.sys"},
		{"./amd64/B.SYS", "./amd64/a.sys"}, true},
	    {"amd64/?.sys", {"amd64/B.SYS", "amd64/a.sys"},
		{"amd64/B.SYS", "amd64/a.sys"}, true},
	    {"amd64/*.*", {"amd64/B.SYS", "amd64/a.sys", "amd64/c.inf"},
		{"amd64/B.SYS", "amd64/a.sys", "amd64/c.inf"}, true},
	    {"amd64/.*", {"amd64/.d.sys"}, {"amd64/.d.sys"}, true},
	    {"pl*n", {"plain"}, {"plain"}, true},
	    {"amd64\\*.dll", {"amd64\\*.dll"}, {"amd64/*.dll"}, false},
	    {"no\\such.sys", {"no\\such.sys"}, {"no/such.sys"}, false},
	    {"no/*.sys", {"no/*.sys"}, {"no/*.sys"}, false},
	    {"C:\\a.sys", {"C:\\a.sys"}, {"C:/a.sys"}, false},
	};

	(void)state;
	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		AUTO(ms_files_clear) struct ms_files f = {0};
		char *word = (char *)(uintptr_t)cases[i].word;
		struct kd_err e = {0};
		size_t n = 0;

		assert_true(ms_files_find(&word, 1, &f, &e));
		for (; n < 3 && cases[i].shown[n] != NULL; n++) {
			assert_true(n < f.n);
			assert_string_equal(f.v[n].shown, cases[i].shown[n]);
			assert_string_equal(f.v[n].path, cases[i].path[n]);
			assert_int_equal(f.v[n].found, cases[i].found);
		}
		assert_int_equal(f.n, n);
	}
}

static void
order_is_that_of_the_words(void **state)
{
	AUTO(ms_files_clear) struct ms_files f = {0};
	char *words[] = {(char *)(uintptr_t) "plain", (char *)(uintptr_t) "amd64/*.inf",
	    (char *)(uintptr_t) "amd64/a.sys"};
	struct kd_err e = {0};

	(void)state;
	assert_true(ms_files_find(words, 3, &f, &e));
	assert_int_equal(f.n, 3);
	assert_string_equal(f.v[0].path, "plain");
	assert_string_equal(f.v[1].path, "amd64/c.inf");
	assert_string_equal(f.v[2].path, "amd64/a.sys");
}

static void
one_path_that_is_not_there_is_said(void **state)
{
	AUTO(free) char *path = NULL;
	struct kd_err e = {0};

	(void)state;
	assert_true(ms_file_path("AMD64\\c.INF", &path, &e));
	assert_string_equal(path, "amd64/c.inf");
	free(path);
	path = NULL;
	assert_false(ms_file_path("x\\none.cer", &path, &e));
	assert_int_equal(e.code, KD_E_FILE);
	assert_string_equal(e.msg, "File not found: x\\none.cer");
	assert_null(path);
}

int
main(void)
{
	const struct CMUnitTest t[] = {
	    cmocka_unit_test(words_become_files),
	    cmocka_unit_test(order_is_that_of_the_words),
	    cmocka_unit_test(one_path_that_is_not_there_is_said),
	};

	return cmocka_run_group_tests_name("client/ms_files", t, set_up, tear_down);
}
