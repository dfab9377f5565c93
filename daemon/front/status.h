/* SPDX-License-Identifier: Apache-2.0 */
/* status.h - what the front counts, as Prometheus text. */
#ifndef KD_FRONT_STATUS_H
#define KD_FRONT_STATUS_H
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/builder.h"

struct metrics { /* all-zero is the start */
	atomic_uint_fast64_t connections_now, connections_total;
	atomic_uint_fast64_t handshakes_failed; /* closed before the first request came */
	atomic_uint_fast64_t limited;           /* connections refused by a limit */
	atomic_uint_fast64_t cut;               /* connections past their deadline */
	atomic_uint_fast64_t requests[6]; /* [n]: answers 'n'xx; [0]: none was sent */
	atomic_uint_fast64_t in_flight;
};

/* Appends the front's lines (exposition format 0.0.4); the keeper's and the relay's come
 * from them. relay_up NULL: there is none. */
void metrics_encode(const struct metrics *m, uint64_t body_bytes, bool keeper_up,
    const bool *relay_up, struct buf *ret);
#endif
