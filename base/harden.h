/* SPDX-License-Identifier: Apache-2.0 */
/* base/harden.h - what a daemon gives up before it listens. */
#ifndef KD_HARDEN_H
#define KD_HARDEN_H
#include <sys/types.h>

#include "base/error.h"

enum harden_role { HARDEN_FRONT, HARDEN_KEEPER, HARDEN_SIGNER_PARENT, HARDEN_SIGNER_CHILD };

/*
 * harden_process - non-dumpable, no new privileges, no core files, closed inherited descriptors above
 * the ones passed in, and a seccomp filter that takes away what the role never needs (exec but
 * for the signer's parent, ptrace, mounts, modules, new network sockets for keeper and signer
 * parent, ...). In a sanitizer build (KD_SANITIZE) the parts that the sanitizer itself needs stay.
 *
 * Errors: KD_E_BUG with the call that failed; a daemon does not go on without it.
 */
bool harden_process(enum harden_role role, struct kd_err *e) KD_MUST;
/* setgroups, setgid, setuid to that user; verifies that there is no way back. No-op when already it. */
bool harden_become(uid_t uid, gid_t gid, struct kd_err *e) KD_MUST;
#endif
