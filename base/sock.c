/* SPDX-License-Identifier: Apache-2.0 */
/* base/sock.c - sockets: bound with the right mode from the start, and who is at the
 * other end. */
#include "config.h"

#include "base/sock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/own.h"
#include "base/text.h"

#define UNIX_BACKLOG 128
#define PASSWD_BUF_FIRST 1024
#define PASSWD_BUF_MAX ((size_t)1 << 20)

static bool
unix_address(const char *path, struct sockaddr_un *ret, struct kd_err *e)
{
	size_t n = strlen(path);

	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (n == 0 || n >= sizeof(ret->sun_path))
		return kd_fail(e, KD_E_CONFIG,
		    "'%s': a socket's path has 1 to %zu bytes, this one has %zu",
		    SHOW(path), sizeof(ret->sun_path) - 1, n);
	memcpy(ret->sun_path, path, n);
	return true;
}

static int
new_socket(int family)
{
	return socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

/* Removes a socket that nobody listens on any more. Anything else stays where it is. */
static bool
remove_stale(const char *path, const struct sockaddr_un *sun, struct kd_err *e)
{
	AUTO(close) int fd = -1;
	struct stat st;

	if (lstat(path, &st) != 0)
		return errno == ENOENT || kd_fail_errno(e, KD_E_CONFIG, errno,
					      "'%s': cannot examine", SHOW(path));
	if (!S_ISSOCK(st.st_mode))
		return kd_fail(
		    e, KD_E_CONFIG, "'%s': exists and is not a socket", SHOW(path));
	fd = new_socket(AF_UNIX);
	if (fd < 0)
		return kd_fail_errno(e, KD_E_IO, errno, "'%s': no socket", SHOW(path));
	if (connect(fd, (const struct sockaddr *)sun, sizeof(*sun)) == 0 ||
	    errno == EAGAIN)
		return kd_fail(
		    e, KD_E_BUSY, "'%s': another process listens there", SHOW(path));
	if (errno != ECONNREFUSED)
		return kd_fail_errno(
		    e, KD_E_CONFIG, errno, "'%s': cannot replace the socket", SHOW(path));
	if (unlink(path) != 0 && errno != ENOENT)
		return kd_fail_errno(
		    e, KD_E_CONFIG, errno, "'%s': cannot replace the socket", SHOW(path));
	return true;
}

/*
 * The file that bind() makes gets the mode of the socket's own inode less the umask, so
 * it is never wider than asked; chmod() adds what the umask took before listen() lets
 * anyone in. The umask itself is the whole process's and stays untouched.
 */
bool
sock_listen_unix(const char *path, mode_t mode, int *ret_fd, struct kd_err *e)
{
	AUTO(close) int fd = -1;
	struct sockaddr_un sun;

	if (!unix_address(path, &sun, e) || !remove_stale(path, &sun, e))
		return false;
	fd = new_socket(AF_UNIX);
	if (fd < 0)
		return kd_fail_errno(e, KD_E_IO, errno, "'%s': no socket", SHOW(path));
	if (fchmod(fd, mode) != 0 ||
	    bind(fd, (const struct sockaddr *)&sun, sizeof(sun)) != 0)
		return kd_fail_errno(
		    e, KD_E_CONFIG, errno, "'%s': cannot bind", SHOW(path));
	if (chmod(path, mode) != 0 || listen(fd, UNIX_BACKLOG) != 0) {
		kd_fail_errno(e, KD_E_CONFIG, errno, "'%s': cannot listen", SHOW(path));
		(void)unlink(path);
		return false;
	}
	*ret_fd = STEAL_FD(fd);
	return true;
}

bool
sock_connect_unix(const char *path, int *ret_fd, struct kd_err *e)
{
	AUTO(close) int fd = -1;
	struct sockaddr_un sun;

	if (!unix_address(path, &sun, e))
		return false;
	fd = new_socket(AF_UNIX);
	if (fd < 0)
		return kd_fail_errno(e, KD_E_IO, errno, "'%s': no socket", SHOW(path));
	/* A Unix socket connects at once or not at all; EAGAIN is a full backlog. */
	if (connect(fd, (const struct sockaddr *)&sun, sizeof(sun)) != 0)
		return kd_fail_errno(
		    e, KD_E_UNREACHABLE, errno, "'%s': cannot connect", SHOW(path));
	*ret_fd = STEAL_FD(fd);
	return true;
}

union address {
	struct sockaddr sa;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* "127.0.0.1:8443" or "[::1]:8443"; numbers only, so that nothing asks a name server. */
static bool
tcp_address(const char *s, union address *ret, socklen_t *ret_len)
{
	const char *colon = strrchr(s, ':');
	struct kd_err ignored = {0}; /* the caller says it for the whole */
	char host[INET6_ADDRSTRLEN + 2];
	uint64_t port;
	size_t n = colon == NULL ? 0 : (size_t)(colon - s);

	if (n == 0 || n >= sizeof(host) ||
	    !kd_parse_u64(colon + 1, 0, UINT16_MAX, &port, &ignored))
		return false;
	memcpy(host, s, n);
	host[n] = '\0';
	memset(ret, 0, sizeof(*ret));
	if (host[0] == '[' && host[n - 1] == ']') {
		host[n - 1] = '\0';
		ret->v6.sin6_family = AF_INET6;
		ret->v6.sin6_port = htons((uint16_t)port);
		*ret_len = sizeof(ret->v6);
		return inet_pton(AF_INET6, host + 1, &ret->v6.sin6_addr) == 1;
	}
	ret->v4.sin_family = AF_INET;
	ret->v4.sin_port = htons((uint16_t)port);
	*ret_len = sizeof(ret->v4);
	return inet_pton(AF_INET, host, &ret->v4.sin_addr) == 1;
}

bool
sock_listen_tcp(const char *addr_port, int backlog, int *ret_fd, struct kd_err *e)
{
	AUTO(close) int fd = -1;
	union address addr;
	socklen_t len;
	int on = 1;

	if (!tcp_address(addr_port, &addr, &len))
		return kd_fail(e, KD_E_CONFIG,
		    "'%s': not an address and port, like 127.0.0.1:8443 or [::1]:8443",
		    SHOW(addr_port));
	fd = new_socket(addr.sa.sa_family);
	if (fd < 0)
		return kd_fail_errno(
		    e, KD_E_IO, errno, "'%s': no socket", SHOW(addr_port));
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
	    bind(fd, &addr.sa, len) != 0 || listen(fd, backlog) != 0)
		return kd_fail_errno(
		    e, KD_E_CONFIG, errno, "'%s': cannot listen", SHOW(addr_port));
	*ret_fd = STEAL_FD(fd);
	return true;
}

bool
sock_port(int fd, uint16_t *ret, struct kd_err *e)
{
	union address addr = {0};
	socklen_t len = sizeof(addr);

	if (getsockname(fd, &addr.sa, &len) != 0)
		return kd_fail_errno(e, KD_E_BUG, errno, "port of a socket");
	if (addr.sa.sa_family != AF_INET && addr.sa.sa_family != AF_INET6)
		return kd_fail(e, KD_E_BUG, "port of a socket: its family %d has none",
		    (int)addr.sa.sa_family);
	*ret = ntohs(addr.sa.sa_family == AF_INET ? addr.v4.sin_port : addr.v6.sin6_port);
	return true;
}

bool
sock_peer_uid(int fd, uid_t *ret, struct kd_err *e)
{
	struct ucred cred = {0};
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) != 0)
		return kd_fail_errno(
		    e, KD_E_AUTH, errno, "the peer's user cannot be known");
	if (cred.pid == 0 &&
	    cred.uid == (uid_t)-1) /* what the kernel says of no Unix peer */
		return kd_fail(e, KD_E_AUTH, "the peer's user cannot be known");
	*ret = cred.uid;
	return true;
}

