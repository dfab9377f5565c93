/* SPDX-License-Identifier: Apache-2.0 */
/* client/sign_pool.c - many files signed at once: hashing, requests and writing overlap.
 */
#include "config.h"

#include "client/sign_pool.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/text.h"

#define TICK_NS 100000000L

/* Indices of files on their way from one kind of thread to the next. */
struct fifo {
	size_t *v;
	size_t head, n; /* never wraps: each file passes once, room for all */
};

struct pool {
	const struct sign_pool_options *o; /* read-only */
	struct sign_file *files; /* each touched by the thread that took its index */
	size_t n;                /* read-only */
	pthread_mutex_t mu;
	pthread_cond_t
	    changed;    /* any field below; few threads, so one condition serves all */
	size_t next;    /* lock: mu; first file nobody has begun to hash */
	size_t hashing; /* lock: mu; files being hashed */
	struct fifo hashed;   /* lock: mu; wait for a request */
	struct fifo answered; /* lock: mu; have their signature, wait to be written */
	size_t held;          /* lock: mu; weight of files hashed and not finished */
	size_t out;           /* lock: mu; files sent and not finished */
	size_t finished;      /* lock: mu */
	bool *is_finished;    /* lock: mu; by file */
	struct kd_err fatal;  /* lock: mu; code set: nothing more is sent */
	/* lock: mu; code set: the service refuses files of this kind, and why */
	struct kd_err refused[API_KINDS_N];
};

struct sender {
	struct pool *p;
	void *self;
};

static void
push(struct fifo *f, size_t i)
{
	f->v[f->head + f->n++] = i;
}

static size_t
pop(struct fifo *f)
{
	f->n--;
	return f->v[f->head++];
}

static void
finish(struct pool *p, size_t i, enum sign_state state) /* lock: mu */
{
	if (p->files[i].state != SIGN_WAITS)
		p->held -= p->files[i].weight;
	if (p->files[i].state == SIGN_SENT)
		p->out--;
	p->files[i].state = state;
	sign_file_clear(&p->files[i]);
	p->is_finished[i] = true;
	p->finished++;
	(void)pthread_cond_broadcast(&p->changed);
}

/* Files that no request will carry any more. */
static void
fail_waiting(struct pool *p) /* lock: mu */
{
	while (p->hashed.n != 0) {
		size_t i = pop(&p->hashed);

		p->files[i].err = p->fatal;
		p->files[i].again = true;
		finish(p, i, SIGN_FAILED);
	}
	for (; p->next < p->n; p->next++) {
		if (p->is_finished[p->next])
			continue;
		p->files[p->next].err = p->fatal;
		p->files[p->next].again = true;
		finish(p, p->next, SIGN_FAILED);
	}
}

/* What the service said of one item, said of the file. */
static void
refuse(struct pool *p, size_t i, const struct kd_err *why, bool again) /* lock: mu */
{
	struct sign_file *f = &p->files[i];

	(void)kd_fail(&f->err, why->code, "'%s': %s", SHOW(f->plan->arg), why->msg);
	if (why->hint[0] != '\0')
		(void)kd_hint(&f->err, "%s", why->hint);
	f->again = again;
	finish(p, i, SIGN_FAILED);
}

static void
hash_one(struct pool *p, size_t i) /* lock: mu, given up while hashing */
{
	struct sign_file *f = &p->files[i];
	bool ok;

	p->hashing++;
	(void)pthread_mutex_unlock(&p->mu);
	ok = f->plan->err.code == KD_OK;
	if (!ok)
		f->err = f->plan->err;
	else
		ok = sign_file_hash(f, p->o->sign, &f->err);
	(void)pthread_mutex_lock(&p->mu);
	p->hashing--;
	if (!ok) {
		finish(p, i, SIGN_FAILED);
		return;
	}
	f->state = SIGN_HASHED;
	p->held += f->weight;
	if (p->refused[f->subject.kind->api].code != KD_OK) {
		refuse(p, i, &p->refused[f->subject.kind->api], true);
		return;
	}
	push(&p->hashed, i);
	if (p->fatal.code != KD_OK)
		fail_waiting(p);
	(void)pthread_cond_broadcast(&p->changed);
}

