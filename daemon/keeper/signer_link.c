/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/keeper/signer_link.c - the connection to one signer, its state, and what it has
 * not answered yet. */
#include "daemon/keeper/signer_link.h"

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

struct sent {
	struct item *item; /* NULL: free */
	uint64_t id, deadline;
	uint64_t end; /* place in the stream where its frame ends */
};

struct signer_link {
	struct loop_source src; /* first; fd -1 while not connected */
	struct loop *loop;
	struct signer_link_hooks hooks;
	char *name, *socket;
	uid_t uid;
	size_t window;
	struct frame_in in;
	struct frame_out out;
	uint64_t appended; /* bytes of this connection's stream: whole frames */
	uint64_t written;  /* of them, those that the socket has taken */
	struct signer_state state;
	bool have_state, retired;
	uint64_t retry_at, retry_ms;
	uint64_t token_at; /* when the signer looks at its token again; 0: it did not say */
	struct sent sent[SIGNER_WINDOW_MAX];
	uint16_t unused[SIGNER_WINDOW_MAX]; /* stack of free slots */
	size_t unused_n, sent_n;
	uint64_t token_us; /* of one signature: a running mean */
	uint64_t serial;
	char last_error[128]; /* told once, not at each try */
};

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

struct signer_link_view
signer_link_view(const struct signer_link *l)
{
	return (struct signer_link_view){
	    .connected = l->src.fd >= 0,
	    .have_state = l->have_state,
	    .state = &l->state,
	    .sent = l->sent_n,
	    .peer_uid = l->uid,
	};
}

bool
signer_link_connected(const struct signer_link *l)
{
	return l->src.fd >= 0 && l->have_state;
}

bool
signer_link_has_room(const struct signer_link *l)
{
	return l->sent_n < l->window;
}

static uint64_t
sessions_of(const struct signer_link *l)
{
	return l->state.sessions > 0 ? l->state.sessions : 1;
}

/* A token that has not signed yet counts as a fast one: so it is tried. */
uint64_t
signer_link_load_us(const struct signer_link *l)
{
	return (l->sent_n + 1) * (l->token_us + 1) / sessions_of(l);
}

uint64_t
signer_link_busy_ms(const struct signer_link *l, size_t more)
{
	uint64_t sessions = sessions_of(l), n = l->sent_n + more;

	return n > sessions ? (n - sessions) * l->token_us / sessions / 1000 : 0;
}

const struct signer_key *
signer_link_find_key(const struct signer_link *l, const char *name)
{
	for (size_t i = 0; l->have_state && i < l->state.keys_n; i++)
		if (strcmp(l->state.keys[i].name, name) == 0)
			return &l->state.keys[i];
	return NULL;
}

unsigned
signer_link_retry_s(const struct signer_link *l)
{
	uint64_t now = clock_ms(), at = l->src.fd < 0 ? l->retry_at : l->token_at;

	if (at == 0)
		return 0;
	return at > now ? (unsigned)((at - now + 999) / 1000) : 1;
}

static bool
check_token(const struct signer_link *l, struct kd_err *e)
{
	bool connected = l->src.fd >= 0 && l->have_state;

	if (connected && l->state.token == TOKEN_READY)
		return true;
	e->retry_s = signer_link_retry_s(l);
	if (!connected)
		return kd_fail(e, KD_E_TOKEN, "signer '%s' is not connected", l->name);
	(void)kd_fail(e, l->state.token == TOKEN_LATCHED ? KD_E_PIN : KD_E_TOKEN,
	    "token of signer '%s' is %s%s%s", l->name, token_state_name(l->state.token),
	    l->state.detail[0] != '\0' ? ": " : "", l->state.detail);
	if (l->state.token != TOKEN_LATCHED)
		return false;
	return kd_hint(e, "whoever keeps the token puts the right PIN in place, then runs "
			  "kdsign-token pin as the signer's user");
}

