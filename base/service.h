/* SPDX-License-Identifier: Apache-2.0 */
/* base/service.h - sockets passed in, readiness, and signals as file descriptors. */
#ifndef KD_SERVICE_H
#define KD_SERVICE_H
#include "base/error.h"

/* The socket passed under that name (LISTEN_FDS, LISTEN_FDNAMES), or -1 when none was. With one
 * unnamed socket passed, the first name asked for gets it. The descriptor is close-on-exec and non-blocking. */
int service_listen_fd(const char *name);
void service_ready(const char *status);   /* sd_notify READY=1 */
void service_status(const char *status);
void service_reloading(void);
void service_stopping(void);
/* Blocks SIGTERM SIGINT SIGHUP SIGUSR1 in this and all later threads, ignores SIGPIPE, and returns a signalfd
 * (non-blocking) that delivers them. Call before any thread is made. */
bool service_signal_fd(int *ret_fd, struct kd_err *e) KD_MUST;
/* Next signal number from the signalfd, 0 when there is none. */
int service_signal_next(int fd);
#endif
