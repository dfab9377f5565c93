/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/keeper/queue.c - what waits for one token, clients served in turn. */
#include "daemon/keeper/queue.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct queue_client {
	uint8_t client[32];
	struct queue_node *head, *tail;
	struct queue_client *prev, *next; /* ring */
	struct queue_client *chain;       /* bucket */
};

bool
queue_reserve(struct queue *q, size_t n, struct kd_err *e)
{
	/* A reload may have lowered the limit under what was taken before. */
	size_t left = q->limit > q->reserved ? q->limit - q->reserved : 0;

	if (n > left)
		return kd_fail(e, KD_E_BUSY,
		    "the token's queue has %zu places left of %zu, %zu needed", left,
		    q->limit, n);
	q->reserved += n;
	return true;
}

void
queue_release(struct queue *q, size_t n)
{
	q->reserved -= n;
}

void
queue_reserve_again(struct queue *q)
{
	q->reserved++;
}

static struct queue_client **
bucket_of(struct queue *q, const uint8_t client[32])
{
	return &q->buckets[client[0] % QUEUE_BUCKETS];
}

/* At the end of the ring: behind everybody who waits already. */
static struct queue_client *
client_new(struct queue *q, const uint8_t client[32])
{
	struct queue_client *c = kd_alloc(sizeof(*c)), **bucket = bucket_of(q, client);

	if (c == NULL)
		return NULL;
	memcpy(c->client, client, 32);
	c->chain = *bucket;
	*bucket = c;
	if (q->turn == NULL) {
		c->prev = c->next = q->turn = c;
	} else {
		c->next = q->turn;
		c->prev = q->turn->prev;
		c->prev->next = c;
		c->next->prev = c;
	}
	return c;
}

static void
client_free(struct queue *q, struct queue_client *c)
{
	struct queue_client **at = bucket_of(q, c->client);

	while (*at != c)
		at = &(*at)->chain;
	*at = c->chain;
	if (c->next == c) {
		q->turn = NULL;
	} else {
		c->prev->next = c->next;
		c->next->prev = c->prev;
		if (q->turn == c)
			q->turn = c->next;
	}
	free(c);
}

bool
queue_push(
    struct queue *q, const uint8_t client[32], struct queue_node *node, struct kd_err *e)
{
	struct queue_client *c = *bucket_of(q, client);

	while (c != NULL && memcmp(c->client, client, 32) != 0)
		c = c->chain;
	if (c == NULL && (c = client_new(q, client)) == NULL)
		return kd_fail_nomem(e, "the token's queue");
	node->next = NULL;
	if (c->tail != NULL)
		c->tail->next = node;
	else
		c->head = node;
	c->tail = node;
	q->waiting++;
	return true;
}

struct queue_node *
queue_peek(const struct queue *q)
{
	return q->turn != NULL ? q->turn->head : NULL;
}

struct queue_node *
queue_pop(struct queue *q)
{
	struct queue_client *c = q->turn;
	struct queue_node *node;

	if (c == NULL)
		return NULL;
	node = c->head;
	c->head = node->next;
	node->next = NULL;
	q->turn = c->next;
	q->waiting--;
	q->reserved--;
	if (c->head == NULL)
		client_free(q, c);
	return node;
}
