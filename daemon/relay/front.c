/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/relay/front.c - the listening socket, the front's connections, and their answers. */
#include "config.h"

#include "daemon/relay/front.h"

#include <errno.h>
#include <sys/socket.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/sock.h"
#include "wire/api.h"
#include "wire/frame.h"
#include "wire/pulse.h"

#define FRAME_MAX (API_STAMP_REQUEST_MAX + 1024) /* a body and what stands around it */
#define UNREAD_MAX ((size_t)16 << 20) /* answers it does not read: then it is cut off */

struct conn {
	int fd;      /* -1: free */
	uint64_t id; /* never used twice, so that a late answer misses */
	struct frame_in in;
	struct frame_out out;
};

struct front {
	int fd; /* -1 when not listening */
	uid_t uid;
	struct front_hooks hooks;
	uint64_t last_id;
	struct conn conns[FRONT_CONNECTIONS_MAX];
};

static void
hang_up(struct conn *c)
{
	if (c->fd < 0)
		return;
	(void)close(c->fd);
	c->fd = -1;
	frame_in_clear(&c->in);
	frame_out_clear(&c->out);
}

bool
front_new(int take_fd, uid_t uid, const struct front_hooks *hooks, struct front **ret,
    struct kd_err *e)
{
	struct front *f = kd_alloc(sizeof(*f));

	if (f == NULL) {
		(void)close(take_fd);
		return kd_fail_nomem(e, "front");
	}
	f->fd = take_fd;
	f->uid = uid;
	f->hooks = *hooks;
	for (size_t i = 0; i < FRONT_CONNECTIONS_MAX; i++)
		f->conns[i].fd = -1;
	*ret = f;
	return true;
}

void
front_stop_listening(struct front *f)
{
	if (f->fd >= 0)
		(void)close(f->fd);
	f->fd = -1;
}

void
front_free(struct front *f)
{
	if (f == NULL)
		return;
	front_stop_listening(f);
	for (size_t i = 0; i < FRONT_CONNECTIONS_MAX; i++)
		hang_up(&f->conns[i]);
	free(f);
}

void
front_set_user(struct front *f, uid_t uid)
{
	for (size_t i = 0; uid != f->uid && i < FRONT_CONNECTIONS_MAX; i++)
		hang_up(&f->conns[i]);
	f->uid = uid;
}

size_t
front_polls(const struct front *f, struct pollfd fds[FRONT_POLLS_MAX])
{
	size_t n = 0;

	if (f->fd >= 0)
		fds[n++] = (struct pollfd){.fd = f->fd, .events = POLLIN};
	for (size_t i = 0; i < FRONT_CONNECTIONS_MAX; i++) {
		const struct conn *c = &f->conns[i];

		if (c->fd >= 0)
			fds[n++] = (struct pollfd){.fd = c->fd,
			    .events = frame_out_pending(&c->out) > 0 ? POLLIN | POLLOUT
								     : POLLIN};
	}
	return n;
}

static bool
take_frames(struct front *f, struct conn *c, struct kd_err *e)
{
	struct relay_ask ask;
	struct frame frame;
	bool have = true;

	while (c->fd >= 0) { /* an answer given at once may end it */
		struct front_asker who = {.conn = c->id};

		if (!frame_in_next(&c->in, &have, &frame, e))
			return false;
		if (!have)
			return true;
		if (frame.type == FRAME_PING) {
			if (!pulse_answer(&frame, &c->out, e))
				return false;
			continue;
		}
		if (frame.type != FRAME_RELAY)
			return kd_fail(e, KD_E_PROTOCOL,
			    "frame type %d is none of a front's", (int)frame.type);
		if (!relay_ask_decode(frame.payload, &ask, e))
			return false;
		who.frame_id = frame.id;
		f->hooks.ask(f->hooks.self, &who, &ask);
	}
	return true;
}

static void
read_from(struct front *f, struct conn *c)
{
	struct kd_err e = {0};
	bool eof = false;

	if (!frame_in_fill(&c->in, c->fd, &eof, &e) || !take_frames(f, c, &e)) {
		log_line(LOG_L_WARN, "front: connection closed: %s", e.msg);
		hang_up(c);
	} else if (eof) {
		hang_up(c);
	}
}

static bool
welcome(struct front *f, int fd, struct kd_err *e)
{
	if (!sock_check_peer(fd, f->uid, false, e))
		return false;
	for (size_t i = 0; i < FRONT_CONNECTIONS_MAX; i++)
		if (f->conns[i].fd < 0) {
			f->conns[i] = (struct conn){.fd = fd,
			    .id = ++f->last_id,
			    .in = {.max_payload = FRAME_MAX}};
			return true;
		}
	return kd_fail(
	    e, KD_E_BUSY, "over %d connections of the front", FRONT_CONNECTIONS_MAX);
}

static void
accept_one(struct front *f)
{
	struct kd_err e = {0};
	int fd = accept4(f->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

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

static struct conn *
conn_of(struct front *f, int fd)
{
	for (size_t i = 0; i < FRONT_CONNECTIONS_MAX; i++)
		if (f->conns[i].fd == fd)
			return &f->conns[i];
	return NULL;
}

void
front_turn(struct front *f, const struct pollfd *fds, size_t n)
{
	bool called = false;

	for (size_t i = 0; i < n; i++) {
		struct conn *c;

		if ((fds[i].revents & POLLIN) == 0)
			continue;
		c = conn_of(f, fds[i].fd);
		if (c != NULL)
			read_from(f, c);
		else
			called = called || fds[i].fd == f->fd;
	}
	/* Last: a new connection may get the number of one that has just ended. */
	if (called)
		accept_one(f);
}

void
front_answer(struct front *f, const struct front_asker *who, const struct answer *a)
{
	struct kd_err e = {0};
	struct conn *c = NULL;
	size_t mark;

	for (size_t i = 0; i < FRONT_CONNECTIONS_MAX; i++)
		if (f->conns[i].fd >= 0 && f->conns[i].id == who->conn)
			c = &f->conns[i];
	if (c == NULL)
		return;
	mark = frame_out_begin(&c->out, FRAME_ANSWER, who->frame_id);
	answer_encode(a, &c->out.buf);
	if (frame_out_end(&c->out, mark, &e))
		return;
	log_err(LOG_L_ERROR, &e);
	hang_up(c);
}

bool
front_flush(struct front *f)
{
	bool waits = false;

	for (size_t i = 0; i < FRONT_CONNECTIONS_MAX; i++) {
		struct conn *c = &f->conns[i];
		struct kd_err e = {0};

		if (c->fd < 0)
			continue;
		if (!frame_out_flush(&c->out, c->fd, &e)) {
			hang_up(c);
		} else if (frame_out_pending(&c->out) > UNREAD_MAX) {
			log_line(LOG_L_ERROR,
			    "front: reads no answers, %zu bytes wait; connection closed",
			    frame_out_pending(&c->out));
			hang_up(c);
		}
		waits = waits || (c->fd >= 0 && frame_out_pending(&c->out) > 0);
	}
	return waits;
}
