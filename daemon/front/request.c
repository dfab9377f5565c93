/* SPDX-License-Identifier: Apache-2.0 */
/* request.c - one HTTP request from its first line to its access log line. */
#include "daemon/front/request.h"

#include <stdio.h>
#include <string.h>

#include <gnutls/crypto.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "daemon/front/gate.h"
#include "daemon/front/reply.h"
#include "daemon/front/route.h"
#include "wire/relay_msg.h"

/* The keeper keeps the request's deadline; this much later the front gives up on the
 * keeper. */
#define BACKSTOP_MS 5000
#define METRICS_WAIT_MS 2000 /* for the relay's; a scrape has no longer patience */
/* A body that much over the limit is still read, and dropped, so that the client hears
 * why: one that is cut off while it writes sees only a reset. */
#define DRAIN_MAX ((uint64_t)8 << 20)

/* Answers up to this are not counted: the number of connections bounds them, and who
 * leaves large ones unread cannot keep others from theirs. */
#define ANSWER_SMALL ((size_t)64 << 10)

enum phase { PHASE_HEAD, PHASE_BODY, PHASE_ASKED, PHASE_ANSWERED, PHASE_SENT };

struct request {
	struct front *front;
	struct conn *conn; /* NULL until the head is there */
	struct MHD_Connection *mhd;
	enum phase phase;
	uint64_t start_ns;
	char id[ASK_REQUEST_ID_LEN + 1];
	char method[16]; /* for the log */
	char uri[ROUTE_URI_MAX + 1];
	bool uri_long;
	struct route_match match;
	struct buf body;
	uint64_t charged;      /* to the budget of bodies */
	uint64_t held;         /* to that of answers */
	struct kd_err problem; /* of the body; told when it has all come */
	bool drain;            /* the body is read and dropped */
	struct reply reply;
};

struct request *
request_new(struct front *f, const char *uri)
{
	struct request *r = kd_alloc(sizeof(*r));
	size_t n = strlen(uri);

	if (r == NULL)
		return NULL;
	r->front = f;
	r->start_ns = clock_ns();
	r->uri_long = n > ROUTE_URI_MAX;
	memcpy(r->uri, uri, r->uri_long ? ROUTE_URI_MAX : n);
	return r;
}

static void
body_release(struct request *r)
{
	buf_clear(&r->body);
	budget_give(&r->front->budget, r->charged);
	r->charged = 0;
}

/* One line per request, told when all is over. */
static void
access_log(const struct request *r)
{
	uint64_t us = (clock_ns() - r->start_ns) / 1000;
	const char *sent = r->phase == PHASE_SENT ? "" : " unsent";

	log_line(LOG_L_INFO, "%s %s %s %s %s %u%s %llu.%03llums%s%s", r->id,
	    r->conn->peer, r->conn->client_name, r->method, r->uri, r->reply.status, sent,
	    (unsigned long long)(us / 1000), (unsigned long long)(us % 1000),
	    r->reply.why[0] != '\0' ? " " : "", r->reply.why);
}

void
request_end(struct request *r)
{
	struct metrics *m;

	if (r == NULL)
		return;
	m = &r->front->metrics;
	if (r->conn != NULL) { /* else the head never came */
		unsigned class = r->phase == PHASE_SENT ? r->reply.status / 100 : 0;

		(void)atomic_fetch_add(&m->requests[class < 6 ? class : 0], 1);
		(void)atomic_fetch_sub(&m->in_flight, 1);
		access_log(r);
		conn_due(r->conn, r->front->conf->header_deadline_ms);
	}
	body_release(r);
	budget_give(&r->front->answers, r->held);
	reply_clear(&r->reply);
	free(r);
}

/* Sends what r->reply holds. */
static enum MHD_Result
reply_now(struct request *r)
{
	bool close = atomic_load(&r->front->draining);

	r->phase = PHASE_SENT;
	body_release(r); /* a slow reader need not hold it */
	conn_due(r->conn, r->front->conf->header_deadline_ms);
	r->conn->out.more = r->reply.len > 0;
	return reply_send(&r->reply, r->mhd, r->id, close) ? MHD_YES : MHD_NO;
}

