/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/keeper/waiter.c - those who are to be told what becomes of a request. */
#include "daemon/keeper/call.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

/* An answer up to this is made in less than a millisecond; one with a catalog of 16 MiB
 * takes a tenth of a second. */
#define ENCODE_LEN ((size_t)256 << 10)

/* All who wait for one request are answered in one turn, and the front's connection is
 * cut when 128 MiB wait for it. */
#define WAITING_MAX ((size_t)96 << 20)

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
	struct answer a = r->answer;

	if (a.status == 0 && !request_answer(r, w->request_id, &a, &body, &e)) {
		log_err(LOG_L_ERROR, &e);
		tell_problem(w->conn, w->frame_id, w->request_id, &e);
		return;
	}
	if (w->reads && a.type == ANSWER_JSON && a.status > 202) {
		a.status = 200;
		a.retry_after_s = 0;
	}
	front_answer(w->conn, w->frame_id, &a);
}

static bool
is_large(const struct request *r)
{
	size_t sum = 0;

	for (size_t i = 0; i < r->items_n && sum <= ENCODE_LEN; i++)
		sum += r->items[i].content_len;
	return sum > ENCODE_LEN;
}

/* Without memory there is no answer; tell() then tries once more, and says so. */
static void
encode_run(struct work *w)
{
	struct request *r =
	    (struct request *)((char *)w - offsetof(struct request, encode));
	struct kd_err e = {0};

	if (!request_answer(r, r->request_id, &r->answer, &r->body, &e)) {
		r->answer = (struct answer){0};
		return;
	}
	for (size_t i = 0; i < r->items_n; i++)
		buf_clear(&r->items[i].cms);
}

static void
encode_done(struct work *w)
{
	struct request *r =
	    (struct request *)((char *)w - offsetof(struct request, encode));

	r->keeper->in_pool--;
	r->encoding = false;
	r->encoded(r->encoded_self);
}

void
encode_answer(
    struct keeper *k, struct request *r, void (*encoded)(void *self), void *self)
{
	if (!is_large(r)) {
		encoded(self);
		return;
	}
	r->keeper = k;
	r->encoding = true;
	r->encoded = encoded;
	r->encoded_self = self;
	r->encode.run = encode_run;
	r->encode.done = encode_done;
	k->in_pool++;
	heavy_add(&k->heavy, &r->encode, r->client);
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
waiter_put(
    struct request *r, struct keeper *k, const struct waiter *like, struct kd_err *e)
{
	size_t sum = r->expected;
	struct waiter *w;

	for (w = r->waiters; w != NULL; w = w->next)
		sum += r->expected;
	if (r->waiters != NULL && sum > WAITING_MAX) {
		(void)kd_fail(e, KD_E_BUSY,
		    "request '%s' has a large answer, and others wait for it already",
		    r->ask.id);
		return kd_hint(e, "ask again later");
	}
	w = kd_alloc(sizeof(*w));
	if (w == NULL)
		return kd_fail_nomem(e, "request");
	*w = *like;
	(void)front_hold(w->conn);
	w->next = r->waiters;
	r->waiters = w;
	loop_wake_at(k->loop, w->deadline);
	return true;
}

bool
waiter_add(struct request *r, const struct call *c, uint64_t wait_ms, struct kd_err *e)
{
	struct waiter w = {.conn = c->conn,
	    .frame_id = c->frame_id,
	    .deadline = clock_ms() + wait_ms,
	    .reads = c->ask->route == ASK_SIGNATURE};

	memcpy(w.request_id, c->ask->request_id, sizeof(w.request_id));
	return waiter_put(r, c->k, &w, e);
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
