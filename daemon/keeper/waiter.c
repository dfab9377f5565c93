/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/keeper/waiter.c - those who are to be told what becomes of a request. */
#include "daemon/keeper/call.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

void
tell_problem(struct front_conn *c, uint64_t frame_id, const char *request_id,
    const struct kd_err *e)
{
	AUTO(buf_clear) struct buf body = {0};
	struct answer a;

	request_problem(e, request_id, &a, &body);
	front_answer(c, frame_id, &a);
}

void
tell(struct request *r, const struct waiter *w)
{
	AUTO(buf_clear) struct buf body = {0};
	struct kd_err e = {0};
	struct answer a;

	if (request_answer(r, w->request_id, &a, &body, &e)) {
		front_answer(w->conn, w->frame_id, &a);
		return;
	}
	log_err(LOG_L_ERROR, &e);
	tell_problem(w->conn, w->frame_id, w->request_id, &e);
}

static void
waiter_free(struct waiter *w)
{
	front_drop(w->conn);
	free(w);
}

void
tell_all(struct request *r, const struct kd_err *problem)
{
	struct waiter *w;

	while ((w = r->waiters) != NULL) {
		r->waiters = w->next;
		if (problem != NULL)
			tell_problem(w->conn, w->frame_id, w->request_id, problem);
		else
			tell(r, w);
		waiter_free(w);
	}
}

bool
waiter_add(struct request *r, const struct call *c, uint64_t wait_ms, struct kd_err *e)
{
	struct waiter *w = kd_alloc(sizeof(*w));

	if (w == NULL)
		return kd_fail_nomem(e, "request");
	w->conn = front_hold(c->conn);
	w->frame_id = c->frame_id;
	w->deadline = clock_ms() + wait_ms;
	memcpy(w->request_id, c->ask->request_id, sizeof(w->request_id));
	w->next = r->waiters;
	r->waiters = w;
	loop_wake_at(c->k->loop, w->deadline);
	return true;
}

uint64_t
waiters_release(struct request *r, uint64_t now_ms)
{
	struct waiter **at = &r->waiters, *w;
	uint64_t next = UINT64_MAX;

	while ((w = *at) != NULL) {
		if (now_ms < w->deadline) {
			next = w->deadline < next ? w->deadline : next;
			at = &w->next;
			continue;
		}
		*at = w->next;
		tell(r, w);
		waiter_free(w);
	}
	return next;
}

void
waiters_forget(struct request *r)
{
	struct waiter *w;

	while ((w = r->waiters) != NULL) {
		r->waiters = w->next;
		waiter_free(w);
	}
}