static enum MHD_Result
refuse_now(struct request *r, const struct kd_err *e)
{
	reply_problem(&r->reply, e, r->id);
	return reply_now(r);
}

/* In a link's thread, or in the library's before the ask was even sent: the connection is
 * suspended, so nobody else has r. */
static void
answered(struct request *r)
{
	r->phase = PHASE_ANSWERED;
	MHD_resume_connection(r->mhd);
}

/* What goes to the client, kept until the connection is its thread's again. */
static void
keep_answer(struct request *r, const struct answer *a, const struct kd_err *e)
{
	struct front *f = r->front;
	uint64_t held = a != NULL && a->body.len > ANSWER_SMALL ? a->body.len : 0;
	struct kd_err why = {0};

	if (a == NULL) {
		reply_problem(&r->reply, e, r->id);
	} else if (a->type == ANSWER_GRANT) {
		(void)kd_fail(&why, KD_E_PROTOCOL, "a grant that nobody asked for");
		reply_problem(&r->reply, &why, r->id);
	} else if (budget_take(&f->answers, held)) {
		r->held = held;
		reply_answer(&r->reply, a, r->id);
	} else {
		(void)kd_fail(
		    &why, KD_E_BUSY, "too many answers wait for their readers");
		(void)kd_hint(
		    &why, "send the same request again: its id makes that safe");
		reply_problem(&r->reply, &why, r->id);
	}
}

static void
on_relay_answer(void *cls, const struct answer *a, const struct kd_err *e)
{
	struct request *r = cls;

	if (r->match.route->ask == ASK_METRICS)
		reply_metrics_more(&r->reply, a);
	else
		keep_answer(r, a, e);
	answered(r);
}

static void
encode_relay_ask(const void *msg, struct buf *ret)
{
	relay_ask_encode(msg, ret);
}

/* client NULL: the relay's share of the metrics, without which they are told as well. */
static void
ask_relay(struct request *r, const uint8_t *client)
{
	uint64_t ms =
	    client != NULL ? r->front->conf->request_deadline_ms : METRICS_WAIT_MS;
	struct relay_ask a = {
	    .route = client != NULL ? RELAY_TIMESTAMP : RELAY_METRICS,
	    .deadline_ms = (uint32_t)ms};
	struct peer_question q = {
	    .type = FRAME_RELAY, .encode = encode_relay_ask, .msg = &a};

	memcpy(a.request_id, r->id, sizeof(r->id));
	if (client != NULL) {
		memcpy(a.client, client, sizeof(a.client));
		a.body = (struct der){.p = r->body.p, .len = r->body.len};
		q.size = a.body.len;
		ms += BACKSTOP_MS;
	}
	peer_link_ask(r->front->relay, &q, ms, on_relay_answer, r);
}

static void
on_keeper_answer(void *cls, const struct answer *a, const struct kd_err *e)
{
	struct request *r = cls;
	enum ask_route asked = r->match.route->ask;
	struct front *f = r->front;

	if (asked == ASK_TIMESTAMP && a != NULL && a->type == ANSWER_GRANT) {
		ask_relay(r, a->body.p);
		return;
	}
	if (asked != ASK_METRICS) {
		keep_answer(r, a, e);
		answered(r);
		return;
	}
	reply_metrics(&r->reply, a, &f->metrics, atomic_load(&f->budget.used),
	    f->relay != NULL ? &(bool){peer_link_up(f->relay)} : NULL);
	if (f->relay != NULL)
		ask_relay(r, NULL);
	else
		answered(r);
}

static void
encode_ask(const void *msg, struct buf *ret)
{
	ask_encode(msg, ret);
}

/* The keeper tells of the whole service, and does not know the relay. */
static void
tell_of_relay(const struct front *f, struct ask *a)
{
	if (a->route != ASK_READY || f->relay == NULL)
		return;
	a->relay = peer_link_up(f->relay) ? ASK_RELAY_UP : ASK_RELAY_DOWN;
	a->relay_apart = f->relay_apart;
}

