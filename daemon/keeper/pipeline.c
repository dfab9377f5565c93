/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/keeper/pipeline.c - the way of one request: intent, sign, verify, result,
 * answer. */
#include "daemon/keeper/call.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/keeper/copy.h"

#define PROBE_MS 500       /* how often a record that failed is tried again */
#define RESULTS_WAIT_MS 20 /* part of a request's results goes to the record this late   \
			    */
#define HEAVY_CONTENT ((size_t)1 << 20) /* assembling more than this takes milliseconds */
#define GATHER_MS 4 /* while a token is busy for longer, a commit waits for company */

static void
start_op(struct keeper *k, struct request *r, struct record_op *op, enum record_kind kind,
    void (*done)(struct work *w))
{
	op->kind = kind;
	op->work.done = done;
	r->record_deadline = clock_ms() + r->settings->conf.main.record_deadline;
	loop_wake_at(k->loop, r->record_deadline);
	op_submit(k, op);
}

static void
end_request(struct keeper *k, struct request *r, const struct kd_err *problem)
{
	live_remove(&k->live, r);
	tell_all(r, problem);
	request_free(r);
}

static void
end_encoded(void *self)
{
	struct request *r = self;

	end_request(r->keeper, r, NULL);
}

/* All items are decided. Until the answer is made, it is live: others may join. The answer
 * may be made in the pool, where signers are not to be looked at. */
static void
end_decided(struct keeper *k, struct request *r)
{
	if (r->items[0].code != KD_OK)
		r->retry_s = group_retry_s(r->group, r->key, clock_unix_ms() / 1000);
	if (r->waiters == NULL)
		end_request(k, r, NULL);
	else
		encode_answer(k, r, end_encoded, r);
}

/* Its results go to the record at the end of the turn. */
static void
list_results(struct keeper *k, struct request *r)
{
	if (r->to_record_listed)
		return;
	r->to_record_listed = true;
	r->to_record = k->to_record;
	k->to_record = r;
}

static void
add_result(struct keeper *k, struct item *it)
{
	it->state = ITEM_RECORD;
	work_list_add(&it->req->results, &it->work);
	list_results(k, it->req);
}

static void
fail_item(
    struct keeper *k, struct item *it, enum kd_code code, bool heard, const char *detail)
{
	it->code = code;
	it->final = heard;
	COPY(it->detail, detail);
	add_result(k, it);
}

/* Intents are durable: the items go to the signer, unless their client was told 503
 * meanwhile. */
static void
enqueue(struct keeper *k, struct request *r)
{
	struct queue *q = &r->group->queue;
	struct kd_err e = {0};

	for (size_t i = 0; i < r->items_n; i++) {
		struct item *it = &r->items[i];

		buf_clear(&it->members); /* on record now, where they belong */
		if (it->state != ITEM_INTENT)
			continue;
		if (!r->late && queue_push(q, r->client, &it->node, &e)) {
			it->state = ITEM_QUEUED;
			continue;
		}
		queue_release(q, 1);
		if (r->late)
			fail_item(k, it, KD_E_STORE, false, "the record was too slow");
		else
			fail_item(k, it, KD_E_NOMEM, false, "out of memory");
	}
}

static void intent_done(struct work *w);

/* The id was used before: by whom, for what, and is anything left to do. False: ended. */
static bool
resume(struct keeper *k, struct request *r, struct kd_err *e)
{
	struct store_found *f = &r->intent.found;
	char key[API_KEY_NAME_MAX + 1];
	size_t again = 0;

	memcpy(key, r->key_name, sizeof(key));
	if (!check_owner(r, f->req.client, f->req.content, e) || !request_fill(r, f, e))
		return false;
	store_found_clear(f);
	k->count.repeated++;
	for (size_t i = 0; i < r->items_n; i++) {
		struct item *it = &r->items[i];

		if (it->state == ITEM_DONE && (it->code == KD_OK || it->final))
			continue;
		if (it->state == ITEM_DONE)
			r->undecided++;
		it->state = ITEM_INTENT;
		it->tried = 0;
		it->code = KD_OK;
		it->detail[0] = '\0';
		again++;
	}
	if (again > 0 && strcmp(key, r->key_name) != 0)
		return kd_fail(e, KD_E_CONFLICT,
		    "request '%s' was for key '%s', which is now '%s'", r->ask.id,
		    r->key_name, key);
	queue_release(&r->group->queue, r->items_n - again);
	r->places -= r->items_n - again;
	if (again > 0)
		start_op(k, r, &r->intent, RECORD_AGAIN, intent_done);
	else
		end_decided(k, r);
	return true;
}

