/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/parent_jobs.c - jobs: accepted, queued, handed to the child, answered exactly
 * once. */
#include "config.h"

#include "pkcs11/parent_in.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/num.h"
#include "base/text.h"
#include "pkcs11/rv.h"

#define BATCH 16 /* jobs in one sendmmsg */

bool
jobs_init(struct parent *p, struct kd_err *e)
{
	for (uint32_t i = 0; i < SHARE_CELLS_MAX; i++)
		p->free_cells[i] = i;
	p->free_n = SHARE_CELLS_MAX;
	p->flights_check_ms = p->queue_check_ms = NEVER;
	return queue_init(&p->queue, QUEUE_MAX, SHARE_CELLS_MAX, e);
}

void
jobs_clear(struct parent *p)
{
	queue_clear(&p->queue);
}

static void
answer(struct parent *p, const struct ask *a, enum kd_code code, bool heard,
    const char *detail)
{
	struct sign_result *r = &p->result;

	r->code = code;
	r->heard = heard;
	r->ckr = 0;
	r->token_us = 0;
	r->signature_len = 0;
	child_text(r->detail, sizeof(r->detail), detail);
	conns_answer(p, a, r);
}

/* Why nothing can be signed now; KD_OK when a job may wait. */
static enum kd_code
refusal(const struct parent *p)
{
	if (p->stopping)
		return KD_E_TOKEN;
	switch (p->state.token) {
	case TOKEN_STARTING:
	case TOKEN_READY:
		return KD_OK;
	case TOKEN_LATCHED:
		return KD_E_PIN;
	case TOKEN_ABSENT:
	case TOKEN_FAILED:
		break;
	}
	return KD_E_TOKEN;
}

static const char *
refusal_detail(const struct parent *p)
{
	return p->stopping ? "the signer is stopping" : p->state.detail;
}

static bool
find_key(const struct parent *p, const char *name, uint16_t *ret)
{
	for (size_t i = 0; i < p->state.keys_n; i++) {
		if (strcmp(p->state.keys[i].name, name) == 0) {
			*ret = (uint16_t)i;
			return true;
		}
	}
	return false;
}

static bool
accept_bad(struct parent *p, const struct frame *f, struct kd_err *e)
{
	struct sign_bad b;
	uint16_t key;

	if (!sign_bad_decode(f->payload, &b, e))
		return false;
	if (find_key(p, b.key, &key)) {
		quarantine_put(p, key, b.detail);
		child_replace(p, TROUBLE_BAD, "the keeper found a signature wrong");
	}
	return true;
}

bool
jobs_accept(struct parent *p, const struct conn *c, uint32_t conn, const struct frame *f,
    struct kd_err *e)
{
	struct ask a = {.conn = conn, .gen = c->gen, .frame_id = f->id};
	struct sign_job j;

	if (f->type == FRAME_BAD)
		return accept_bad(p, f, e);
	if (f->type != FRAME_SIGN)
		return kd_fail(e, KD_E_PROTOCOL, "frame of type %d, expected %d",
		    (int)f->type, FRAME_SIGN);
	if (!sign_job_decode(f->payload, &j, e))
		return false;
	a.deadline_ms = p->now_ms + j.deadline_ms;
	a.mechanism = (uint8_t)j.mechanism;
	a.md = (uint8_t)j.md;
	memcpy(a.digest, j.digest, sizeof(a.digest));
	if (!find_key(p, j.key, &a.key)) {
		answer(p, &a, KD_E_KEY, false, "this signer has no key of that name");
	} else if (refusal(p) != KD_OK) {
		answer(p, &a, refusal(p), false, refusal_detail(p));
	} else if (p->queue.n >= QUEUE_MAX) {
		answer(p, &a, KD_E_BUSY, false, "the signer's queue is full");
	} else {
		queue_push(&p->queue, &a);
		if (a.deadline_ms < p->queue_check_ms)
			p->queue_check_ms = a.deadline_ms;
	}
	return true;
}

