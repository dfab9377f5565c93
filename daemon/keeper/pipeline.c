/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/keeper/pipeline.c - the way of one request: decide, intent, sign, verify,
 * result, answer. */
#include "daemon/keeper/keeper.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/keeper/copy.h"

#define PROBE_MS 500 /* how often a record that failed is tried again */

/* A question while it is being decided; everything borrowed. */
struct call {
	struct keeper *k;
	struct front_conn *conn;
	uint64_t frame_id;
	const struct ask *ask;
	const struct identity *who; /* NULL over the status socket */
};

/* ---- telling ---- */

static void
tell_problem(struct front_conn *c, uint64_t frame_id, const char *request_id,
    const struct kd_err *e)
{
	AUTO(buf_clear) struct buf body = {0};
	struct answer a;

	request_problem(e, request_id, &a, &body);
	front_answer(c, frame_id, &a);
}

static void
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

/* All waiters get the answer, or the problem where there is one. */
static void
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

static bool
add_waiter(struct request *r, const struct call *c, uint64_t wait_ms, struct kd_err *e)
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

/* ---- the record's side of things ---- */

static void
submit(struct keeper *k, struct record_op *op)
{
	work_list_add(&k->ops, &op->work);
	k->in_record++;
}

static void
record_came_back(struct keeper *k, const struct record_op *op)
{
	k->in_record--;
	if (op->ok) {
		if (k->record_bad && op->kind != RECORD_LOAD) {
			log_line(LOG_L_NOTICE, "record: can be written again");
			k->record_bad = false;
		}
		return;
	}
	k->count.record_failures++;
	if (!k->record_bad || strcmp(k->record_error, op->e.msg) != 0)
		log_err(LOG_L_ERROR, &op->e);
	k->record_bad = true;
	(void)snprintf(k->record_error, sizeof(k->record_error), "%.*s",
	    (int)sizeof(k->record_error) - 1, op->e.msg);
	k->probe_at = clock_ms() + PROBE_MS;
	loop_wake_at(k->loop, k->probe_at);
}

/* The client hears that nothing can be recorded; the log says why. */
static void
fail_record(struct kd_err *e)
{
	(void)kd_fail(
	    e, KD_E_STORE, "the record cannot be written, so nothing is signed");
	(void)kd_hint(
	    e, "try again with the same id; the service's log says what is wrong");
}

struct note {                /* an event, and who is told something once it is durable */
	struct record_op op; /* first */
	struct keeper *k;
	struct record_note note;
	struct front_conn *conn; /* NULL: nobody */
	uint64_t frame_id;
	struct kd_err problem;
};

static void
note_done(struct work *w)
{
	struct note *n = (struct note *)w;
	struct kd_err e = {0};

	record_came_back(n->k, &n->op);
	if (n->conn != NULL) {
		fail_record(&e);
		tell_problem(n->conn, n->frame_id, n->note.request_id,
		    n->op.ok ? &n->problem : &e);
		front_drop(n->conn);
	}
	free(n);
}

static struct note *
note_new(struct keeper *k, const char *event)
{
	struct note *n = kd_alloc(sizeof(*n));

	if (n == NULL)
		return NULL;
	n->k = k;
	n->note.event = event;
	n->op.kind = RECORD_NOTE;
	n->op.note = &n->note;
	n->op.work.done = note_done;
	return n;
}

void
pipeline_note(struct keeper *k, const char *event)
{
	struct note *n = note_new(k, event);

	if (n == NULL) {
		log_line(LOG_L_ERROR, "record: out of memory for event '%s'", event);
		return;
	}
	memcpy(n->note.config, k->settings->sha256, 32);
	n->note.have_config = true;
	submit(k, &n->op);
}

/* ---- refusing ---- */

static bool
is_decision(enum kd_code c)
{
	return c == KD_E_AUTH || c == KD_E_DENIED || c == KD_E_KEY_UNKNOWN ||
	       c == KD_E_CERT_INVALID;
}

