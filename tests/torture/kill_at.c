/* SPDX-License-Identifier: Apache-2.0 */
/* tests/torture/kill_at.c - a program and its children, killed at the Nth point after it has
 * made a file of its own; a point is where a system call begins or ends. */
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/ptrace.h>
#include <sys/syscall.h>

/*
 *	kill_at N COMMAND...
 *
 * Point 0 is the begin of the first openat(2) with exactly the flags below: in
 * kdsign-signer it makes the latch. At point N all processes get SIGKILL, and "PID CALL
 * begin|end" is printed. Exit status 0; 3 when a process ended by itself before that, which
 * is killed with the others; 2 when nothing can be traced.
 */
#define MARK (O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW)
#define PROCESSES_MAX 256

static pid_t all[PROCESSES_MAX];
static size_t all_n;
static bool marked;

static void
know(pid_t pid)
{
	for (size_t i = 0; i < all_n; i++)
		if (all[i] == pid)
			return;
	if (all_n < PROCESSES_MAX)
		all[all_n++] = pid;
}

static void
kill_all(void)
{
	for (size_t i = 0; i < all_n; i++)
		(void)kill(all[i], SIGKILL);
	while (waitpid(-1, NULL, __WALL) > 0)
		;
}

/* A stop at a system call's begin or end. True: this is the one. */
static bool
is_point(pid_t pid, long *left)
{
	struct ptrace_syscall_info i;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(i), &i) <= 0 ||
	    (i.op != PTRACE_SYSCALL_INFO_ENTRY && i.op != PTRACE_SYSCALL_INFO_EXIT))
		return false;
	if (!marked && (i.op != PTRACE_SYSCALL_INFO_ENTRY ||
			   i.entry.nr != SYS_openat || i.entry.args[2] != MARK))
		return false;
	marked = true;
	if ((*left)-- > 0)
		return false;
	if (i.op == PTRACE_SYSCALL_INFO_ENTRY)
		(void)printf("%d %llu begin\n", (int)pid, (unsigned long long)i.entry.nr);
	else
		(void)printf("%d end\n", (int)pid);
	return true;
}

/* Until the point or an end. */
static int
follow(long left)
{
	for (;;) {
		int status, pass = 0;
		pid_t pid = waitpid(-1, &status, __WALL);

		if (pid < 0)
			return 3;
		if (WIFEXITED(status) || WIFSIGNALED(status)) {
			if (marked)
				return 3;
			continue;
		}
		know(pid);
		if (WSTOPSIG(status) == (SIGTRAP | 0x80)) {
			if (is_point(pid, &left))
				return 0;
		} else if (WSTOPSIG(status) != SIGTRAP && WSTOPSIG(status) != SIGSTOP) {
			pass = WSTOPSIG(status);
		}
		(void)ptrace(PTRACE_SYSCALL, pid, NULL, pass);
	}
}

int
main(int argc, char **argv)
{
	int status;
	pid_t pid;

	if (argc < 3)
		return 64;
	pid = fork();
	if (pid == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
			_exit(2);
		(void)raise(SIGSTOP);
		(void)execv(argv[2], &argv[2]);
		_exit(2);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status) ||
	    ptrace(PTRACE_SETOPTIONS, pid, NULL,
		PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
		    PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL) != 0 ||
	    ptrace(PTRACE_SYSCALL, pid, NULL, 0) != 0)
		return 2;
	know(pid);
	status = follow(strtol(argv[1], NULL, 10));
	kill_all();
	return status;
}
