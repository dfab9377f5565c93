/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/relay/stamper.c - timestamps under way: who waits, who is asked, what is answered. */
#include "daemon/relay/stamper.h"

#include <inttypes.h>
#include <string.h>
#include <sys/random.h>

#include "authenticode/tsp.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"

#define IDLE_MS 60000   /* with nobody waiting, nothing is due */
#define LAST_TRY_MS 50  /* with less left, no upstream is asked any more */
#define CLIENT_SHOWN 8  /* bytes of its hash in the log */

enum outcome { OUT_STAMPED, OUT_BAD, OUT_LIMITED, OUT_BUSY, OUT_FAILED, OUTCOMES };
static const char *const outcome_names[] = {
    "stamped", "bad_request", "rate_limited", "busy", "failed"};

struct job { /* one request */
	struct job *next; /* of the list it is in: waiting or running */
	struct stamper *stamper;
	struct settings *settings; /* one reference: the generation it began under */
	struct front_asker who;
	char request_id[ASK_REQUEST_ID_LEN + 1];
	uint8_t client[ANSWER_GRANT_LEN];
	char client_name[2 * CLIENT_SHOWN + 1]; /* in the log */
	uint64_t start_ms, deadline_ms;
	struct api_stamp_request req;
	bool running;           /* in that list, else in the other */
	struct tsp_query query; /* of the try under way: each has its own nonce */
	struct upstream *asked; /* the newest who is or was asked; in settings */
	unsigned tried;         /* bit 1 << i: upstreams that have been */
	unsigned tries;
	struct kd_err last; /* what the last one did */
};

struct job_list {
	struct job *first, **end; /* end NULL: empty and never used */
	size_t n;
};

struct stamper {
	struct stamper_parts parts;
	struct settings *settings; /* one reference: the newest */
	struct rate *rate;
	struct job_list waiting, running;
	uint64_t count[OUTCOMES];
};

static void
list_add(struct job_list *l, struct job *j)
{
	if (l->end == NULL || l->first == NULL)
		l->end = &l->first;
	j->next = NULL;
	*l->end = j;
	l->end = &j->next;
	l->n++;
}

static void
list_remove(struct job_list *l, struct job *j)
{
	struct job **at = &l->first;

	while (*at != j)
		at = &(*at)->next;
	*at = j->next;
	if (l->end == &j->next)
		l->end = at;
	l->n--;
}

static void
job_free(struct job *j)
{
	settings_drop(j->settings);
	free(j);
}

bool
stamper_new(const struct stamper_parts *parts, struct settings *settings,
    struct stamper **ret, struct kd_err *e)
{
	AUTO(stamper_free) struct stamper *s = kd_alloc(sizeof(*s));

	if (s == NULL)
		return kd_fail_nomem(e, "stamper");
	s->parts = *parts;
	s->settings = settings_hold(settings);
	if (!rate_new(&s->rate, e))
		return false;
	*ret = STEAL(s);
	return true;
}

static void
list_free(struct job_list *l)
{
	struct job *j;

	while ((j = l->first) != NULL) {
		list_remove(l, j);
		job_free(j);
	}
}

void
stamper_free(struct stamper *s)
{
	if (s == NULL)
		return;
	list_free(&s->waiting);
	list_free(&s->running);
	rate_free(s->rate);
	settings_drop(s->settings);
	free(s);
}

void
stamper_set(struct stamper *s, struct settings *settings)
{
	if (memcmp(&s->settings->rate, &settings->rate, sizeof(settings->rate)) != 0)
		rate_forget(s->rate);
	settings_drop(s->settings);
	s->settings = settings_hold(settings);
}

bool
stamper_idle(const struct stamper *s)
{
	return s->waiting.n + s->running.n == 0;
}

/* ---- answers ---- */

static void
tell(struct stamper *s, const struct front_asker *who, struct answer a, struct buf *body)
{
	a.body = (struct der){.p = body->p, .len = body->len};
	if (!body->failed) {
		s->parts.answer(s->parts.self, who, &a);
		return;
	}
	a = (struct answer){.status = (uint16_t)kd_code_info(KD_E_NOMEM)->http,
	    .type = ANSWER_TEXT,
	    .retry_after_s = 1};
	s->parts.answer(s->parts.self, who, &a);
}

/* wait_ms: until trying again makes sense, where that is known. */
static void
tell_problem(struct stamper *s, const struct front_asker *who, const char *request_id,
    const struct kd_err *e, uint64_t wait_ms)
{
	AUTO(buf_clear) struct buf body = {0};
	struct answer a = {.status = (uint16_t)kd_code_info(e->code)->http,
	    .type = ANSWER_PROBLEM};

	if (kd_code_info(e->code)->retryable)
		a.retry_after_s = (uint32_t)(wait_ms > 1000 ? (wait_ms + 999) / 1000 : 1);
	api_problem_encode(e, request_id, &body);
	tell(s, who, a, &body);
}

