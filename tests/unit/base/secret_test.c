/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/base/secret_test.c - where a secret's bytes are, and where they are not. */
#include "config.h"

#include "tests/unit/base/test.h"

#include <sys/resource.h>

#include "base/secret.h"

#ifdef KD_SANITIZE /* AddressSanitizer makes mlock() do nothing */
#define LOCKS false
#else
#define LOCKS true
#endif

/* A pipe that holds n bytes and then ends. */
static int
pipe_of(const char *p, size_t n)
{
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], p, n), n);
	(void)close(fds[1]);
	return fds[0];
}

static bool
read_bytes(const char *p, size_t n, struct secret **ret, struct kd_err *e)
{
	AUTO(close) int fd = pipe_of(p, n);

	return secret_read_fd(fd, ret, e);
}

static void
one_newline_is_dropped(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
	    {"1234", "1234"}, {"1234\n", "1234"}, {"1234\n\n", "1234\n"}, {" 1 ", " 1 "}};

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		AUTO(secret_free) struct secret *s = NULL;

		assert_done(read_bytes(cases[i].in, strlen(cases[i].in), &s, &e));
		assert_int_equal(secret_len(s), strlen(cases[i].out));
		assert_memory_equal(secret_bytes(s), cases[i].out, secret_len(s));
	}
}

static void
what_is_no_secret(void **state)
{
	AUTO(secret_free) struct secret *s = NULL;
	char text[SECRET_MAX + 3];

	memset(text, '7', sizeof(text));
	assert_fails(read_bytes("", 0, &s, &e), KD_E_PIN, "secret is empty");
	assert_fails(read_bytes("\n", 1, &s, &e), KD_E_PIN, "secret is empty");
	assert_fails(
	    read_bytes("12\0004", 4, &s, &e), KD_E_PIN, "secret has a NUL byte inside");
	assert_fails(read_bytes(text, SECRET_MAX + 1, &s, &e), KD_E_PIN,
	    "secret is longer than 255 bytes");
	assert_fails(read_bytes(text, sizeof(text), &s, &e), KD_E_PIN,
	    "secret is longer than 255 bytes");
	assert_fails(secret_read_fd(-1, &s, &e), KD_E_IO,
	    "secret cannot be read: Bad file descriptor");
	assert_null(s);
	text[SECRET_MAX] = '\n';
	assert_done(read_bytes(text, SECRET_MAX + 1, &s, &e));
	assert_int_equal(secret_len(s), SECRET_MAX);
}

static void
credential_file_must_be_private(void **state)
{
	AUTO(secret_free) struct secret *s = NULL;
	const char *path = in_folder(state, "pin");
	struct kd_err err = {0};
	char want[256];

	write_file(path, "1234\n", 0640);
	assert_false(secret_read_file(path, &s, &err));
	(void)snprintf(want, sizeof(want),
	    "'%s': mode 0640 lets others at a secret, must be 0600 or 0400", path);
	assert_string_equal(err.msg, want);
	assert_int_equal(err.code, KD_E_CONFIG);
	assert_null(s);
	assert_int_equal(chmod(path, 0400), 0);
	assert_done(secret_read_file(path, &s, &e));
	assert_int_equal(secret_len(s), 4);
}

static void
empty_credential_file_is_named(void **state)
{
	AUTO(secret_free) struct secret *s = NULL;
	const char *path = in_folder(state, "pin");
	struct kd_err e = {0};
	char want[256];

	write_file(path, "", 0600);
	assert_false(secret_read_file(path, &s, &e));
	(void)snprintf(want, sizeof(want), "'%s': secret is empty", path);
	assert_string_equal(e.msg, want);
	assert_int_equal(e.code, KD_E_PIN);
}

static void
goes_to_the_child_whole(void **state)
{
	AUTO(secret_free) struct secret *s = NULL;
	int fds[2];
	char got[5] = "";

	assert_int_equal(pipe(fds), 0);
	assert_done(read_bytes("1234", 4, &s, &e));
	assert_done(secret_write_fd(s, fds[1], &e));
	assert_int_equal(read(fds[0], got, 4), 4);
	assert_string_equal(got, "1234");
	(void)close(fds[0]);
	(void)close(fds[1]);
	assert_fails(secret_write_fd(s, -1, &e), KD_E_FILE,
	    "secret: cannot write: Bad file descriptor");
}

/* proc(5): lo locked, dd not in core dumps, wf wiped on fork. Flags of its own make the
 * page a mapping of its own, so the mapping starts where the page does. */
static void
pages_are_locked_and_in_no_core(void **state)
{
	AUTO(secret_free) struct secret *s = NULL;
	FILE *maps = fopen("/proc/self/smaps", "r");
	char line[512], flags[512] = "", start[32];
	bool here = false;

	assert_non_null(maps);
	assert_done(read_bytes("1234", 4, &s, &e));
	(void)snprintf(start, sizeof(start), "%lx-",
	    (unsigned long)(uintptr_t)secret_bytes(s) &
		~((unsigned long)getpagesize() - 1));
	while (flags[0] == '\0' && fgets(line, sizeof(line), maps) != NULL) {
		here = here || strncmp(line, start, strlen(start)) == 0;
		if (here && strncmp(line, "VmFlags:", 8) == 0)
			memcpy(flags, line, sizeof(flags));
	}
	(void)fclose(maps);
	assert_true(!LOCKS || strstr(flags, " lo") != NULL);
	assert_non_null(strstr(flags, " dd"));
	assert_non_null(strstr(flags, " wf"));
}

static void
child_sees_nothing(void **state)
{
	AUTO(secret_free) struct secret *s = NULL;
	pid_t pid;

	assert_done(read_bytes("1234", 4, &s, &e));
	pid = fork();
	if (pid == 0) {
		int bits = 0;

		for (int i = 0; i < 4; i++)
			bits |= secret_bytes(s)[i];
		_exit(bits == 0 ? 0 : 1);
	}
	assert_int_equal(status_of(pid), 0);
	assert_memory_equal(secret_bytes(s), "1234", 4);
}

/* root may lock without a limit, so the child is somebody else. */
static void
memory_that_cannot_be_locked_is_refused(void **state)
{
	AUTO(close) int fd = pipe_of("1234", 4);
	pid_t pid = fork();

	if (pid == 0) {
		const struct rlimit none = {0, 0};
		struct secret *s = NULL;
		struct kd_err e = {0};

		if (!LOCKS)
			_exit(0);
		if (setrlimit(RLIMIT_MEMLOCK, &none) != 0 ||
		    (geteuid() == 0 && setresuid(65534, 65534, 65534) != 0))
			_exit(2);
		_exit(!secret_read_fd(fd, &s, &e) && s == NULL && e.code == KD_E_CONFIG &&
			      strcmp(e.msg, "memory for a secret cannot be locked: "
					    "Operation not permitted") == 0 &&
			      strcmp(e.hint, "allow at least 64 KiB of locked memory "
					     "(LimitMEMLOCK=, ulimit -l)") == 0
			  ? 0
			  : 1);
	}
	assert_int_equal(status_of(pid), 0);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(one_newline_is_dropped),
	    cmocka_unit_test(what_is_no_secret),
	    IN_FOLDER(credential_file_must_be_private),
	    IN_FOLDER(empty_credential_file_is_named),
	    cmocka_unit_test(goes_to_the_child_whole),
	    cmocka_unit_test(pages_are_locked_and_in_no_core),
	    cmocka_unit_test(child_sees_nothing),
	    cmocka_unit_test(memory_that_cannot_be_locked_is_refused),
	};

	return cmocka_run_group_tests_name("secret", tests, NULL, NULL);
}
