/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/keeper/lookup.c - an id that may have been answered before. */
#include "daemon/keeper/call.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "daemon/keeper/copy.h"

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

static void
lookup_done(struct work *w)
{
	struct lookup *l = (struct lookup *)w;
	struct waiter to = {.conn = l->conn, .frame_id = l->frame_id};
	/* It may have begun meanwhile; then the record does not know its outcome yet. */
	struct request *live = live_find(&l->k->live, l->req->ask.id);
	struct kd_err e = {0};

	op_came_back(l->k, &l->op);
	memcpy(to.request_id, l->req->request_id, sizeof(to.request_id));
	if (live != NULL ? check_owner(live, l->req->client,
			       l->compare ? l->req->content : NULL, &e)
			 : lookup_result(l, &e))
		tell(live != NULL ? live : l->req, &to);
	else
		refuse_late(l->k, l->conn, l->frame_id, l->req, &e);
	front_drop(l->conn);
	store_found_clear(&l->op.found);
	request_free(l->req);
	free(l);
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
	op_submit(c->k, &l->op);
	return true;
}