/* The job ends, told or not. */
static void
job_end(struct job *j, enum outcome out)
{
	struct stamper *s = j->stamper;

	s->count[out]++;
	list_remove(j->running ? &s->running : &s->waiting, j);
	job_free(j);
}

static void
job_fail(struct job *j, enum outcome out, const struct kd_err *e, uint64_t wait_ms)
{
	log_line(LOG_L_NOTICE, "%s %s %s %s: %s", j->request_id, j->client_name,
	    api_stamp_kind_name(j->req.kind), kd_code_info(e->code)->name, e->msg);
	tell_problem(j->stamper, &j->who, j->request_id, e, wait_ms);
	job_end(j, out);
}

static void
job_done(struct job *j, const struct buf *der)
{
	AUTO(buf_clear) struct buf body = {0};
	struct api_stamp_answer stamp = {
	    .kind = j->req.kind, .der = der->p, .len = der->len};
	struct answer a = {.status = 200, .type = ANSWER_JSON};

	api_stamp_answer_encode(&stamp, &body);
	log_line(LOG_L_INFO, "%s %s %s stamped by '%s' %llums", j->request_id, j->client_name,
	    api_stamp_kind_name(j->req.kind), j->asked->url,
	    (unsigned long long)(clock_ms() - j->start_ms));
	tell(j->stamper, &j->who, a, &body);
	job_end(j, OUT_STAMPED);
}

/* ---- asking ---- */

static struct upstreams *
upstreams_of(struct job *j)
{
	return &j->settings->upstreams[j->req.kind];
}

/* Nobody is left to be asked, or no time. */
static void
job_unavailable(struct job *j)
{
	uint64_t wait = upstream_wait_ms(upstreams_of(j), clock_ms());
	struct kd_err e = {0};

	if (j->tries == 0)
		(void)kd_fail(&e, KD_E_TIMESTAMP,
		    "every time-stamping authority has failed lately");
	else
		(void)kd_fail(&e, KD_E_TIMESTAMP,
		    "no timestamp from %u time-stamping authorit%s; the last was %s",
		    j->tries, j->tries == 1 ? "y" : "ies", j->last.msg);
	(void)kd_hint(&e, "try again later; the log of kdsign-relay says what each did");
	job_fail(j, OUT_FAILED, &e, wait);
}

static bool
make_rfc3161(struct job *j, struct buf *ret, struct kd_err *e)
{
	struct tsp_query *q = &j->query;

	q->md = j->req.md;
	memcpy(q->imprint, j->req.digest, sizeof(q->imprint));
	if (getrandom(q->nonce, sizeof(q->nonce), 0) != sizeof(q->nonce))
		return kd_fail(e, KD_E_CRYPTO, "no random bytes for a nonce");
	return tsp_query_encode(q, ret, e);
}

static void on_fetched(void *cls, const struct buf *body, const struct kd_err *e);

/* What is sent is built here from algorithm and imprint; a client has no word in it. */
static bool
job_post(struct job *j, uint64_t left_ms, struct kd_err *e)
{
	AUTO(buf_clear) struct buf body = {0};
	const struct settings *s = j->settings;
	bool rfc3161 = j->req.kind == API_STAMP_RFC3161;
	struct fetch_post post = {
	    .url = j->asked->url,
	    .content_type =
		rfc3161 ? "application/timestamp-query" : "application/octet-stream",
	    .accept =
		rfc3161 ? "application/timestamp-reply" : "application/octet-stream",
	    /* Some servers of the older protocol know Windows by this name only. */
	    .user_agent = rfc3161 ? "kdsign-relay" : "Transport",
	    .body = &body,
	    .ca = &s->ca,
	    .answer_max = TSP_ANSWER_MAX,
	    .deadline_ms = s->conf.deadline_ms < left_ms ? s->conf.deadline_ms : left_ms};

	return (rfc3161 ? make_rfc3161(j, &body, e)
			: tsp_legacy_encode(
			      j->req.signature, j->req.signature_len, &body, e)) &&
	       fetch_start(j->stamper->parts.fetcher, &post, on_fetched, j, e);
}

/* The next upstream, or the end. The job is in the list of the running. */
static void
job_next(struct job *j)
{
	struct upstreams *u = upstreams_of(j);
	uint64_t now = clock_ms(),
		 left = j->deadline_ms > now ? j->deadline_ms - now : 0;
	struct upstream *up =
	    left >= LAST_TRY_MS ? upstream_pick(u, j->tried, now) : NULL;
	struct kd_err e = {0};

	if (up == NULL) {
		job_unavailable(j);
		return;
	}
	j->asked = up;
	j->tried |= 1u << (up - u->v);
	j->tries++;
	if (job_post(j, left, &e))
		return;
	up->probing = false; /* it was not asked */
	job_fail(j, OUT_FAILED, &e, 0);
}

