/* SPDX-License-Identifier: Apache-2.0 */
/* base/harden.c - what a process gives up before it listens to anyone. */
#include "config.h"

#include "base/harden.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <seccomp.h>

#include "base/num.h"
#include "base/own.h"

#ifdef KD_SANITIZE /* the leak checker attaches to its own process */
#define SANITIZED true
#else
#define SANITIZED false
#endif

static void
filter_free(void *filter)
{
	if (filter != NULL)
		seccomp_release(filter);
}
AUTO_DEFINE(void, filter_free);

/* No library has any business with these: who calls them is not our program any more. */
static const int killed[] = {
    SCMP_SYS(ptrace),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(mount),
    SCMP_SYS(umount2),
    SCMP_SYS(pivot_root),
    SCMP_SYS(move_mount),
    SCMP_SYS(open_tree),
    SCMP_SYS(fsopen),
    SCMP_SYS(fsmount),
    SCMP_SYS(fsconfig),
    SCMP_SYS(fspick),
    SCMP_SYS(mount_setattr),
    SCMP_SYS(swapon),
    SCMP_SYS(swapoff),
    SCMP_SYS(init_module),
    SCMP_SYS(finit_module),
    SCMP_SYS(delete_module),
    SCMP_SYS(kexec_load),
    SCMP_SYS(kexec_file_load),
    SCMP_SYS(reboot),
    SCMP_SYS(bpf),
    SCMP_SYS(acct),
    SCMP_SYS(settimeofday),
    SCMP_SYS(clock_settime),
    SCMP_SYS(adjtimex),
};

/*
 * A library may try these and go on without. io_uring would make sockets behind the
 * filter's back. clone3 hides its flags behind a pointer; on ENOSYS glibc falls back to
 * clone, whose flags the filter sees.
 */
static const struct {
	int call;
	int err;
} refused[] = {
    {SCMP_SYS(perf_event_open), EPERM},
    {SCMP_SYS(userfaultfd), EPERM},
    {SCMP_SYS(keyctl), EPERM},
    {SCMP_SYS(add_key), EPERM},
    {SCMP_SYS(request_key), EPERM},
    {SCMP_SYS(unshare), EPERM},
    {SCMP_SYS(setns), EPERM},
    {SCMP_SYS(chroot), EPERM},
    {SCMP_SYS(pidfd_getfd), EPERM},
    {SCMP_SYS(kcmp), EPERM},
    {SCMP_SYS(io_uring_setup), ENOSYS},
    {SCMP_SYS(io_uring_enter), ENOSYS},
    {SCMP_SYS(io_uring_register), ENOSYS},
    {SCMP_SYS(clone3), ENOSYS},
};

static const struct {
	bool exec;    /* may start another program */
	bool network; /* may make sockets other than Unix ones */
	bool deaf;    /* may make none that listens: those it has are there before */
} roles[] = {
    [HARDEN_FRONT] = {false, false}, /* its listening sockets are there before */
    [HARDEN_KEEPER] = {false, false},
    [HARDEN_SIGNER_PARENT] = {true,
	true}, /* starts its child, which inherits the filter */
    [HARDEN_SIGNER_CHILD] = {false, true}, /* a network HSM's module */
    [HARDEN_RELAY] = {false, true, true},  /* goes out, lets nobody in */
};

/* libseccomp answers a negative errno; 0 is done. */
static int
add_common(scmp_filter_ctx filter)
{
	const struct scmp_arg_cmp new_user_ns =
	    SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_NEWUSER, CLONE_NEWUSER);
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < KD_ARRAY_LEN(killed); i++)
		if (!SANITIZED || killed[i] != SCMP_SYS(ptrace))
			rc =
			    seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, killed[i], 0);
	for (size_t i = 0; rc == 0 && i < KD_ARRAY_LEN(refused); i++)
		rc = seccomp_rule_add(
		    filter, SCMP_ACT_ERRNO((uint32_t)refused[i].err), refused[i].call, 0);
	if (rc == 0)
		rc = seccomp_rule_add(
		    filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1, new_user_ns);
	return rc;
}

