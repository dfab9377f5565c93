/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/driver/cab_pack_test.c - cabinets: what goes in, and what must not. Other
 * programs read them in tests/e2e/cab.t. */
#include "config.h" /* _GNU_SOURCE: O_TMPFILE */

#include "driver/cab_pack.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

#include "base/text.h"
#include "tests/unit/base/test.h"

static const char *
put_file(const char *dir, const char *name, const void *p, size_t n, time_t when)
{
	static char paths[8][300];
	static size_t next;
	char *path = paths[next++ % 8];
	const struct timespec times[2] = {{when, 0}, {when, 0}};
	int fd;

	(void)snprintf(path, sizeof(paths[0]), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0 && write(fd, p, n) == (ssize_t)n);
	assert_int_equal(futimens(fd, times), 0);
	assert_int_equal(close(fd), 0);
	return path;
}

/* Into a file without a name, and its bytes. */
static bool
pack(const char *dir, const struct cab_item *items, size_t n, struct buf *ret,
    struct kd_err *e)
{
	int fd = open(dir, O_TMPFILE | O_RDWR, 0600);
	bool ok;

	assert_true(fd >= 0);
	ok = cab_pack(items, n, fd, e);
	if (ok) {
		assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
		assert_true(file_read_fd(fd, 1 << 20, ret, e));
	}
	assert_int_equal(close(fd), 0);
	return ok;
}

static unsigned
u16_at(const struct buf *b, size_t off)
{
	return (unsigned)b->p[off] | (unsigned)b->p[off + 1] << 8;
}

#define WHEN 1580702706 /* 2020-02-03 04:05:06 UTC */

static void
header_is_that_of_one_compressed_cabinet(void **state)
{
	const struct cab_item items[] = {
	    {"Hello\\hello.sys", put_file(*state, "b", "two", 3, WHEN)},
	    {"Hello\\hello.inf", put_file(*state, "a", "first", 5, WHEN)},
	};
	AUTO(buf_clear) struct buf b = {0};

	assert_done(pack(*state, items, 2, &b, &e));
	assert_memory_equal(b.p, "MSCF\0\0\0\0", 8);
	assert_int_equal(u16_at(&b, 8), b.len);
	assert_int_equal(u16_at(&b, 24), 0x0103); /* version 1.3 */
	assert_int_equal(u16_at(&b, 26), 1);      /* folders */
	assert_int_equal(u16_at(&b, 28), 2);      /* files */
	assert_int_equal(u16_at(&b, 30), 0);      /* flags */
	assert_int_equal(u16_at(&b, 40), 1);      /* blocks */
	assert_int_equal(u16_at(&b, 42), 1);      /* MSZIP */
	assert_string_equal((char *)b.p + 60, "Hello\\hello.inf");
	assert_int_equal(u16_at(&b, 54), (2020 - 1980) << 9 | 2 << 5 | 3);
	assert_int_equal(u16_at(&b, 56), 4 << 11 | 5 << 5 | 6 / 2);
	assert_int_equal(u16_at(&b, 58), 0x20);
}

static void
order_does_not_matter(void **state)
{
	const struct cab_item items[] = {
	    {"B\\x.sys", put_file(*state, "x", "xx", 2, WHEN)},
	    {"a\\y.sys", put_file(*state, "y", "y", 1, WHEN + 2)},
	    {"a\\Z.sys", put_file(*state, "z", "", 0, WHEN + 4)},
	};
	const struct cab_item other[] = {items[2], items[0], items[1]};
	AUTO(buf_clear) struct buf one = {0}, two = {0};

	assert_done(pack(*state, items, 3, &one, &e));
	assert_done(pack(*state, other, 3, &two, &e));
	assert_int_equal(one.len, two.len);
	assert_memory_equal(one.p, two.p, one.len);
	assert_string_equal((char *)one.p + 60, "a\\y.sys");
}

static void
time_of_the_build_takes_the_place_of_all(void **state)
{
	const struct cab_item item = {"a\\x", put_file(*state, "x", "x", 1, WHEN)};
	AUTO(buf_clear) struct buf b = {0}, old = {0}, bad = {0};

	assert_int_equal(setenv("SOURCE_DATE_EPOCH", "1609459200", 1), 0);
	assert_done(pack(*state, &item, 1, &b, &e));
	assert_int_equal(u16_at(&b, 54), (2021 - 1980) << 9 | 1 << 5 | 1);
	assert_int_equal(u16_at(&b, 56), 0);
	assert_int_equal(setenv("SOURCE_DATE_EPOCH", "0", 1), 0);
	assert_done(pack(*state, &item, 1, &old, &e));
	assert_int_equal(u16_at(&old, 54), 1 << 5 | 1); /* the first that DOS has */
	assert_int_equal(setenv("SOURCE_DATE_EPOCH", "today", 1), 0);
	assert_fails(pack(*state, &item, 1, &bad, &e), KD_E_USAGE,
	    "SOURCE_DATE_EPOCH: 'today': not a whole number from 0 to "
	    "9223372036854775807");
	assert_int_equal(unsetenv("SOURCE_DATE_EPOCH"), 0);
}

static void
only_other_names_than_ascii_are_marked(void **state)
{
	const struct cab_item item = {
	    "a\\\xc3\xa9", put_file(*state, "x", "x", 1, WHEN)};
	AUTO(buf_clear) struct buf b = {0};

	assert_done(pack(*state, &item, 1, &b, &e));
	assert_int_equal(u16_at(&b, 58), 0xa0);
	assert_string_equal((char *)b.p + 60, item.name);
}

