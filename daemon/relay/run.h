/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/relay/run.h - the relay from its socket to its last answer. */
#ifndef KD_RELAY_RUN_H
#define KD_RELAY_RUN_H
#include "daemon/relay/conf.h"

/*
 * relay_run - take or bind the socket, become the configured user, harden, answer the front
 * until SIGTERM or SIGINT. SIGHUP reads the configuration at path again, wholly or not at
 * all.
 *
 * take_settings  moves in
 * Errors: whatever kept it from starting; true after an orderly stop.
 */
bool relay_run(
    const char *path, struct settings *take_settings, struct kd_err *e) KD_MUST;
#endif
