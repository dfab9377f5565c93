/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/pkcs11/owner_test.c - the token that took the PIN, on real files. */
#include "pkcs11/owner.h"

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
#include "base/num.h"

#define MODULE "/usr/lib/p11.so"
#define URI "pkcs11:token=kdsign"

static char dir[64];
static char path[96];

static const char *
in_dir(const char *name)
{
	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void
put(const void *text, size_t n)
{
	int fd = open(in_dir(OWNER_NAME), O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, n), n);
	(void)close(fd);
}

static int
make_dir(void **state)
{
	(void)snprintf(dir, sizeof(dir), "/tmp/kdsign-owner.XXXXXX");
	return mkdtemp(dir) == NULL;
}

static int
remove_dir(void **state)
{
	(void)unlink(in_dir(OWNER_NAME));
	(void)rmdir(in_dir(OWNER_NAME));
	return rmdir(dir); /* fails when anything else was left */
}

static void
nobody_is_remembered_at_first(void **state)
{
	AUTO(owner_clear) struct owner o = {0};
	struct kd_err e = {0};

	assert_true(owner_read(dir, &o, &e));
	assert_null(o.serial);
	assert_false(owner_is_of(&o, MODULE, URI));
	assert_true(owner_forget(dir, &e));
}

static void
what_was_written_is_read_again(void **state)
{
	AUTO(owner_clear) struct owner o = {0}, gone = {0};
	struct kd_err e = {0};
	struct stat st;

	assert_true(owner_write(dir, MODULE, URI, "00ff", "my token", &e));
	assert_true(owner_read(dir, &o, &e));
	assert_string_equal(o.module, MODULE);
	assert_string_equal(o.token, URI);
	assert_string_equal(o.serial, "00ff");
	assert_string_equal(o.label, "my token");
	assert_int_equal(stat(in_dir(OWNER_NAME), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_true(owner_forget(dir, &e));
	assert_true(owner_read(dir, &gone, &e));
	assert_null(gone.serial);
}

static void
it_counts_for_the_configuration_it_was_under(void **state)
{
	AUTO(owner_clear) struct owner o = {0};
	struct kd_err e = {0};

	assert_true(owner_write(dir, MODULE, URI, "1", "t", &e));
	assert_true(owner_read(dir, &o, &e));
	assert_true(owner_is_of(&o, MODULE, URI));
	assert_false(owner_is_of(&o, MODULE "2", URI));
	assert_false(owner_is_of(&o, MODULE, URI "2"));
	assert_false(owner_is_of(&o, URI, MODULE));
}

static uint64_t
inode(void)
{
	struct stat st;

	assert_int_equal(stat(in_dir(OWNER_NAME), &st), 0);
	return st.st_ino;
}

static void
the_same_again_is_not_written(void **state)
{
	struct kd_err e = {0};
	uint64_t first;

	assert_true(owner_write(dir, MODULE, URI, "1", "t", &e));
	first = inode();
	assert_true(owner_write(dir, MODULE, URI, "1", "t", &e));
	assert_int_equal(inode(), first);
	assert_true(owner_write(dir, MODULE, URI, "2", "t", &e));
	assert_int_not_equal(inode(), first);
}

static void
bytes_of_vendors_stay_apart_in_one_line(void **state)
{
	static const struct {
		const char *is, *text;
	} cases[] = {
	    {"", ""},
	    {"0000000000000000", "0000000000000000"},
	    {"a b", "a b"},
	    {"a\nb", "a%0Ab"},
	    {"a%0Ab", "a%250Ab"},
	    {"\x80\xff\x7f", "%80%FF%7F"},
	    {"\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n",
		"%0A%0A%0A%0A%0A%0A%0A%0A%0A%0A%0A%0A%0A%0A%0A%0A"},
	};
	char text[OWNER_SERIAL_MAX + 1];

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		AUTO(owner_clear) struct owner o = {0};
		struct kd_err e = {0};

		owner_text(text, cases[i].is);
		assert_string_equal(text, cases[i].text);
		assert_true(owner_write(dir, MODULE, URI, cases[i].is, cases[i].is, &e));
		assert_true(owner_read(dir, &o, &e));
		assert_string_equal(o.serial, cases[i].text);
		assert_string_equal(o.label, cases[i].text);
	}
}

static void
refused(const char *why)
{
	AUTO(owner_clear) struct owner o = {0};
	struct kd_err e = {0};
	char want[200];

	assert_false(owner_read(dir, &o, &e));
	(void)snprintf(want, sizeof(want), "'%s/owner' (the token that took the PIN): %s", dir, why);
	assert_string_equal(e.msg, want);
	assert_int_equal(e.code, KD_E_CONFIG);
	assert_null(o.serial);
	assert_null(o.text.p);
}

static void
a_damaged_one_is_nobodys(void **state)
{
	static const char whole[] = "kdsign-signer owner 1\nmodule /m\ntoken pkcs11:\n"
				    "token-serial 1\ntoken-label t\n";
	static const char *const others[] = {
	    "what is this",
	    "kdsign-signer owner 12\nmodule /m\ntoken pkcs11:\ntoken-serial 1\ntoken-label t\n",
	    "kdsign-signer owner 2\nmodule /m\ntoken pkcs11:\ntoken-serial 1\ntoken-label t\n",
	    "kdsign-signer owner 1\ntoken pkcs11:\nmodule /m\ntoken-serial 1\ntoken-label t\n",
	    "kdsign-signer owner 1\nmodule /m\ntoken pkcs11:\ntoken-serial 1\ntoken-label t\n\n",
	    "kdsign-signer owner 1\nmodule /m\ntoken pkcs11:\ntoken-serial \x1b\ntoken-label t\n",
	    "kdsign-signer owner 1\nmodule /m\ntoken pkcs11:\n"
	    "token-serial 1234567890123456789012345678901234567890123456789\ntoken-label t\n",
	};
	AUTO(owner_clear) struct owner o = {0};
	struct kd_err e = {0};

	for (size_t n = 0; n < sizeof(whole) - 1; n++) {
		put(whole, n);
		refused("damaged");
	}
	put(whole, sizeof(whole)); /* with its NUL */
	refused("damaged");
	for (size_t i = 0; i < KD_ARRAY_LEN(others); i++) {
		put(others[i], strlen(others[i]));
		refused("damaged");
	}
	put(whole, sizeof(whole) - 1);
	assert_true(owner_read(dir, &o, &e));
}

static void
one_that_cannot_be_read_is_nobodys(void **state)
{
	assert_int_equal(mkdir(in_dir(OWNER_NAME), 0700), 0);
	refused("not a regular file");
	assert_int_equal(rmdir(in_dir(OWNER_NAME)), 0);
	assert_int_equal(symlink("/nowhere", in_dir(OWNER_NAME)), 0);
	refused("cannot be opened: Too many levels of symbolic links");
}

static void
a_damaged_one_is_written_over(void **state)
{
	AUTO(owner_clear) struct owner o = {0};
	struct kd_err e = {0};

	put("what is this", 12);
	assert_true(owner_write(dir, MODULE, URI, "1", "t", &e));
	assert_true(owner_read(dir, &o, &e));
	assert_string_equal(o.serial, "1");
}

/* In a child process, whose files may have no byte. */
static int
write_on_a_full_disk(void)
{
	const struct rlimit nothing = {0, 0};
	struct kd_err e = {0};

	if (signal(SIGXFSZ, SIG_IGN) == SIG_ERR || setrlimit(RLIMIT_FSIZE, &nothing) != 0)
		return 99;
	return owner_write(dir, MODULE, URI, "2", "t", &e) || e.code == KD_OK;
}

static void
what_cannot_be_written_leaves_the_one_before(void **state)
{
	AUTO(owner_clear) struct owner o = {0};
	struct kd_err e = {0};
	int status = 0;
	pid_t pid;

	assert_true(owner_write(dir, MODULE, URI, "1", "t", &e));
	pid = fork();
	if (pid == 0)
		_exit(write_on_a_full_disk());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_true(owner_read(dir, &o, &e));
	assert_string_equal(o.serial, "1");
}

static void
a_folder_that_is_not_there_is_no_permission(void **state)
{
	AUTO(owner_clear) struct owner o = {0};
	struct kd_err e = {0}, other = {0};

	assert_false(owner_read("/nowhere/at/all", &o, &e));
	assert_int_equal(e.code, KD_E_CONFIG);
	assert_false(owner_write("/nowhere/at/all", MODULE, URI, "1", "t", &other));
	assert_int_equal(other.code, KD_E_CONFIG);
}

#define T(name) cmocka_unit_test_setup_teardown(name, make_dir, remove_dir)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(nobody_is_remembered_at_first),
	    T(what_was_written_is_read_again),
	    T(it_counts_for_the_configuration_it_was_under),
	    T(the_same_again_is_not_written),
	    T(bytes_of_vendors_stay_apart_in_one_line),
	    T(a_damaged_one_is_nobodys),
	    T(one_that_cannot_be_read_is_nobodys),
	    T(a_damaged_one_is_written_over),
	    T(what_cannot_be_written_leaves_the_one_before),
	    T(a_folder_that_is_not_there_is_no_permission),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
