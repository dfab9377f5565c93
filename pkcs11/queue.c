/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/queue.c - what the keeper asked for and no session has yet taken: bounded, in
 * turn. */
#include "pkcs11/queue.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"

bool
queue_init(struct queue *q, size_t max, size_t reserve, struct kd_err *e)
{
	*q = (struct queue){.cap = max + reserve};
	q->ring = kd_alloc_array(q->cap, sizeof(*q->ring));
	return q->ring != NULL || kd_fail_nomem(e, "queue");
}

void
queue_clear(struct queue *q)
{
	free(q->ring);
	*q = (struct queue){0};
}

static struct ask *
at(const struct queue *q, size_t i)
{
	size_t k = q->head + i;

	return &q->ring[k < q->cap ? k : k - q->cap];
}

void
queue_push(struct queue *q, const struct ask *a)
{
	assert(q->n < q->cap);
	*at(q, q->n) = *a;
	q->n++;
}

void
queue_unshift(struct queue *q, const struct ask *a)
{
	assert(q->n < q->cap);
	q->head = q->head > 0 ? q->head - 1 : q->cap - 1;
	q->n++;
	*at(q, 0) = *a;
}

bool
queue_shift(struct queue *q, struct ask *ret)
{
	if (q->n == 0)
		return false;
	*ret = *at(q, 0);
	q->head = q->head + 1 < q->cap ? q->head + 1 : 0;
	q->n--;
	return true;
}

void
queue_take_if(struct queue *q, bool (*pick)(void *self, const struct ask *a), void *self)
{
	size_t kept = 0;

	for (size_t i = 0; i < q->n; i++) {
		if (pick(self, at(q, i)))
			continue;
		if (kept != i)
			*at(q, kept) = *at(q, i);
		kept++;
	}
	q->n = kept;
}

uint64_t
queue_deadline(const struct queue *q)
{
	uint64_t least = UINT64_MAX;

	for (size_t i = 0; i < q->n; i++) {
		if (at(q, i)->deadline_ms < least)
			least = at(q, i)->deadline_ms;
	}
	return least;
}