static void
describe_refusal(struct note *n, const struct call *c, const struct api_sign_request *r,
    const struct kd_err *e)
{
	struct record_note *to = &n->note;

	to->code = e->code;
	memcpy(to->detail, e->msg, sizeof(to->detail));
	memcpy(to->request_id, c->ask->request_id, sizeof(to->request_id));
	memcpy(to->peer, c->ask->peer, sizeof(to->peer));
	if (r != NULL) {
		memcpy(to->id, r->id, sizeof(to->id));
		memcpy(to->key, r->key, sizeof(to->key));
	}
	if (c->who != NULL) {
		to->have_client = true;
		memcpy(to->client, c->who->spki_sha256, 32);
		memcpy(to->cert, c->who->cert_sha256, 32);
		memcpy(to->subject, c->who->subject, sizeof(to->subject));
	}
}

/* The whole request is refused. A decision against a client is recorded before it is
 * told. */
static void
refuse(const struct call *c, const struct api_sign_request *r, const struct kd_err *e)
{
	struct note *n = NULL;
	struct kd_err told = *e;

	c->k->count.refused++;
	log_line(LOG_L_NOTICE, "%s %s refused %s: %s", c->ask->request_id, c->ask->peer,
	    kd_code_info(e->code)->name, e->msg);
	if (e->code == KD_E_AUTH) { /* one constant text for those we do not know */
		told = (struct kd_err){0};
		(void)kd_fail(&told, KD_E_AUTH, "the client certificate is not accepted");
	}
	if (is_decision(e->code))
		n = note_new(c->k, "deny");
	if (n == NULL) {
		tell_problem(c->conn, c->frame_id, c->ask->request_id, &told);
		return;
	}
	describe_refusal(n, c, r, e);
	n->problem = told;
	n->conn = front_hold(c->conn);
	n->frame_id = c->frame_id;
	submit(c->k, &n->op);
}

/* ---- looking up what was answered ---- */

struct lookup {
	struct record_op op; /* first */
	struct keeper *k;
	struct request *req; /* owned; for POST with its content, for GET without */
	bool compare;        /* POST */
	struct front_conn *conn;
	uint64_t frame_id;
	struct kd_err otherwise; /* when the record does not know the id */
};

static void
fail_unknown_id(struct kd_err *e, const char *id)
{
	(void)kd_fail(e, KD_E_NOT_FOUND, "there is no request '%s' of this client", id);
}

static bool
check_owner(const struct request *r, const uint8_t client[32], const uint8_t content[32],
    struct kd_err *e)
{
	if (memcmp(r->client, client, 32) != 0) {
		fail_unknown_id(e, r->ask.id);
		return false;
	}
	if (content != NULL && memcmp(r->content, content, 32) != 0)
		return kd_fail(e, KD_E_CONFLICT,
		    "request '%s' had other content; a new request needs a new id",
		    r->ask.id);
	return true;
}

/* Items that were never sent have no outcome; GET says that asking again is right. */
static void
settle_unsent(struct request *r)
{
	for (size_t i = 0; i < r->items_n; i++) {
		struct item *it = &r->items[i];

		if (it->state == ITEM_DONE)
			continue;
		it->state = ITEM_DONE;
		it->code = KD_E_STORE;
		(void)snprintf(it->detail, sizeof(it->detail),
		    "it was not recorded, so no token was asked");
		r->undecided--;
	}
}

static bool
lookup_result(struct lookup *l, struct kd_err *e)
{
	struct store_found *f = &l->op.found;

	if (!l->op.ok) {
		fail_record(e);
		return false;
	}
	if (!f->have) {
		*e = l->otherwise;
		return false;
	}
	if (!check_owner(l->req, f->req.client, l->compare ? f->req.content : NULL, e) ||
	    !request_fill(l->req, f, e))
		return false;
	settle_unsent(l->req);
	return true;
}

