/* SPDX-License-Identifier: Apache-2.0 */
/* peer_link.c - the one connection to a process behind the front, shared by all requests.
 */
#include "daemon/front/peer_link.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sock.h"
#include "wire/pulse.h"

#define TICK_MS 250 /* how exactly a backstop is kept */
#define BACKOFF_MIN_MS 20
#define BACKOFF_MAX_MS 1000
#define KEEP_BUFFER_MAX ((size_t)1 << 20) /* a larger one is given back after use */
#define FRAME_SPARE ((size_t)256 << 10)   /* what an ask has beside its body: the chain */

struct slot { /* one open ask; its frame id is seq << 16 | index, so that a late answer
		 misses */
	uint64_t id; /* 0: free */
	uint64_t deadline_ms;
	peer_done *done;
	void *cls;
	uint32_t next_free;
};
#define SLOT_NONE UINT32_MAX
#define SLOTS_MAX 65535

/*
 * Who writes: the thread whose ask finds nobody writing takes the role, and writes until
 * nothing is left, its own frame and those that others appended meanwhile. When the
 * socket is full it hands the role to the link's thread (want_out), which poll(2) tells
 * when to go on. So an ask costs no thread switch, and no lock is held across a write.
 */
struct peer_link {
	struct peer_link_options o;
	pthread_t thread;
	int wake; /* eventfd: look at closing, ending and want_out */

	pthread_mutex_t mu;
	pthread_cond_t role_free;
	int fd;  /* lock: mu; closed by the link's thread alone, when nobody writes */
	bool up; /* lock: mu */
	bool silent;        /* lock: mu; connected, but nobody is at work there */
	struct pulse pulse; /* the link's thread's */
	bool closing;  /* lock: mu; no more asks */
	bool ending;   /* lock: mu; the thread is to return */
	bool writing;  /* lock: mu; somebody has the role */
	bool want_out; /* lock: mu; the role waits for the socket, in the link's thread */
	unsigned telling;       /* lock: mu; calls of done that have not come back */
	pthread_cond_t told;    /* telling is 0 */
	struct frame_out out;   /* lock: mu; what nobody writes yet */
	struct frame_out going; /* belongs to who has the role */
	struct slot *slots;     /* lock: mu, and so are the four below */
	size_t slots_n, open_n;
	uint32_t free_head;
	uint64_t seq;
};

static void
wake(struct peer_link *l)
{
	(void)eventfd_write(l->wake, 1);
}

/* lock: mu. */
static struct slot *
slot_take(struct peer_link *l)
{
	uint32_t i = l->free_head;

	if (i == SLOT_NONE)
		return NULL;
	l->free_head = l->slots[i].next_free;
	l->slots[i].id = ++l->seq << 16 | i;
	l->open_n++;
	return &l->slots[i];
}

/* lock: mu. Who frees a slot is the one who calls its done. */
static void
slot_free(struct peer_link *l, struct slot *s)
{
	s->id = 0;
	s->next_free = l->free_head;
	l->free_head = (uint32_t)(s - l->slots);
	l->open_n--;
}

/* lock: mu. Gives the role back; what it had not written is lost with the connection. */
static void
role_drop(struct peer_link *l)
{
	l->writing = false;
	(void)pthread_cond_broadcast(&l->role_free);
}

/* With the role: write until nothing is left, the socket is full or the connection ends.
 */
static void
write_out(struct peer_link *l)
{
	for (;;) {
		struct kd_err e = {0};
		bool ok;

		(void)pthread_mutex_lock(&l->mu);
		if (frame_out_pending(&l->going) == 0) {
			struct frame_out empty = l->going;

			if (!l->up || frame_out_pending(&l->out) == 0) {
				role_drop(l);
				(void)pthread_mutex_unlock(&l->mu);
				return;
			}
			l->going = l->out;
			l->out = empty;
		}
		(void)pthread_mutex_unlock(&l->mu);

		/* l->fd stays open while somebody has the role. */
		ok = frame_out_flush(&l->going, l->fd, &e);
		if (ok && frame_out_pending(&l->going) == 0) {
			if (l->going.buf.cap > KEEP_BUFFER_MAX)
				frame_out_clear(&l->going);
			continue;
		}
		(void)pthread_mutex_lock(&l->mu);
		if (ok) {
			l->want_out = true;
		} else {
			(void)shutdown(l->fd, SHUT_RDWR); /* the reader sees the end */
			role_drop(l);
		}
		(void)pthread_mutex_unlock(&l->mu);
		if (ok)
			wake(l);
		return;
	}
}