/* The next job that its key can sign; what cannot be is answered. */
static bool
next_ask(struct parent *p, struct ask *ret)
{
	while (queue_shift(&p->queue, ret)) {
		const struct signer_key *k = &p->state.keys[ret->key];

		if (!k->ready)
			answer(p, ret, KD_E_KEY, false, k->detail);
		else if ((uint8_t)k->mechanism != ret->mechanism)
			answer(p, ret, KD_E_KEY, false, "the key is of another type");
		else
			return true;
	}
	return false;
}

/* Back to the front of the queue; its own deadline goes on. */
static void
put_back(struct parent *p, const struct ask *a)
{
	queue_unshift(&p->queue, a);
	if (a->deadline_ms < p->queue_check_ms)
		p->queue_check_ms = a->deadline_ms;
}

static void
end_flight(struct parent *p, uint32_t cell)
{
	p->flights[cell].used = false;
	p->flights_n--;
	p->free_cells[p->free_n++] = cell;
}

static void
begin_flight(struct parent *p, const struct ask *a, struct child_job *j)
{
	uint32_t cell = p->free_cells[--p->free_n];
	struct flight *f = &p->flights[cell];
	uint64_t check = p->now_ms + p->conf->sign_deadline_ms;

	if (p->flights_n == 0 && !p->unheeded)
		p->heeded_ms = p->now_ms;
	f->used = true;
	f->serial = ++p->serial;
	f->ask = *a;
	p->flights_n++;
	if (a->deadline_ms < check)
		check = a->deadline_ms;
	if (check < p->flights_check_ms)
		p->flights_check_ms = check;
	j->type = CHILD_JOB;
	j->cell = cell;
	j->serial = f->serial;
	j->key = a->key;
	j->mechanism = a->mechanism;
	j->md = a->md;
	j->deadline_ms = a->deadline_ms;
	memcpy(j->digest, a->digest, sizeof(j->digest));
	share_offer(p->share, cell, f->serial);
}

