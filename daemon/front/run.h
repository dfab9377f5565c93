/* SPDX-License-Identifier: Apache-2.0 */
/* run.h - the front from its first socket to its last answer. */
#ifndef KD_FRONT_RUN_H
#define KD_FRONT_RUN_H
#include "base/error.h"
#include "daemon/front/conf.h"

struct run_options { /* borrowed; each may be NULL */
	const char *pid_file;
	const char
	    *port_file; /* written when ready: the port, so that listen may say 0 */
};

/*
 * front_run - take or bind the sockets, become the configured user, harden, serve until
 * SIGTERM or SIGINT, and stop in order: no new connections, what is in flight is waited
 * for until stop-deadline, the rest gets 503. SIGHUP reads certificates, CA and CRL
 * again.
 *
 * Errors: whatever kept it from starting; true after an orderly stop.
 */
bool front_run(
    const struct front_conf *conf, const struct run_options *o, struct kd_err *e) KD_MUST;

/* --check: users exist, certificates, key, CA and CRL are good. Touches nothing. */
bool front_check(const struct front_conf *conf, struct kd_err *e) KD_MUST;

/* value and a newline into path, whole or not at all; NULL path: nothing to do. */
bool run_note(const char *path, unsigned long value, struct kd_err *e) KD_MUST;
#endif
