/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/base/harden_test.c - what is taken away is really gone, what a role needs is
 * not. */
#include "config.h"

#include "tests/unit/base/test.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "base/harden.h"

#define KILLED (128 + SIGSYS)
#define ALLOWED 100
#define FAILED 101 /* could not even be hardened */

/* One system call with arguments that the kernel itself would refuse: it must never
 * succeed here, so ALLOWED means that the kernel answered, not the filter. */
struct call {
	const char *name;
	long number;
	long args[6];
};

/* What a hardened child of that role gets from the call: KILLED, the filter's errno, or
 * ALLOWED. */
static int
outcome(enum harden_role role, const struct call *c, int filter_errno)
{
	pid_t pid = fork();

	if (pid == 0) {
		struct kd_err e = {0};
		long rc;

		if (!harden_process(role, &e))
			_exit(FAILED);
		rc = syscall(c->number, c->args[0], c->args[1], c->args[2], c->args[3],
		    c->args[4], c->args[5]);
		_exit(rc == -1 && errno == filter_errno ? filter_errno : ALLOWED);
	}
	return status_of(pid);
}

static const enum harden_role all_roles[] = {
    HARDEN_FRONT, HARDEN_KEEPER, HARDEN_SIGNER_PARENT, HARDEN_SIGNER_CHILD,
    HARDEN_RELAY};

static void
killed_on_the_spot(void **state)
{
	static const struct call calls[] = {
#ifndef KD_SANITIZE
	    {"ptrace", SYS_ptrace, {-1}},
#endif
	    {"process_vm_readv", SYS_process_vm_readv, {-1}},
	    {"process_vm_writev", SYS_process_vm_writev, {-1}},
	    {"mount", SYS_mount, {0}},
	    {"umount2", SYS_umount2, {0}},
	    {"pivot_root", SYS_pivot_root, {0}},
	    {"move_mount", SYS_move_mount, {-1, 0, -1, 0}},
	    {"open_tree", SYS_open_tree, {-1}},
	    {"fsopen", SYS_fsopen, {0}},
	    {"fsmount", SYS_fsmount, {-1}},
	    {"fsconfig", SYS_fsconfig, {-1}},
	    {"fspick", SYS_fspick, {-1}},
	    {"mount_setattr", SYS_mount_setattr, {-1}},
	    {"swapon", SYS_swapon, {0}},
	    {"swapoff", SYS_swapoff, {0}},
	    {"init_module", SYS_init_module, {0}},
	    {"finit_module", SYS_finit_module, {-1}},
	    {"delete_module", SYS_delete_module, {0}},
	    {"kexec_load", SYS_kexec_load, {-1, -1, -1, -1}},
#ifdef SYS_kexec_file_load
	    {"kexec_file_load", SYS_kexec_file_load, {-1, -1}},
#endif
	    {"reboot", SYS_reboot, {0}},
	    {"bpf", SYS_bpf, {-1}},
	    {"acct", SYS_acct, {-1}},
	    {"settimeofday", SYS_settimeofday, {-1, -1}},
	    {"clock_settime", SYS_clock_settime, {-1}},
	    {"adjtimex", SYS_adjtimex, {-1}},
	};

	for (size_t r = 0; r < KD_ARRAY_LEN(all_roles); r++)
		for (size_t i = 0; i < KD_ARRAY_LEN(calls); i++)
			if (outcome(all_roles[r], &calls[i], EPERM) != KILLED)
				fail_msg("role %d: %s is not killed", (int)all_roles[r],
				    calls[i].name);
}

static void
refused_with_an_error(void **state)
{
	static const struct {
		struct call call;
		int err;
	} cases[] = {
	    {{"perf_event_open", SYS_perf_event_open, {0}}, EPERM},
	    {{"userfaultfd", SYS_userfaultfd, {-1}}, EPERM},
	    {{"keyctl", SYS_keyctl, {-1}}, EPERM},
	    {{"add_key", SYS_add_key, {0}}, EPERM},
	    {{"request_key", SYS_request_key, {0}}, EPERM},
	    {{"unshare", SYS_unshare, {0}}, EPERM},
	    {{"setns", SYS_setns, {-1}}, EPERM},
	    {{"chroot", SYS_chroot, {0}}, EPERM},
	    {{"pidfd_getfd", SYS_pidfd_getfd, {-1}}, EPERM},
	    {{"kcmp", SYS_kcmp, {1, 1, 99}}, EPERM},
	    {{"io_uring_setup", SYS_io_uring_setup, {0}}, ENOSYS},
	    {{"io_uring_enter", SYS_io_uring_enter, {-1}}, ENOSYS},
	    {{"io_uring_register", SYS_io_uring_register, {-1}}, ENOSYS},
	    {{"clone3", SYS_clone3, {0}}, ENOSYS},
	    {{"clone into a new user namespace", SYS_clone, {CLONE_NEWUSER | SIGCHLD}},
		EPERM},
	};

	for (size_t r = 0; r < KD_ARRAY_LEN(all_roles); r++)
		for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++)
			if (outcome(all_roles[r], &cases[i].call, cases[i].err) !=
			    cases[i].err)
				fail_msg("role %d: %s is not refused", (int)all_roles[r],
				    cases[i].call.name);
}

