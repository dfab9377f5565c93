/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/keeper/front_link.c - the listening socket, the front's connections, and their
 * answers. */
#include "config.h"

#include "daemon/keeper/front_link.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/sock.h"
#include "wire/frame.h"
#include "wire/pulse.h"

#define FRONT_CONNECTIONS_MAX 64 /* one front, a few of its threads */
#define FRONT_UNREAD_MAX                                                                 \
	((size_t)128 << 20) /* answers it does not read: then it is cut off */

struct front_conn {
	struct loop_source src; /* first; fd -1 when gone */
	struct front *front;
	struct front_conn *next; /* of front->conns */
	unsigned refs;
	bool dirty; /* answered in this turn */
	struct frame_in in;
	struct frame_out out;
};

struct front {
	struct loop_source src; /* first; fd -1 when not listening */
	struct loop *loop;
	struct front_hooks hooks;
	uid_t uid;
	size_t frame_limit;
	struct front_conn *conns;
	size_t conns_n;
};

static void on_connection(struct loop_source *s, uint32_t events);

bool
front_new(int take_fd, uid_t uid, size_t frame_limit, struct loop *loop,
    const struct front_hooks *hooks, struct front **ret, struct kd_err *e)
{
	AUTO(front_free) struct front *f = kd_alloc(sizeof(*f));

	if (f == NULL) {
		(void)close(take_fd);
		return kd_fail_nomem(e, "front");
	}
	f->src = (struct loop_source){.fd = take_fd, .ready = on_connection};
	f->loop = loop;
	f->hooks = *hooks;
	f->uid = uid;
	f->frame_limit = frame_limit;
	if (!loop_watch(loop, &f->src, EPOLLIN, e))
		return false;
	*ret = STEAL(f);
	return true;
}

void
front_stop_listening(struct front *f)
{
	if (f->src.fd < 0)
		return;
	loop_forget(f->loop, &f->src);
	(void)close(f->src.fd);
	f->src.fd = -1;
}

static void
hang_up(struct front_conn *c)
{
	if (c->src.fd < 0)
		return;
	loop_forget(c->front->loop, &c->src);
	(void)close(c->src.fd);
	c->src.fd = -1;
}

void
front_set_limits(struct front *f, uid_t uid, size_t frame_limit)
{
	for (struct front_conn *c = f->conns; c != NULL; c = c->next) {
		c->in.max_payload = frame_limit;
		if (uid != f->uid)
			hang_up(c);
	}
	f->uid = uid;
	f->frame_limit = frame_limit;
}

static void
conn_free(struct front_conn *c)
{
	hang_up(c);
	frame_in_clear(&c->in);
	frame_out_clear(&c->out);
	free(c);
}

void
front_free(struct front *f)
{
	struct front_conn *c;

	if (f == NULL)
		return;
	front_stop_listening(f);
	while ((c = f->conns) != NULL) {
		f->conns = c->next;
		conn_free(c);
	}
	free(f);
}

struct front_conn *
front_hold(struct front_conn *c)
{
	c->refs++;
	return c;
}

void
front_drop(struct front_conn *c)
{
	c->refs--; /* released by front_turn, never in the middle of a turn */
}

void
front_answer(struct front_conn *c, uint64_t id, const struct answer *a)
{
	struct kd_err e = {0};
	size_t mark;

	if (c->src.fd < 0)
		return;
	mark = frame_out_begin(&c->out, FRAME_ANSWER, id);
	answer_encode(a, &c->out.buf);
	if (!frame_out_end(&c->out, mark, &e)) {
		log_err(LOG_L_ERROR, &e);
		hang_up(c);
	}
	c->dirty = true;
}

static bool
take_frames(struct front_conn *c, struct kd_err *e)
{
	struct frame f;
	struct ask ask;
	bool have;

	while (c->src.fd >= 0) {
		if (!frame_in_next(&c->in, &have, &f, e))
			return false;
		if (!have)
			return true;
		if (f.type == FRAME_PING) {
			if (!pulse_answer(&f, &c->out, e))
				return false;
			c->dirty = true;
			continue;
		}
		if (f.type != FRAME_ASK)
			return kd_fail(e, KD_E_PROTOCOL,
			    "frame type %d is none of a front's", (int)f.type);
		if (!ask_decode(f.payload, &ask, e))
			return false;
		c->front->hooks.ask(c->front->hooks.self, c, f.id, &ask);
	}
	return true;
}

static void
flush(struct front_conn *c)
{
	struct kd_err e = {0};
	uint32_t want = EPOLLIN;

	if (c->src.fd < 0)
		return;
	if (!frame_out_flush(&c->out, c->src.fd, &e)) {
		hang_up(c);
		return;
	}
	if (frame_out_pending(&c->out) > FRONT_UNREAD_MAX) {
		log_line(LOG_L_ERROR,
		    "front: reads no answers, %zu bytes wait; connection closed",
		    frame_out_pending(&c->out));
		hang_up(c);
		return;
	}
	if (frame_out_pending(&c->out) > 0)
		want |= EPOLLOUT;
	if (!loop_watch(c->front->loop, &c->src, want, &e))
		hang_up(c);
}

static void
on_ready(struct loop_source *s, uint32_t events)
{
	struct front_conn *c = (struct front_conn *)s; /* its first member */
	struct kd_err e = {0};
	bool eof = false;

	if ((events & EPOLLOUT) != 0)
		flush(c);
	if (c->src.fd < 0 || (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) == 0)
		return;
	if (!frame_in_fill(&c->in, c->src.fd, &eof, &e) || !take_frames(c, &e)) {
		log_line(LOG_L_WARN, "front: connection closed: %s", e.msg);
		hang_up(c);
	} else if (eof) {
		hang_up(c);
	}
}

static bool
welcome(struct front *f, int fd, struct kd_err *e)
{
	struct front_conn *c;

	if (f->conns_n >= FRONT_CONNECTIONS_MAX)
		return kd_fail(e, KD_E_BUSY, "%zu connections, at most %d allowed",
		    f->conns_n + 1, FRONT_CONNECTIONS_MAX);
	if (!sock_check_peer(fd, f->uid, false, e))
		return false;
	c = kd_alloc(sizeof(*c));
	if (c == NULL)
		return kd_fail_nomem(e, "connection");
	c->src = (struct loop_source){.fd = fd, .ready = on_ready};
	c->front = f;
	c->in.max_payload = f->frame_limit;
	if (!loop_watch(f->loop, &c->src, EPOLLIN, e)) {
		free(c);
		return false;
	}
	c->next = f->conns;
	f->conns = c;
	f->conns_n++;
	return true;
}

static void
on_connection(struct loop_source *s, uint32_t events)
{
	struct front *f = (struct front *)s; /* its first member */
	struct kd_err e = {0};
	int fd;

	(void)events;
	fd = accept4(f->src.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0) {
		if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
			log_line(LOG_L_WARN, "front: accept failed, errno %d", errno);
		return;
	}
	if (!welcome(f, fd, &e)) {
		log_line(LOG_L_WARN, "front: connection refused: %s", e.msg);
		(void)close(fd);
	}
}

bool
front_turn(struct front *f)
{
	struct front_conn **at = &f->conns, *c;
	bool waits = false;

	while ((c = *at) != NULL) {
		if (c->dirty)
			flush(c);
		c->dirty = false;
		waits = waits || (c->src.fd >= 0 && frame_out_pending(&c->out) > 0);
		if (c->src.fd < 0 && c->refs == 0) {
			*at = c->next;
			f->conns_n--;
			conn_free(c);
		} else {
			at = &c->next;
		}
	}
	return waits;
}
