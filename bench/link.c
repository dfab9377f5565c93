/* SPDX-License-Identifier: Apache-2.0 */
/* bench/link.c - a connection to one of our processes' sockets. */
#include "bench/link.h"

#include <poll.h>

#include "base/sock.h"
#include "bench/loads.h"

bool
link_open(struct link *l, const char *path, struct kd_err *e)
{
	l->in.max_payload = LOAD_ANSWER_MAX;
	return sock_connect_unix(path, &l->fd, e);
}

void
link_clear(struct link *l)
{
	close_auto(&l->fd);
	frame_in_clear(&l->in);
	frame_out_clear(&l->out);
}

bool
link_next(struct link *l, struct frame *ret, struct kd_err *e)
{
	bool have = false, eof = false;

	for (;;) {
		struct pollfd p = {.fd = l->fd, .events = POLLIN};

		if (!frame_in_next(&l->in, &have, ret, e))
			return false;
		if (have)
			return true;
		if (eof)
			return kd_fail(e, KD_E_UNREACHABLE, "the connection was closed");
		if (!frame_out_flush(&l->out, l->fd, e))
			return false;
		if (frame_out_pending(&l->out) > 0)
			p.events |= POLLOUT;
		if (poll(&p, 1, LOAD_WAIT_MS) == 0)
			return kd_fail(
			    e, KD_E_UNREACHABLE, "no answer in %d ms", LOAD_WAIT_MS);
		if ((p.revents & ~POLLOUT) != 0 && !frame_in_fill(&l->in, l->fd, &eof, e))
			return false;
	}
}
