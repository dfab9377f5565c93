/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/keeper/signer_link.c - the connection to one signer, its state, and what it has
 * not answered yet. */
#include "daemon/keeper/signer_link_in.h"

#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sock.h"
#include "daemon/keeper/copy.h"

#define RETRY_FIRST_MS 50
#define RETRY_MAX_MS 2000
#define SIGNER_FRAME_MAX ((size_t)1 << 20) /* a state with SIGNER_KEYS_MAX keys fits */
#define SLOT_BITS 10

_Static_assert(
    SIGNER_WINDOW_MAX <= 1 << SLOT_BITS, "a slot's number must fit into the frame id");

static void on_ready(struct loop_source *s, uint32_t events);

bool
signer_link_new(const struct signer_conf *c, uid_t uid, struct loop *loop,
    const struct signer_link_hooks *hooks, struct signer_link **ret,
    struct kd_err *e)
{
	AUTO(signer_link_free) struct signer_link *l = kd_alloc(sizeof(*l));

	if (l == NULL)
		return kd_fail_nomem(e, "signer");
	l->src = (struct loop_source){.fd = -1, .ready = on_ready};
	l->loop = loop;
	l->hooks = *hooks;
	l->uid = uid;
	l->in.max_payload = SIGNER_FRAME_MAX;
	l->retry_ms = RETRY_FIRST_MS;
	l->name = kd_strdup(c->name);
	l->socket = kd_strdup(c->socket);
	if (l->name == NULL || l->socket == NULL)
		return kd_fail_nomem(e, "signer");
	for (l->unused_n = 0; l->unused_n < SIGNER_WINDOW_MAX; l->unused_n++)
		l->unused[l->unused_n] = (uint16_t)(SIGNER_WINDOW_MAX - 1 - l->unused_n);
	signer_link_adjust(l, c);
	*ret = STEAL(l);
	return true;
}

void
signer_link_free(struct signer_link *l)
{
	if (l == NULL)
		return;
	if (l->src.fd >= 0) {
		loop_forget(l->loop, &l->src);
		(void)close(l->src.fd);
	}
	frame_in_clear(&l->in);
	frame_out_clear(&l->out);
	signer_state_clear(&l->state);
	free(l->name);
	free(l->socket);
	free(l);
}

const char *
signer_link_name(const struct signer_link *l)
{
	return l->name;
}

bool
signer_link_is(const struct signer_link *l, const struct signer_conf *c, uid_t uid)
{
	return !l->retired && l->uid == uid && strcmp(l->name, c->name) == 0 &&
	       strcmp(l->socket, c->socket) == 0;
}

void
signer_link_adjust(struct signer_link *l, const struct signer_conf *c)
{
	l->window = c->window;
}

void
signer_link_retire(struct signer_link *l)
{
	l->retired = true;
}

bool
signer_link_retired(const struct signer_link *l)
{
	return l->retired;
}

bool
signer_link_retired_and_idle(const struct signer_link *l)
{
	return l->retired && l->sent_n == 0;
}

static void
finish(struct signer_link *l, struct sent *s, const struct sign_result *res)
{
	struct item *it = s->item;

	s->item = NULL;
	l->unused[l->unused_n++] = (uint16_t)(s - l->sent);
	l->sent_n--;
	l->hooks.result(l->hooks.self, l, it, res);
}

static void
answer_for(
    struct signer_link *l, struct sent *s, enum kd_code code, bool heard, const char *why)
{
	struct sign_result res = {.code = code, .heard = heard};

	(void)snprintf(res.detail, sizeof(res.detail), "signer '%s': %s", l->name, why);
	finish(l, s, &res);
}

void
signer_link_give_back(
    struct signer_link *l, struct item *it, const struct sign_result *why)
{
	l->hooks.result(l->hooks.self, l, it, why);
}

/* Longer each time, until a signer tells its state. */
static void
retry_later(struct signer_link *l, uint64_t now_ms)
{
	l->retry_at = now_ms + l->retry_ms;
	l->retry_ms = l->retry_ms * 2 > RETRY_MAX_MS ? RETRY_MAX_MS : l->retry_ms * 2;
	loop_wake_at(l->loop, l->retry_at);
}

/*
 * Connection lost. An item whose frame had not wholly left is unheard; of the others
 * nobody knows.
 */
static void
go_down(struct signer_link *l, const char *why)
{
	if (strcmp(l->last_error, why) != 0)
		log_line(LOG_L_WARN, "signer '%s': %s", l->name, why);
	COPY(l->last_error, why);
	loop_forget(l->loop, &l->src);
	(void)close(l->src.fd);
	l->src.fd = -1;
	l->have_state = false;
	signer_state_clear(&l->state);
	frame_in_clear(&l->in);
	frame_out_clear(&l->out);
	l->in.max_payload = SIGNER_FRAME_MAX;
	retry_later(l, clock_ms());
	for (size_t i = 0; i < SIGNER_WINDOW_MAX && l->sent_n > 0; i++) {
		struct sent *s = &l->sent[i];

		if (s->item == NULL)
			continue;
		if (s->end > l->written)
			answer_for(l, s, KD_E_TOKEN, false,
			    "connection lost before it was sent");
		else
			answer_for(l, s, KD_E_UNKNOWN_OUTCOME, true,
			    "connection lost before it answered");
	}
	l->appended = l->written = 0;
}

