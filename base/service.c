/* SPDX-License-Identifier: Apache-2.0 */
/* base/service.c - the service manager's side: passed sockets, readiness; and signals as
 * bytes. */
#include "config.h"

#include "base/service.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "base/clock.h"
#include "base/num.h"
#include "base/text.h"

#define STATUS_MAX 512

/* What systemd calls a socket whose unit gives it no FileDescriptorName=: "unknown"
 * without LISTEN_FDNAMES, else the socket unit's own name (systemd.socket(5)). */
static bool
is_unnamed(const char *name)
{
	size_t n = strlen(name), dot = strlen(".socket");

	return n == 0 || strcmp(name, "unknown") == 0 ||
	       (n > dot && strcmp(name + n - dot, ".socket") == 0);
}

int
service_listen_fd(const char *name)
{
	static int taken = -1; /* the unnamed one: who asks first owns it */
	char **names = NULL;
	int n = sd_listen_fds_with_names(0, &names), fd = -1, flags;

	for (int i = 0; i < n; i++) {
		bool unnamed = n == 1 && is_unnamed(names[i]);

		if (fd < 0 && (unnamed ? taken < 0 : strcmp(names[i], name) == 0))
			fd = SD_LISTEN_FDS_START + i;
		if (fd >= 0 && unnamed)
			taken = fd;
		free(names[i]);
	}
	free(names);
	if (fd < 0)
		return -1;
	flags = fcntl(fd, F_GETFL); /* close-on-exec is libsystemd's doing */
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0)
		return -1;
	return fd;
}

/* Without a service manager these do nothing; a failure to talk to it is not ours to
 * cure. */
static void
notify(const char *state, const char *status)
{
	char safe[STATUS_MAX]; /* a newline would start another assignment */

	(void)sd_notifyf(
	    0, "%sSTATUS=%s", state, text_show_str(safe, sizeof(safe), status));
}

void
service_ready(const char *status)
{
	notify("READY=1\n", status);
}

void
service_status(const char *status)
{
	notify("", status);
}

void
service_reloading(void)
{
	(void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu\nSTATUS=reloading",
	    (unsigned long long)(clock_ns() / 1000));
}

void
service_stopping(void)
{
	notify("STOPPING=1\n", "stopping");
}

bool
service_signal_fd(int *ret_fd, struct kd_err *e)
{
	static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1};
	sigset_t set;
	int fd, err;

	(void)sigemptyset(&set);
	for (size_t i = 0; i < KD_ARRAY_LEN(signals); i++)
		(void)sigaddset(&set, signals[i]);
	err = pthread_sigmask(SIG_BLOCK, &set, NULL);
	if (err != 0)
		return kd_fail_errno(e, KD_E_BUG, err, "signals cannot be blocked");
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return kd_fail_errno(e, KD_E_BUG, errno, "SIGPIPE cannot be ignored");
	fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (fd < 0)
		return kd_fail_errno(e, KD_E_IO, errno, "no descriptor for signals");
	*ret_fd = fd;
	return true;
}

int
service_signal_next(int fd)
{
	struct signalfd_siginfo info;
	ssize_t n;

	do {
		n = read(fd, &info, sizeof(info));
	} while (n < 0 && errno == EINTR);
	return n == (ssize_t)sizeof(info) ? (int)info.ssi_signo : 0;
}
