/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/keeper/lookup.c - an id that may have been answered before. */
#include "daemon/keeper/call.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "daemon/keeper/copy.h"

/* Each may bring an answer of many megabytes into memory, which nobody knows before. */
#define LOOKUPS_MAX 4

struct lookup {
	struct record_op op; /* first */
	struct keeper *k;
	struct request *req; /* owned; for POST with its content, for GET without */
	bool compare;        /* POST */
	struct front_conn *conn;
	uint64_t frame_id;
	struct kd_err otherwise; /* when the record does not know the id */
};

void
fail_unknown_id(struct kd_err *e, const char *id)
{
	(void)kd_fail(e, KD_E_NOT_FOUND, "there is no request '%s' of this client", id);
}

bool
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

/* Over, and the next one's turn. */
static void
lookup_end(struct lookup *l)
{
	struct keeper *k = l->k;
	struct work *next = work_list_pop(&k->lookups_waiting);

	front_drop(l->conn);
	store_found_clear(&l->op.found);
	request_free(l->req);
	free(l);
	k->lookups--;
	if (next == NULL)
		return;
	k->lookups++;
	op_submit(k, (struct record_op *)next); /* its first member */
}

static struct waiter
asker(const struct lookup *l)
{
	struct waiter to = {
	    .conn = l->conn, .frame_id = l->frame_id, .reads = !l->compare};

	memcpy(to.request_id, l->req->request_id, sizeof(to.request_id));
	return to;
}

static void
lookup_tell(void *self)
{
	struct lookup *l = self;
	struct waiter to = asker(l);

	tell(l->req, &to);
	lookup_end(l);
}

/* It began meanwhile, so that the record does not know its outcome yet. */
static bool
lookup_live(struct lookup *l, struct request *live, struct kd_err *e)
{
	struct waiter to = asker(l);

	if (!check_owner(live, l->req->client, l->compare ? l->req->content : NULL, e))
		return false;
	if (live->encoding)
		return waiter_put(live, l->k, &to, e);
	tell(live, &to);
	return true;
}

static void
lookup_done(struct work *w)
{
	struct lookup *l = (struct lookup *)w;
	struct request *live = live_find(&l->k->live, l->req->ask.id);
	struct kd_err e = {0};

	op_came_back(l->k, &l->op);
	if (live == NULL && lookup_result(l, &e)) {
		encode_answer(l->k, l->req, lookup_tell, l);
		return;
	}
	if (live == NULL || !lookup_live(l, live, &e))
		refuse_late(l->k, l->conn, l->frame_id, l->req, &e);
	lookup_end(l);
}

/* take_req moves in, whatever happens. */
bool
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
	if (c->k->lookups == LOOKUPS_MAX) {
		work_list_add(&c->k->lookups_waiting, &l->op.work);
		return true;
	}
	c->k->lookups++;
	op_submit(c->k, &l->op);
	return true;
}