void
signer_link_flush(struct signer_link *l)
{
	struct kd_err e = {0};
	uint32_t want = EPOLLIN;
	bool good;

	if (l->src.fd < 0)
		return;
	good = frame_out_flush(&l->out, l->src.fd, &e);
	l->written = l->appended - frame_out_pending(&l->out);
	if (!good) {
		go_down(l, e.msg);
		return;
	}
	if (frame_out_pending(&l->out) > 0)
		want |= EPOLLOUT;
	if (!loop_watch(l->loop, &l->src, want, &e))
		go_down(l, e.msg);
}

static bool
take_state(struct signer_link *l, const struct frame *f, struct kd_err *e)
{
	struct signer_state s = {0};

	if (!signer_state_decode(f->payload, &s, e))
		return false;
	if (!l->have_state || s.token != l->state.token)
		log_line(LOG_L_NOTICE, "signer '%s': token '%s' (%s) is %s%s%s", l->name,
		    s.label, s.serial, token_state_name(s.token),
		    s.detail[0] != '\0' ? ": " : "", s.detail);
	signer_state_clear(&l->state);
	l->state = s;
	l->have_state = true;
	l->token_at = s.retry_ms > 0 ? clock_ms() + s.retry_ms : 0;
	l->retry_ms = RETRY_FIRST_MS;
	l->last_error[0] = '\0';
	return true;
}

static bool
take_signature(struct signer_link *l, const struct frame *f, struct kd_err *e)
{
	struct sent *s = &l->sent[f->id & ((1 << SLOT_BITS) - 1)];
	struct sign_result res;

	if (!sign_result_decode(f->payload, &res, e))
		return false;
	if (s->item == NULL || s->id != f->id)
		return true; /* given up at its deadline: nobody wants it any more */
	if (res.code == KD_OK)
		l->token_us = (l->token_us * 7 + res.token_us) / 8;
	finish(l, s, &res);
	return true;
}

/* Whatever it says: somebody is at work there. */
static void
heard(struct signer_link *l)
{
	uint64_t now = clock_ms();

	if (!pulse_heard(&l->pulse, now))
		return;
	log_line(LOG_L_NOTICE, "signer '%s': answers again", l->name);
	loop_wake_at(l->loop, now + PULSE_QUIET_MS); /* no timer runs for who is silent */
}

static bool
take_frames(struct signer_link *l, struct kd_err *e)
{
	struct frame f;
	bool have;

	for (;;) {
		if (!frame_in_next(&l->in, &have, &f, e))
			return false;
		if (!have)
			return true;
		heard(l);
		if (f.type == FRAME_SIGNATURE) {
			if (!take_signature(l, &f, e))
				return false;
		} else if (f.type == FRAME_PONG) {
			if (!pulse_check_pong(&f, e))
				return false;
		} else if (f.type == FRAME_STATE) {
			if (!take_state(l, &f, e))
				return false;
		} else {
			return kd_fail(e, KD_E_PROTOCOL,
			    "frame type %d is none of a signer's", (int)f.type);
		}
	}
}

/* All that has come. */
static void
read_in(struct signer_link *l)
{
	struct kd_err e = {0};
	bool eof = false;

	if (!frame_in_fill(&l->in, l->src.fd, &eof, &e) || !take_frames(l, &e))
		go_down(l, e.msg);
	else if (eof)
		go_down(l, "connection closed");
}

