/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/keeper/queue.h - what waits for a token, or for any of several, clients served in
 * turn. */
#ifndef KD_KEEPER_QUEUE_H
#define KD_KEEPER_QUEUE_H
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct queue_node { /* embedded in what waits */
	struct queue_node *next;
};

struct queue_client; /* opaque: one client's waiting nodes, in their order */

#define QUEUE_BUCKETS 64

/*
 * A bounded queue: first in first out within one client, one node of each client in turn.
 * So a client's thousand delays another's one by one place per client, not by a thousand.
 * All-zero but for limit is empty. The loop's thread only.
 */
struct queue {
	size_t limit;    /* places, taken by queue_reserve */
	size_t reserved; /* places taken: nodes waiting, and those that will come */
	size_t waiting;
	struct queue_client *turn; /* ring of clients that wait; the next to be served */
	struct queue_client *buckets[QUEUE_BUCKETS];
};

/* Places for n nodes before their intents are written, so that durable ones always fit.
 * KD_E_BUSY. */
bool queue_reserve(struct queue *q, size_t n, struct kd_err *e) KD_MUST;
void queue_release(struct queue *q, size_t n); /* places that are not needed after all */
/* A place, whatever the limit, for a node that had one and was popped. */
void queue_reserve_again(struct queue *q);
/* The node waits; its place was reserved. Ownership stays with the caller. KD_E_NOMEM. */
bool queue_push(struct queue *q, const uint8_t client[32], struct queue_node *node,
    struct kd_err *e) KD_MUST;
/* Next in turn, its place given back; NULL when none waits. */
struct queue_node *queue_pop(struct queue *q);
/* The one that queue_pop would give; it stays. */
struct queue_node *queue_peek(const struct queue *q);
#endif
