/* SPDX-License-Identifier: Apache-2.0 */
/* base/secret.c - bytes in memory of their own: in no core file, no swap, no child, and
 * where the kernel can, in no /proc/PID/mem; wiped. */
#include "config.h"

#include "base/secret.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"

struct page { /* what the descriptor holds */
	size_t len;
	unsigned char bytes[SECRET_MAX + 2]; /* room for a newline, and to see that there is more */
};

struct secret {
	int fd;
	bool hidden_by_kernel; /* memfd_secret(2), else memfd_create(2) and mlock(2) */
	bool taken;            /* another process's bytes: read here, wiped there */
	struct page *page;     /* NULL: not mapped now */
};

static void
unmap(struct secret *s)
{
	if (s->page != NULL)
		(void)munmap(s->page, sizeof(*s->page)); /* also unlocks */
	s->page = NULL;
}

/* Locked memory is not optional: a PIN that reaches the swap partition outlives every
 * wipe. One page is within the 64 KiB that every limit in use allows, so a refusal is a
 * set limit and the operator is told which. */
static bool
fail_locked(struct kd_err *e)
{
	(void)kd_fail(e, KD_E_CONFIG, "memory for a secret cannot be locked: %s",
	    strerrordesc_np(errno));
	return kd_hint(
	    e, "allow at least 64 KiB of locked memory (LimitMEMLOCK=, ulimit -l)");
}

static bool
map(struct secret *s, struct kd_err *e)
{
	int prot = s->taken ? PROT_READ : PROT_READ | PROT_WRITE;
	void *p = mmap(NULL, sizeof(*s->page), prot, MAP_SHARED, s->fd, 0);

	if (p == MAP_FAILED)
		return errno == EAGAIN || errno == EPERM ? fail_locked(e)
							 : kd_fail_nomem(e, "secret");
	s->page = p;
	if (!s->hidden_by_kernel && mlock(p, sizeof(*s->page)) != 0)
		return fail_locked(e);
	if (madvise(p, sizeof(*s->page), MADV_DONTDUMP) != 0 ||
	    madvise(p, sizeof(*s->page), MADV_DONTFORK) != 0)
		return kd_fail_errno(e, KD_E_BUG, errno, "memory for a secret");
	return true;
}

void
secret_free(struct secret *s)
{
	struct kd_err ignored = {0}; /* the kernel clears what nobody holds any more */

	if (s == NULL)
		return;
	if (!s->taken && s->fd >= 0 && (s->page != NULL || map(s, &ignored)))
		explicit_bzero(s->page, sizeof(*s->page));
	unmap(s);
	if (s->fd >= 0)
		(void)close(s->fd);
	free(s);
}

/*
 * Pages of memfd_secret(2) are in no other mapping, not even the kernel's own, so that
 * neither /proc/PID/mem nor a debugger shows them. Kernels before 6.5 have it off unless
 * booted with secretmem.enable=1; a system call filter may refuse it.
 */
static bool
open_hidden(struct secret *s)
{
	struct kd_err why = {0};

	s->fd = (int)syscall(SYS_memfd_secret, O_CLOEXEC);
	s->hidden_by_kernel = true;
	if (s->fd >= 0 && ftruncate(s->fd, sizeof(*s->page)) == 0 && map(s, &why))
		return true;
	unmap(s);
	if (s->fd >= 0)
		(void)close(s->fd);
	s->fd = -1;
	s->hidden_by_kernel = false;
	return false;
}

static bool
secret_new(struct secret **ret, struct kd_err *e)
{
	AUTO(secret_free) struct secret *s = kd_alloc(sizeof(*s));

	if (s == NULL)
		return kd_fail_nomem(e, "secret");
	s->fd = -1;
	if (!open_hidden(s)) {
		s->fd = memfd_create("secret", MFD_CLOEXEC);
		if (s->fd < 0 || ftruncate(s->fd, sizeof(*s->page)) != 0)
			return kd_fail_errno(e, KD_E_BUG, errno, "memory for a secret");
		if (!map(s, e))
			return false;
	}
	*ret = STEAL(s);
	return true;
}