static void
write_one(struct pool *p, size_t i, struct stamp_link **link) /* lock: mu, given up */
{
	struct sign_file *f = &p->files[i];
	struct kd_err e = {0};
	bool ok;

	(void)pthread_mutex_unlock(&p->mu);
	ok = sign_file_finish(f, p->o->sign, link, &e);
	if (!ok)
		f->err = e;
	(void)pthread_mutex_lock(&p->mu);
	finish(p, i, ok ? SIGN_DONE : SIGN_FAILED);
}

/* Writes what is answered first, since that frees memory and pleases who waits; else
 * hashes. */
static void *
work(void *arg)
{
	AUTO(stamp_link_free) struct stamp_link *link = NULL;
	struct pool *p = arg;

	(void)pthread_mutex_lock(&p->mu);
	while (p->finished < p->n) {
		if (p->answered.n != 0)
			write_one(p, pop(&p->answered), &link);
		else if (p->next < p->n && p->held < SIGN_HELD_MAX)
			hash_one(p, p->next++);
		else /* bounded: what is out has deadlines of its own (server_sign) */
			(void)pthread_cond_wait(&p->changed, &p->mu);
	}
	(void)pthread_mutex_unlock(&p->mu);
	return NULL;
}

/* One item's answer; true when there is a signature to write. */
static bool
take_answer(struct sign_file *f, struct api_item_answer *a)
{
	const char *detail = a->detail != NULL ? a->detail : kd_code_info(a->code)->title;
	char shown[sizeof(f->err.msg)];

	switch (a->status) {
	case API_SIGNED:
		f->cms = STEAL(a->cms);
		f->cms_len = a->cms_len;
		return true;
	case API_PENDING:
		(void)kd_fail(&f->err, KD_E_PENDING,
		    "'%s': not signed yet, still waiting at the server",
		    SHOW(f->plan->arg));
		(void)kd_hint(&f->err, "a longer --timeout waits longer");
		return false;
	case API_REFUSED:
	case API_FAILED:
		break;
	}
	(void)kd_fail(&f->err, a->code, "'%s': %s", SHOW(f->plan->arg),
	    text_show(shown, sizeof(shown), detail, strlen(detail)));
	return false;
}

/* "items[7]: why", "items[7].size: why" - what a refusal says of one item of n. */
static bool
names_item(const struct kd_err *e, size_t n, size_t *ret, struct kd_err *ret_why)
{
	const char *p = e->msg;
	size_t i = 0;

	if (strncmp(p, "items[", 6) != 0)
		return false;
	for (p += 6; *p >= '0' && *p <= '9' && i < n; p++)
		i = i * 10 + (size_t)(*p - '0');
	if (*p != ']' || i >= n)
		return false;
	p += 1 + strspn(p + 1, ":. ");
	(void)kd_fail(ret_why, e->code, "%s", p);
	if (e->hint[0] != '\0')
		(void)kd_hint(ret_why, "%s", e->hint);
	*ret = i;
	return true;
}

/* The refused item leaves the request, and so does every other of a kind that is not
 * granted: these files fail, and the rest is worth another request. */
static bool
leave_out(struct pool *p, size_t *batch, struct api_sign_request *q, size_t at,
    const struct kd_err *why)
{
	AUTO(api_sign_request_clear) struct api_sign_request out = {0};
	enum api_kind kind = q->items[at].kind;
	bool all = why->code == KD_E_DENIED, again;
	size_t kept = 0;

	out.items = kd_alloc_array(q->items_n, sizeof(*out.items));
	if (out.items == NULL)
		return false;
	(void)pthread_mutex_lock(&p->mu);
	again = p->refused[kind].code != KD_OK;
	if (all)
		p->refused[kind] = *why;
	refuse(p, batch[at], why, again);
	for (size_t i = 0; i < q->items_n; i++) {
		if (i == at || (all && q->items[i].kind == kind)) {
			out.items[out.items_n++] = q->items[i];
			if (i != at)
				refuse(p, batch[i], why, true);
			continue;
		}
		batch[kept] = batch[i];
		q->items[kept++] = q->items[i];
	}
	(void)pthread_mutex_unlock(&p->mu);
	q->items_n = kept;
	return true;
}

