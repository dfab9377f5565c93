/* SPDX-License-Identifier: Apache-2.0 */
/* child.c - one supervised daemon: asked for its settings, started, stopped. */
#include "config.h"

#include "daemon/front/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/builder.h"
#include "base/clock.h"
#include "base/harden.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/own.h"

#define SETTINGS_MAX ((size_t)256 << 10)
#define SETTINGS_WAIT_MS 10000
#define PASSED_FD 3 /* SD_LISTEN_FDS_START */

void
child_clear(struct child *c)
{
	free(c->program);
	free(c->config);
	free(c->socket);
	free(c->user);
	close_auto(&c->fd);
	close_auto(&c->pidfd);
	*c = (struct child){.fd = -1, .pidfd = -1};
}

/* The child's signals as a program expects to find them, but for SIGHUP: it is kept until
 * the daemon asks for it (service_signal_fd), and does not end one that just starts. */
static void
signals_reset(void)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGHUP);
	(void)sigprocmask(SIG_SETMASK, &set, NULL);
	(void)signal(SIGPIPE, SIG_DFL);
}

/* Everything that out still gives, until its end or the deadline. */
static bool
read_to_end(int fd, struct buf *ret, struct kd_err *e)
{
	uint64_t end = clock_ms() + SETTINGS_WAIT_MS;

	for (;;) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		char part[4096];
		ssize_t n;

		if (poll(&p, 1, clock_left(end)) <= 0)
			return kd_fail(
			    e, KD_E_UNREACHABLE, "no answer in %d ms", SETTINGS_WAIT_MS);
		n = read(fd, part, sizeof(part));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return kd_fail_errno(e, KD_E_IO, errno, "reading settings");
		if (n == 0)
			return buf_ok(ret, "settings", e);
		buf_add(ret, part, (size_t)n);
	}
}

static bool
run_print(const struct child *c, struct buf *ret, struct kd_err *e)
{
	int out[2], status = 0;
	bool ok;
	pid_t pid;

	if (pipe2(out, O_CLOEXEC) != 0)
		return kd_fail_errno(e, KD_E_BUG, errno, "pipe");
	pid = fork();
	if (pid == 0) {
		signals_reset();
		if (dup2(out[1], STDOUT_FILENO) >= 0)
			(void)execl(c->program, c->program, "--config", c->config,
			    "--print", (char *)NULL);
		_exit(127);
	}
	(void)close(out[1]);
	if (pid < 0) {
		(void)close(out[0]);
		return kd_fail_errno(e, KD_E_BUG, errno, "fork");
	}
	ok = read_to_end(out[0], ret, e);
	(void)close(out[0]);
	if (!ok)
		(void)kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	if (ok && (!WIFEXITED(status) || WEXITSTATUS(status) != 0))
		return kd_fail(e, KD_E_CONFIG, "--print ended with status 0x%x", status);
	return ok;
}

/* The value of "key = value" among the keys before the first section; NULL when absent.
 */
static bool
pick(const char *text, const char *key, char **ret, struct kd_err *e)
{
	size_t n = strlen(key);
	const char *line = text, *v;

	for (; *line != '\0' && *line != '[';
	     line += strcspn(line, "\n"), line += *line == '\n')
		if (strncmp(line, key, n) == 0 && strncmp(line + n, " = ", 3) == 0) {
			v = line + n + 3;
			*ret = kd_memdup(v, strcspn(v, "\n") + 1);
			if (*ret == NULL)
				return kd_fail_nomem(e, "settings");
			(*ret)[strcspn(v, "\n")] = '\0';
			return true;
		}
	return true;
}

bool
child_settings(struct child *c, struct kd_err *e)
{
	AUTO(buf_clear) struct buf out = {.max = SETTINGS_MAX};
	const char *text;

	if (!run_print(c, &out, e))
		return kd_in(e, "'%s --config %s'", c->program, c->config);
	buf_str(&out, "\n");
	text = buf_cstr(&out);
	if (text == NULL)
		return kd_fail_nomem(e, "settings");
	if (!pick(text, "socket", &c->socket, e) || !pick(text, "user", &c->user, e))
		return false;
	return true;
}

/* In the new process: nothing but what the program needs. Does not return. */
static void
child_exec(const struct child *c, const char *notify, pid_t supervisor)
{
	struct kd_err e = {0};
	char pid[24];

	signals_reset();
	(void)snprintf(pid, sizeof(pid), "%ld", (long)getpid());
	if (c->fd == PASSED_FD ? fcntl(c->fd, F_SETFD, 0) != 0
			       : dup2(c->fd, PASSED_FD) < 0)
		_exit(70);
	if (!harden_close_fds(PASSED_FD + 1, &e) ||
	    (geteuid() == 0 && !harden_become(c->uid, c->gid, &e))) {
		log_err(LOG_L_ERROR, &e);
		_exit(kd_code_info(e.code)->exit_daemon);
	}
	/* After the change of user, which clears it. The supervisor may have died before.
	 */
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || getppid() != supervisor)
		_exit(70);
	if (setenv("LISTEN_FDS", "1", 1) != 0 ||
	    setenv("LISTEN_FDNAMES", c->role, 1) != 0 ||
	    setenv("LISTEN_PID", pid, 1) != 0 || setenv("NOTIFY_SOCKET", notify, 1) != 0)
		_exit(70);
	(void)execl(c->program, c->program, "--config", c->config, (char *)NULL);
	(void)kd_fail_errno(
	    &e, KD_E_CONFIG, errno, "'%s': cannot be started", c->program);
	log_err(LOG_L_ERROR, &e);
	_exit(70);
}

bool
child_start(struct child *c, const char *notify, struct kd_err *e)
{
	pid_t self = getpid(), pid = fork();

	if (pid < 0)
		return kd_fail_errno(e, KD_E_BUG, errno, "fork");
	if (pid == 0)
		child_exec(c, notify, self);
	c->pid = pid;
	c->ready = false;
	c->started_ms = clock_ms();
	c->pidfd = pidfd_open(pid, 0);
	if (c->pidfd < 0) {
		(void)kd_fail_errno(e, KD_E_BUG, errno, "pidfd_open");
		(void)kill(pid, SIGKILL);
		(void)child_reap(c);
		return false;
	}
	return true;
}

void
child_signal(const struct child *c, int sig)
{
	if (c->pid > 0)
		(void)kill(c->pid, sig);
}

int
child_reap(struct child *c)
{
	int status = 0;

	while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
		continue;
	close_auto(&c->pidfd);
	c->pidfd = -1;
	c->pid = 0;
	c->ready = false;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

void
child_stop(struct child *c, uint64_t ms)
{
	uint64_t end = clock_ms() + ms;
	struct pollfd p = {.fd = c->pidfd, .events = POLLIN};

	if (c->pid <= 0)
		return;
	child_signal(c, SIGTERM);
	while (clock_left(end) > 0 && poll(&p, 1, clock_left(end)) < 0)
		continue; /* EINTR */
	if ((p.revents & POLLIN) == 0) {
		log_line(LOG_L_WARN, "'%s' did not stop in %llu ms: killed", c->program,
		    (unsigned long long)ms);
		child_signal(c, SIGKILL);
	}
	(void)child_reap(c);
}
