/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/ceremony_ask.c - questions to the person at the terminal. */
#include "config.h"

#include "pkcs11/ceremony_ask.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/file.h"
#include "base/num.h"
#include "base/own.h"

static bool
open_terminal(int *ret, struct kd_err *e)
{
	*ret = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	return *ret >= 0 || kd_fail(e, KD_E_CONFIG, "there is no terminal to ask on");
}

bool
ask_possible(void)
{
	AUTO(close) int fd = -1;
	struct kd_err e = {0};

	return open_terminal(&fd, &e);
}

/* One byte; 0 bytes at the end of the input. */
static bool
read_byte(int fd, char *ret, bool *ret_end, struct kd_err *e)
{
	ssize_t n;

	do
		n = read(fd, ret, 1);
	while (n < 0 && errno == EINTR);
	*ret_end = n == 0 || (n == 1 && *ret == '\n');
	return n >= 0 || kd_fail_errno(e, KD_E_CONFIG, errno, "terminal");
}

/* A line from the terminal into a pipe: no more than a byte of it is in our memory. */
static bool
pass_line(int from, int to, struct kd_err *e)
{
	char c = 0;
	bool end = false, done = true;

	for (size_t n = 0; done && n <= SECRET_MAX; n++) {
		done = read_byte(from, &c, &end, e);
		if (end)
			break;
		done = done && file_write_full(to, &c, 1, e);
	}
	explicit_bzero(&c, sizeof(c));
	return done;
}

/* Ctrl-C must not leave the terminal without echo: signals wait until it has it again. */
static bool
read_hidden(int tty, int to, struct kd_err *e)
{
	static const int ends_us[] = {SIGINT, SIGQUIT, SIGTSTP, SIGTERM, SIGHUP};
	struct termios as_was, quiet;
	sigset_t block, before;
	bool done;

	if (tcgetattr(tty, &as_was) != 0)
		return kd_fail_errno(e, KD_E_CONFIG, errno, "terminal");
	quiet = as_was;
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
	quiet.c_lflag |= ICANON;
	(void)sigemptyset(&block);
	for (size_t i = 0; i < KD_ARRAY_LEN(ends_us); i++)
		(void)sigaddset(&block, ends_us[i]);
	(void)sigprocmask(SIG_BLOCK, &block, &before);
	if (tcsetattr(tty, TCSAFLUSH, &quiet) != 0) {
		(void)sigprocmask(SIG_SETMASK, &before, NULL);
		return kd_fail_errno(e, KD_E_CONFIG, errno, "terminal");
	}
	done = pass_line(tty, to, e);
	(void)tcsetattr(tty, TCSAFLUSH, &as_was);
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	return done;
}

bool
ask_secret(const char *prompt, struct secret **ret, struct kd_err *e)
{
	AUTO(close) int tty = -1;
	AUTO(close) int out = -1;
	AUTO(close) int in = -1;
	int ends[2];

	if (!open_terminal(&tty, e))
		return false;
	if (pipe2(ends, O_CLOEXEC) != 0)
		return kd_fail_errno(e, KD_E_BUG, errno, "pipe");
	out = ends[0];
	in = ends[1];
	if (!file_write_full(tty, prompt, strlen(prompt), e) ||
	    !read_hidden(tty, in, e) || !file_write_full(tty, "\n", 1, e))
		return false;
	(void)close(in);
	in = -1;
	return secret_read_fd(out, ret, e);
}

bool
ask_line(const char *prompt, char *ret, size_t n, struct kd_err *e)
{
	AUTO(close) int tty = -1;
	bool end = false;
	size_t len = 0;
	char c;

	if (!open_terminal(&tty, e) || !file_write_full(tty, prompt, strlen(prompt), e))
		return false;
	while (!end) {
		if (!read_byte(tty, &c, &end, e))
			return false;
		if (!end && len + 1 < n)
			ret[len++] = c;
	}
	ret[len] = '\0';
	return true;
}
