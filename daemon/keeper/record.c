/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/keeper/record.c - the record: one thread that commits for all who wait. */
#include "config.h"

#include "daemon/keeper/record.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/file.h>
#include <sys/statvfs.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "daemon/keeper/record_op.h"

#define RECORD_REOPEN_MS 200 /* at most so often is a store that failed opened again */
#define NS_PER_S UINT64_C(1000000000)
#define NS_PER_MS UINT64_C(1000000)

struct record {
	struct loop *loop;
	char *path, *dir;
	int lock_fd; /* one keeper per record */
	pthread_t thread;
	bool started;
	pthread_mutex_t mu;
	pthread_cond_t more;
	struct work_list todo; /* lock: mu */
	uint64_t begin_ns; /* lock: mu; clock_ns: the batch in todo waits until then */
	bool stop;         /* lock: mu */
	struct record_limits limits; /* lock: mu */
	_Atomic uint64_t last;       /* newest durable event; written by the thread */

	/* The thread's own, from its start on. */
	struct record_limits now; /* limits, as of this batch */
	struct record_writer w;
	uint64_t maybe;     /* last event if a commit that failed went through; else 0 */
	uint64_t reopen_at; /* clock_ms */
};

/* ---- batches ---- */

static struct record_op *
op_of(struct work *w)
{
	return (struct record_op *)w; /* its first member */
}

/* The store is not to be trusted any more: opened anew before the next batch. */
static void
distrust(struct record *r, bool in_commit)
{
	if (r->w.store.ops == NULL)
		return; /* what was in doubt before still is */
	r->maybe = in_commit ? r->w.seq : 0;
	r->w.seq = atomic_load(&r->last);
	r->w.chains_n = 0;
	r->w.store.ops->rollback(r->w.store.self);
	r->w.store.ops->close(r->w.store.self);
	r->w.store = (struct store){0};
	r->reopen_at = clock_ms() + RECORD_REOPEN_MS;
}

static bool
ensure_open(struct record *r, struct kd_err *e)
{
	uint64_t last;

	if (r->w.store.ops != NULL)
		return true;
	if (clock_ms() < r->reopen_at)
		return kd_fail(e, KD_E_STORE,
		    "record '%s' failed and is not open again yet", SHOW(r->path));
	r->reopen_at = clock_ms() + RECORD_REOPEN_MS;
	if (!store_open_sqlite(r->path, r->now.busy_ms, &r->w.store, e))
		return false;
	if (!r->w.store.ops->event_last(r->w.store.self, &last, e))
		goto close;
	if (last == r->w.seq || (r->maybe != 0 && last == r->maybe)) {
		/* What a commit that failed left behind may be in memory only. */
		if (r->maybe != 0 && !r->w.store.ops->settle(r->w.store.self, e))
			goto close;
		r->maybe = 0;
		r->w.seq = last;
		atomic_store(&r->last, last);
		return true;
	}
	(void)kd_fail(e, KD_E_STORE,
	    "record '%s' ends with event %llu, but %llu is known to be written",
	    SHOW(r->path), (unsigned long long)last, (unsigned long long)r->w.seq);
close:
	r->w.store.ops->close(r->w.store.self);
	r->w.store = (struct store){0};
	return false;
}

static bool
has_room(const struct record *r, struct kd_err *e)
{
	struct statvfs fs;
	uint64_t left;

	if (r->now.reserve == 0 || statvfs(r->dir, &fs) != 0)
		return true; /* where nothing can be said, writing will tell */
	left = (uint64_t)fs.f_bavail * fs.f_frsize;
	if (left >= r->now.reserve)
		return true;
	return kd_fail(e, KD_E_STORE,
	    "record '%s': %llu bytes are free, under the reserve of %llu", SHOW(r->path),
	    (unsigned long long)left, (unsigned long long)r->now.reserve);
}

