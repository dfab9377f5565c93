/* SPDX-License-Identifier: Apache-2.0 */
/* base/harden.h - what a daemon gives up before it listens. */
#ifndef KD_HARDEN_H
#define KD_HARDEN_H
#include <sys/types.h>

#include "base/error.h"

enum harden_role { HARDEN_FRONT, HARDEN_KEEPER, HARDEN_SIGNER_PARENT, HARDEN_SIGNER_CHILD, HARDEN_RELAY };

/*
 * harden_process - non-dumpable, no new privileges, no core files, and a seccomp filter that takes
 * away what the role never needs. Killed on the spot: ptrace, another process's memory, mounts,
 * kernel modules, kexec, bpf, the clock. Refused (EPERM, ENOSYS): exec but for the signer's parent,
 * keyrings, namespaces, io_uring, perf, and but for the signer (the child inherits its parent's
 * filter, and its module may speak to a network HSM) and the relay every socket that is not a Unix one - so
 * sockets that listen on the network are made before. The relay may make none that listens. Holds for all threads, those already running too. In a sanitizer build (KD_SANITIZE) dumpable and ptrace stay.
 *
 * Errors: KD_E_BUG with the call that failed, KD_E_NOMEM; a daemon does not go on without it.
 */
bool harden_process(enum harden_role role, struct kd_err *e) KD_MUST;
/* Closes what the caller's caller left open: every descriptor from that number on. The first thing in main,
 * with 3 + $LISTEN_FDS, before anything of one's own is opened. Errors: KD_E_BUG. */
bool harden_close_fds(int from, struct kd_err *e) KD_MUST;
/* 0, 1 and 2 where they are closed: open, but for nothing. Otherwise the next file that is opened would be
 * standard output, and what is printed would be written into it. Errors: KD_E_BUG. */
bool harden_std_fds(struct kd_err *e) KD_MUST;
/* initgroups, setresgid, setresuid to that user; verifies that there is no way back. No-op when already
 * it. Before any thread is made. Errors: KD_E_CONFIG when not root or the kernel says no. */
bool harden_become(uid_t uid, gid_t gid, struct kd_err *e) KD_MUST;
#endif