static void
bad_names_are_refused(void **state)
{
	static const struct {
		const char *name;
		enum kd_code code;
		const char *msg;
	} cases[] = {
#define NO_NAME "not a name that Windows takes for a file below a folder"
	    {"", KD_E_FORMAT, "'': " NO_NAME},
	    {"\\a", KD_E_FORMAT, "'\\a': " NO_NAME},
	    {"a\\", KD_E_FORMAT, "'a\\': " NO_NAME},
	    {"a\\..\\b", KD_E_FORMAT, "'a\\..\\b': " NO_NAME},
	    {"a\\.", KD_E_FORMAT, "'a\\.': " NO_NAME},
	    {"a.\\b", KD_E_FORMAT, "'a.\\b': " NO_NAME},
	    {"a\\b ", KD_E_FORMAT, "'a\\b ': " NO_NAME},
	    {"a\\nul", KD_E_FORMAT, "'a\\nul': " NO_NAME},
	    {"a\\Com1.sys", KD_E_FORMAT, "'a\\Com1.sys': " NO_NAME},
	    {"a/b", KD_E_FORMAT, "'a/b': " NO_NAME},
	    {"c:\\b", KD_E_FORMAT, "'c:\\b': " NO_NAME},
	    {"a\\b\n", KD_E_FORMAT, "'a\\b\\x0a': " NO_NAME},
	    {"a\\\xff", KD_E_FORMAT, "'a\\\\xff': name is not UTF-8"},
	};
	const char *path = put_file(*state, "x", "x", 1, WHEN);
	AUTO(buf_clear) struct buf b = {0};

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		const struct cab_item item = {cases[i].name, path};

		assert_fails(
		    pack(*state, &item, 1, &b, &e), cases[i].code, cases[i].msg);
	}
	assert_int_equal(b.len, 0);
}

static void
names_that_are_one_to_windows_are_refused(void **state)
{
	const char *path = put_file(*state, "x", "x", 1, WHEN);
	const struct cab_item items[] = {{"A\\x", path}, {"a\\X", path}};
	AUTO(buf_clear) struct buf b = {0};
	struct kd_err err = {0};

	assert_false(pack(*state, items, 2, &b, &err));
	assert_int_equal(err.code, KD_E_FORMAT);
	assert_non_null(strstr(err.msg, "would have one name in the cabinet"));
	assert_fails(pack(*state, items, 0, &b, &e), KD_E_LIMIT,
	    "0 files, a cabinet has 1 to 65535");
}

static void
missing_file_is_named(void **state)
{
	const struct cab_item item = {"a\\x", "/nonexistent/x"};
	AUTO(buf_clear) struct buf b = {0};
	struct kd_err e = {0};

	(void)state;
	assert_false(pack(*state, &item, 1, &b, &e));
	assert_int_equal(e.code, KD_E_FILE);
	assert_non_null(strstr(e.msg, "'/nonexistent/x'"));
}

static void
what_was_packed_comes_out_as_it_went_in(void **state)
{
	const struct cab_item items[] = {
	    {"A\\one", put_file(*state, "1", "one", 3, WHEN)},
	    {"A\\b\\two", put_file(*state, "2", "", 0, WHEN)},
	};
	char out[300], file[340];
	int fd = open(*state, O_TMPFILE | O_RDWR, 0600);
	AUTO(cab_clear) struct cab c = {0};
	AUTO(cab_dir_clear) struct cab_dir d = {0};
	AUTO(buf_clear) struct buf b = {0};

	(void)snprintf(out, sizeof(out), "%s/out", (char *)*state);
	assert_int_equal(mkdir(out, 0700), 0);
	assert_done(cab_pack(items, 2, fd, &e));
	assert_done(cab_open(fd, &c, &e));
	assert_done(cab_dir_read(fd, &c, &d, &e));
	assert_done(cab_unpack(fd, &d, out, NULL, &e));
	(void)snprintf(file, sizeof(file), "%s/A/one", out);
	assert_done(file_read_all(file, 10, &b, &e));
	assert_int_equal(b.len, 3);
	assert_memory_equal(b.p, "one", 3);
	(void)snprintf(file, sizeof(file), "%s/A/b/two", out);
	assert_int_equal(access(file, F_OK), 0);
	assert_int_equal(close(fd), 0);
}

static void
lack_of_memory_is_said(void **state)
{
	const struct cab_item items[] = {
	    {"A\\two", put_file(*state, "2", "two", 3, WHEN)},
	    {"A\\one", put_file(*state, "1", "one", 3, WHEN)},
	};
	bool done = false;

	for (long n = 0; !done; n++) {
		int fd = open(*state, O_TMPFILE | O_RDWR, 0600);
		struct kd_err e = {0};

		assert_true(fd >= 0);
		kd_alloc_fail_at(n);
		done = cab_pack(items, 2, fd, &e);
		kd_alloc_fail_at(-1);
		assert_int_equal(e.code, done ? KD_OK : KD_E_NOMEM);
		assert_int_equal(close(fd), 0);
	}
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)
	const struct CMUnitTest tests[] = {
	    TEST(header_is_that_of_one_compressed_cabinet),
	    TEST(order_does_not_matter),
	    TEST(time_of_the_build_takes_the_place_of_all),
	    TEST(only_other_names_than_ascii_are_marked),
	    TEST(bad_names_are_refused),
	    TEST(names_that_are_one_to_windows_are_refused),
	    TEST(missing_file_is_named),
	    TEST(what_was_packed_comes_out_as_it_went_in),
	    TEST(lack_of_memory_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