static void
only_the_signers_parent_executes(void **state)
{
	static const struct call calls[] = {
	    {"execve", SYS_execve, {0}}, {"execveat", SYS_execveat, {-1}}};

	for (size_t r = 0; r < KD_ARRAY_LEN(all_roles); r++)
		for (size_t i = 0; i < KD_ARRAY_LEN(calls); i++)
			assert_int_equal(outcome(all_roles[r], &calls[i], EPERM),
			    all_roles[r] == HARDEN_SIGNER_PARENT ? ALLOWED : EPERM);
}

/* Real sockets: the type and protocol are such that the kernel makes them for root and
 * refuses them with another errno for the rest. */
static void
only_signer_and_relay_reach_the_network(void **state)
{
	static const struct call network[] = {
	    {"AF_INET", SYS_socket, {AF_INET, SOCK_STREAM}},
	    {"AF_INET6", SYS_socket, {AF_INET6, SOCK_STREAM}},
	    {"AF_NETLINK", SYS_socket, {AF_NETLINK, SOCK_RAW}},
	    {"AF_PACKET", SYS_socket, {AF_PACKET, 99}},
	    {"AF_VSOCK", SYS_socket, {AF_VSOCK, 99}},
	    {"AF_ALG", SYS_socket, {AF_ALG, 99}},
	    /* the kernel ignores the upper half; the filter must not be fooled by it */
	    {"AF_INET behind high bits", SYS_socket, {AF_INET | 1L << 32, SOCK_STREAM}},
	};
	static const struct call unix_socket = {
	    "AF_UNIX", SYS_socket, {AF_UNIX, SOCK_STREAM}};

	for (size_t r = 0; r < KD_ARRAY_LEN(all_roles); r++) {
		bool may = all_roles[r] == HARDEN_SIGNER_PARENT ||
			   all_roles[r] == HARDEN_SIGNER_CHILD ||
			   all_roles[r] == HARDEN_RELAY;

		for (size_t i = 0; i < KD_ARRAY_LEN(network); i++) {
			if (may && i > 2)
				continue; /* the kernel's own EPERM to who is not root */
			assert_int_equal(outcome(all_roles[r], &network[i], EPERM),
			    may ? ALLOWED : EPERM);
		}
		assert_int_equal(outcome(all_roles[r], &unix_socket, EPERM), ALLOWED);
	}
}

/* On no socket: the kernel's own answer is EBADF. */
static void
the_relay_listens_nowhere_else(void **state)
{
	static const struct call call = {"listen", SYS_listen, {-1, 1}};

	for (size_t r = 0; r < KD_ARRAY_LEN(all_roles); r++)
		assert_int_equal(outcome(all_roles[r], &call, EPERM),
		    all_roles[r] == HARDEN_RELAY ? EPERM : ALLOWED);
}

static void *
return_one(void *arg)
{
	return &((char *)arg)[1];
}

/* Threads, pipes, files, locked memory, children: what every daemon does after hardening.
 */
static int
ordinary_work(enum harden_role role)
{
	struct kd_err e = {0};
	char two[2];
	pthread_t t;
	void *ret = NULL;
	pid_t pid;
	int fds[2], status = -1;

	if (!harden_process(role, &e))
		return FAILED;
	if (pthread_create(&t, NULL, return_one, two) != 0 ||
	    pthread_join(t, &ret) != 0 || ret != &two[1])
		return 1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds) != 0 ||
	    open("/dev/null", O_RDWR) < 0)
		return 2;
	pid = fork();
	if (pid == 0)
		_exit(7);
	if (pid < 0 || waitpid(pid, &status, 0) != pid || WEXITSTATUS(status) != 7)
		return 3;
	return 0;
}

static void
ordinary_work_goes_on(void **state)
{
	for (size_t r = 0; r < KD_ARRAY_LEN(all_roles); r++) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(ordinary_work(all_roles[r]));
		assert_int_equal(status_of(pid), 0);
	}
}