static void
lookup_done(struct work *w)
{
	struct lookup *l = (struct lookup *)w;
	struct waiter to = {.conn = l->conn, .frame_id = l->frame_id};
	struct kd_err e = {0};

	record_came_back(l->k, &l->op);
	memcpy(to.request_id, l->req->request_id, sizeof(to.request_id));
	if (lookup_result(l, &e))
		tell(l->req, &to);
	else
		tell_problem(l->conn, l->frame_id, to.request_id, &e);
	front_drop(l->conn);
	store_found_clear(&l->op.found);
	request_free(l->req);
	free(l);
}

/* take_req moves in, whatever happens. */
static bool
look_up(const struct call *c, struct request *take_req, bool compare,
    const struct kd_err *otherwise, struct kd_err *e)
{
	struct lookup *l = kd_alloc(sizeof(*l));

	if (l == NULL) {
		request_free(take_req);
		return kd_fail_nomem(e, "request");
	}
	l->k = c->k;
	l->req = take_req;
	l->compare = compare;
	l->otherwise = *otherwise;
	l->conn = front_hold(c->conn);
	l->frame_id = c->frame_id;
	l->op.kind = RECORD_LOAD;
	l->op.work.done = lookup_done;
	COPY(l->op.id, take_req->ask.id);
	submit(c->k, &l->op);
	return true;
}

/* ---- a request on its way ---- */

static void
start_op(struct keeper *k, struct request *r, struct record_op *op, enum record_kind kind,
    void (*done)(struct work *w))
{
	op->kind = kind;
	op->work.done = done;
	r->record_deadline = clock_ms() + r->settings->conf.main.record_deadline;
	loop_wake_at(k->loop, r->record_deadline);
	submit(k, op);
}

static void
end_request(struct keeper *k, struct request *r, const struct kd_err *problem)
{
	live_remove(&k->live, r);
	tell_all(r, problem);
	request_free(r);
}

static void
add_result(struct keeper *k, struct item *it)
{
	struct request *r = it->req;

	it->state = ITEM_RECORD;
	work_list_add(&r->results, &it->work);
	if (r->to_record_listed)
		return;
	r->to_record_listed = true;
	r->to_record = k->to_record;
	k->to_record = r;
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
	struct queue *q = signer_link_queue(r->link);
	struct kd_err e = {0};

	for (size_t i = 0; i < r->items_n; i++) {
		struct item *it = &r->items[i];

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
		it->code = KD_OK;
		it->detail[0] = '\0';
		again++;
	}
	if (again > 0 && strcmp(key, r->key_name) != 0)
		return kd_fail(e, KD_E_CONFLICT,
		    "request '%s' was for key '%s', which is now '%s'", r->ask.id,
		    r->key_name, key);
	queue_release(signer_link_queue(r->link), r->items_n - again);
	r->places -= r->items_n - again;
	if (again > 0)
		start_op(k, r, &r->intent, RECORD_AGAIN, intent_done);
	else
		end_request(k, r, NULL);
	return true;
}

