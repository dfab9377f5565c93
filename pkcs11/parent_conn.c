/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/parent_conn.c - the keeper's connections: who may, frames in, frames out. */
#include "config.h"

#include "pkcs11/parent_in.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/sock.h"
#include "wire/pulse.h"

#define PAYLOAD_MAX 1024           /* a sign_job is below 200 bytes */
#define OUT_MAX ((size_t)16 << 20) /* a peer that reads nothing is dropped */

void
conns_init(struct parent *p)
{
	for (uint32_t i = 0; i < CONNS_MAX; i++) {
		p->conns[i].fd = -1;
		p->conns[i].in.max_payload = PAYLOAD_MAX;
	}
}

bool
conns_watch(struct parent *p, int fd, uint32_t kind, uint32_t index, struct kd_err *e)
{
	struct epoll_event ev = {
	    .events = EPOLLIN, .data.u64 = (uint64_t)kind << 32 | index};

	return epoll_ctl(p->epfd, EPOLL_CTL_ADD, fd, &ev) == 0 ||
	       kd_fail_errno(e, KD_E_BUG, errno, "epoll");
}

static bool
is_orphan(void *self, const struct ask *a)
{
	const struct parent *p = self;

	return p->conns[a->conn].gen != a->gen;
}

/* Its queued jobs are forgotten: the token never heard of them and nobody asks any more.
 */
static void
drop(struct parent *p, struct conn *c)
{
	(void)close(c->fd);
	c->fd = -1;
	c->gen++;
	c->waits_to_write = c->touched = false;
	frame_in_clear(&c->in);
	frame_out_clear(&c->out);
	queue_take_if(&p->queue, is_orphan, p);
}

static void
drop_for(struct parent *p, struct conn *c, struct kd_err *e)
{
	(void)kd_in(e, "keeper's connection closed");
	log_err(LOG_L_WARN, e);
	drop(p, c);
}

static void
watch_writing(struct parent *p, struct conn *c, bool on)
{
	struct epoll_event ev = {.events = EPOLLIN | (on ? EPOLLOUT : 0),
	    .data.u64 = (uint64_t)WATCH_CONN << 32 | (uint32_t)(c - p->conns)};

	if (c->waits_to_write != on && epoll_ctl(p->epfd, EPOLL_CTL_MOD, c->fd, &ev) == 0)
		c->waits_to_write = on;
}

static void
flush(struct parent *p, struct conn *c)
{
	struct kd_err e = {0};

	c->touched = false;
	if (c->fd < 0)
		return;
	if (!frame_out_flush(&c->out, c->fd, &e)) {
		drop_for(p, c, &e);
	} else if (frame_out_pending(&c->out) > OUT_MAX) {
		(void)kd_fail(&e, KD_E_PROTOCOL, "it reads none of its answers");
		drop_for(p, c, &e);
	} else {
		watch_writing(p, c, frame_out_pending(&c->out) > 0);
	}
}

void
conns_flush(struct parent *p)
{
	for (uint32_t i = 0; i < CONNS_MAX; i++) {
		if (p->conns[i].touched)
			flush(p, &p->conns[i]);
	}
}

static void
push_state(struct parent *p, struct conn *c)
{
	size_t mark = frame_out_begin(&c->out, FRAME_STATE, 0);
	struct kd_err e = {0};

	trouble_state(p);
	signer_state_encode(&p->state, &c->out.buf);
	if (frame_out_end(&c->out, mark, &e))
		c->touched = true;
	else
		drop_for(p, c, &e);
}

void
conns_push_state(struct parent *p)
{
	for (uint32_t i = 0; i < CONNS_MAX; i++) {
		if (p->conns[i].fd >= 0)
			push_state(p, &p->conns[i]);
	}
}

void
conns_answer(struct parent *p, const struct ask *a, const struct sign_result *r)
{
	struct conn *c = &p->conns[a->conn];
	struct kd_err e = {0};
	size_t mark;

	if (c->fd < 0 || c->gen != a->gen)
		return; /* who asked has gone */
	mark = frame_out_begin(&c->out, FRAME_SIGNATURE, a->frame_id);
	sign_result_encode(r, &c->out.buf);
	/* Nothing is dropped in here: the caller may be walking the queue. A buffer that
	 * failed fails in the flush as well. */
	(void)(frame_out_end(&c->out, mark, &e) && e.code == KD_OK);
	c->touched = true;
}

static bool
admit(struct parent *p, int fd, struct kd_err *e)
{
	uint32_t i = 0;

	if (!sock_check_peer(fd, p->keeper, false, e))
		return false;
	while (i < CONNS_MAX && p->conns[i].fd >= 0)
		i++;
	if (i == CONNS_MAX)
		return kd_fail(
		    e, KD_E_BUSY, "%d connections are open already", CONNS_MAX);
	if (!conns_watch(p, fd, WATCH_CONN, i, e))
		return false;
	p->conns[i].fd = fd;
	push_state(p, &p->conns[i]);
	return true;
}

void
conns_accept(struct parent *p)
{
	for (;;) {
		struct kd_err e = {0};
		int fd = accept4(p->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0 && errno == EINTR)
			continue;
		if (fd < 0)
			return;
		if (!admit(p, fd, &e)) {
			(void)kd_in(&e, "connection refused");
			log_err(LOG_L_WARN, &e);
			(void)close(fd);
		}
	}
}

static bool
take_frame(struct parent *p, struct conn *c, const struct frame *f, struct kd_err *e)
{
	if (f->type == FRAME_PING) { /* the keeper asks whether anybody is there */
		c->touched = true;
		return pulse_answer(f, &c->out, e);
	}
	return jobs_accept(p, c, (uint32_t)(c - p->conns), f, e);
}

static bool
read_frames(struct parent *p, struct conn *c, bool *ret_eof, struct kd_err *e)
{
	struct frame f;
	bool have = true;

	if (!frame_in_fill(&c->in, c->fd, ret_eof, e))
		return false;
	while (have) {
		if (!frame_in_next(&c->in, &have, &f, e))
			return false;
		if (have && !take_frame(p, c, &f, e))
			return false;
	}
	return true;
}

void
conns_readable(struct parent *p, struct conn *c)
{
	struct kd_err e = {0};
	bool eof = false;

	if (c->fd < 0)
		return;
	if (!read_frames(p, c, &eof, &e))
		drop_for(p, c, &e);
	else if (eof)
		drop(p, c);
}

void
conns_close(struct parent *p)
{
	for (uint32_t i = 0; i < CONNS_MAX; i++) {
		if (p->conns[i].fd >= 0)
			drop(p, &p->conns[i]);
	}
}
