/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/keeper/pool.c - worker threads for what costs CPU: verification and assembly. */
#include "daemon/keeper/pool.h"

#include <pthread.h>

#include "base/mem.h"

struct pool {
	struct loop *loop;
	unsigned threads, take_max;
	pthread_t thread[POOL_THREADS_MAX];
	pthread_mutex_t mu;
	pthread_cond_t more;
	struct work_list todo; /* lock: mu */
	unsigned idle;         /* lock: mu */
	bool stop;             /* lock: mu */
};

/* A fair share of what is there, so that a burst spreads over the workers. lock: mu */
static void
pool_take(struct pool *p, struct work_list *mine)
{
	size_t n = p->todo.n / p->threads;

	n = n < 1 ? 1 : n > p->take_max ? p->take_max : n;
	while (n-- > 0 && p->todo.head != NULL)
		work_list_add(mine, work_list_pop(&p->todo));
}

static void *
pool_main(void *arg)
{
	struct pool *p = arg;
	struct work_list mine = {0};
	struct work *w;

	for (;;) {
		(void)pthread_mutex_lock(&p->mu);
		p->idle++;
		while (p->todo.head == NULL && !p->stop)
			(void)pthread_cond_wait(&p->more, &p->mu);
		p->idle--;
		pool_take(p, &mine);
		(void)pthread_mutex_unlock(&p->mu);
		if (mine.head == NULL)
			return NULL;
		for (w = mine.head; w != NULL; w = w->next)
			w->run(w);
		loop_post(p->loop, &mine);
	}
}

bool
pool_new(unsigned threads, unsigned take_max, struct loop *loop, struct pool **ret,
    struct kd_err *e)
{
	AUTO(pool_free) struct pool *p = kd_alloc(sizeof(*p));
	int err;

	if (p == NULL)
		return kd_fail_nomem(e, "worker threads");
	p->loop = loop;
	p->take_max = take_max;
	(void)pthread_mutex_init(&p->mu, NULL);
	(void)pthread_cond_init(&p->more, NULL);
	while (p->threads < threads) {
		err = pthread_create(&p->thread[p->threads], NULL, pool_main, p);
		if (err != 0)
			return kd_fail_errno(e, KD_E_BUG, err, "worker thread");
		/* Read by the workers only with mu held, after work came; work comes
		 * later. */
		p->threads++;
	}
	*ret = STEAL(p);
	return true;
}

void
pool_free(struct pool *p)
{
	if (p == NULL)
		return;
	(void)pthread_mutex_lock(&p->mu);
	p->stop = true;
	(void)pthread_cond_broadcast(&p->more);
	(void)pthread_mutex_unlock(&p->mu);
	for (unsigned i = 0; i < p->threads; i++)
		(void)pthread_join(p->thread[i], NULL);
	(void)pthread_cond_destroy(&p->more);
	(void)pthread_mutex_destroy(&p->mu);
	free(p);
}

void
pool_submit(struct pool *p, struct work_list *list)
{
	unsigned wake;

	if (list->head == NULL)
		return;
	(void)pthread_mutex_lock(&p->mu);
	wake = p->idle;
	if (list->n < wake)
		wake = (unsigned)list->n;
	work_list_join(&p->todo, list);
	(void)pthread_mutex_unlock(&p->mu);
	while (wake-- > 0)
		(void)pthread_cond_signal(&p->more);
}