static bool
write_all(struct record *r, struct work_list *ops, bool *ret_in_commit, struct kd_err *e)
{
	int64_t now = clock_unix_ms();

	clock_utc(r->w.time, now);
	if (!r->w.store.ops->in_place(r->w.store.self, e) ||
	    !r->w.store.ops->begin(r->w.store.self, e))
		return false;
	for (struct work *w = ops->head; w != NULL; w = w->next)
		if (!record_apply(&r->w, op_of(w), e))
			return false;
	*ret_in_commit = true;
	if (!r->w.store.ops->commit(r->w.store.self, e))
		return false;
	atomic_store(&r->last, r->w.seq);
	return true;
}

static void
finish_all(struct work_list *ops, bool ok, const struct kd_err *e)
{
	for (struct work *w = ops->head; w != NULL; w = w->next) {
		op_of(w)->ok = ok;
		if (!ok)
			op_of(w)->e = *e;
	}
}

static void
write_batch(struct record *r, struct work_list *ops)
{
	struct kd_err e = {0};
	bool in_commit = false, ok;

	if (ops->head == NULL)
		return;
	ok = ensure_open(r, &e) && write_all(r, ops, &in_commit, &e);
	if (!ok) {
		/* One thing for the client, whatever it was: nothing can be recorded now.
		 */
		e.code = KD_E_STORE;
		distrust(r, in_commit);
	}
	finish_all(ops, ok, &e);
}

static void
read_batch(struct record *r, struct work_list *ops)
{
	for (struct work *w = ops->head; w != NULL; w = w->next) {
		struct record_op *op = op_of(w);

		op->ok = ensure_open(r, &op->e) && record_apply(&r->w, op, &op->e);
	}
}

/* New work is refused while only the reserve is left; results still go in. */
static void
run_batch(struct record *r, struct work_list *batch)
{
	struct work_list reads = {0}, writes = {0}, refused = {0};
	struct kd_err low = {0};
	bool room = has_room(r, &low);
	struct work *w;

	while ((w = work_list_pop(batch)) != NULL) {
		enum record_kind kind = op_of(w)->kind;

		if (kind == RECORD_LOAD)
			work_list_add(&reads, w);
		else if (!room && kind != RECORD_RESULT)
			work_list_add(&refused, w);
		else
			work_list_add(&writes, w);
	}
	write_batch(r, &writes);
	read_batch(r, &reads);
	finish_all(&refused, false, &low);
	work_list_join(batch, &writes);
	work_list_join(batch, &reads);
	work_list_join(batch, &refused);
}

static void
gather(struct record *r) /* lock: mu */
{
	while (!r->stop && clock_ns() < r->begin_ns) {
		struct timespec until = {.tv_sec = (time_t)(r->begin_ns / NS_PER_S),
		    .tv_nsec = (long)(r->begin_ns % NS_PER_S)};

		(void)pthread_cond_clockwait(&r->more, &r->mu, CLOCK_MONOTONIC, &until);
	}
}

static void *
record_main(void *arg)
{
	struct record *r = arg;
	struct work_list batch = {0};

	for (;;) {
		(void)pthread_mutex_lock(&r->mu);
		while (r->todo.head == NULL && !r->stop)
			(void)pthread_cond_wait(&r->more, &r->mu);
		gather(r);
		work_list_join(&batch, &r->todo);
		r->now = r->limits;
		(void)pthread_mutex_unlock(&r->mu);
		if (batch.head == NULL)
			return NULL;
		run_batch(r, &batch);
		loop_post(r->loop, &batch);
		batch = (struct work_list){0};
	}
}

/* ---- opening ---- */

static bool
recover(struct record *r, struct kd_err *e)
{
	struct store_request req;
	bool have = true;

	clock_utc(r->w.time, clock_unix_ms());
	if (!r->w.store.ops->begin(r->w.store.self, e))
		return false;
	while (have) {
		if (!r->w.store.ops->request_next_open(r->w.store.self, &req, &have, e) ||
		    (have && !record_recover(&r->w, &req, e)))
			return false;
	}
	if (!r->w.store.ops->commit(r->w.store.self, e))
		return false;
	atomic_store(&r->last, r->w.seq);
	return true;
}

