/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/keeper/work.h - what threads of the keeper hand to each other. */
#ifndef KD_KEEPER_WORK_H
#define KD_KEEPER_WORK_H
#include <stddef.h>

#include "daemon/keeper/queue.h"

/*
 * A piece of work, embedded in what it is about. It is in one list at a time and belongs
 * to the thread whose list it is in: loop → pool or record → loop. So the data around it
 * needs no lock.
 */
struct work {
	struct work *next;
	void (*run)(struct work *w);  /* in the pool; unused by the record */
	void (*done)(struct work *w); /* in the loop, afterwards */
	struct queue_node turn;       /* while it waits in heavy.h */
};

struct work_list { /* all-zero is empty */
	struct work *head, *tail;
	size_t n;
};

static inline void
work_list_add(struct work_list *l, struct work *w)
{
	w->next = NULL;
	if (l->tail != NULL)
		l->tail->next = w;
	else
		l->head = w;
	l->tail = w;
	l->n++;
}

static inline struct work *
work_list_pop(struct work_list *l)
{
	struct work *w = l->head;

	if (w == NULL)
		return NULL;
	l->head = w->next;
	if (l->head == NULL)
		l->tail = NULL;
	l->n--;
	w->next = NULL;
	return w;
}

/* All of from goes to the end of l; from is empty afterwards. */
static inline void
work_list_join(struct work_list *l, struct work_list *from)
{
	if (from->head == NULL)
		return;
	if (l->tail != NULL)
		l->tail->next = from->head;
	else
		l->head = from->head;
	l->tail = from->tail;
	l->n += from->n;
	*from = (struct work_list){0};
}
#endif