static int ready[2], go[2];

static void *
waits_then_makes_a_socket(void *arg)
{
	char c;

	if (write(ready[1], "x", 1) != 1 || read(go[0], &c, 1) != 1)
		_exit(3);
	_exit(socket(AF_INET, SOCK_STREAM, 0) == -1 && errno == EPERM ? 0 : 1);
	return arg;
}

static void
threads_already_there_are_filtered_too(void **state)
{
	pid_t pid = fork();

	if (pid == 0) {
		struct kd_err e = {0};
		pthread_t t;
		char c;

		if (pipe(ready) != 0 || pipe(go) != 0 ||
		    pthread_create(&t, NULL, waits_then_makes_a_socket, NULL) != 0 ||
		    read(ready[0], &c, 1) != 1 || !harden_process(HARDEN_KEEPER, &e) ||
		    write(go[1], "x", 1) != 1)
			_exit(2);
		(void)pthread_join(t, NULL);
		_exit(4);
	}
	assert_int_equal(status_of(pid), 0);
}

static void
no_core_no_privileges_not_dumpable(void **state)
{
	pid_t pid = fork();

	if (pid == 0) {
		struct kd_err e = {0};
		struct rlimit core = {1, 1};
		int dumpable;

		if (!harden_process(HARDEN_FRONT, &e) ||
		    getrlimit(RLIMIT_CORE, &core) != 0)
			_exit(2);
		dumpable = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
#ifdef KD_SANITIZE
		dumpable = 0; /* the leak checker needs it */
#endif
		_exit(dumpable == 0 && core.rlim_max == 0 &&
			      prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1
			  ? 0
			  : 1);
	}
	assert_int_equal(status_of(pid), 0);
}

static void
inherited_descriptors_are_closed(void **state)
{
	pid_t pid = fork();

	if (pid == 0) {
		struct kd_err e = {0};
		int low = fcntl(0, F_DUPFD, 50), high = fcntl(0, F_DUPFD, 60);

		if (low < 0 || high < 0 || !harden_close_fds(high, &e))
			_exit(2);
		_exit(fcntl(low, F_GETFD) >= 0 && fcntl(high, F_GETFD) < 0 ? 0 : 1);
	}
	assert_int_equal(status_of(pid), 0);
}

static void
already_that_user_is_done(void **state)
{
	assert_done(harden_become(geteuid(), getegid(), &e));
}

static void
root_becomes_somebody_for_ever(void **state)
{
	pid_t pid;

	if (geteuid() != 0)
		return; /* the next test says what happens then */
	pid = fork();
	if (pid == 0) {
		struct kd_err e = {0};
		gid_t groups[8];
		int n;

		if (!harden_become(65534, 65534, &e))
			_exit(2);
		n = getgroups(8, groups);
		_exit(getuid() == 65534 && getegid() == 65534 && setuid(0) != 0 &&
			      n == 1 && groups[0] == 65534
			  ? 0
			  : 1);
	}
	assert_int_equal(status_of(pid), 0);
}

static void
ordinary_user_cannot_become_another(void **state)
{
	pid_t pid = fork();

	if (pid == 0) {
		struct kd_err e = {0};

		if (geteuid() == 0 && (setresgid(65534, 65534, 65534) != 0 ||
					  setresuid(65534, 65534, 65534) != 0))
			_exit(2);
		_exit(!harden_become(4711, 4712, &e) && e.code == KD_E_CONFIG &&
			      strstr(e.msg,
				  ", configured to run as user 4711, group 4712") != NULL
			  ? 0
			  : 1);
	}
	assert_int_equal(status_of(pid), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(killed_on_the_spot),
	    cmocka_unit_test(refused_with_an_error),
	    cmocka_unit_test(only_the_signers_parent_executes),
	    cmocka_unit_test(only_signer_and_relay_reach_the_network),
	    cmocka_unit_test(the_relay_listens_nowhere_else),
	    cmocka_unit_test(ordinary_work_goes_on),
	    cmocka_unit_test(threads_already_there_are_filtered_too),
	    cmocka_unit_test(no_core_no_privileges_not_dumpable),
	    cmocka_unit_test(inherited_descriptors_are_closed),
	    cmocka_unit_test(already_that_user_is_done),
	    cmocka_unit_test(root_becomes_somebody_for_ever),
	    cmocka_unit_test(ordinary_user_cannot_become_another),
	};

	return cmocka_run_group_tests_name("harden", tests, NULL, NULL);
}
