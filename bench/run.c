/* SPDX-License-Identifier: Apache-2.0 */
/* bench/run.c - another program, measured from its start to its end. */
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/num.h"
#include "base/text.h"
#include "bench/loads.h"

#define EXEC_FAILED 127

static uint64_t
ns_of(struct timeval t)
{
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_usec * 1000u;
}

/* Its standard output goes where our errors go: ours is for the measurement. */
static bool
run(char **argv, struct rusage *ret, struct kd_err *e)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		(void)dup2(STDERR_FILENO, STDOUT_FILENO);
		(void)execvp(argv[0], argv);
		_exit(EXEC_FAILED);
	}
	if (pid < 0 || wait4(pid, &status, 0, ret) != pid)
		return kd_fail_errno(e, KD_E_BUG, errno, "'%s'", SHOW(argv[0]));
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return kd_fail(e, KD_E_FILE, "'%s': ended with status 0x%x, expected 0",
		    SHOW(argv[0]), (unsigned)status);
	return true;
}

bool
load_run(struct meter *m, char **argv, struct kd_err *e)
{
	struct rusage spent;
	uint64_t n;

	if (!kd_parse_u64(argv[0], 1, 1000000, &n, e))
		return false;
	meter_begin(m);
	if (!run(&argv[1], &spent, e))
		return false;
	meter_end(m, n);
	m->own_ns = ns_of(spent.ru_utime) + ns_of(spent.ru_stime);
	return true;
}