/* lock: mu. The frame into out, its slot taken; false with e, and then neither. */
static bool
enqueue(struct peer_link *l, const struct peer_question *q, uint64_t backstop_ms,
    peer_done *done, void *cls, struct kd_err *e)
{
	struct slot *s;
	size_t mark;

	if (l->closing || !l->up)
		return kd_fail(e, KD_E_UNREACHABLE, "the %s is not there", l->o.name);
	if (l->silent)
		return kd_fail(e, KD_E_UNREACHABLE, "the %s does not answer", l->o.name);
	/* A peer that reads nothing must not make us hold what clients send on. */
	if (frame_out_pending(&l->out) + q->size > l->o.bytes_max)
		return kd_fail(e, KD_E_BUSY, "%zu bytes are waiting for the %s",
		    frame_out_pending(&l->out), l->o.name);
	s = slot_take(l);
	if (s == NULL)
		return kd_fail(e, KD_E_BUSY, "%zu requests are waiting for the %s",
		    l->open_n, l->o.name);
	mark = frame_out_begin(&l->out, q->type, s->id);
	q->encode(q->msg, &l->out.buf);
	if (!frame_out_end(&l->out, mark, e)) {
		/* Others' frames may be lost with it: all of them learn so, by a new
		 * connection. */
		slot_free(l, s);
		(void)shutdown(l->fd, SHUT_RDWR);
		return kd_in(e, "asking the %s", l->o.name);
	}
	s->deadline_ms = clock_ms() + backstop_ms;
	s->done = done;
	s->cls = cls;
	return true;
}

void
peer_link_ask(struct peer_link *l, const struct peer_question *q, uint64_t backstop_ms,
    peer_done *done, void *cls)
{
	struct kd_err e = {0};
	bool ok, role = false;

	(void)pthread_mutex_lock(&l->mu);
	ok = enqueue(l, q, backstop_ms, done, cls, &e);
	if (ok && !l->writing)
		role = l->writing = true;
	(void)pthread_mutex_unlock(&l->mu);
	if (!ok)
		done(cls, NULL, &e);
	else if (role)
		write_out(l);
}

bool
peer_link_up(struct peer_link *l)
{
	bool up;

	(void)pthread_mutex_lock(&l->mu);
	up = l->up && !l->silent;
	(void)pthread_mutex_unlock(&l->mu);
	return up;
}

/* lock: mu. The slot's ask is ours to answer: by tell, which counts it as told. */
static struct slot
slot_claim(struct peer_link *l, struct slot *s)
{
	struct slot ret = *s;

	slot_free(l, s);
	l->telling++;
	return ret;
}

static void
tell(struct peer_link *l, const struct slot *s, const struct answer *a,
    const struct kd_err *e)
{
	s->done(s->cls, a, e);
	(void)pthread_mutex_lock(&l->mu);
	if (--l->telling == 0)
		(void)pthread_cond_broadcast(&l->told);
	(void)pthread_mutex_unlock(&l->mu);
}

/* Every open ask whose deadline is before now_ms gets e. */
static void
fail_open(struct peer_link *l, uint64_t now_ms, const struct kd_err *e)
{
	size_t i;

	for (i = 0; i < l->slots_n; i++) {
		struct slot s = {0};

		(void)pthread_mutex_lock(&l->mu);
		if (l->open_n == 0)
			i = l->slots_n; /* nothing further */
		else if (l->slots[i].id != 0 && l->slots[i].deadline_ms <= now_ms) {
			s = slot_claim(l, &l->slots[i]);
		}
		(void)pthread_mutex_unlock(&l->mu);
		if (s.id != 0)
			tell(l, &s, NULL, e);
		if (i == l->slots_n)
			return;
	}
}

static void
fail_all(struct peer_link *l, const char *why)
{
	struct kd_err e = {0};

	(void)kd_fail(&e, KD_E_UNREACHABLE, "%s", why);
	(void)kd_hint(&e, "%s", l->o.lost_hint);
	fail_open(l, UINT64_MAX, &e);
}

static void
fail_late(struct peer_link *l)
{
	struct kd_err e = {0};

	(void)kd_fail(
	    &e, l->o.late, "the %s gave no answer by the deadline", l->o.name);
	(void)kd_hint(&e, "%s", l->o.late_hint);
	fail_open(l, clock_ms(), &e);
}

static void
set_silent(struct peer_link *l, bool silent)
{
	(void)pthread_mutex_lock(&l->mu);
	l->silent = silent;
	(void)pthread_mutex_unlock(&l->mu);
	log_line(silent ? LOG_L_WARN : LOG_L_NOTICE, "%s '%s': %s", l->o.name, l->o.path,
	    silent ? "does not answer" : "answers again");
}