/* One request, and where it is refused for one item, another without. */
static bool
send_request(struct sender *s, size_t *batch, struct api_sign_request *q,
    struct api_sign_answer *ret, struct kd_err *e)
{
	const struct sign_pool_options *o = s->p->o;

	while (q->items_n != 0) {
		struct kd_err refusal = {0}, why = {0};
		size_t at;

		if (o->send(s->self, q, ret, &refusal))
			return true;
		*e = refusal;
		if (!names_item(&refusal, q->items_n, &at, &why))
			return false;
		if (!o->whole && leave_out(s->p, batch, q, at, &why))
			continue;
		*e = (struct kd_err){0};
		(void)kd_fail(e, why.code, "'%s': %s",
		    SHOW(s->p->files[batch[at]].plan->arg), why.msg);
		return why.hint[0] == '\0' ? false : kd_hint(e, "%s", why.hint);
	}
	return true;
}

/* n: how many files; on return, how many of them were not refused */
static bool
send_batch(struct sender *s, size_t *batch, size_t *n, struct api_sign_answer *ret,
    struct kd_err *e)
{
	bool sent;

	AUTO(api_sign_request_clear) struct api_sign_request q = {0};
	const struct sign_pool_options *o = s->p->o;

	if (o->sign->stamper != NULL && !o->sign->stamp_optional &&
	    stamper_gave_up(o->sign->stamper, e))
		return false;
	q.items = kd_alloc_array(*n, sizeof(*q.items));
	if (q.items == NULL)
		return kd_fail_nomem(e, "request");
	(void)snprintf(q.key, sizeof(q.key), "%s", o->key);
	for (; q.items_n < *n; q.items_n++) {
		if (!sign_file_item(&s->p->files[batch[q.items_n]], o->sign,
			&q.items[q.items_n], e)) {
			q.items_n++; /* what the item got so far is freed with the request
				      */
			return false;
		}
	}
	sent = send_request(s, batch, &q, ret, e);
	*n = q.items_n;
	return sent;
}

/* How many files the next request may have. */
static size_t
room(const struct pool *p) /* lock: mu */
{
	if (p->o->whole)
		return API_ITEMS_MAX;
	if (p->o->sign->stamper == NULL)
		return SIGN_BATCH_MAX;
	return p->out < SIGN_UNSTAMPED_MAX ? SIGN_UNSTAMPED_MAX - p->out : 0;
}

/* The next request's files, no more than fit. */
static size_t
take_batch(struct pool *p, size_t batch[API_ITEMS_MAX]) /* lock: mu */
{
	size_t n = 0, bytes = 0, most = room(p);

	while (n < most && p->hashed.n != 0) {
		bytes += p->files[p->hashed.v[p->hashed.head]].weight;
		if (n != 0 && bytes > SIGN_BATCH_BYTES)
			break; /* one alone may have more */
		batch[n] = pop(&p->hashed);
		p->files[batch[n++]].state = SIGN_SENT;
	}
	p->out += n;
	return n;
}

static void
send_some(struct sender *s) /* lock: mu, given up while the request runs */
{
	AUTO(api_sign_answer_clear) struct api_sign_answer answer = {0};
	struct pool *p = s->p;
	size_t batch[API_ITEMS_MAX], n = take_batch(p, batch);
	struct kd_err e = {0};
	bool ok;

	(void)pthread_mutex_unlock(&p->mu);
	ok = send_batch(s, batch, &n, &answer, &e);
	(void)pthread_mutex_lock(&p->mu);
	if (!ok) {
		for (size_t i = 0; i < n; i++) {
			p->files[batch[i]].err = e;
			p->files[batch[i]].again = i != 0 || p->fatal.code != KD_OK;
			finish(p, batch[i], SIGN_FAILED);
		}
		if (p->fatal.code == KD_OK)
			p->fatal = e;
		fail_waiting(p);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		memcpy(p->files[batch[i]].key, answer.key, sizeof(answer.key));
		if (take_answer(&p->files[batch[i]], &answer.items[i]))
			push(&p->answered, batch[i]);
		else
			finish(p, batch[i], SIGN_FAILED);
	}
	(void)pthread_cond_broadcast(&p->changed);
}

