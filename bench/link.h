/* SPDX-License-Identifier: Apache-2.0 */
/* bench/link.h - a connection to one of our processes' sockets. */
#ifndef BENCH_LINK_H
#define BENCH_LINK_H
#include "base/error.h"
#include "base/own.h"
#include "wire/frame.h"

struct link { /* from link_open to link_clear; fd -1 before */
	int fd;
	struct frame_in in;
	struct frame_out out;
};
#define LINK_NONE                                                                        \
	{                                                                                \
		.fd = -1                                                                 \
	}

bool link_open(struct link *l, const char *path, struct kd_err *e) KD_MUST;
void link_clear(struct link *l);
AUTO_DEFINE_CLEAR(struct link, link_clear);
/* The next frame; writes what is queued in l->out first. KD_E_UNREACHABLE after
 * LOAD_WAIT_MS. */
bool link_next(struct link *l, struct frame *ret, struct kd_err *e) KD_MUST;
#endif