bool
sock_check_peer(int fd, uid_t uid, bool allow_root, struct kd_err *e)
{
	uid_t peer;

	if (!sock_peer_uid(fd, &peer, e))
		return false;
	if (peer == uid || (allow_root && peer == 0))
		return true;
	return kd_fail(e, KD_E_AUTH, "the peer is user %u, must be %u", (unsigned)peer,
	    (unsigned)uid);
}

bool
sock_nonblock(int fd, struct kd_err *e)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0)
		return kd_fail_errno(e, KD_E_BUG, errno, "non-blocking mode");
	return true;
}

/* getpwnam_r or, for a number, getpwuid_r. Returns its error number; *ret_found only with
 * 0. */
static int
look_up(const char *name, bool number, uint64_t uid, struct passwd *pw, char *mem,
    size_t n, struct passwd **ret_found)
{
	return number ? getpwuid_r((uid_t)uid, pw, mem, n, ret_found)
		      : getpwnam_r(name, pw, mem, n, ret_found);
}

bool
sock_user(const char *name, uid_t *ret_uid, gid_t *ret_gid, struct kd_err *e)
{
	AUTO(free) char *mem = NULL;
	struct passwd pw, *found = NULL;
	struct kd_err not_a_number = {0};
	uint64_t uid = 0;
	bool number = kd_parse_u64(name, 0, UINT32_MAX - 1, &uid, &not_a_number);
	int err = ERANGE;

	for (size_t n = PASSWD_BUF_FIRST; err == ERANGE && n <= PASSWD_BUF_MAX; n *= 2) {
		free(STEAL(mem));
		mem = kd_alloc(n);
		if (mem == NULL)
			return kd_fail_nomem(e, "user");
		err = look_up(name, number, uid, &pw, mem, n, &found);
	}
	if (err != 0)
		return kd_fail_errno(e, KD_E_CONFIG, err, "user '%s'", SHOW(name));
	if (found == NULL)
		return kd_fail(
		    e, KD_E_CONFIG, "user '%s': there is no such user", SHOW(name));
	*ret_uid = found->pw_uid;
	*ret_gid = found->pw_gid;
	return true;
}
