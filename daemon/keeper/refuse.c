/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/keeper/refuse.c - events that are about no item: refusals, the keeper's own
 * life. */
#include "daemon/keeper/call.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/keeper/copy.h"

#define PROBE_MS 500 /* how often a record that failed is tried again */

void
op_submit(struct keeper *k, struct record_op *op)
{
	work_list_add(&k->ops, &op->work);
	k->in_record++;
}

void
op_came_back(struct keeper *k, const struct record_op *op)
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
	COPY(k->record_error, op->e.msg);
	k->probe_at = clock_ms() + PROBE_MS;
	loop_wake_at(k->loop, k->probe_at);
}

/* The client hears that nothing can be recorded; the log says why. */
void
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

	op_came_back(n->k, &n->op);
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
	op_submit(k, &n->op);
}

static bool
is_decision(enum kd_code c)
{
	return c == KD_E_AUTH || c == KD_E_DENIED || c == KD_E_KEY_UNKNOWN ||
	       c == KD_E_CERT_INVALID || c == KD_E_KEY_RETIRED;
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
void
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
	op_submit(c->k, &n->op);
}

void
refuse_late(struct keeper *k, struct front_conn *conn, uint64_t frame_id,
    const struct request *r, const struct kd_err *e)
{
	struct note *n = is_decision(e->code) ? note_new(k, "deny") : NULL;

	k->count.refused++;
	if (n == NULL) {
		tell_problem(conn, frame_id, r->request_id, e);
		return;
	}
	n->note.code = e->code;
	memcpy(n->note.detail, e->msg, sizeof(n->note.detail));
	memcpy(n->note.request_id, r->request_id, sizeof(n->note.request_id));
	memcpy(n->note.peer, r->peer, sizeof(n->note.peer));
	memcpy(n->note.id, r->ask.id, sizeof(n->note.id));
	memcpy(n->note.key, r->ask.key, sizeof(n->note.key));
	n->note.have_client = true;
	memcpy(n->note.client, r->client, 32);
	memcpy(n->note.cert, r->cert, 32);
	memcpy(n->note.subject, r->subject, sizeof(n->note.subject));
	n->problem = *e;
	n->conn = front_hold(conn);
	n->frame_id = frame_id;
	op_submit(k, &n->op);
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
	op_came_back(p->k, &p->op);
	free(p);
}

void
record_probe(struct keeper *k)
{
	struct probe *p = kd_alloc(sizeof(*p));

	if (p == NULL)
		return; /* the next turn of the timer tries again */
	p->k = k;
	p->op.kind = RECORD_PROBE;
	p->op.work.done = probe_done;
	k->probing = true;
	op_submit(k, &p->op);
}