static void
intent_done(struct work *w)
{
	struct record_op *op = (struct record_op *)w;
	struct request *r = op->req;
	struct keeper *k = r->keeper;
	struct kd_err e = {0};

	record_came_back(k, op);
	r->record_deadline = UINT64_MAX;
	if (!op->ok)
		fail_record(&e);
	else if (op->kind == RECORD_INTENT && op->existed && (resume(k, r, &e)))
		return;
	if (e.code != KD_OK) {
		queue_release(signer_link_queue(r->link), r->places);
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

	record_came_back(k, op);
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
		end_request(k, r, NULL);
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
	work_list_add(&k->checks, &it->work);
	k->in_pool++;
}

/* ---- the questions ---- */

/* The same id is under way: attach, or say why not. */
static void
join(const struct call *c, struct request *live, const struct request *mine)
{
	struct kd_err e = {0};

	if (!check_owner(live, mine->client, mine->content, &e)) {
		tell_problem(c->conn, c->frame_id, c->ask->request_id, &e);
		return;
	}
	c->k->count.repeated++;
	if (live->late || live->unrecorded)
		fail_record(&e);
	else if (add_waiter(live, c, c->ask->deadline_ms, &e))
		return;
	tell_problem(c->conn, c->frame_id, c->ask->request_id, &e);
}

/* take_r moves in: from here on it is under way, or refused. */
static bool
begin(const struct call *c, struct request *take_r, struct kd_err *e)
{
	AUTO(request_free) struct request *r = take_r;
	struct keeper *k = c->k;
	struct queue *q = signer_link_queue(r->link);

	if (!request_build(r, e) || !queue_reserve(q, r->items_n, e))
		return false;
	r->places = r->items_n;
	if (!add_waiter(r, c, c->ask->deadline_ms, e)) {
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

static bool
decide(const struct call *c, struct api_sign_request *sign, struct kd_err *e)
{
	AUTO(request_free) struct request *r = NULL;
	struct keeper *k = c->k;
	const struct policy_grant *grant;
	const char *key;
	struct request *live;
	struct kd_err unable = {0};

	if (!api_sign_request_decode(
		(const char *)c->ask->body.p, c->ask->body.len, sign, e) ||
	    !policy_decide(&k->settings->policy, c->who, sign, &key, &grant, e))
		return false;
	if (!request_new(sign, c->who, c->ask, k->settings, &r, e))
		return false;
	memcpy(r->grant, grant->name, sizeof(r->grant));
	r->key = settings_key(k->settings, key);
	memcpy(r->key_name, r->key->name, sizeof(r->key_name));
	r->link = keeper_link(k, r->key->signer->name);
	live = live_find(&k->live, r->ask.id);
	if (live != NULL) {
		join(c, live, r);
		return true;
	}
	/* A key that cannot sign now may still have signed this before. */
	if (!signer_link_check_key(r->link, r->key, clock_unix_ms() / 1000, &unable))
		return look_up(c, STEAL(r), true, &unable, e);
	return begin(c, STEAL(r), e);
}

static void
ask_sign(const struct call *c)
{
	AUTO(api_sign_request_clear) struct api_sign_request sign = {0};
	struct kd_err e = {0};

	if (!decide(c, &sign, &e))
		refuse(c, &sign, &e);
}

static void
ask_signature(const struct call *c)
{
	struct request *live = live_find(&c->k->live, c->ask->target), *r = NULL;
	struct kd_err e = {0}, unknown = {0};

	fail_unknown_id(&unknown, c->ask->target);
	if (!api_id_ok(c->ask->target)) {
		e = unknown;
	} else if (live != NULL) {
		uint32_t wait = c->ask->wait_ms;

		if (wait > c->ask->deadline_ms)
			wait = c->ask->deadline_ms;
		if (check_owner(live, c->who->spki_sha256, NULL, &e) &&
		    add_waiter(live, c, wait, &e))
			return;
	} else if (request_new_empty(c->ask->target, c->who, c->ask, &r, &e) &&
		   look_up(c, r, false, &unknown, &e)) {
		return;
	}
	tell_problem(c->conn, c->frame_id, c->ask->request_id, &e);
}

static void
ask_plain(const struct call *c)
{
	AUTO(buf_clear) struct buf body = {0};
	struct kd_err e = {0};
	struct answer a;
	bool done = false;

	switch (c->ask->route) {
	case ASK_KEYS:
		done = answers_keys(c->k, c->who, &a, &body, &e);
		break;
	case ASK_KEY:
		done = answers_key(c->k, c->who, c->ask->target, &a, &body, &e);
		break;
	case ASK_READY:
		done = answers_ready(c->k, &a, &body, &e);
		break;
	case ASK_METRICS:
		done = answers_metrics(c->k, &a, &body, &e);
		break;
	default:
		(void)kd_fail(&e, KD_E_BUG, "route %d", (int)c->ask->route);
	}
	if (done)
		front_answer(c->conn, c->frame_id, &a);
	else
		refuse(c, NULL, &e);
}

void
pipeline_ask(
    struct keeper *k, struct front_conn *conn, uint64_t id, const struct ask *ask)
{
	struct call c = {.k = k, .conn = conn, .frame_id = id, .ask = ask};
	struct kd_err e = {0};

	if (ask->local) {
		if (ask->route != ASK_READY && ask->route != ASK_METRICS)
			(void)kd_fail(&e, KD_E_AUTH,
			    "no client certificate over the status socket");
	} else if (ask->route == ASK_METRICS) {
		(void)kd_fail(
		    &e, KD_E_NOT_FOUND, "metrics are served on the status socket only");
	} else if (!identity_check(k->settings->trust, ask->chain, ask->chain_n,
		       clock_unix_ms() / 1000, &c.who, &e)) {
		c.who = NULL;
	}
	if (e.code != KD_OK)
		refuse(&c, NULL, &e);
	else if (ask->route == ASK_SIGN)
		ask_sign(&c);
	else if (ask->route == ASK_SIGNATURE)
		ask_signature(&c);
	else
		ask_plain(&c);
}

/* ---- turns and deadlines ---- */

static void
submit_results(struct keeper *k)
{
	struct request *r, *busy = NULL;

	while ((r = k->to_record) != NULL) {
		k->to_record = r->to_record;
		if (r->result_busy) { /* one at a time; what came meanwhile goes next */
			r->to_record = busy;
			busy = r;
			continue;
		}
		r->to_record_listed = false;
		r->result_busy = true;
		r->unrecorded = false;
		r->result.items = r->results;
		r->results = (struct work_list){0};
		r->result.last = r->result.items.n == r->undecided;
		start_op(k, r, &r->result, RECORD_RESULT, result_done);
	}
	k->to_record = busy;
}

void
pipeline_turn(struct keeper *k)
{
	uint64_t now = clock_ms();

	for (size_t i = 0; i < k->links_n; i++)
		signer_link_dispatch(
		    k->links[i], now, k->settings->conf.main.sign_deadline);
	submit_results(k);
	record_submit(k->record, &k->ops);
	pool_submit(k->pool, &k->checks);
}

/* Waiters whose time is up get what there is; returns the next one's time. */
static uint64_t
release_waiters(struct request *r, uint64_t now_ms)
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

static uint64_t
request_timer(struct keeper *k, struct request *r, uint64_t now_ms)
{
	struct kd_err e = {0};
	uint64_t next;

	if (now_ms >= r->record_deadline) {
		fail_record(&e);
		tell_all(r, &e);
		r->late = !r->result_busy;
		r->record_deadline = UINT64_MAX;
		k->count.record_failures++;
	}
	if (r->unrecorded && !r->result_busy && !r->to_record_listed &&
	    now_ms >= k->probe_at) {
		r->to_record_listed = true;
		r->to_record = k->to_record;
		k->to_record = r;
	}
	next = release_waiters(r, now_ms);
	return r->record_deadline < next ? r->record_deadline : next;
}

struct probe {
	struct record_op op; /* first */
	struct keeper *k;
};

static void
probe_done(struct work *w)
{
	struct probe *p = (struct probe *)w;

	p->k->probing = false;
	record_came_back(p->k, &p->op);
	free(p);
}

static void
probe(struct keeper *k)
{
	struct probe *p = kd_alloc(sizeof(*p));

	if (p == NULL)
		return; /* the next turn of the timer tries again */
	p->k = k;
	p->op.kind = RECORD_PROBE;
	p->op.work.done = probe_done;
	k->probing = true;
	submit(k, &p->op);
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
			probe(k);
		k->probe_at = now_ms + PROBE_MS;
	}
	if (k->record_bad && k->probe_at < next)
		next = k->probe_at;
	for (size_t i = 0; i < k->links_n; i++) {
		at = signer_link_timer(k->links[i], now_ms);
		next = at < next ? at : next;
	}
	return next;
}

void
pipeline_forget(struct request *r)
{
	struct waiter *w;

	while ((w = r->waiters) != NULL) {
		r->waiters = w->next;
		waiter_free(w);
	}
	request_free(r);
}

bool
pipeline_idle(const struct keeper *k)
{
	return k->live.n == 0 && k->in_record == 0 && k->in_pool == 0;
}