/* One batch to the child. False when its socket takes no more or nothing is left. */
static bool
feed_batch(struct parent *p)
{
	struct child_job jobs[BATCH];
	struct iovec iov[BATCH];
	struct mmsghdr msgs[BATCH];
	struct ask a;
	uint32_t n = 0;
	int sent;

	while (n < BATCH && p->flights_n < p->in_flight_max && next_ask(p, &a)) {
		begin_flight(p, &a, &jobs[n]);
		iov[n] = (struct iovec){.iov_base = &jobs[n], .iov_len = sizeof(jobs[n])};
		msgs[n] =
		    (struct mmsghdr){.msg_hdr = {.msg_iov = &iov[n], .msg_iovlen = 1}};
		n++;
	}
	if (n == 0)
		return false;
	do
		sent = sendmmsg(p->sock, msgs, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	for (uint32_t i = n; i > (sent > 0 ? (uint32_t)sent : 0); i--) {
		put_back(p, &p->flights[jobs[i - 1].cell].ask);
		end_flight(p, jobs[i - 1].cell);
	}
	return sent == (int)n;
}

void
jobs_feed(struct parent *p)
{
	while (p->phase == PHASE_READY && p->queue.n > 0 &&
	       p->flights_n < p->in_flight_max && feed_batch(p))
		;
}

static void
mark_key(struct parent *p, size_t key, const char *detail)
{
	struct signer_key *k = &p->state.keys[key];

	if (!k->ready)
		return;
	k->ready = false;
	child_text(k->detail, sizeof(k->detail), detail);
	p->state_changed = true;
	log_line(LOG_L_ERROR, "key '%s' cannot be used: %s", k->name, SHOW(detail));
}

/* What was answered; true when it goes to the next child instead. */
static bool
again(struct parent *p, struct flight *f, const struct child_result *m)
{
	if (!m->retry || f->ask.tries > 0 || p->stopping)
		return false;
	f->ask.tries++;
	put_back(p, &f->ask);
	return true;
}

static enum trouble
trouble_of(const struct child_result *m)
{
	if (m->code == KD_E_BAD_SIGNATURE)
		return TROUBLE_BAD;
	if (!m->replace)
		return TROUBLE_NONE;
	return rv_is_gone((unsigned long)m->ckr) ? TROUBLE_GONE : TROUBLE_FAULT;
}

void
jobs_heeded(struct parent *p)
{
	p->heeded_ms = p->now_ms;
	p->unheeded = false;
}

/* Nobody waits for it any more; that it is wrong says the same about its key. */
static void
late_result(struct parent *p, const struct child_result *m)
{
	char why[SIGNER_DETAIL_MAX + 1];

	if (m->code != KD_E_BAD_SIGNATURE)
		return;
	(void)text_show(why, sizeof(why), (const char *)m->body, m->len);
	quarantine_put(p, m->key, why);
}

static void
took(struct parent *p, uint32_t us)
{
	uint64_t mean = p->sign_us == 0 ? us : ((uint64_t)p->sign_us * 3 + us) / 4;

	p->sign_us = (uint32_t)mean;
}

enum trouble
jobs_result(struct parent *p, const struct child_result *m)
{
	struct flight *f = &p->flights[m->cell];
	struct sign_result *r = &p->result;

	jobs_heeded(p);
	if (!f->used || f->serial != m->serial) { /* answered: the deadline was first */
		late_result(p, m);
		return trouble_of(m);
	}
	r->code = (enum kd_code)m->code;
	r->heard = m->heard;
	r->ckr = m->ckr;
	r->token_us = m->token_us;
	r->signature_len = 0;
	r->detail[0] = '\0';
	if (r->code == KD_OK) {
		r->signature_len = m->len;
		memcpy(r->signature, m->body, m->len);
		took(p, m->token_us);
		breaker_signed(&p->breaker);
	} else {
		(void)text_show(
		    r->detail, sizeof(r->detail), (const char *)m->body, m->len);
		log_line(LOG_L_WARN, "key '%s': %s", p->state.keys[f->ask.key].name,
		    r->detail);
	}
	if (m->key_unusable)
		mark_key(p, f->ask.key, r->detail);
	if (r->code == KD_E_BAD_SIGNATURE)
		quarantine_put(p, f->ask.key, r->detail);
	if (!again(p, f, m))
		conns_answer(p, &f->ask, r);
	end_flight(p, m->cell);
	return trouble_of(m);
}

/* The latest handed over of those taken back; SHARE_CELLS_MAX when there is none left. */
static uint32_t
latest(const struct parent *p, const bool taken[SHARE_CELLS_MAX])
{
	uint32_t best = SHARE_CELLS_MAX;

	for (uint32_t i = 0; i < SHARE_CELLS_MAX; i++) {
		if (taken[i] &&
		    (best == SHARE_CELLS_MAX ||
			p->flights[i].serial - p->flights[best].serial < UINT32_MAX / 2))
			best = i;
	}
	return best;
}

void
jobs_take_back(struct parent *p)
{
	bool taken[SHARE_CELLS_MAX];
	uint32_t cell;

	for (uint32_t i = 0; i < SHARE_CELLS_MAX; i++)
		taken[i] =
		    p->flights[i].used && share_cancel(p->share, i, p->flights[i].serial);
	/* From the last to the first, so that the queue keeps its order. */
	while ((cell = latest(p, taken)) != SHARE_CELLS_MAX) {
		taken[cell] = false;
		put_back(p, &p->flights[cell].ask);
		end_flight(p, cell);
	}
}

/* One job that a dead child had begun. */
static void
settle(struct parent *p, uint32_t cell)
{
	struct flight *f = &p->flights[cell];

	if (!share_stop(p->share, cell, f->serial)) {
		answer(p, &f->ask, KD_E_UNKNOWN_OUTCOME, true,
		    "the token's module ended while it was signing; it may have signed");
	} else if (f->ask.tries++ == 0 && !p->stopping) {
		put_back(p, &f->ask);
	} else {
		answer(p, &f->ask, KD_E_TOKEN, false,
		    "the token's module ended before it was asked to sign this");
	}
	end_flight(p, cell);
}

void
jobs_settle(struct parent *p)
{
	jobs_take_back(p);
	for (uint32_t i = 0; i < SHARE_CELLS_MAX; i++) {
		if (p->flights[i].used)
			settle(p, i);
	}
}

static bool
refuse_one(void *self, const struct ask *a)
{
	struct parent *p = self;

	answer(p, a, refusal(p), false, refusal_detail(p));
	return true;
}

void
jobs_refuse_all(struct parent *p)
{
	if (refusal(p) != KD_OK)
		queue_take_if(&p->queue, refuse_one, p);
}

static void
refuse_late(struct parent *p, const struct ask *a)
{
	answer(p, a, KD_E_TOKEN_TIMEOUT, false,
	    "no session of the token was free by the deadline; it never heard of this");
}

static bool
expire_one(void *self, const struct ask *a)
{
	struct parent *p = self;

	if (a->deadline_ms > p->now_ms)
		return false;
	refuse_late(p, a);
	return true;
}

/* A job that hangs in the module. */
static void
give_up(struct parent *p, uint32_t cell)
{
	struct flight *f = &p->flights[cell];

	if (share_stop(p->share, cell, f->serial))
		answer(p, &f->ask, KD_E_TOKEN_TIMEOUT, false,
		    "the token did not answer by the deadline; it was not yet asked to "
		    "sign");
	else
		answer(p, &f->ask, KD_E_TOKEN_TIMEOUT, true,
		    "the token did not answer by the deadline; it may have signed");
	end_flight(p, cell);
}

/* One job that the child has. True when it hangs in the module. */
static bool
expire_flight(struct parent *p, uint32_t cell)
{
	struct flight *f = &p->flights[cell];
	uint64_t limit = p->conf->sign_deadline_ms, ran, check;

	if (share_begun(p->share, cell, p->now_ms, &ran)) {
		jobs_heeded(p);
		if (ran >= limit) {
			give_up(p, cell);
			return true;
		}
		check = p->now_ms + limit - ran;
	} else if (f->ask.deadline_ms <= p->now_ms) {
		if (share_cancel(p->share, cell, f->serial)) {
			p->unheeded = true;
			refuse_late(p, &f->ask);
			end_flight(p, cell);
			return false;
		}
		check = p->now_ms + limit; /* begun this very moment */
	} else {
		check = p->now_ms + limit;
		check = f->ask.deadline_ms < check ? f->ask.deadline_ms : check;
	}
	if (check < p->flights_check_ms)
		p->flights_check_ms = check;
	return false;
}

/*
 * A child that has jobs, works on none and takes none is stuck outside of any call that
 * it told of. When it last took one is known by looking at all of them.
 */
static bool
is_deaf(const struct parent *p, bool any)
{
	return any && p->heeded_ms + p->conf->sign_deadline_ms <= p->now_ms;
}

bool
jobs_expire(struct parent *p)
{
	bool stuck = false, any = p->flights_n > 0;

	if (p->queue_check_ms <= p->now_ms) {
		queue_take_if(&p->queue, expire_one, p);
		p->queue_check_ms = queue_deadline(&p->queue);
	}
	if (p->flights_check_ms > p->now_ms)
		return false;
	p->flights_check_ms = NEVER;
	for (uint32_t i = 0; i < SHARE_CELLS_MAX; i++) {
		if (p->flights[i].used && expire_flight(p, i))
			stuck = true;
	}
	return stuck || is_deaf(p, any);
}