static void
intent_done(struct work *w)
{
	struct record_op *op = (struct record_op *)w;
	struct request *r = op->req;
	struct keeper *k = r->keeper;
	struct kd_err e = {0};

	op_came_back(k, op);
	r->record_deadline = UINT64_MAX;
	if (!op->ok)
		fail_record(&e);
	else if (op->kind == RECORD_INTENT && op->existed && (resume(k, r, &e)))
		return;
	if (e.code != KD_OK) {
		queue_release(&r->group->queue, r->places);
		end_request(k, r, &e);
		return;
	}
	if (op->kind == RECORD_INTENT)
		r->no = op->no;
	enqueue(k, r);
}

static void
result_done(struct work *w)
{
	struct record_op *op = (struct record_op *)w;
	struct request *r = op->req;
	struct keeper *k = r->keeper;
	struct kd_err e = {0};
	struct work *each;

	op_came_back(k, op);
	r->result_busy = false;
	r->record_deadline = UINT64_MAX;
	if (!op->ok) {
		work_list_join(&r->results, &op->items);
		r->unrecorded =
		    true; /* the timer tries again; until then nobody gets it */
		fail_record(&e);
		tell_all(r, &e);
		return;
	}
	while ((each = work_list_pop(&op->items)) != NULL) {
		struct item *it =
		    (struct item *)((char *)each - offsetof(struct item, work));

		it->state = ITEM_DONE;
		it->chain_no = op->chain_no;
		r->undecided--;
		if (it->code == KD_OK)
			k->count.signed_items++;
		else if (it->final)
			k->count.failed_items++;
		else
			k->count.unheard_items++;
	}
	if (r->undecided == 0)
		end_decided(k, r);
}

static void
check_run(struct work *w)
{
	request_check_item((struct item *)((char *)w - offsetof(struct item, work)));
}

static void
check_done(struct work *w)
{
	struct item *it = (struct item *)((char *)w - offsetof(struct item, work));

	it->req->keeper->in_pool--;
	if (it->code != KD_OK)
		log_line(LOG_L_ERROR, "%s items[%u]: %s: %s", it->req->request_id,
		    it->index, kd_code_info(it->code)->name, it->detail);
	if (it->code == KD_E_BAD_SIGNATURE)
		signer_link_bad(it->link, it->req->key, it->detail);
	add_result(it->req->keeper, it);
}

void
pipeline_signed(struct keeper *k, struct item *it, const struct sign_result *res)
{
	it->ckr = res->ckr;
	it->token_us = res->token_us;
	if (res->code != KD_OK) {
		log_line(LOG_L_WARN, "%s items[%u]: %s: %s", it->req->request_id,
		    it->index, kd_code_info(res->code)->name, res->detail);
		fail_item(k, it, res->code, res->heard, res->detail);
		return;
	}
	memcpy(it->sig, res->signature, res->signature_len);
	it->sig_len = res->signature_len;
	it->state = ITEM_CHECK;
	it->work.run = check_run;
	it->work.done = check_done;
	if (it->content_len > HEAVY_CONTENT)
		heavy_add(&k->heavy, &it->work, it->req->client);
	else
		work_list_add(&k->checks, &it->work);
	k->in_pool++;
}

bool
pipeline_begin(const struct call *c, struct request *take_r, struct kd_err *e)
{
	AUTO(request_free) struct request *r = take_r;
	struct keeper *k = c->k;
	struct queue *q = &r->group->queue;

	if (!queue_reserve(q, r->items_n, e))
		return false;
	r->places = r->items_n;
	if (!waiter_add(r, c, c->ask->deadline_ms, e)) {
		queue_release(q, r->places);
		return false;
	}
	for (size_t i = 0; i < r->items_n; i++)
		r->items[i].state = ITEM_INTENT;
	r->keeper = k;
	r->work_deadline = clock_ms() + r->settings->conf.main.work_deadline;
	live_add(&k->live, r);
	k->count.requests++;
	k->count.items += r->items_n;
	start_op(k, r, &r->intent, RECORD_INTENT, intent_done);
	r = NULL;
	return true;
}

