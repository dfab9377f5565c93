/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/keeper/loop.h - the one thread that decides: descriptors, finished work,
 * deadlines. */
#ifndef KD_KEEPER_LOOP_H
#define KD_KEEPER_LOOP_H
#include <stdint.h>

#include "base/error.h"
#include "base/own.h"
#include "daemon/keeper/work.h"

struct loop; /* opaque: epoll and the list of finished work with its eventfd */

/* Embedded in what owns the descriptor. That must outlive the turn in which it was
 * deleted. */
struct loop_source {
	int fd;
	uint32_t events; /* as registered; 0 when not */
	void (*ready)(struct loop_source *s, uint32_t events);
};

struct loop_hooks {
	void *self;
	/* After the events of a turn: hand over what they caused, in one go each. False
	 * ends the loop. */
	bool (*turn)(void *self);
	/* At the time loop_wake_at asked for. */
	void (*timer)(void *self, uint64_t now_ms);
};

bool loop_new(
    const struct loop_hooks *hooks, struct loop **ret, struct kd_err *e) KD_MUST;
void loop_free(struct loop *l);
AUTO_DEFINE(struct loop, loop_free);
/* Level-triggered; events 0 takes it out. */
bool loop_watch(
    struct loop *l, struct loop_source *s, uint32_t events, struct kd_err *e) KD_MUST;
void loop_forget(struct loop *l, struct loop_source *s);
/* Any thread: done() of each is called in the loop, in order. One wake-up for a whole
 * list. */
void loop_post(struct loop *l, struct work_list *done);
/* The timer hook shall run at that time (clock_ms) or earlier. */
void loop_wake_at(struct loop *l, uint64_t at_ms);
/* Runs until turn says false. KD_E_BUG when epoll itself fails. */
bool loop_run(struct loop *l, struct kd_err *e) KD_MUST;
#endif
