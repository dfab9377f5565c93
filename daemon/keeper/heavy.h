/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/keeper/heavy.h - what takes long, in a thread of its own, clients served in turn. */
#ifndef KD_KEEPER_HEAVY_H
#define KD_KEEPER_HEAVY_H
#include <stdint.h>

#include "daemon/keeper/pool.h"
#include "daemon/keeper/queue.h"

/*
 * Reading a catalog of 16 MiB takes half a second. One piece at a time is with the thread,
 * and the next is of the next client, so that who sends many of them waits for them himself.
 * All-zero is empty. The loop's thread only.
 */
struct heavy {
	struct work slot; /* first: what the pool has */
	struct work *now; /* in its place; NULL: nothing */
	struct queue queue;
	struct work_list spare; /* for which there was no memory in the queue */
};

/* w's run and done as with pool_submit, when its turn has come. */
void heavy_add(struct heavy *h, struct work *w, const uint8_t client[32]);
/* The end of a turn. */
void heavy_turn(struct heavy *h, struct pool *pool);
/* What waits is forgotten; the pool has ended. */
void heavy_clear(struct heavy *h);
#endif