/* Is it a timestamp over what was asked? Its DER into ret. */
static bool
answer_check(const struct job *j, const struct buf *body, struct buf *ret,
    struct kd_err *e)
{
	AUTO(buf_clear) struct buf info = {0};
	AUTO(certs_free) struct certs *certs = NULL;

	if (j->req.kind == API_STAMP_RFC3161)
		return tsp_answer_parse(body->p, body->len, &j->query, ret, e);
	return certs_new(&certs, e) &&
	       tsp_legacy_parse(body->p, body->len, j->req.signature,
		   j->req.signature_len, &info, certs, e) &&
	       tsp_legacy_der(body->p, body->len, ret, e);
}

/* An authority that says no is well; what it says no to may be this client's doing, and
 * must not take it from the others. */
static enum upstream_result
judge(bool fetched, const struct kd_err *e)
{
	if (e->code == KD_OK)
		return UPSTREAM_OK;
	if (fetched ? e->code == KD_E_UNREACHABLE : e->code == KD_E_REQUEST)
		return UPSTREAM_REFUSED;
	return UPSTREAM_FAILED;
}

static void
on_fetched(void *cls, const struct buf *body, const struct kd_err *said)
{
	struct job *j = cls;
	AUTO(buf_clear) struct buf der = {0};
	struct kd_err e = {0};

	if (body == NULL)
		e = *said;
	else if (!answer_check(j, body, &der, &e))
		(void)kd_in(&e, "answer");
	upstream_report(upstreams_of(j), j->asked, judge(body != NULL, &e), clock_ms());
	if (e.code == KD_OK) {
		job_done(j, &der);
		return;
	}
	(void)kd_in(&e, "'%s'", j->asked->url);
	log_line(LOG_L_WARN, "%s %s %s", j->request_id, j->client_name, e.msg);
	if (e.hint[0] != '\0')
		log_line(LOG_L_WARN, "%s hint: %s", j->request_id, e.hint);
	j->last = e;
	job_next(j);
}

static size_t
running_of(const struct stamper *s, const uint8_t client[ANSWER_GRANT_LEN])
{
	size_t n = 0;

	for (const struct job *j = s->running.first; j != NULL; j = j->next)
		n += memcmp(j->client, client, sizeof(j->client)) == 0;
	return n;
}

/* The first of whom the fewest are running: a client that sends hundreds at once holds
 * up itself. */
static struct job *
whose_turn(const struct stamper *s)
{
	struct job *best = NULL;
	size_t least = SIZE_MAX;

	for (struct job *j = s->waiting.first; j != NULL && least > 0; j = j->next) {
		size_t n = running_of(s, j->client);

		if (n < least) {
			least = n;
			best = j;
		}
	}
	return best;
}

uint64_t
stamper_turn(struct stamper *s)
{
	uint64_t now = clock_ms(), due = now + IDLE_MS;
	struct job *j, *next;

	while (s->running.n < s->settings->conf.parallel &&
	       (j = whose_turn(s)) != NULL) {
		list_remove(&s->waiting, j);
		list_add(&s->running, j);
		j->running = true;
		job_next(j);
	}
	for (j = s->waiting.first; j != NULL; j = next) {
		struct kd_err e = {0};

		next = j->next;
		if (j->deadline_ms > now) {
			due = j->deadline_ms < due ? j->deadline_ms : due;
			continue;
		}
		(void)kd_fail(&e, KD_E_TIMESTAMP,
		    "no time-stamping authority was free by the deadline");
		(void)kd_hint(&e, "try again in a moment");
		job_fail(j, OUT_BUSY, &e, 0);
	}
	return due;
}

void
stamper_give_up(struct stamper *s)
{
	struct kd_err e = {0};

	(void)kd_fail(&e, KD_E_UNREACHABLE, "the relay is stopping");
	(void)kd_hint(&e, "try again in a moment");
	while (s->waiting.first != NULL)
		job_fail(s->waiting.first, OUT_FAILED, &e, 0);
	while (s->running.first != NULL)
		job_fail(s->running.first, OUT_FAILED, &e, 0);
}

/* ---- questions ---- */

static void
metric(struct buf *b, const char *type, const char *name, const char *help)
{
	buf_printf(b, "# HELP kdsign_relay_%s %s\n# TYPE kdsign_relay_%s %s\n", name,
	    help, name, type);
}

