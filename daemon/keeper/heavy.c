/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/keeper/heavy.c - what takes long, in a thread of its own, clients served in turn. */
#include "daemon/keeper/heavy.h"

#include <stddef.h>

static struct work *
work_of(struct queue_node *node)
{
	return (struct work *)((char *)node - offsetof(struct work, turn));
}

static void
slot_run(struct work *slot)
{
	struct heavy *h = (struct heavy *)slot;

	h->now->run(h->now);
}

static void
slot_done(struct work *slot)
{
	struct heavy *h = (struct heavy *)slot;
	struct work *w = h->now;

	h->now = NULL;
	w->done(w);
}

void
heavy_add(struct heavy *h, struct work *w, const uint8_t client[32])
{
	struct kd_err e = {0};

	/* bytes-in-flight is the limit. */
	queue_reserve_again(&h->queue);
	if (queue_push(&h->queue, client, &w->turn, &e))
		return;
	queue_release(&h->queue, 1);
	work_list_add(&h->spare, w);
}

static struct work *
next(struct heavy *h)
{
	struct queue_node *node;

	if (h->spare.head != NULL)
		return work_list_pop(&h->spare);
	node = queue_pop(&h->queue);
	return node != NULL ? work_of(node) : NULL;
}

void
heavy_turn(struct heavy *h, struct pool *pool)
{
	struct work_list one = {0};

	if (h->now != NULL || (h->now = next(h)) == NULL)
		return;
	h->slot.run = slot_run;
	h->slot.done = slot_done;
	work_list_add(&one, &h->slot);
	pool_submit(pool, &one);
}

void
heavy_clear(struct heavy *h)
{
	while (next(h) != NULL)
		;
}
