/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/prestart.c - commands that put a token into order before its module is loaded. */
#include "config.h"

#include "pkcs11/prestart.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/own.h"
#include "base/text.h"

/* Cuts text in place; ret gets at most PRESTART_WORDS_MAX words and a NULL. */
static bool
split(char *text, char *ret[PRESTART_WORDS_MAX + 1], struct kd_err *e)
{
	char *rest = NULL;
	size_t n = 0;

	for (char *w = strtok_r(text, " \t", &rest); w != NULL;
	     w = strtok_r(NULL, " \t", &rest)) {
		if (n == PRESTART_WORDS_MAX)
			return kd_fail(e, KD_E_CONFIG, "more than %d words",
			    PRESTART_WORDS_MAX);
		ret[n++] = w;
	}
	ret[n] = NULL;
	if (n == 0 || ret[0][0] != '/')
		return kd_fail(e, KD_E_CONFIG, "expected an absolute path to a program");
	return true;
}

static bool
words_of(const char *command, char **ret_text, char *ret[PRESTART_WORDS_MAX + 1],
    struct kd_err *e)
{
	if (strlen(command) > PRESTART_LEN_MAX)
		return kd_fail(e, KD_E_CONFIG, "longer than %d bytes", PRESTART_LEN_MAX);
	*ret_text = kd_strdup(command);
	if (*ret_text == NULL)
		return kd_fail_nomem(e, "pre-start");
	return split(*ret_text, ret, e);
}

bool
prestart_check(const char *command, struct kd_err *e)
{
	AUTO(free) char *text = NULL;
	char *words[PRESTART_WORDS_MAX + 1];

	if (!words_of(command, &text, words, e))
		return false;
	if (!file_check_private(words[0], false, e)) {
		e->code = KD_E_CONFIG; /* also when it is not there */
		return false;
	}
	return access(words[0], X_OK) == 0 ||
	       kd_fail_errno(e, KD_E_CONFIG, errno, "'%s'", SHOW(words[0]));
}

/* In the new process. */
static _Noreturn void
become(char *const words[], pid_t parent)
{
	int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);

	(void)setpgid(0, 0); /* what it starts is to end with it */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent || nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 ||
	    dup2(STDERR_FILENO, STDOUT_FILENO) < 0 ||
	    close_range(STDERR_FILENO + 1, ~0u, CLOSE_RANGE_CLOEXEC) != 0)
		_exit(126);
	(void)execv(words[0], words);
	_exit(127);
}

/* *ret_status is waitpid's; *ret_late: it was killed. */
static bool
wait_for_end(pid_t pid, bool *ret_late, int *ret_status, struct kd_err *e)
{
	uint64_t end = clock_ms() + PRESTART_MS;
	AUTO(close) int fd = pidfd_open(pid, 0);
	struct pollfd gone = {.fd = fd, .events = POLLIN};
	int n;

	if (fd < 0) {
		(void)kill(pid, SIGKILL);
		(void)waitpid(pid, NULL, 0);
		return kd_fail_errno(e, KD_E_BUG, errno, "pidfd_open");
	}
	do
		n = poll(&gone, 1, clock_left(end));
	while (n < 0 && errno == EINTR);
	*ret_late = n <= 0;
	if (*ret_late) {
		(void)kill(pid, SIGKILL);
		(void)kill(-pid, SIGKILL);
	}
	while (waitpid(pid, ret_status, 0) < 0)
		if (errno != EINTR)
			return kd_fail_errno(e, KD_E_BUG, errno, "waitpid");
	return true;
}

static bool
judge(bool late, int status, struct kd_err *e)
{
	if (late)
		return kd_fail(e, KD_E_TOKEN, "not done after %d s", PRESTART_MS / 1000);
	if (WIFSIGNALED(status))
		return kd_fail(e, KD_E_TOKEN, "ended by signal %d", WTERMSIG(status));
	if (WEXITSTATUS(status) != 0)
		return kd_fail(
		    e, KD_E_TOKEN, "ended with status %d", WEXITSTATUS(status));
	return true;
}

bool
prestart_run(const char *command, struct kd_err *e)
{
	AUTO(free) char *text = NULL;
	char *words[PRESTART_WORDS_MAX + 1];
	pid_t pid, own = getpid();
	bool late = false;
	int status = 0;

	if (!words_of(command, &text, words, e))
		return kd_in(e, "pre-start '%s'", SHOW(command));
	pid = fork();
	if (pid < 0)
		return kd_fail_errno(e, KD_E_BUG, errno, "fork");
	if (pid == 0)
		become(words, own);
	if (!wait_for_end(pid, &late, &status, e) || !judge(late, status, e))
		return kd_in(e, "pre-start '%s'", SHOW(command));
	return true;
}
