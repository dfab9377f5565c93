/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/base/secret_test.c - where a secret's bytes are, and where they are not. */
#include "config.h"

#include "tests/unit/base/test.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "base/secret.h"

#ifdef KD_SANITIZE /* AddressSanitizer makes mlock() do nothing */
#define LOCKS false
#else
#define LOCKS true
#endif

/* Without memfd_secret(2): another kernel, or a filter that refuses it. */
static bool old_kernel;

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);

long
__wrap_syscall(long number, ...)
{
	va_list args;
	long first;

	va_start(args, number);
	first = va_arg(args, long);
	va_end(args);
	if (old_kernel) {
		errno = ENOSYS;
		return -1;
	}
	return __real_syscall(number, first);
}

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
	    {"1234", "1234"}, {"1234\n", "1234"}, {" 1 ", " 1 "}, {"\xc3\xa4\n", "\xc3\xa4"}};

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
	static const struct {
		const char *p;
		size_t n;
	} controls[] = {{"12\0004", 4}, {"1234\n\n", 6}, {"1234\n56\n", 8}, {"1234\r\n", 6},
	    {"12\t4", 4}, {"12\1774", 4}};
	AUTO(secret_free) struct secret *s = NULL;
	char text[SECRET_MAX + 3];

	memset(text, '7', sizeof(text));
	assert_fails(read_bytes("", 0, &s, &e), KD_E_PIN, "secret is empty");
	assert_fails(read_bytes("\n", 1, &s, &e), KD_E_PIN, "secret is empty");
	for (size_t i = 0; i < KD_ARRAY_LEN(controls); i++)
		assert_fails(read_bytes(controls[i].p, controls[i].n, &s, &e), KD_E_PIN,
		    "secret has more than one line, or another control character inside");
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
goes_to_another_process_without_a_copy(void **state)
{
	AUTO(secret_free) struct secret *s = NULL;
	int ends[2];
	pid_t pid;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	assert_done(read_bytes("1234", 4, &s, &e));
	secret_hide(s);
	pid = fork();
	if (pid == 0) {
		struct secret *taken = NULL;
		struct kd_err e = {0};
		bool same;

		(void)close(ends[0]);
		if (!secret_take(ends[1], &taken, &e))
			_exit(2);
		same = secret_len(taken) == 4 &&
		       memcmp(secret_bytes(taken), "1234", 4) == 0;
		secret_free(taken); /* which wipes nothing */
		_exit(same ? 0 : 1);
	}
	(void)close(ends[1]);
	assert_done(secret_pass(s, ends[0], &e));
	assert_int_equal(status_of(pid), 0);
	(void)close(ends[0]);
	assert_fails(secret_pass(s, -1, &e), KD_E_IO,
	    "secret cannot be passed on: Bad file descriptor");
}

static void
the_giver_still_has_it_after_the_taker_is_done(void **state)
{
	AUTO(secret_free) struct secret *s = NULL;
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	assert_done(read_bytes("1234", 4, &s, &e));
	for (int i = 0; i < 3; i++) {
		struct secret *taken = NULL;

		assert_done(secret_pass(s, ends[0], &e));
		assert_done(secret_take(ends[1], &taken, &e));
		assert_memory_equal(secret_bytes(taken), "1234", 4);
		assert_ptr_not_equal(secret_bytes(taken), secret_bytes(s));
		secret_free(taken);
		assert_memory_equal(secret_bytes(s), "1234", 4);
	}
	(void)close(ends[0]);
	(void)close(ends[1]);
}

static void
what_comes_must_be_a_secret(void **state)
{
	struct secret *taken = NULL;
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	assert_int_equal(write(ends[0], "h", 1), 1);
	assert_fails(
	    secret_take(ends[1], &taken, &e), KD_E_PIN, "no secret was passed on");
	(void)close(ends[0]);
	assert_fails(
	    secret_take(ends[1], &taken, &e), KD_E_PIN, "no secret was passed on");
	(void)close(ends[1]);
	assert_null(taken);
}

/* As root reads it, or a debugger: mem(5) goes the way that ptrace(2) does. */
static void
what_the_kernel_hides_is_in_nobodys_mem(void **state)
{
	AUTO(secret_free) struct secret *s = NULL;
	AUTO(close) int mem = open("/proc/self/mem", O_RDONLY);
	char got[5] = "";

	assert_true(mem >= 0);
	assert_done(read_bytes("1234", 4, &s, &e));
	if (strcmp(secret_memory(s), "memfd_secret") != 0) {
		print_message("this kernel has no memfd_secret(2)\n");
		return;
	}
	assert_int_equal(
	    pread(mem, got, 4, (off_t)(uintptr_t)secret_bytes(s)), -1);
	assert_int_equal(errno, EIO);
	assert_string_equal(got, "");
}

/* proc(5): lo locked, dd not in core dumps, dc not copied by fork. Flags of its own make the
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
	assert_non_null(strstr(flags, " dc"));
}

static void
child_sees_nothing(void **state)
{
	AUTO(secret_free) struct secret *s = NULL;
	pid_t pid;

	assert_done(read_bytes("1234", 4, &s, &e));
	pid = fork();
	if (pid == 0) {
		unsigned char in;

		/* Not there at all: a read is no read of zeros. */
		_exit(mincore((void *)((uintptr_t)secret_bytes(s) &
				       ~((uintptr_t)getpagesize() - 1)),
			  1, &in) != 0 &&
			      errno == ENOMEM
			  ? 0
			  : 1);
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

static void
all_of_it_where_memory_is_only_locked(void **state)
{
	AUTO(secret_free) struct secret *s = NULL;

	old_kernel = true;
	assert_done(read_bytes("1234", 4, &s, &e));
	assert_string_equal(secret_memory(s), "mlock");
	secret_hide(s); /* must stay mapped, or it could be swapped out */
	assert_memory_equal(secret_bytes(s), "1234", 4);
	one_newline_is_dropped(state);
	what_is_no_secret(state);
	goes_to_another_process_without_a_copy(state);
	the_giver_still_has_it_after_the_taker_is_done(state);
	pages_are_locked_and_in_no_core(state);
	child_sees_nothing(state);
	memory_that_cannot_be_locked_is_refused(state);
	old_kernel = false;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(one_newline_is_dropped),
	    cmocka_unit_test(what_is_no_secret),
	    IN_FOLDER(credential_file_must_be_private),
	    IN_FOLDER(empty_credential_file_is_named),
	    cmocka_unit_test(goes_to_another_process_without_a_copy),
	    cmocka_unit_test(the_giver_still_has_it_after_the_taker_is_done),
	    cmocka_unit_test(what_comes_must_be_a_secret),
	    cmocka_unit_test(what_the_kernel_hides_is_in_nobodys_mem),
	    cmocka_unit_test(pages_are_locked_and_in_no_core),
	    cmocka_unit_test(child_sees_nothing),
	    cmocka_unit_test(memory_that_cannot_be_locked_is_refused),
	    cmocka_unit_test(all_of_it_where_memory_is_only_locked),
	};

	return cmocka_run_group_tests_name("secret", tests, NULL, NULL);
}