bool
signer_link_check_key(
    const struct signer_link *l, const struct key *k, int64_t now_unix, struct kd_err *e)
{
	const struct signer_key *s;
	char when[CLOCK_UTC_LEN];

	if (k->retire != 0 && now_unix >= k->retire) {
		clock_utc(when, k->retire * 1000);
		(void)kd_fail(e, KD_E_KEY_RETIRED,
		    "key '%s' is retired: it signs no more since %s", k->name, when);
		return kd_hint(e, "sign with its successor: 'kdsign-client keys' lists what "
				  "there is");
	}
	if (now_unix > k->info.not_after) {
		clock_utc(when, k->info.not_after * 1000);
		return kd_fail(e, KD_E_CERT_INVALID,
		    "certificate of key '%s' expired at %s", k->name, when);
	}
	if (now_unix < k->info.not_before) {
		clock_utc(when, k->info.not_before * 1000);
		return kd_fail(e, KD_E_CERT_INVALID,
		    "certificate of key '%s' is valid from %s on", k->name, when);
	}
	if (!check_token(l, e))
		return false;
	s = signer_link_find_key(l, k->name);
	if (s == NULL)
		return kd_fail(
		    e, KD_E_KEY, "signer '%s' has no key '%s'", l->name, k->name);
	if (!s->ready)
		return kd_fail(
		    e, KD_E_KEY, "key '%s' cannot sign: %s", k->name, s->detail);
	/* A token without the public half is held to it by the check of each signature.
	 */
	if (s->spki_len != 0 &&
	    (s->spki_len != k->spki.len || memcmp(s->spki, k->spki.p, k->spki.len) != 0))
		return kd_fail(e, KD_E_CERT_INVALID,
		    "certificate of key '%s' is of another key than the token's",
		    k->name);
	return true;
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
    struct signer_link *l, struct item *it, enum kd_code code, const char *why)
{
	struct sign_result res = {.code = code};

	(void)snprintf(res.detail, sizeof(res.detail), "signer '%s': %s", l->name, why);
	l->hooks.result(l->hooks.self, l, it, &res);
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
		return true; /* given up at its deadline: a late signature is not wanted
				any more */
	if (res.code == KD_OK)
		l->token_us = (l->token_us * 7 + res.token_us) / 8;
	finish(l, s, &res);
	return true;
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
		if (f.type == FRAME_SIGNATURE) {
			if (!take_signature(l, &f, e))
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

static void
on_ready(struct loop_source *s, uint32_t events)
{
	struct signer_link *l = (struct signer_link *)s; /* its first member */
	struct kd_err e = {0};
	bool eof = false;

	if ((events & EPOLLOUT) != 0)
		signer_link_flush(l);
	if (l->src.fd < 0 || (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) == 0)
		return;
	if (!frame_in_fill(&l->in, l->src.fd, &eof, &e) || !take_frames(l, &e))
		go_down(l, e.msg);
	else if (eof)
		go_down(l, "connection closed");
}

static bool
put_job(struct signer_link *l, const struct item *it, uint64_t id,
    uint64_t sign_deadline_ms, struct kd_err *e)
{
	size_t before = frame_out_pending(&l->out), mark;
	struct sign_job job = {
	    .mechanism = it->req->key->mechanism,
	    .md = it->md,
	    .deadline_ms = (uint32_t)sign_deadline_ms,
	};

	COPY(job.key, it->req->key->name);
	memcpy(job.digest, it->tbs, md_len(it->md));
	mark = frame_out_begin(&l->out, FRAME_SIGN, id);
	sign_job_encode(&job, &l->out.buf);
	if (!frame_out_end(&l->out, mark, e))
		return false;
	l->appended += frame_out_pending(&l->out) - before;
	return true;
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
		signer_link_give_back(l, it, KD_E_NOMEM, e.msg);
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
	size_t mark, before = frame_out_pending(&l->out);

	for (size_t i = 0; i < l->state.keys_n; i++)
		if (strcmp(l->state.keys[i].name, k->name) == 0)
			l->state.keys[i].ready = false; /* until the signer says the same */
	if (l->src.fd < 0)
		return;
	COPY(b.key, k->name);
	COPY(b.detail, why);
	mark = frame_out_begin(&l->out, FRAME_BAD, 0);
	sign_bad_encode(&b, &l->out.buf);
	if (!frame_out_end(&l->out, mark, &e)) {
		go_down(l, e.msg);
		return;
	}
	l->appended += frame_out_pending(&l->out) - before;
	signer_link_flush(l);
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
		log_line(LOG_L_INFO, "signer '%s': connected", l->name);
		return;
	}
	if (strncmp(l->last_error, e.msg, sizeof(l->last_error) - 1) != 0)
		log_line(LOG_L_WARN, "signer '%s': %s", l->name, e.msg);
	COPY(l->last_error, e.msg);
	retry_later(l, now_ms);
}

uint64_t
signer_link_timer(struct signer_link *l, uint64_t now_ms)
{
	uint64_t next = UINT64_MAX;

	if (l->src.fd < 0 && !l->retired) {
		if (now_ms >= l->retry_at)
			reconnect(l, now_ms);
		if (l->src.fd < 0)
			next = l->retry_at;
	}
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