/* ---- turns and deadlines ---- */

/*
 * Nobody is answered before all items are decided, so a commit for each would be for
 * nothing. Only a slow token's are written as they come, so that a crash leaves few of
 * them unknown.
 */
static bool
results_due(struct keeper *k, struct request *r, uint64_t now)
{
	if (r->results.n == r->undecided)
		return true;
	if (r->results_at == UINT64_MAX) {
		r->results_at = now + RESULTS_WAIT_MS;
		loop_wake_at(k->loop, r->results_at);
	}
	return now >= r->results_at;
}

static void
submit_results(struct keeper *k, uint64_t now)
{
	struct request *r, *later = NULL;

	while ((r = k->to_record) != NULL) {
		k->to_record = r->to_record;
		/* One at a time; what came meanwhile goes next. */
		if (r->result_busy || !results_due(k, r, now)) {
			r->to_record = later;
			later = r;
			continue;
		}
		r->results_at = UINT64_MAX;
		r->to_record_listed = false;
		r->result_busy = true;
		r->unrecorded = false;
		r->result.items = r->results;
		r->results = (struct work_list){0};
		r->result.last = r->result.items.n == r->undecided;
		start_op(k, r, &r->result, RECORD_RESULT, result_done);
	}
	k->to_record = later;
}

/*
 * How long these may wait for company: a commit costs the same for one as for ten. Not at
 * all unless each token concerned has work for twice as long: then no token ever waits
 * for it.
 */
static uint64_t
patience(const struct work_list *ops)
{
	for (const struct work *w = ops->head; w != NULL; w = w->next) {
		const struct record_op *op = (const struct record_op *)w;

		if ((op->kind != RECORD_INTENT && op->kind != RECORD_RESULT) ||
		    group_busy_ms(op->req->group) < (uint64_t)2 * GATHER_MS)
			return 0;
	}
	return GATHER_MS;
}

void
pipeline_turn(struct keeper *k)
{
	uint64_t now = clock_ms();

	signers_dispatch(k, now);
	submit_results(k, now);
	record_submit(k->record, &k->ops, patience(&k->ops));
	pool_submit(k->pool, &k->checks);
	heavy_turn(&k->heavy, k->heavy_pool);
}

static uint64_t
request_timer(struct keeper *k, struct request *r, uint64_t now_ms)
{
	struct kd_err e = {0};
	uint64_t next;

	if (r->encoding)
		return UINT64_MAX; /* told as soon as that is done */
	if (now_ms >= r->record_deadline) {
		fail_record(&e);
		tell_all(r, &e);
		r->late = !r->result_busy;
		r->record_deadline = UINT64_MAX;
		k->count.record_failures++;
	}
	next = waiters_release(r, now_ms);
	if (r->results_at < next && !r->result_busy)
		next = r->results_at;
	if (r->unrecorded && now_ms >= k->probe_at)
		list_results(k, r);
	else if (r->unrecorded && k->probe_at < next)
		next = k->probe_at;
	return r->record_deadline < next ? r->record_deadline : next;
}

uint64_t
pipeline_timer(struct keeper *k, uint64_t now_ms)
{
	uint64_t next = UINT64_MAX, at;

	for (struct request *r = k->live.first, *after; r != NULL; r = after) {
		after = r->next;
		at = request_timer(k, r, now_ms);
		next = at < next ? at : next;
	}
	if (k->record_bad && now_ms >= k->probe_at) {
		if (!k->probing)
			record_probe(k);
		k->probe_at = now_ms + PROBE_MS;
	}
	if (k->record_bad && k->probe_at < next)
		next = k->probe_at;
	at = signers_timer(k, now_ms);
	return at < next ? at : next;
}

void
pipeline_forget(struct request *r)
{
	waiters_forget(r);
	request_free(r);
}

bool
pipeline_idle(const struct keeper *k)
{
	return k->live.n == 0 && k->in_record == 0 && k->in_pool == 0 && k->lookups == 0;
}