static bool
fill(struct page *g, int fd, struct kd_err *e)
{
	ssize_t n;

	while (g->len < sizeof(g->bytes)) {
		n = read(fd, g->bytes + g->len, sizeof(g->bytes) - g->len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return kd_fail_errno(e, KD_E_IO, errno, "secret cannot be read");
		if (n == 0)
			break;
		g->len += (size_t)n;
	}
	if (g->len > 0 && g->bytes[g->len - 1] == '\n')
		g->bytes[--g->len] = 0;
	return true;
}

/* A second line, or a carriage return of an editor's, is no part of what is meant; a token
 * would count it as a wrong PIN. */
static bool
has_control(const struct page *g)
{
	for (size_t i = 0; i < g->len; i++)
		if (g->bytes[i] < 0x20 || g->bytes[i] == 0x7f)
			return true;
	return false;
}

bool
secret_read_fd(int fd, struct secret **ret, struct kd_err *e)
{
	AUTO(secret_free) struct secret *s = NULL;

	if (!secret_new(&s, e) || !fill(s->page, fd, e))
		return false;
	if (s->page->len == 0)
		return kd_fail(e, KD_E_PIN, "secret is empty");
	if (s->page->len > SECRET_MAX)
		return kd_fail(e, KD_E_PIN, "secret is longer than %d bytes", SECRET_MAX);
	if (has_control(s->page))
		return kd_fail(e, KD_E_PIN,
		    "secret has more than one line, or another control character inside");
	*ret = STEAL(s);
	return true;
}

bool
secret_read_file(const char *path, struct secret **ret, struct kd_err *e)
{
	AUTO(close) int fd = -1;
	struct stat st;

	if (!file_open_read(path, &fd, &st, e) || !file_check_stat(path, &st, true, e))
		return false;
	return secret_read_fd(fd, ret, e) || kd_in(e, "'%s'", SHOW(path));
}

const unsigned char *
secret_bytes(const struct secret *s)
{
	assert(s->page != NULL);
	return s->page->bytes;
}

size_t
secret_len(const struct secret *s)
{
	assert(s->page != NULL);
	return s->page->len;
}

void
secret_hide(struct secret *s)
{
	if (s != NULL && s->hidden_by_kernel) /* else only the mapping keeps it out of the swap partition */
		unmap(s);
}

const char *
secret_memory(const struct secret *s)
{
	return s->hidden_by_kernel ? "memfd_secret" : "mlock";
}

/* One byte, because a message that carries a descriptor must not be empty: which memory. */
bool
secret_pass(const struct secret *s, int sock, struct kd_err *e)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {{0}};
	char kind = s->hidden_by_kernel ? 'h' : 'l';
	struct iovec iov = {.iov_base = &kind, .iov_len = 1};
	struct msghdr m = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control.bytes,
	    .msg_controllen = sizeof(control.bytes)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	ssize_t n;

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &s->fd, sizeof(int));
	do
		n = sendmsg(sock, &m, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n == 1 || kd_fail_errno(e, KD_E_IO, errno, "secret cannot be passed on");
}

static bool
receive(int sock, int *ret_fd, char *ret_kind, struct kd_err *e)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {{0}};
	struct iovec iov = {.iov_base = ret_kind, .iov_len = 1};
	struct msghdr m = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control.bytes,
	    .msg_controllen = sizeof(control.bytes)};
	const struct cmsghdr *c;
	ssize_t n;

	do
		n = recvmsg(sock, &m, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	c = n == 1 ? CMSG_FIRSTHDR(&m) : NULL;
	if (c == NULL || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS ||
	    c->cmsg_len != CMSG_LEN(sizeof(int)))
		return kd_fail(e, KD_E_PIN, "no secret was passed on");
	memcpy(ret_fd, CMSG_DATA(c), sizeof(int));
	return true;
}

bool
secret_take(int sock, struct secret **ret, struct kd_err *e)
{
	AUTO(secret_free) struct secret *s = kd_alloc(sizeof(*s));
	char kind = 0;
	struct stat st;

	if (s == NULL)
		return kd_fail_nomem(e, "secret");
	s->fd = -1;
	s->taken = true;
	if (!receive(sock, &s->fd, &kind, e))
		return false;
	s->hidden_by_kernel = kind == 'h';
	if (fstat(s->fd, &st) != 0 || st.st_size != (off_t)sizeof(*s->page))
		return kd_fail(e, KD_E_PIN, "what was passed on is no secret");
	if (!map(s, e))
		return false;
	if (s->page->len == 0 || s->page->len > SECRET_MAX)
		return kd_fail(e, KD_E_PIN, "what was passed on is no secret");
	*ret = STEAL(s);
	return true;
}