static int
add_of_role(scmp_filter_ctx filter, enum harden_role role)
{
	/* The filter compares 64 bits, the kernel uses 32: that can only refuse too much.
	 */
	const struct scmp_arg_cmp not_unix = SCMP_A0(SCMP_CMP_NE, AF_UNIX);
	int rc = 0;

	if (!roles[role].exec) {
		rc = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(execve), 0);
		if (rc == 0)
			rc = seccomp_rule_add(
			    filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(execveat), 0);
	}
	if (rc == 0 && !roles[role].network)
		rc = seccomp_rule_add(
		    filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socket), 1, not_unix);
	if (rc == 0 && roles[role].deaf)
		rc = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(listen), 0);
	return rc;
}

/* Everything is allowed but for what the tables take away; also for threads already
 * there. */
static bool
load_filter(enum harden_role role, struct kd_err *e)
{
	AUTO(filter_free) void *filter = seccomp_init(SCMP_ACT_ALLOW);
	int rc;

	if (filter == NULL)
		return kd_fail_nomem(e, "system call filter");
	rc = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	if (rc == 0) /* calls by another architecture's numbers */
		rc = seccomp_attr_set(
		    filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (rc == 0)
		rc = add_common(filter);
	if (rc == 0)
		rc = add_of_role(filter, role);
	if (rc == 0)
		rc = seccomp_load(filter);
	if (rc != 0)
		return kd_fail(
		    e, KD_E_BUG, "system call filter: %s", strerrordesc_np(-rc));
	return true;
}

bool
harden_process(enum harden_role role, struct kd_err *e)
{
	const struct rlimit no_core = {0, 0};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return kd_fail_errno(e, KD_E_BUG, errno, "PR_SET_NO_NEW_PRIVS");
	if (setrlimit(RLIMIT_CORE, &no_core) != 0)
		return kd_fail_errno(e, KD_E_BUG, errno, "RLIMIT_CORE");
	if (!SANITIZED && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return kd_fail_errno(e, KD_E_BUG, errno, "PR_SET_DUMPABLE");
	return load_filter(role, e);
}

bool
harden_close_fds(int from, struct kd_err *e)
{
	if (close_range((unsigned)from, ~0u, 0) != 0)
		return kd_fail_errno(
		    e, KD_E_BUG, errno, "descriptors from %d on cannot be closed", from);
	return true;
}

bool
harden_std_fds(struct kd_err *e)
{
	for (int fd = 0; fd <= 2; fd++) {
		/* The wrong way round, so that using it fails as if it were closed. */
		int how = (fd == 0 ? O_WRONLY : O_RDONLY) | O_NOCTTY;

		if (fcntl(fd, F_GETFD) >= 0 || errno != EBADF)
			continue;
		if (open("/dev/null", how) != fd)
			return kd_fail_errno(
			    e, KD_E_BUG, errno, "descriptor %d cannot be opened", fd);
	}
	return true;
}

/* The groups of the user database, which a token's device or socket may ask for. */
static bool
take_groups(uid_t uid, gid_t gid, struct kd_err *e)
{
	const struct passwd *pw = getpwuid(uid); /* before any thread is made */
	int rc = pw != NULL ? initgroups(pw->pw_name, gid) : setgroups(1, &gid);

	if (rc != 0)
		return kd_fail_errno(
		    e, KD_E_CONFIG, errno, "groups of user %u", (unsigned)uid);
	return true;
}

/* Real, effective and saved ids all equal the wanted ones. */
static bool
is_already(uid_t uid, gid_t gid)
{
	uid_t u[3];
	gid_t g[3];

	if (getresuid(&u[0], &u[1], &u[2]) != 0 || getresgid(&g[0], &g[1], &g[2]) != 0)
		return false;
	for (size_t i = 0; i < 3; i++)
		if (u[i] != uid || g[i] != gid)
			return false;
	return true;
}

bool
harden_become(uid_t uid, gid_t gid, struct kd_err *e)
{
	if (is_already(uid, gid))
		return true;
	if (geteuid() != 0)
		return kd_fail(e, KD_E_CONFIG,
		    "started as user %u, configured to run as user %u, group %u",
		    (unsigned)geteuid(), (unsigned)uid, (unsigned)gid);
	if (!take_groups(uid, gid, e))
		return false;
	if (setresgid(gid, gid, gid) != 0 || setresuid(uid, uid, uid) != 0)
		return kd_fail_errno(
		    e, KD_E_CONFIG, errno, "cannot become user %u", (unsigned)uid);
	if (uid != 0 && (setuid(0) == 0 || setgid(0) == 0 || !is_already(uid, gid)))
		return kd_fail(
		    e, KD_E_BUG, "user %u could become root again", (unsigned)uid);
	return true;
}