static bool
lock_record(struct record *r, struct kd_err *e)
{
	AUTO(buf_clear) struct buf path = {0};

	buf_printf(&path, "%s.lock", r->path);
	if (!buf_ok(&path, "record", e) || buf_cstr(&path) == NULL)
		return kd_fail_nomem(e, "record");
	r->lock_fd =
	    open(buf_cstr(&path), O_CREAT | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (r->lock_fd < 0)
		return kd_fail_errno(e, KD_E_STORE, errno, "'%s'", SHOW(buf_cstr(&path)));
	if (flock(r->lock_fd, LOCK_EX | LOCK_NB) != 0)
		return kd_fail_errno(e, KD_E_STORE, errno,
		    "record '%s' is in use by another keeper", SHOW(r->path));
	return true;
}

static bool
record_prepare(struct record *r, const char *path, struct kd_err *e)
{
	r->path = kd_strdup(path);
	r->dir = kd_strdup(path);
	if (r->path == NULL || r->dir == NULL)
		return kd_fail_nomem(e, "record");
	if (strrchr(r->dir, '/') != NULL)
		*(strrchr(r->dir, '/') + 1) = '\0';
	return lock_record(r, e) &&
	       store_open_sqlite(r->path, r->now.busy_ms, &r->w.store, e) &&
	       r->w.store.ops->event_check(r->w.store.self, &r->w.seq, e) &&
	       recover(r, e);
}

bool
record_open(const char *path, const struct record_limits *limits, struct loop *loop,
    struct record **ret, struct kd_err *e)
{
	AUTO(record_free) struct record *r = kd_alloc(sizeof(*r));
	int err;

	if (r == NULL)
		return kd_fail_nomem(e, "record");
	r->loop = loop;
	r->lock_fd = -1;
	r->limits = r->now = *limits;
	(void)pthread_mutex_init(&r->mu, NULL);
	(void)pthread_cond_init(&r->more, NULL);
	if (!record_prepare(r, path, e))
		return false;
	err = pthread_create(&r->thread, NULL, record_main, r);
	if (err != 0)
		return kd_fail_errno(e, KD_E_BUG, err, "record thread");
	r->started = true;
	*ret = STEAL(r);
	return true;
}

void
record_free(struct record *r)
{
	if (r == NULL)
		return;
	if (r->started) {
		(void)pthread_mutex_lock(&r->mu);
		r->stop = true;
		(void)pthread_cond_signal(&r->more);
		(void)pthread_mutex_unlock(&r->mu);
		(void)pthread_join(r->thread, NULL);
	}
	if (r->w.store.ops != NULL)
		r->w.store.ops->close(r->w.store.self);
	close_auto(&r->lock_fd);
	buf_clear(&r->w.json);
	free(r->path);
	free(r->dir);
	(void)pthread_cond_destroy(&r->more);
	(void)pthread_mutex_destroy(&r->mu);
	free(r);
}

void
record_submit(struct record *r, struct work_list *ops, uint64_t patience_ms)
{
	uint64_t begin_ns = clock_ns() + patience_ms * NS_PER_MS;
	bool wake;

	if (ops->head == NULL)
		return;
	(void)pthread_mutex_lock(&r->mu);
	wake = r->todo.head == NULL || begin_ns < r->begin_ns;
	if (wake)
		r->begin_ns = begin_ns;
	work_list_join(&r->todo, ops);
	(void)pthread_mutex_unlock(&r->mu);
	if (wake)
		(void)pthread_cond_signal(&r->more);
}

void
record_set_limits(struct record *r, const struct record_limits *limits)
{
	(void)pthread_mutex_lock(&r->mu);
	r->limits = *limits;
	(void)pthread_mutex_unlock(&r->mu);
}

uint64_t
record_last(const struct record *r)
{
	return atomic_load(&r->last);
}