static enum MHD_Result
ask_keeper(struct request *r)
{
	const struct front_conf *conf = r->front->conf;
	struct conn *conn = r->conn;
	/* A timestamp's body is for the relay: the keeper is asked who this is, no more.
	 */
	bool hand_on = r->match.route->ask != ASK_TIMESTAMP;
	struct ask a = {.route = r->match.route->ask,
	    .deadline_ms = (uint32_t)conf->request_deadline_ms,
	    .wait_ms = r->match.wait_s * 1000,
	    .local = conn->session == NULL,
	    .chain_n = conn->chain_n};
	struct peer_question q = {.type = FRAME_ASK, .encode = encode_ask, .msg = &a};

	tell_of_relay(r->front, &a);
	if (hand_on)
		a.body = (struct der){.p = r->body.p, .len = r->body.len};
	q.size = a.body.len;
	memcpy(a.request_id, r->id, sizeof(r->id));
	memcpy(a.target, r->match.target, sizeof(a.target));
	memcpy(a.peer, conn->peer, sizeof(a.peer));
	memcpy(a.chain, conn->chain, sizeof(a.chain));
	conn_due(conn, 0);
	r->phase = PHASE_ASKED;
	/* Suspended first: the answer may be here before peer_link_ask is back. */
	MHD_suspend_connection(r->mhd);
	peer_link_ask(r->front->keeper, &q,
	    conf->request_deadline_ms + a.wait_ms + BACKSTOP_MS, on_keeper_answer, r);
	/* Its copy is on the way; the charge stays until the answer. on_keeper_answer,
	 * which may run by now, leaves such a body alone, and nobody frees r before this
	 * thread is back. */
	if (hand_on)
		buf_clear(&r->body);
	return MHD_YES;
}

/* The head and the whole body have come. */
static enum MHD_Result
dispatch(struct request *r)
{
	if (r->problem.code != KD_OK) {
		r->reply.close = true;
		return refuse_now(r, &r->problem);
	}
	if (r->match.route->ask == 0) {
		reply_text(&r->reply, "ok\n");
		return reply_now(r);
	}
	return ask_keeper(r);
}

static enum MHD_Result
take_body(struct request *r, const char *data, size_t *size)
{
	struct kd_err *e = &r->problem;
	size_t n = *size;

	*size = 0;
	if (r->drain)
		return MHD_YES;
	if (!budget_take(&r->front->budget, n)) {
		(void)kd_fail(e, KD_E_BUSY, "too many bytes in flight");
		(void)kd_hint(e, "try again in a moment");
	} else {
		r->charged += n;
		buf_add(&r->body, data, n);
		if (buf_ok(&r->body, "request body", e))
			return MHD_YES;
	}
	r->drain = true;
	body_release(r);
	return MHD_YES;
}

struct head_fill {
	struct gate_header headers[GATE_HEADERS_MAX + 1]; /* one over: too many shows */
	size_t n;
	bool expect; /* the client waits for "100 Continue" before it sends the body */
};

static enum MHD_Result
on_header(void *cls, enum MHD_ValueKind kind, const char *key, size_t key_size,
    const char *value, size_t value_size)
{
	struct head_fill *h = cls;

	(void)kind;
	if (h->n == KD_ARRAY_LEN(h->headers))
		return MHD_NO;
	h->headers[h->n++] = (struct gate_header){.name = key,
	    .name_len = key_size,
	    .value = value != NULL ? value : key + key_size, /* stays in the buffer */
	    .value_len = value_size};
	if (text_eq_nocase(key, "Expect"))
		h->expect = true;
	return MHD_YES;
}

static uint64_t
body_limit(const struct request *r)
{
	uint64_t of_route = r->match.route->body_max, limit = r->front->conf->body_limit;

	return of_route != 0 && of_route < limit ? of_route : limit;
}