static void
put_upstreams(struct buf *b, const struct upstreams *u, enum api_stamp_kind kind)
{
	static const char *const results[] = {
	    [UPSTREAM_OK] = "ok", [UPSTREAM_REFUSED] = "refused", [UPSTREAM_FAILED] = "failed"};

	for (size_t i = 0; i < u->n; i++)
		for (size_t r = UPSTREAM_OK; r < KD_ARRAY_LEN(results); r++)
			buf_printf(b,
			    "kdsign_relay_tries_total{kind=\"%s\",upstream=\"%s\","
			    "result=\"%s\"} %" PRIu64 "\n",
			    api_stamp_kind_name(kind), u->v[i].url, results[r],
			    u->v[i].count[r]);
}

static void
tell_metrics(struct stamper *s, const struct front_asker *who)
{
	AUTO(buf_clear) struct buf b = {0};
	struct answer a = {.status = 200, .type = ANSWER_TEXT};

	metric(&b, "counter", "requests_total", "timestamps asked for, by outcome");
	for (size_t i = 0; i < OUTCOMES; i++)
		buf_printf(&b,
		    "kdsign_relay_requests_total{outcome=\"%s\"} %" PRIu64 "\n",
		    outcome_names[i], s->count[i]);
	metric(&b, "gauge", "waiting", "requests that wait for their turn");
	buf_printf(&b, "kdsign_relay_waiting %zu\n", s->waiting.n);
	metric(&b, "gauge", "running", "requests that an upstream is asked for");
	buf_printf(&b, "kdsign_relay_running %zu\n", s->running.n);
	metric(&b, "counter", "tries_total",
	    "requests to upstreams since the start or reload, by result");
	put_upstreams(&b, &s->settings->upstreams[API_STAMP_RFC3161], API_STAMP_RFC3161);
	put_upstreams(&b, &s->settings->upstreams[API_STAMP_LEGACY], API_STAMP_LEGACY);
	tell(s, who, a, &b);
}

/* May it be tried at all? *ret_out is what it is counted as when not. */
static bool
admit(struct stamper *s, const struct relay_ask *ask, struct api_stamp_request *ret,
    enum outcome *ret_out, uint64_t *ret_wait_ms, struct kd_err *e)
{
	const struct settings *set = s->settings;

	*ret_out = OUT_BAD;
	if (!api_stamp_request_decode(
		(const char *)ask->body.p, ask->body.len, ret, e))
		return false;
	if (set->upstreams[ret->kind].n == 0)
		return kd_fail(e, KD_E_NOT_FOUND,
		    "this service's relay knows no time-stamping authority for '%s'",
		    api_stamp_kind_name(ret->kind));
	*ret_out = OUT_BUSY;
	if (s->waiting.n >= set->conf.queue_limit)
		return kd_fail(e, KD_E_BUSY, "%zu timestamps are waited for already",
		    s->waiting.n);
	*ret_out = OUT_LIMITED;
	if (rate_take(s->rate, &set->rate, ask->client, clock_ms(), ret_wait_ms))
		return true;
	(void)kd_fail(e, KD_E_BUSY,
	    "this client asks for timestamps too often: at most %llu a minute",
	    (unsigned long long)set->rate.per_minute);
	return kd_hint(e, "wait as long as Retry-After says");
}

static void
shown(char dst[2 * CLIENT_SHOWN + 1], const uint8_t client[ANSWER_GRANT_LEN])
{
	text_hex_to(dst, client, CLIENT_SHOWN);
}

static void
refuse(struct stamper *s, const struct front_asker *who, const struct relay_ask *ask,
    const struct kd_err *e, uint64_t wait_ms)
{
	char client[2 * CLIENT_SHOWN + 1];

	shown(client, ask->client);
	log_line(LOG_L_NOTICE, "%s %s refused %s: %s", ask->request_id, client,
	    kd_code_info(e->code)->name, e->msg);
	tell_problem(s, who, ask->request_id, e, wait_ms);
}

void
stamper_ask(
    struct stamper *s, const struct front_asker *who, const struct relay_ask *ask)
{
	struct api_stamp_request req = {0};
	enum outcome out;
	uint64_t wait_ms = 0;
	struct kd_err e = {0};
	struct job *j;

	if (ask->route == RELAY_METRICS) {
		tell_metrics(s, who);
		return;
	}
	if (!admit(s, ask, &req, &out, &wait_ms, &e)) {
		s->count[out]++;
		refuse(s, who, ask, &e, wait_ms);
		return;
	}
	j = kd_alloc(sizeof(*j));
	if (j == NULL) {
		(void)kd_fail_nomem(&e, "request");
		s->count[OUT_FAILED]++;
		refuse(s, who, ask, &e, 0);
		return;
	}
	j->stamper = s;
	j->settings = settings_hold(s->settings);
	j->who = *who;
	memcpy(j->request_id, ask->request_id, sizeof(j->request_id));
	memcpy(j->client, ask->client, sizeof(j->client));
	shown(j->client_name, ask->client);
	j->start_ms = clock_ms();
	j->deadline_ms = j->start_ms + ask->deadline_ms;
	j->req = req;
	list_add(&s->waiting, j);
}
