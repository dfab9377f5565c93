/* SPDX-License-Identifier: Apache-2.0 */
/* child.h - one supervised daemon: asked for its settings, started, stopped. */
#ifndef KD_FRONT_CHILD_H
#define KD_FRONT_CHILD_H
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

struct child {
	const char *role; /* "https", "keeper", "relay", "signer": also its socket's name */
	char *program;    /* path; owned */
	char *config;     /* path; owned */
	char *socket,
	    *user; /* as its configuration says; user NULL: stay who we are; owned */
	uid_t uid;
	gid_t gid;
	int fd;     /* its listening socket; ours; -1 none */
	pid_t pid;  /* 0: does not run */
	int pidfd;  /* -1 when it does not run */
	bool ready; /* said so since its start */
	bool gone;  /* gave up: only an operator can help */
	uint64_t started_ms, restart_ms, pause_ms;
};
/* fd and pidfd must be -1 in an empty one. Closes and frees; the process must have ended.
 */
void child_clear(struct child *c);

/*
 * child_settings - fill socket and user from what "PROGRAM --config FILE --print" says,
 * so that its own table is the only one that knows its defaults.
 *
 * Errors: KD_E_CONFIG with its exit status (its own words are on stderr),
 * KD_E_UNREACHABLE when it does not answer within ten seconds.
 */
bool child_settings(struct child *c, struct kd_err *e) KD_MUST;

/* notify: value for NOTIFY_SOCKET. The socket becomes descriptor 3. */
bool child_start(struct child *c, const char *notify, struct kd_err *e) KD_MUST;
void child_signal(const struct child *c, int sig);
/* SIGTERM, then after ms SIGKILL; returns when it has ended. */
void child_stop(struct child *c, uint64_t ms);
/* Takes the exit status after pidfd became readable; of a death by signal 9: -9. */
int child_reap(struct child *c);
#endif
