/* SPDX-License-Identifier: Apache-2.0 */
/* standalone.h - kdsignd --standalone: all daemons under one supervisor, on one machine. */
#ifndef KD_FRONT_STANDALONE_H
#define KD_FRONT_STANDALONE_H
#include "base/error.h"
#include "daemon/front/run.h"

/*
 * standalone_run - bind every socket, start kdsign-signer (one per signer*.conf),
 * kdsign-relay (if there is a relay.conf), kdsign-keeper and the front itself from the
 * configurations in dir, and keep them running until SIGTERM.
 *
 * As root each process becomes the user that its configuration names, and each socket
 * belongs to the one who may connect to it. Else one user runs all, and a warning says
 * so. A child that ends is started again with back-off; not when it said by its exit
 * status (64, 76, 78) that only an operator can help: without front or keeper that ends
 * the service with the same status, a signer or the relay stays down until SIGHUP. SIGHUP is passed
 * on. Errors: KD_E_CONFIG, KD_E_INCONSISTENT, KD_E_USAGE as the child's exit status;
 * KD_E_BUG.
 */
bool standalone_run(
    const char *dir, const struct run_options *o, struct kd_err *e) KD_MUST;
#endif