/* The body's announced length against what route, limit and budget allow. */
static bool
body_check(struct request *r, const struct gate_verdict *v, bool expect, struct kd_err *e)
{
	uint64_t limit = body_limit(r);

	if (!r->match.route->body)
		return v->content_length == 0 ||
		       kd_fail(e, KD_E_REQUEST, "this request takes no body");
	if (!v->has_content_length)
		return kd_fail(e, KD_E_REQUEST, "header 'Content-Length' is missing");
	if (v->content_length == 0)
		return kd_fail(e, KD_E_REQUEST, "the body is empty");
	if (v->content_length > limit) {
		(void)kd_fail(e, KD_E_TOO_LARGE,
		    "body of %llu bytes, at most %llu allowed",
		    (unsigned long long)v->content_length,
		    (unsigned long long)limit);
		if (r->match.route->ask == ASK_SIGN)
			(void)kd_hint(e, "send fewer items per request");
		if (expect || v->content_length > limit + DRAIN_MAX)
			return false;
		r->problem = *e;
		r->drain = true;
		return true;
	}
	if (!budget_fits(&r->front->budget, v->content_length)) {
		(void)kd_fail(e, KD_E_BUSY, "too many bytes in flight");
		return kd_hint(e, "try again in a moment");
	}
	r->body.max = (size_t)v->content_length;
	return true;
}

static bool
relay_check(const struct request *r, struct kd_err *e)
{
	if (r->match.route->ask != ASK_TIMESTAMP || r->front->relay != NULL)
		return true;
	(void)kd_fail(e, KD_E_NOT_FOUND, "this service has no relay for timestamps");
	return kd_hint(e, "name a time-stamping authority that you can reach yourself, "
			  "or have kdsign-relay set up");
}

static bool
head_check(struct request *r, const char *method, const char *version, struct kd_err *e)
{
	struct head_fill h = {.n = 0};
	struct gate_verdict v = {0};
	struct gate_head head = {
	    .method = method, .version = version, .headers = h.headers, .in_place = true};
	const union MHD_ConnectionInfo *size;

	size = MHD_get_connection_info(r->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
	if (size == NULL)
		return kd_fail(e, KD_E_BUG, "a head without a size");
	head.size = size->header_size;
	(void)MHD_get_connection_values_n(r->mhd, MHD_HEADER_KIND, on_header, &h);
	head.n = h.n;
	if (!gate_check(&head, &v, e))
		return false;
	if (r->uri_long)
		return kd_fail(e, KD_E_REQUEST, "the request target has over %d bytes",
		    ROUTE_URI_MAX);
	if (!route_find(method, r->uri,
		r->conn->session != NULL ? ROUTE_ON_API : ROUTE_ON_STATUS, &r->match,
		&r->reply.allow, e))
		return false;
	return relay_check(r, e) && conn_identify(r->conn, e) &&
	       body_check(r, &v, h.expect, e);
}

static bool
id_make(struct request *r)
{
	uint8_t id[ASK_REQUEST_ID_LEN / 2];

	if (gnutls_rnd(GNUTLS_RND_NONCE, id, sizeof(id)) < 0)
		return false;
	text_hex_to(r->id, id, sizeof(id));
	return true;
}

static enum MHD_Result
begin(struct request *r, struct MHD_Connection *mhd, const char *method,
    const char *version)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct kd_err e = {0};

	if (info == NULL || info->socket_context == NULL || !id_make(r))
		return MHD_NO;
	r->mhd = mhd;
	r->conn = info->socket_context;
	r->conn->requests++;
	(void)atomic_fetch_add(&r->front->metrics.in_flight, 1);
	(void)snprintf(r->method, sizeof(r->method), "%s", method);
	r->phase = PHASE_BODY;
	conn_due(r->conn, r->front->conf->header_deadline_ms);
	if (head_check(r, method, version, &e))
		return MHD_YES;
	/* Whatever may follow such a head on this connection is not read any more. */
	r->reply.close = true;
	return refuse_now(r, &e);
}

enum MHD_Result
request_handle(struct request *r, struct MHD_Connection *mhd, const char *method,
    const char *version, const char *data, size_t *size)
{
	switch (r->phase) {
	case PHASE_HEAD:
		return begin(r, mhd, method, version);
	case PHASE_BODY:
		return *size > 0 ? take_body(r, data, size) : dispatch(r);
	case PHASE_ANSWERED:
		return reply_now(r);
	case PHASE_ASKED: /* suspended: the library does not call */
	case PHASE_SENT:
		break;
	}
	return MHD_NO;
}
