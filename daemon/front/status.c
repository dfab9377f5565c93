/* SPDX-License-Identifier: Apache-2.0 */
/* status.c - what the front counts, as Prometheus text. */
#include "daemon/front/status.h"

#include <inttypes.h>

static void
line(struct buf *ret, const char *type, const char *name, const char *help, uint64_t v)
{
	buf_printf(ret, "# HELP kdsign_front_%s %s\n# TYPE kdsign_front_%s %s\n", name,
	    help, name, type);
	buf_printf(ret, "kdsign_front_%s %" PRIu64 "\n", name, v);
}

void
metrics_encode(const struct metrics *m, uint64_t body_bytes, bool keeper_up,
    const bool *relay_up, struct buf *ret)
{
	size_t i;

	line(ret, "gauge", "connections", "open connections", m->connections_now);
	line(ret, "counter", "connections_total", "connections accepted",
	    m->connections_total);
	line(ret, "counter", "handshakes_failed_total",
	    "connections that ended before a first request", m->handshakes_failed);
	line(ret, "counter", "connections_limited_total",
	    "connections refused by a limit", m->limited);
	line(ret, "counter", "connections_cut_total", "connections past their deadline",
	    m->cut);
	line(ret, "gauge", "requests_in_flight", "requests not yet answered",
	    m->in_flight);
	line(ret, "gauge", "body_bytes", "bytes of request bodies held", body_bytes);
	line(ret, "gauge", "keeper_up", "whether the keeper is connected", keeper_up);
	if (relay_up != NULL)
		line(ret, "gauge", "relay_up", "whether the relay is connected",
		    *relay_up);
	buf_str(ret, "# HELP kdsign_front_requests_total requests by class of status\n"
		     "# TYPE kdsign_front_requests_total counter\n");
	for (i = 1; i < 6; i++)
		buf_printf(ret,
		    "kdsign_front_requests_total{status=\"%zuxx\"} %" PRIuFAST64 "\n", i,
		    m->requests[i]);
}