static bool
answer_deliver(struct peer_link *l, const struct frame *f, struct kd_err *e)
{
	struct answer a = {0};
	struct slot s = {0};
	size_t i = f->id & 0xffff;

	if (pulse_heard(&l->pulse, clock_ms()))
		set_silent(l, false);
	if (f->type == FRAME_PONG)
		return pulse_check_pong(f, e);
	if (f->type != FRAME_ANSWER)
		return kd_fail(
		    e, KD_E_PROTOCOL, "frame type %d, expected an answer", f->type);
	if (!answer_decode(f->payload, &a, e))
		return false;
	(void)pthread_mutex_lock(&l->mu);
	if (i < l->slots_n && f->id != 0 && l->slots[i].id == f->id) {
		s = slot_claim(l, &l->slots[i]);
	}
	(void)pthread_mutex_unlock(&l->mu);
	if (s.id != 0) /* else it came after its backstop */
		tell(l, &s, &a, NULL);
	return true;
}

/* All that has come; false when the connection is to be given up. */
static bool
read_answers(struct peer_link *l, struct frame_in *in, struct kd_err *e)
{
	struct frame f;
	bool eof = false, have = true;

	if (!frame_in_fill(in, l->fd, &eof, e))
		return false;
	while (have) {
		if (!frame_in_next(in, &have, &f, e) ||
		    (have && !answer_deliver(l, &f, e)))
			return false;
	}
	if (eof)
		return kd_fail(e, KD_E_UNREACHABLE, "the %s closed the connection", l->o.name);
	return true;
}

static bool
link_connect(struct peer_link *l, struct kd_err *e)
{
	AUTO(close) int fd = -1;

	if (!sock_connect_unix(l->o.path, &fd, e) ||
	    !sock_check_peer(fd, l->o.uid, true, e))
		return kd_in(e, "%s '%s'", l->o.name, l->o.path);
	(void)pthread_mutex_lock(&l->mu);
	l->fd = STEAL_FD(fd);
	l->up = !l->closing;
	l->silent = false;
	(void)pthread_mutex_unlock(&l->mu);
	pulse_begin(&l->pulse, clock_ms());
	return true;
}

static void
link_disconnect(struct peer_link *l)
{
	char why[64];
	int fd;

	(void)pthread_mutex_lock(&l->mu);
	l->up = false;
	if (l->want_out) { /* the role is ours */
		l->want_out = false;
		role_drop(l);
	}
	while (l->writing) /* bounded: one non-blocking write */
		(void)pthread_cond_wait(&l->role_free, &l->mu);
	fd = l->fd;
	l->fd = -1;
	frame_out_clear(&l->out);
	frame_out_clear(&l->going);
	(void)pthread_mutex_unlock(&l->mu);
	(void)close(fd);
	(void)snprintf(why, sizeof(why), "the connection to the %s was lost", l->o.name);
	fail_all(l, why);
}

static bool
ending(struct peer_link *l, bool *ret_out)
{
	bool end;

	(void)pthread_mutex_lock(&l->mu);
	end = l->ending;
	*ret_out = l->want_out;
	(void)pthread_mutex_unlock(&l->mu);
	return end;
}

static void
ping(struct peer_link *l)
{
	struct kd_err e = {0};
	bool role = false;

	(void)pthread_mutex_lock(&l->mu);
	if (!frame_out_end(&l->out, frame_out_begin(&l->out, FRAME_PING, 0), &e))
		(void)shutdown(l->fd, SHUT_RDWR); /* as in enqueue */
	else if (!l->writing)
		role = l->writing = true;
	(void)pthread_mutex_unlock(&l->mu);
	if (role)
		write_out(l);
	pulse_asked(&l->pulse, clock_ms());
}

/* Nothing more is asked; what is open keeps its backstop, unless the link is hasty. */
static void
fall_silent(struct peer_link *l)
{
	char why[64];

	set_silent(l, true);
	(void)snprintf(why, sizeof(why), "the %s does not answer", l->o.name);
	if (l->o.hasty)
		fail_all(l, why);
}

static bool
feel_pulse(struct peer_link *l, struct frame_in *in, struct kd_err *e)
{
	uint64_t now = clock_ms(), ignored;

	switch (pulse_due(&l->pulse, now, &ignored)) {
	case PULSE_NOTHING:
		break;
	case PULSE_ASK:
		ping(l);
		break;
	case PULSE_JUDGE:
		if (!read_answers(l, in, e))
			return false;
		if (pulse_judge(&l->pulse, now))
			fall_silent(l);
		break;
	}
	return true;
}

