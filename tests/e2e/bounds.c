/* SPDX-License-Identifier: Apache-2.0 */
/* bounds MIB SECONDS COMMAND... - runs a command, and ends with its exit status when it
 * stayed within so much memory (resident, at its most) and CPU time; else with 98 and a
 * sentence. A command that a signal ended gives 97. */
#include <errno.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/num.h"
#include "base/text.h"

#define EXIT_USAGE 64
#define EXIT_SIGNAL 97
#define EXIT_BEYOND 98
#define EXIT_CANNOT 99
/* RLIMIT_CPU is to end what never would; whether it was in time is measured. */
#define SECONDS_MORE 2

static void
become(char **argv, uint64_t seconds)
{
	struct rlimit cpu = {.rlim_cur = seconds + SECONDS_MORE};

	cpu.rlim_max = cpu.rlim_cur;
	if (setrlimit(RLIMIT_CPU, &cpu) == 0)
		(void)execvp(argv[0], argv);
	_exit(EXIT_CANNOT);
}

static uint64_t
ms_of(struct timeval t)
{
	return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_usec / 1000u;
}

static int
judge(const char *command, int status, const struct rusage *spent, uint64_t mib,
    uint64_t seconds)
{
	uint64_t ms = ms_of(spent->ru_utime) + ms_of(spent->ru_stime);
	uint64_t kib = (uint64_t)spent->ru_maxrss;

	if (kib > mib * 1024 || ms > seconds * 1000) {
		log_line(LOG_L_ERROR,
		    "'%s' took %llu ms and %llu KiB, at most %llu s and %llu MiB allowed",
		    SHOW(command), (unsigned long long)ms, (unsigned long long)kib,
		    (unsigned long long)seconds, (unsigned long long)mib);
		return EXIT_BEYOND;
	}
	if (!WIFEXITED(status)) {
		log_line(LOG_L_ERROR, "'%s' was ended by signal %d", SHOW(command),
		    WTERMSIG(status));
		return EXIT_SIGNAL;
	}
	return WEXITSTATUS(status);
}

int
main(int argc, char **argv)
{
	uint64_t mib, seconds;
	struct kd_err e = {0};
	struct rusage spent;
	int status;
	pid_t pid;

	log_init("bounds", LOG_L_INFO);
	if (argc < 4)
		return EXIT_USAGE;
	if (!kd_parse_u64(argv[1], 1, 65536, &mib, &e) ||
	    !kd_parse_u64(argv[2], 1, 3600, &seconds, &e)) {
		log_err(LOG_L_ERROR, &e);
		return EXIT_USAGE;
	}
	pid = fork();
	if (pid == 0)
		become(&argv[3], seconds);
	if (pid < 0 || wait4(pid, &status, 0, &spent) != pid) {
		(void)kd_fail_errno(&e, KD_E_FILE, errno, "'%s'", SHOW(argv[3]));
		log_err(LOG_L_ERROR, &e);
		return EXIT_CANNOT;
	}
	return judge(argv[3], status, &spent, mib, seconds);
}
