/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/keeper/loop.c - the one thread that decides: descriptors, finished work,
 * deadlines. */
#include "daemon/keeper/loop.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "base/clock.h"
#include "base/mem.h"

#define LOOP_EVENTS 64 /* descriptors taken from the kernel at once */

struct loop {
	struct loop_hooks hooks;
	int ep, bell;     /* bell: eventfd, rung when done was empty */
	uint64_t wake_at; /* UINT64_MAX: never */
	pthread_mutex_t mu;
	struct work_list done; /* lock: mu */
};

bool
loop_new(const struct loop_hooks *hooks, struct loop **ret, struct kd_err *e)
{
	AUTO(loop_free) struct loop *l = kd_alloc(sizeof(*l));
	struct epoll_event ev = {.events = EPOLLIN};

	if (l == NULL)
		return kd_fail_nomem(e, "event loop");
	l->hooks = *hooks;
	l->wake_at = UINT64_MAX;
	l->bell = -1;
	(void)pthread_mutex_init(&l->mu, NULL);
	l->ep = epoll_create1(EPOLL_CLOEXEC);
	if (l->ep < 0)
		return kd_fail_errno(e, KD_E_BUG, errno, "epoll_create1");
	l->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (l->bell < 0)
		return kd_fail_errno(e, KD_E_BUG, errno, "eventfd");
	if (epoll_ctl(l->ep, EPOLL_CTL_ADD, l->bell, &ev) != 0)
		return kd_fail_errno(e, KD_E_BUG, errno, "epoll_ctl");
	*ret = STEAL(l);
	return true;
}

void
loop_free(struct loop *l)
{
	if (l == NULL)
		return;
	close_auto(&l->bell);
	close_auto(&l->ep);
	(void)pthread_mutex_destroy(&l->mu);
	free(l);
}

bool
loop_watch(struct loop *l, struct loop_source *s, uint32_t events, struct kd_err *e)
{
	struct epoll_event ev = {.events = events, .data.ptr = s};
	int op = events == 0      ? EPOLL_CTL_DEL
		 : s->events == 0 ? EPOLL_CTL_ADD
				  : EPOLL_CTL_MOD;

	if (s->events == events)
		return true;
	if (epoll_ctl(l->ep, op, s->fd, &ev) != 0)
		return kd_fail_errno(e, KD_E_BUG, errno, "epoll_ctl");
	s->events = events;
	return true;
}

void
loop_forget(struct loop *l, struct loop_source *s)
{
	struct kd_err ignored = {0};

	/* It is closed next, which takes it out of epoll even where this should fail. */
	if (!loop_watch(l, s, 0, &ignored))
		s->events = 0;
}

void
loop_post(struct loop *l, struct work_list *done)
{
	uint64_t one = 1;
	bool ring;

	if (done->head == NULL)
		return;
	(void)pthread_mutex_lock(&l->mu);
	ring = l->done.head == NULL;
	work_list_join(&l->done, done);
	(void)pthread_mutex_unlock(&l->mu);
	/* A counter that is full (EAGAIN) has been rung often enough. */
	if (ring && write(l->bell, &one, sizeof(one)) < 0)
		return;
}

void
loop_wake_at(struct loop *l, uint64_t at_ms)
{
	if (at_ms < l->wake_at)
		l->wake_at = at_ms;
}

static void
loop_finished(struct loop *l)
{
	struct work_list done = {0};
	uint64_t rung;
	struct work *w;

	if (read(l->bell, &rung, sizeof(rung)) < 0)
		return; /* EAGAIN: taken already */
	(void)pthread_mutex_lock(&l->mu);
	work_list_join(&done, &l->done);
	(void)pthread_mutex_unlock(&l->mu);
	while ((w = work_list_pop(&done)) != NULL)
		w->done(w);
}

bool
loop_run(struct loop *l, struct kd_err *e)
{
	struct epoll_event ev[LOOP_EVENTS];
	uint64_t now;
	int i, n;

	do {
		n = epoll_wait(l->ep, ev, LOOP_EVENTS,
		    l->wake_at == UINT64_MAX ? -1 : clock_left(l->wake_at));
		if (n < 0 && errno != EINTR)
			return kd_fail_errno(e, KD_E_BUG, errno, "epoll_wait");
		for (i = 0; i < n; i++) {
			struct loop_source *s = ev[i].data.ptr;

			if (s == NULL)
				loop_finished(l);
			else if (s->events != 0) /* not deleted earlier in this turn */
				s->ready(s, ev[i].events);
		}
		now = clock_ms();
		if (now >= l->wake_at) {
			l->wake_at = UINT64_MAX;
			l->hooks.timer(l->hooks.self, now);
		}
	} while (l->hooks.turn(l->hooks.self));
	return true;
}
