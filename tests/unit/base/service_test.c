/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/base/service_test.c - passed sockets, what the service manager is told,
 * signals. */
#include "config.h"

#include "tests/unit/base/test.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/service.h"

/* Makes sockets of descriptors 3 and 4 and says that n were passed to this process. */
static bool
pass_sockets(int n, const char *names)
{
	char number[16], own[16];
	int fds[2];

	(void)snprintf(number, sizeof(number), "%d", n);
	(void)snprintf(own, sizeof(own), "%d", (int)getpid());
	return socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0 && dup2(fds[0], 13) == 13 &&
	       dup2(13, 3) == 3 && dup2(13, 4) == 4 &&
	       setenv("LISTEN_FDS", number, 1) == 0 &&
	       setenv("LISTEN_PID", own, 1) == 0 &&
	       (names == NULL || setenv("LISTEN_FDNAMES", names, 1) == 0);
}

/* In a child whose descriptors 3 and 4 are sockets: which one that name gets, or 99 for
 * none. */
static int
passed(int n, const char *names, const char *name)
{
	pid_t pid = fork();

	if (pid == 0) {
		int fd;

		if (!pass_sockets(n, names))
			_exit(98);
		fd = service_listen_fd(name);
		if (fd >= 0 && names == NULL && service_listen_fd("another") >= 0)
			_exit(96); /* one socket, two owners */
		if (fd >= 0 && ((fcntl(fd, F_GETFL) & O_NONBLOCK) == 0 ||
				   (fcntl(fd, F_GETFD) & FD_CLOEXEC) == 0))
			_exit(97);
		_exit(fd < 0 ? 99 : fd);
	}
	return status_of(pid);
}

static void
sockets_are_found_by_name(void **state)
{
	assert_int_equal(passed(2, "https:status", "https"), 3);
	assert_int_equal(passed(2, "https:status", "status"), 4);
	assert_int_equal(passed(2, "https:status", "keeper"), 99);
	assert_int_equal(passed(1, "signer", "keeper"), 99);
	assert_int_equal(passed(0, NULL, "keeper"), 99);
}

static void
the_only_unnamed_socket_is_anybodys(void **state)
{
	assert_int_equal(passed(1, NULL, "keeper"), 3);
	assert_int_equal(passed(1, "unknown", "keeper"), 3);
	assert_int_equal(passed(1, "kdsign-keeper.socket", "keeper"), 3);
	assert_int_equal(passed(2, NULL, "keeper"), 99);
}

static void
sockets_of_another_process_are_not_ours(void **state)
{
	pid_t pid = fork();

	if (pid == 0) {
		if (setenv("LISTEN_FDS", "1", 1) != 0 ||
		    setenv("LISTEN_PID", "1", 1) != 0)
			_exit(98);
		_exit(service_listen_fd("https") < 0 ? 0 : 1);
	}
	assert_int_equal(status_of(pid), 0);
}

static void
assert_told(int fd, const char *want)
{
	char got[1024];
	ssize_t n = recv(fd, got, sizeof(got) - 1, MSG_DONTWAIT);

	assert_true(n > 0);
	got[n] = '\0';
	assert_string_equal(got, want);
}

static void
manager_is_told(void **state)
{
	AUTO(close) int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	char got[1024] = "";

	(void)snprintf(
	    sun.sun_path, sizeof(sun.sun_path), "%.80s/notify", (char *)*state);
	assert_int_equal(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	service_ready("nobody listens: not an error");
	assert_int_equal(setenv("NOTIFY_SOCKET", sun.sun_path, 1), 0);
	service_ready("2 keys");
	assert_told(fd, "READY=1\nSTATUS=2 keys");
	service_status("token said\nSTOPPING=1");
	assert_told(fd, "STATUS=token said\\x0aSTOPPING=1");
	service_reloading();
	assert_true(recv(fd, got, sizeof(got) - 1, MSG_DONTWAIT) > 0);
	assert_non_null(strstr(got, "RELOADING=1\nMONOTONIC_USEC="));
	service_stopping();
	assert_told(fd, "STOPPING=1\nSTATUS=stopping");
	assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
}

static void
signals_come_one_by_one(void **state)
{
	static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1};
	pid_t pid = fork();

	if (pid == 0) {
		struct kd_err e = {0};
		int fd = -1, seen = 0, fds[2];

		if (!service_signal_fd(&fd, &e) || service_signal_next(fd) != 0)
			_exit(2);
		for (size_t i = 0; i < KD_ARRAY_LEN(signals); i++)
			if (raise(signals[i]) != 0)
				_exit(3);
		for (int signo; (signo = service_signal_next(fd)) != 0;)
			seen |= 1 << signo;
		if (seen != (1 << SIGTERM | 1 << SIGINT | 1 << SIGHUP | 1 << SIGUSR1))
			_exit(4);
		if (pipe(fds) != 0 || close(fds[0]) != 0 || write(fds[1], "x", 1) != -1)
			_exit(5); /* SIGPIPE would have killed us */
		_exit((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0 ? 0 : 6);
	}
	assert_int_equal(status_of(pid), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(sockets_are_found_by_name),
	    cmocka_unit_test(the_only_unnamed_socket_is_anybodys),
	    cmocka_unit_test(sockets_of_another_process_are_not_ours),
	    cmocka_unit_test_setup_teardown(manager_is_told, make_folder, remove_folder),
	    cmocka_unit_test(signals_come_one_by_one),
	};

	return cmocka_run_group_tests_name("service", tests, NULL, NULL);
}