static void
on_ready(struct loop_source *s, uint32_t events)
{
	struct signer_link *l = (struct signer_link *)s; /* its first member */

	if ((events & EPOLLOUT) != 0)
		signer_link_flush(l);
	if (l->src.fd >= 0 && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
		read_in(l);
}

static size_t
frame_begin(struct signer_link *l, enum frame_type type, uint64_t id)
{
	l->appended -= frame_out_pending(&l->out); /* frame_end adds it again, and more */
	return frame_out_begin(&l->out, type, id);
}

static bool
frame_end(struct signer_link *l, size_t mark, struct kd_err *e)
{
	bool done = frame_out_end(&l->out, mark, e);

	l->appended += frame_out_pending(&l->out);
	return done;
}

static bool
put_job(struct signer_link *l, const struct item *it, uint64_t id,
    uint64_t sign_deadline_ms, struct kd_err *e)
{
	size_t mark;
	struct sign_job job = {
	    .mechanism = it->req->key->mechanism,
	    .md = it->md,
	    .deadline_ms = (uint32_t)sign_deadline_ms,
	};

	COPY(job.key, it->req->key->name);
	memcpy(job.digest, it->tbs, md_len(it->md));
	mark = frame_begin(l, FRAME_SIGN, id);
	sign_job_encode(&job, &l->out.buf);
	return frame_end(l, mark, e);
}

static void
give_back_nomem(struct signer_link *l, struct item *it)
{
	struct sign_result res = {.code = KD_E_NOMEM};

	(void)snprintf(res.detail, sizeof(res.detail), "signer '%s': out of memory", l->name);
	signer_link_give_back(l, it, &res);
}

void
signer_link_send(struct signer_link *l, struct item *it, uint64_t now_ms,
    uint64_t sign_deadline_ms)
{
	uint16_t slot = l->unused[l->unused_n - 1];
	struct sent *s = &l->sent[slot];
	struct kd_err e = {0};

	s->id = ++l->serial << SLOT_BITS | slot;
	if (!put_job(l, it, s->id, sign_deadline_ms, &e)) {
		give_back_nomem(l, it);
		go_down(l, e.msg);
		return;
	}
	s->end = l->appended;
	s->item = it;
	s->deadline = now_ms + sign_deadline_ms + SIGNER_GRACE_MS;
	l->unused_n--;
	l->sent_n++;
	it->state = ITEM_SENT;
	loop_wake_at(l->loop, s->deadline);
}

void
signer_link_bad(struct signer_link *l, const struct key *k, const char *why)
{
	struct sign_bad b = {0};
	struct kd_err e = {0};
	size_t mark;

	for (size_t i = 0; i < l->state.keys_n; i++)
		if (strcmp(l->state.keys[i].name, k->name) == 0)
			l->state.keys[i].ready = false; /* until the signer says the same */
	if (l->src.fd < 0)
		return;
	COPY(b.key, k->name);
	COPY(b.detail, why);
	mark = frame_begin(l, FRAME_BAD, 0);
	sign_bad_encode(&b, &l->out.buf);
	if (frame_end(l, mark, &e))
		signer_link_flush(l);
	else
		go_down(l, e.msg);
}

static bool
try_connect(struct signer_link *l, struct kd_err *e)
{
	struct kd_err ignored = {0};

	if (!sock_connect_unix(l->socket, &l->src.fd, e))
		return false;
	/* A listener names whoever bound it: root, when a supervisor passed it in. */
	if (sock_check_peer(l->src.fd, l->uid, true, e) &&
	    loop_watch(l->loop, &l->src, EPOLLIN, e))
		return true;
	if (!loop_watch(l->loop, &l->src, 0, &ignored))
		l->src.events = 0;
	(void)close(l->src.fd);
	l->src.fd = -1;
	return false;
}

static void
reconnect(struct signer_link *l, uint64_t now_ms)
{
	struct kd_err e = {0};

	if (try_connect(l, &e)) {
		pulse_begin(&l->pulse, clock_ms());
		log_line(LOG_L_INFO, "signer '%s': connected", l->name);
		return;
	}
	if (strncmp(l->last_error, e.msg, sizeof(l->last_error) - 1) != 0)
		log_line(LOG_L_WARN, "signer '%s': %s", l->name, e.msg);
	COPY(l->last_error, e.msg);
	retry_later(l, now_ms);
}

static void
ask_whether_there(struct signer_link *l)
{
	struct kd_err e = {0};

	if (!frame_end(l, frame_begin(l, FRAME_PING, 0), &e)) {
		go_down(l, e.msg);
		return;
	}
	signer_link_flush(l);
	if (l->src.fd >= 0)
		pulse_asked(&l->pulse, clock_ms());
}

/* What it has keeps its deadlines; it gets no more. */
static void
fall_silent(struct signer_link *l, uint64_t now_ms)
{
	read_in(l);
	if (l->src.fd >= 0 && pulse_judge(&l->pulse, now_ms))
		log_line(LOG_L_WARN, "signer '%s': does not answer", l->name);
}

/* Returns when to look again. */
static uint64_t
feel_pulse(struct signer_link *l, uint64_t now_ms)
{
	uint64_t next = UINT64_MAX;

	if (l->src.fd < 0)
		return next;
	switch (pulse_due(&l->pulse, now_ms, &next)) {
	case PULSE_NOTHING:
		return next;
	case PULSE_ASK:
		ask_whether_there(l);
		break;
	case PULSE_JUDGE:
		fall_silent(l, now_ms);
		break;
	}
	if (l->src.fd >= 0)
		(void)pulse_due(&l->pulse, now_ms, &next);
	return next;
}

uint64_t
signer_link_timer(struct signer_link *l, uint64_t now_ms)
{
	uint64_t next;

	if (l->src.fd < 0 && !l->retired && now_ms >= l->retry_at)
		reconnect(l, now_ms);
	next = feel_pulse(l, now_ms);
	if (l->src.fd < 0 && !l->retired)
		next = l->retry_at;
	for (size_t i = 0; i < SIGNER_WINDOW_MAX && l->sent_n > 0; i++) {
		struct sent *s = &l->sent[i];

		if (s->item == NULL)
			continue;
		if (now_ms >= s->deadline)
			answer_for(
			    l, s, KD_E_TOKEN_TIMEOUT, true, "no answer by the deadline");
		else if (s->deadline < next)
			next = s->deadline;
	}
	return next;
}