/* Would waiting for more files make the next request no larger? */
static bool
is_full(const struct pool *p) /* lock: mu */
{
	size_t bytes = 0;

	if (!p->o->whole || (p->next == p->n && p->hashing == 0) ||
	    p->hashed.n >= API_ITEMS_MAX)
		return true;
	for (size_t i = 0; i < p->hashed.n; i++)
		bytes += p->files[p->hashed.v[p->hashed.head + i]].weight;
	return bytes > SIGN_BATCH_BYTES;
}

static void *
send_all(void *arg)
{
	struct sender *s = arg;
	struct pool *p = s->p;

	(void)pthread_mutex_lock(&p->mu);
	while (p->hashed.n != 0 || p->hashing != 0 || p->next < p->n) {
		if (p->hashed.n != 0 && room(p) != 0 && is_full(p))
			send_some(s);
		else /* bounded: hashing and stamping end with their files */
			(void)pthread_cond_wait(&p->changed, &p->mu);
	}
	(void)pthread_mutex_unlock(&p->mu);
	return NULL;
}

/* The calling thread: hands on each finished file in order, and keeps the bar moving. */
static void
watch(struct pool *p)
{
	size_t told = 0, finished;
	struct timespec t;
	bool ready;

	while (told < p->n) {
		(void)pthread_mutex_lock(&p->mu);
		if (!p->is_finished[told]) {
			(void)clock_gettime(CLOCK_MONOTONIC, &t);
			t.tv_nsec += TICK_NS;
			if (t.tv_nsec >= 1000000000L) {
				t.tv_sec++;
				t.tv_nsec -= 1000000000L;
			}
			(void)pthread_cond_clockwait(
			    &p->changed, &p->mu, CLOCK_MONOTONIC, &t);
		}
		ready = p->is_finished[told];
		finished = p->finished;
		(void)pthread_mutex_unlock(&p->mu);
		if (ready)
			p->o->done(p->o->self, &p->files[told++], finished);
		p->o->tick(p->o->self, finished);
	}
}

/* No further thread could be made: those that run must still come to an end. */
static void
stop_all(struct pool *p, const struct kd_err *e)
{
	(void)pthread_mutex_lock(&p->mu);
	p->fatal = *e;
	fail_waiting(p);
	(void)pthread_cond_broadcast(&p->changed);
	(void)pthread_mutex_unlock(&p->mu);
}

static bool
run_threads(struct pool *p, struct kd_err *e)
{
	struct sender senders[SIGN_SENDERS];
	pthread_t threads[SIGN_JOBS_MAX + SIGN_SENDERS];
	size_t started = 0;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < p->o->jobs; i++) {
		rc = pthread_create(&threads[started], NULL, work, p);
		started += rc == 0;
	}
	for (size_t i = 0; rc == 0 && i < SIGN_SENDERS; i++) {
		senders[i] = (struct sender){p, p->o->senders[i]};
		rc = pthread_create(&threads[started], NULL, send_all, &senders[i]);
		started += rc == 0;
	}
	if (rc != 0) {
		(void)kd_fail_errno(e, KD_E_BUG, rc, "no thread");
		stop_all(p, e);
	} else {
		watch(p);
	}
	for (size_t i = 0; i < started; i++)
		(void)pthread_join(threads[i], NULL);
	return rc == 0;
}

bool
sign_pool_run(struct sign_file *files, size_t n, const struct sign_pool_options *o,
    struct kd_err *e)
{
	struct pool p = {
	    .o = o,
	    .files = files,
	    .n = n,
	    .mu = PTHREAD_MUTEX_INITIALIZER,
	    .changed = PTHREAD_COND_INITIALIZER,
	};
	AUTO(free) size_t *hashed = kd_alloc_array(n, sizeof(size_t));
	AUTO(free) size_t *answered = kd_alloc_array(n, sizeof(size_t));
	AUTO(free) bool *is_finished = kd_alloc_array(n, sizeof(bool));

	if (hashed == NULL || answered == NULL || is_finished == NULL)
		return kd_fail_nomem(e, "list of files");
	p.hashed.v = hashed;
	p.answered.v = answered;
	p.is_finished = is_finished;
	return run_threads(&p, e);
}