/* One connection from first to last. */
static void
link_serve(struct peer_link *l, struct kd_err *e)
{
	struct frame_in in = {.max_payload = l->o.answer_max};
	uint64_t next_look = 0;
	bool want_out;

	while (!ending(l, &want_out)) {
		struct pollfd p[2] = {
		    {.fd = l->fd, .events = POLLIN}, {.fd = l->wake, .events = POLLIN}};
		eventfd_t n;

		if (want_out)
			p[0].events |= POLLOUT;
		(void)poll(p, 2, TICK_MS);
		if (p[1].revents != 0)
			(void)eventfd_read(l->wake, &n);
		if (want_out && (p[0].revents & POLLOUT) != 0) {
			(void)pthread_mutex_lock(&l->mu);
			l->want_out = false;
			(void)pthread_mutex_unlock(&l->mu);
			write_out(l);
		}
		if ((p[0].revents & (POLLIN | POLLHUP | POLLERR)) != 0 &&
		    !read_answers(l, &in, e))
			break;
		if (!feel_pulse(l, &in, e))
			break;
		if (clock_ms() >= next_look) {
			fail_late(l);
			next_look = clock_ms() + TICK_MS;
		}
	}
	frame_in_clear(&in);
}

static void *
link_main(void *cls)
{
	struct peer_link *l = cls;
	uint64_t pause = BACKOFF_MIN_MS;
	enum kd_code told = KD_OK; /* not once per attempt, but every new cause */
	bool want_out;

	while (!ending(l, &want_out)) {
		struct pollfd p = {.fd = l->wake, .events = POLLIN};
		struct kd_err e = {0};

		if (link_connect(l, &e)) {
			log_line(LOG_L_INFO, "%s '%s': connected", l->o.name, l->o.path);
			pause = BACKOFF_MIN_MS;
			told = KD_OK;
			link_serve(l, &e);
			link_disconnect(l);
		}
		if (ending(l, &want_out))
			break;
		if (e.code != KD_OK && e.code != told)
			log_err(LOG_L_WARN, &e);
		told = e.code;
		(void)poll(&p, 1, (int)pause);
		pause = pause * 2 < BACKOFF_MAX_MS ? pause * 2 : BACKOFF_MAX_MS;
	}
	return NULL;
}

static bool
slots_make(struct peer_link *l, struct kd_err *e)
{
	size_t i, n = l->o.asks_max < SLOTS_MAX ? l->o.asks_max : SLOTS_MAX;

	l->slots = kd_alloc_array(n, sizeof(*l->slots));
	if (l->slots == NULL)
		return kd_fail_nomem(e, "table of open requests");
	l->slots_n = n;
	for (i = 0; i < n; i++)
		l->slots[i].next_free = i + 1 < n ? (uint32_t)i + 1 : SLOT_NONE;
	l->free_head = n > 0 ? 0 : SLOT_NONE;
	return true;
}

static void
link_release(struct peer_link *l)
{
	frame_out_clear(&l->out);
	frame_out_clear(&l->going);
	free(l->slots);
	if (l->wake >= 0)
		(void)close(l->wake);
	(void)pthread_cond_destroy(&l->role_free);
	(void)pthread_cond_destroy(&l->told);
	(void)pthread_mutex_destroy(&l->mu);
	free(l);
}

bool
peer_link_start(
    const struct peer_link_options *o, struct peer_link **ret, struct kd_err *e)
{
	struct peer_link *l = kd_alloc(sizeof(*l));
	int rc;

	if (l == NULL)
		return kd_fail_nomem(e, "link to a process behind");
	l->o = *o;
	l->fd = -1;
	l->out.buf.max = l->going.buf.max = o->bytes_max + FRAME_SPARE;
	(void)pthread_mutex_init(&l->mu, NULL);
	(void)pthread_cond_init(&l->role_free, NULL);
	(void)pthread_cond_init(&l->told, NULL);
	l->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (l->wake < 0) {
		link_release(l);
		return kd_fail(e, KD_E_BUG, "eventfd failed");
	}
	if (!slots_make(l, e)) {
		link_release(l);
		return false;
	}
	rc = pthread_create(&l->thread, NULL, link_main, l);
	if (rc != 0) {
		link_release(l);
		return kd_fail_errno(e, KD_E_BUG, rc, "thread for the %s", o->name);
	}
	*ret = l;
	return true;
}

void
peer_link_close(struct peer_link *l)
{
	(void)pthread_mutex_lock(&l->mu);
	l->closing = true;
	l->up = false;
	(void)pthread_mutex_unlock(&l->mu);
	fail_all(l, "the service is stopping");
	(void)pthread_mutex_lock(&l->mu);
	while (l->telling > 0) /* bounded: done does not wait for anything */
		(void)pthread_cond_wait(&l->told, &l->mu);
	(void)pthread_mutex_unlock(&l->mu);
}

void
peer_link_free(struct peer_link *l)
{
	if (l == NULL)
		return;
	peer_link_close(l);
	(void)pthread_mutex_lock(&l->mu);
	l->ending = true;
	(void)pthread_mutex_unlock(&l->mu);
	wake(l);
	(void)pthread_join(l->thread, NULL);
	link_release(l);
}
