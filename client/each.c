/* SPDX-License-Identifier: Apache-2.0 */
/* client/each.c - the same thing done with many files by several threads, told in order.
 */
#include "config.h"

#include "client/each.h"

#include <pthread.h>
#include <time.h>

#include "base/mem.h"
#include "base/own.h"

#define TICK_NS 100000000L

struct each {
	const struct each_options *o; /* read-only */
	pthread_mutex_t mu;
	pthread_cond_t moved; /* one more is finished */
	pthread_cond_t room;  /* one more is told of */
	size_t next;       /* lock: mu; first that nobody has begun */
	size_t finished;   /* lock: mu */
	size_t told;       /* lock: mu */
	bool *is_finished; /* lock: mu */
};

/* The next one, once there is room for it. false: there is none left. */
static bool
take(struct each *p, size_t *ret) /* lock: mu, given up while waiting */
{
	while (p->o->ahead != 0 && p->next < p->o->n &&
	       p->next >= p->told + p->o->ahead)
		(void)pthread_cond_wait(&p->room, &p->mu);
	*ret = p->next;
	if (p->next == p->o->n)
		return false;
	p->next++;
	return true;
}

static void *
work(void *arg)
{
	struct each *p = arg;
	void *mine = NULL;
	size_t i;

	(void)pthread_mutex_lock(&p->mu);
	while (take(p, &i)) {
		(void)pthread_mutex_unlock(&p->mu);
		p->o->work(p->o->self, i, &mine);
		(void)pthread_mutex_lock(&p->mu);
		p->is_finished[i] = true;
		p->finished++;
		if (p->o->done != NULL || p->finished == p->o->n)
			(void)pthread_cond_signal(&p->moved);
	}
	(void)pthread_mutex_unlock(&p->mu);
	if (mine != NULL)
		p->o->end(mine);
	return NULL;
}

/* lock: mu; given up while waiting, for a tick at most */
static void
wait_a_tick(struct each *p)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_nsec += TICK_NS;
	if (t.tv_nsec >= 1000000000L) {
		t.tv_sec++;
		t.tv_nsec -= 1000000000L;
	}
	(void)pthread_cond_clockwait(&p->moved, &p->mu, CLOCK_MONOTONIC, &t);
}

static void
tick(const struct each *p, size_t finished)
{
	if (p->o->tick != NULL)
		p->o->tick(p->o->self, finished);
}

static void
tell_all(struct each *p)
{
	size_t told = 0, finished;
	bool ready;

	while (told < p->o->n) {
		(void)pthread_mutex_lock(&p->mu);
		if (!p->is_finished[told])
			wait_a_tick(p);
		ready = p->is_finished[told];
		finished = p->finished;
		(void)pthread_mutex_unlock(&p->mu);
		if (ready) {
			p->o->done(p->o->self, told++);
			(void)pthread_mutex_lock(&p->mu);
			p->told = told;
			(void)pthread_cond_broadcast(&p->room);
			(void)pthread_mutex_unlock(&p->mu);
		}
		tick(p, finished);
	}
}

static void
watch(struct each *p)
{
	size_t finished = 0;

	while (finished < p->o->n) {
		(void)pthread_mutex_lock(&p->mu);
		if (p->finished < p->o->n)
			wait_a_tick(p);
		finished = p->finished;
		(void)pthread_mutex_unlock(&p->mu);
		tick(p, finished);
	}
}

bool
each_run(const struct each_options *o, struct kd_err *e)
{
	AUTO(free) bool *is_finished = kd_alloc_array(o->n, sizeof(bool));
	pthread_t threads[EACH_JOBS_MAX];
	size_t started = 0;
	struct each p = {
	    .o = o,
	    .mu = PTHREAD_MUTEX_INITIALIZER,
	    .moved = PTHREAD_COND_INITIALIZER,
	    .room = PTHREAD_COND_INITIALIZER,
	    .is_finished = is_finished,
	};

	if (is_finished == NULL)
		return kd_fail_nomem(e, "list of files");
	/* One thread that cannot be made is one less. */
	while (started < o->jobs && started < o->n &&
	       pthread_create(&threads[started], NULL, work, &p) == 0)
		started++;
	if (started == 0 && o->n != 0)
		return kd_fail(e, KD_E_BUG, "no thread can be started");
	if (o->done != NULL)
		tell_all(&p);
	else
		watch(&p);
	for (size_t i = 0; i < started; i++)
		(void)pthread_join(threads[i], NULL);
	return true;
}
