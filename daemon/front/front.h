/* SPDX-License-Identifier: Apache-2.0 */
/* front.h - what all parts of the front share; main.c plugs it together. */
#ifndef KD_FRONT_FRONT_H
#define KD_FRONT_FRONT_H
#include <stdatomic.h>
#include <stdbool.h>

#include "daemon/front/conf.h"
#include "daemon/front/conn.h"
#include "daemon/front/limits.h"
#include "daemon/front/peer_link.h"
#include "daemon/front/status.h"
#include "daemon/front/tls.h"

struct front {
	const struct front_conf *conf; /* borrowed */
	struct tls *tls;
	struct peer_link *keeper;
	struct peer_link *relay; /* NULL: none is configured */
	bool relay_apart;        /* its user is neither ours nor the keeper's */
	struct conns *conns;
	struct budget budget;  /* bytes of request bodies */
	struct budget answers; /* bytes of answers that somebody has yet to read */
	struct metrics metrics;
	atomic_bool draining; /* every answer closes its connection */
};

/* Every open question is answered before this returns. The keeper first: its answers may
 * be questions to the relay. */
static inline void
front_links_close(struct front *f)
{
	peer_link_close(f->keeper);
	if (f->relay != NULL)
		peer_link_close(f->relay);
}
#endif
