/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/base/sock_test.c - who may connect, what is replaced, who is there. */
#include "config.h"

#include "tests/unit/base/test.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pwd.h>
#include <sys/socket.h>

#include "base/sock.h"

static void
assert_flags(int fd)
{
	assert_true((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
	assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
}

static void
assert_refused(void **state, const struct kd_err *e, enum kd_code code, const char *name,
    const char *what)
{
	char want[512];

	(void)snprintf(want, sizeof(want), "'%s': %s", in_folder(state, name), what);
	assert_string_equal(e->msg, want);
	assert_int_equal(e->code, code);
}

static void
mode_is_right_whatever_the_umask(void **state)
{
	static const mode_t umasks[] = {0, 022, 077, 0777}, modes[] = {0600, 0660, 0666};

	for (size_t i = 0; i < KD_ARRAY_LEN(umasks); i++) {
		for (size_t j = 0; j < KD_ARRAY_LEN(modes); j++) {
			AUTO(close) int fd = -1;
			mode_t old = umask(umasks[i]);
			struct stat st;

			assert_done(
			    sock_listen_unix(in_folder(state, "s"), modes[j], &fd, &e));
			umask(old);
			assert_int_equal(stat(in_folder(state, "s"), &st), 0);
			assert_int_equal(st.st_mode & 07777, modes[j]);
			assert_true(S_ISSOCK(st.st_mode));
			assert_flags(fd);
		}
	}
}

static void
stale_socket_is_replaced(void **state)
{
	AUTO(close) int again = -1, client = -1;
	int fd = -1;

	assert_done(sock_listen_unix(in_folder(state, "s"), 0600, &fd, &e));
	(void)close(fd);
	assert_done(sock_listen_unix(in_folder(state, "s"), 0600, &again, &e));
	assert_done(sock_connect_unix(in_folder(state, "s"), &client, &e));
	assert_flags(client);
}

static void
live_socket_is_not_replaced(void **state)
{
	AUTO(close) int fd = -1, client = -1;
	struct kd_err err = {0};
	int second = -7;

	assert_done(sock_listen_unix(in_folder(state, "s"), 0600, &fd, &e));
	assert_false(sock_listen_unix(in_folder(state, "s"), 0600, &second, &err));
	assert_refused(state, &err, KD_E_BUSY, "s", "another process listens there");
	assert_int_equal(second, -7);
	assert_done(sock_connect_unix(in_folder(state, "s"), &client, &e));
}

static void
other_files_stay(void **state)
{
	struct kd_err e = {0};
	int fd = -7;

	write_file(in_folder(state, "s"), "precious", 0600);
	assert_false(sock_listen_unix(in_folder(state, "s"), 0600, &fd, &e));
	assert_refused(state, &e, KD_E_CONFIG, "s", "exists and is not a socket");
	assert_content(in_folder(state, "s"), "precious");
	e = (struct kd_err){0};
	assert_false(sock_listen_unix(in_folder(state, "none/s"), 0600, &fd, &e));
	assert_refused(
	    state, &e, KD_E_CONFIG, "none/s", "cannot bind: No such file or directory");
	assert_int_equal(fd, -7);
}

static void
path_must_fit(void **state)
{
	char path[109];
	int fd = -7;

	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_fails(sock_connect_unix("", &fd, &e), KD_E_CONFIG,
	    "'': a socket's path has 1 to 107 bytes, this one has 0");
	assert_fails(sock_listen_unix(path, 0600, &fd, &e), KD_E_CONFIG,
	    "'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	    "xxxxxxxx"
	    "xxxxxxxxxxxxxxxxxxxxxxxxx': a socket's path has 1 to 107 bytes, this one "
	    "has 108");
	assert_int_equal(fd, -7);
}

static void
nobody_there_is_unreachable(void **state)
{
	struct kd_err err = {0};
	int fd = -7, stale = -1;

	assert_false(sock_connect_unix(in_folder(state, "s"), &fd, &err));
	assert_refused(state, &err, KD_E_UNREACHABLE, "s",
	    "cannot connect: No such file or directory");
	assert_done(sock_listen_unix(in_folder(state, "s"), 0600, &stale, &e));
	(void)close(stale);
	err = (struct kd_err){0};
	assert_false(sock_connect_unix(in_folder(state, "s"), &fd, &err));
	assert_refused(
	    state, &err, KD_E_UNREACHABLE, "s", "cannot connect: Connection refused");
	assert_int_equal(fd, -7);
}

static void
loopback_listens_on_a_free_port(void **state)
{
	AUTO(close) int fd = -1, client = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in to = {
	    .sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	uint16_t port = 0;

	assert_done(sock_listen_tcp("127.0.0.1:0", 16, &fd, &e));
	assert_flags(fd);
	assert_done(sock_port(fd, &port, &e));
	assert_true(port > 0);
	to.sin_port = htons(port);
	assert_int_equal(connect(client, (struct sockaddr *)&to, sizeof(to)), 0);
}

static void
addresses_that_are_none(void **state)
{
	static const char *const bad[] = {"", "127.0.0.1", "127.0.0.1:", ":8443",
	    "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:08", "localhost:8443",
	    "::1:8443", "[::1]", "[::1:8443", "[127.0.0.1]:8443", "1.2.3:80",
	    "127.0.0.1:80x", "[:8443"};
	int fd = -7;

	for (size_t i = 0; i < KD_ARRAY_LEN(bad); i++) {
		char want[128];

		(void)snprintf(want, sizeof(want),
		    "'%s': not an address and port, like 127.0.0.1:8443 or [::1]:8443",
		    bad[i]);
		assert_fails(sock_listen_tcp(bad[i], 1, &fd, &e), KD_E_CONFIG, want);
		assert_int_equal(fd, -7);
	}
}

static void
port_in_use_is_said(void **state)
{
	AUTO(close) int fd = -1;
	uint16_t port = 0;
	char text[32], want[96];
	int second = -7;

	assert_done(sock_listen_tcp("127.0.0.1:0", 1, &fd, &e));
	assert_done(sock_port(fd, &port, &e));
	(void)snprintf(text, sizeof(text), "127.0.0.1:%u", port);
	(void)snprintf(
	    want, sizeof(want), "'%s': cannot listen: Address already in use", text);
	assert_fails(sock_listen_tcp(text, 1, &second, &e), KD_E_CONFIG, want);
	assert_int_equal(second, -7);
}

static void
peer_is_known(void **state)
{
	uid_t uid = geteuid(), got = (uid_t)-1;
	int fds[2];
	char want[96];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_done(sock_peer_uid(fds[0], &got, &e));
	assert_int_equal(got, uid);
	assert_done(sock_check_peer(fds[0], uid, false, &e));
	(void)snprintf(want, sizeof(want), "the peer is user %u, must be %u",
	    (unsigned)uid, (unsigned)uid + 1);
	assert_fails(sock_check_peer(fds[0], uid + 1, false, &e), KD_E_AUTH, want);
	if (uid == 0)
		assert_done(sock_check_peer(fds[0], uid + 1, true, &e));
	else
		assert_fails(sock_check_peer(fds[0], uid + 1, true, &e), KD_E_AUTH, want);
	(void)close(fds[0]);
	(void)close(fds[1]);
}

static void
what_has_no_peer_is_refused(void **state)
{
	AUTO(close) int tcp = socket(AF_INET, SOCK_STREAM, 0);
	uint16_t port = 7;
	uid_t uid = 7;
	int fds[2];

	assert_fails(
	    sock_peer_uid(tcp, &uid, &e), KD_E_AUTH, "the peer's user cannot be known");
	assert_fails(sock_peer_uid(-1, &uid, &e), KD_E_AUTH,
	    "the peer's user cannot be known: Bad file descriptor");
	assert_int_equal(uid, 7);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_fails(sock_port(fds[0], &port, &e), KD_E_BUG,
	    "port of a socket: its family 1 has none");
	assert_int_equal(port, 7);
	assert_false((fcntl(fds[0], F_GETFL) & O_NONBLOCK) != 0);
	assert_done(sock_nonblock(fds[0], &e));
	assert_true((fcntl(fds[0], F_GETFL) & O_NONBLOCK) != 0);
	assert_fails(
	    sock_nonblock(-1, &e), KD_E_BUG, "non-blocking mode: Bad file descriptor");
	(void)close(fds[0]);
	(void)close(fds[1]);
}

static void
users_by_name_and_number(void **state)
{
	const struct passwd *nobody = getpwnam("nobody");
	char number[16];
	uid_t uid = 7;
	gid_t gid = 7;

	assert_non_null(nobody);
	assert_done(sock_user("nobody", &uid, &gid, &e));
	assert_int_equal(uid, nobody->pw_uid);
	assert_int_equal(gid, nobody->pw_gid);
	(void)snprintf(number, sizeof(number), "%u", (unsigned)uid);
	assert_done(sock_user(number, &uid, &gid, &e));
	assert_int_equal(uid, nobody->pw_uid);
	uid = gid = 7;
	assert_fails(sock_user("no-such-user", &uid, &gid, &e), KD_E_CONFIG,
	    "user 'no-such-user': there is no such user");
	assert_fails(sock_user("4000000000", &uid, &gid, &e), KD_E_CONFIG,
	    "user '4000000000': there is no such user");
	assert_int_equal(uid + gid, 14);
	kd_alloc_fail_at(0);
	assert_fails(
	    sock_user("nobody", &uid, &gid, &e), KD_E_NOMEM, "user: out of memory");
	kd_alloc_fail_at(-1);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    IN_FOLDER(mode_is_right_whatever_the_umask),
	    IN_FOLDER(stale_socket_is_replaced),
	    IN_FOLDER(live_socket_is_not_replaced),
	    IN_FOLDER(other_files_stay),
	    cmocka_unit_test(path_must_fit),
	    IN_FOLDER(nobody_there_is_unreachable),
	    cmocka_unit_test(loopback_listens_on_a_free_port),
	    cmocka_unit_test(addresses_that_are_none),
	    cmocka_unit_test(port_in_use_is_said),
	    cmocka_unit_test(peer_is_known),
	    cmocka_unit_test(what_has_no_peer_is_refused),
	    cmocka_unit_test(users_by_name_and_number),
	};

	return cmocka_run_group_tests_name("sock", tests, NULL, NULL);
}
