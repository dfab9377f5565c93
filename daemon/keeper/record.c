/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/keeper/record.c - the record: events in order, what ids were answered, one
 * thread that commits. */
#include "daemon/keeper/record.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/file.h>
#include <sys/statvfs.h>

#include "authenticode/cert.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "daemon/keeper/copy.h"
#include "daemon/keeper/record_event.h"

#define RECORD_REOPEN_MS 200 /* at most so often is a store that failed opened again */
#define RECORD_CHAINS 8      /* numbers of certificate sets remembered */

struct record {
	struct loop *loop;
	char *path, *dir;
	int lock_fd; /* one keeper per record */
	pthread_t thread;
	bool started;
	pthread_mutex_t mu;
	pthread_cond_t more;
	struct work_list todo;       /* lock: mu */
	bool stop;                   /* lock: mu */
	struct record_limits limits; /* lock: mu */
	_Atomic uint64_t last;       /* newest durable event; written by the thread */

	/* The thread's own, from its start on. */
	struct record_limits now; /* limits, as of this batch */
	struct store store;
	uint64_t seq; /* newest event, of the transaction too */
	uint64_t
	    maybe; /* a commit of unknown outcome would have made this the last; else 0 */
	uint64_t reopen_at; /* clock_ms */
	char time[CLOCK_UTC_LEN];
	struct buf json;
	struct {
		uint8_t sha256[32];
		uint64_t no;
	} chains[RECORD_CHAINS];
	size_t chains_n;
};

void
store_found_clear(struct store_found *f)
{
	free(f->items);
	buf_clear(&f->bytes);
	*f = (struct store_found){0};
}

/* ---- events ---- */

static struct event_head
next_event(struct record *r)
{
	buf_reset(&r->json);
	return (struct event_head){.seq = ++r->seq, .time = r->time};
}

static bool
put_event(struct record *r, struct kd_err *e)
{
	if (!buf_ok(&r->json, "event", e))
		return false;
	return r->store.ops->event_add(
	    r->store.self, r->seq, (const char *)r->json.p, r->json.len, e);
}

/* ---- looking up ---- */

struct loading {
	struct record *r;
	struct store_found *f;
};

static bool
load_chain(struct loading *l, uint64_t no, struct kd_err *e)
{
	struct store_found *f = l->f;
	struct found_chain *c;

	for (size_t i = 0; i < f->chains_n; i++)
		if (f->chains[i].no == no)
			return true;
	if (f->chains_n == sizeof(f->chains) / sizeof(f->chains[0]))
		return kd_fail(e, KD_E_INCONSISTENT,
		    "record: request %llu spans more than %zu certificate sets",
		    (unsigned long long)f->req.no, f->chains_n);
	c = &f->chains[f->chains_n];
	*c = (struct found_chain){.no = no, .at = f->bytes.len};
	if (!l->r->store.ops->chain_get(l->r->store.self, no, &f->bytes, e))
		return false;
	c->len = f->bytes.len - c->at;
	f->chains_n++;
	return true;
}

static bool
load_item(void *arg, const struct store_item *i, struct kd_err *e)
{
	struct loading *l = arg;
	struct store_found *f = l->f;
	struct found_item *to;

	if (i->index >= f->req.items_n || f->items_n >= f->req.items_n)
		return kd_fail(e, KD_E_INCONSISTENT,
		    "record: request %llu has an item %u, of %u",
		    (unsigned long long)f->req.no, i->index, f->req.items_n);
	to = &f->items[f->items_n++];
	*to = (struct found_item){
	    .index = i->index,
	    .status = i->status,
	    .final = i->final,
	    .code = i->status == API_SIGNED ? KD_OK : kd_code_by_name(i->code),
	    .md = i->md,
	    .chain = i->chain,
	    .content_len = i->content_len,
	    .attrs_len = i->attrs_len,
	    .sig_len = i->sig_len,
	};
	COPY(to->detail, i->detail);
	to->content_at = f->bytes.len;
	buf_add(&f->bytes, i->content, i->content_len);
	to->attrs_at = f->bytes.len;
	buf_add(&f->bytes, i->attrs, i->attrs_len);
	to->sig_at = f->bytes.len;
	buf_add(&f->bytes, i->sig, i->sig_len);
	return true;
}

static bool
find(struct record *r, const char *id, struct store_found *f, struct kd_err *e)
{
	struct loading l = {.r = r, .f = f};

	store_found_clear(f);
	if (!r->store.ops->request_find(r->store.self, id, &f->req, &f->have, e))
		return false;
	if (!f->have)
		return true;
	f->items = kd_alloc_array(f->req.items_n, sizeof(*f->items));
	if (f->items == NULL)
		return kd_fail_nomem(e, "record");
	if (!r->store.ops->items(r->store.self, f->req.no, load_item, &l, e))
		return false;
	for (size_t i = 0; i < f->items_n; i++)
		if (f->items[i].status == API_SIGNED &&
		    !load_chain(&l, f->items[i].chain, e))
			return false;
	return buf_ok(&f->bytes, "record", e);
}

/* ---- operations, inside the transaction ---- */

static bool
put_intents(struct record *r, const struct request *req, uint64_t no, struct kd_err *e)
{
	for (size_t i = 0; i < req->items_n; i++) {
		struct event_head h;

		if (req->items[i].state != ITEM_INTENT)
			continue;
		h = next_event(r);
		event_intent(&r->json, &h, no, &req->items[i]);
		if (!put_event(r, e))
			return false;
	}
	return true;
}

static bool
op_intent(struct record *r, struct record_op *op, struct kd_err *e)
{
	const struct request *req = op->req;
	struct store_request row = {.no = r->seq + 1, .items_n = (uint32_t)req->items_n};
	struct event_head h;
	bool new;

	COPY(row.id, req->ask.id);
	COPY(row.key, req->key_name);
	memcpy(row.client, req->client, 32);
	memcpy(row.content, req->content, 32);
	if (!r->store.ops->request_add(r->store.self, &row, &new, e))
		return false;
	op->existed = !new;
	if (!new)
		return find(r, row.id, &op->found, e);
	h = next_event(r);
	op->no = row.no;
	event_request(&r->json, &h, req, 0);
	return put_event(r, e) && put_intents(r, req, row.no, e);
}

static bool
op_again(struct record *r, const struct record_op *op, struct kd_err *e)
{
	const struct request *req = op->req;
	struct event_head h = next_event(r);

	event_request(&r->json, &h, req, req->no);
	if (!put_event(r, e) ||
	    !r->store.ops->request_set_open(r->store.self, req->no, true, e))
		return false;
	for (size_t i = 0; i < req->items_n; i++)
		if (req->items[i].state == ITEM_INTENT &&
		    !r->store.ops->item_forget(
			r->store.self, req->no, req->items[i].index, e))
			return false;
	return put_intents(r, req, req->no, e);
}

static bool
chain_number(struct record *r, const struct key *k, uint64_t *ret, struct kd_err *e)
{
	size_t i;

	for (i = 0; i < r->chains_n; i++)
		if (memcmp(r->chains[i].sha256, k->chain_sha256, 32) == 0) {
			*ret = r->chains[i].no;
			return true;
		}
	if (!r->store.ops->chain_put(
		r->store.self, k->chain_sha256, k->chain_der.p, k->chain_der.len, ret, e))
		return false;
	if (r->chains_n == RECORD_CHAINS)
		r->chains_n = 0;
	memcpy(r->chains[r->chains_n].sha256, k->chain_sha256, 32);
	r->chains[r->chains_n++].no = *ret;
	return true;
}

static bool
put_result(struct record *r, const struct item *it, uint64_t chain, struct kd_err *e)
{
	const struct request *req = it->req;
	uint8_t sha256[MD_LEN_MAX] = {0};
	struct event_head h;
	struct store_item row = {
	    .index = it->index,
	    .status = it->code == KD_OK ? API_SIGNED : API_FAILED,
	    .final = it->final || it->code == KD_OK,
	    .code = it->code == KD_OK ? "" : kd_code_info(it->code)->name,
	    .detail = it->detail,
	};
	bool new;

	if (it->code == KD_OK) {
		row.md = it->md;
		row.chain = chain;
		row.content = req->der.p + it->content_at;
		row.content_len = it->content_len;
		row.attrs = req->der.p + it->attrs_at;
		row.attrs_len = it->attrs_len;
		row.sig = it->sig;
		row.sig_len = it->sig_len;
	}
	/* Not new: an earlier commit that seemed to fail did go through. */
	if (!r->store.ops->item_add(r->store.self, req->no, &row, &new, e))
		return false;
	if (!new)
		return true;
	if (it->sig_len > 0 && !md_digest(MD_SHA256, it->sig, it->sig_len, sha256, e))
		return false;
	h = next_event(r);
	event_result(&r->json, &h, req->no, it, sha256);
	return put_event(r, e);
}

static bool
op_result(struct record *r, struct record_op *op, struct kd_err *e)
{
	const struct work *w;

	if (!chain_number(r, op->req->key, &op->chain_no, e))
		return false;
	for (w = op->items.head; w != NULL; w = w->next) {
		const struct item *it =
		    (const struct item *)((const char *)w - offsetof(struct item, work));

		if (!put_result(r, it, op->chain_no, e))
			return false;
	}
	return !op->last ||
	       r->store.ops->request_set_open(r->store.self, op->req->no, false, e);
}

static bool
op_note(struct record *r, const struct record_op *op, struct kd_err *e)
{
	struct event_head h = next_event(r);

	event_note(&r->json, &h, op->note);
	return put_event(r, e);
}

static bool
apply(struct record *r, struct record_op *op, struct kd_err *e)
{
	switch (op->kind) {
	case RECORD_INTENT:
		return op_intent(r, op, e);
	case RECORD_AGAIN:
		return op_again(r, op, e);
	case RECORD_RESULT:
		return op_result(r, op, e);
	case RECORD_NOTE:
		return op_note(r, op, e);
	case RECORD_LOAD:
		return find(r, op->id, &op->found, e);
	case RECORD_PROBE:
		return r->store.ops->touch(r->store.self, e);
	}
	return kd_fail(e, KD_E_BUG, "record operation %d", (int)op->kind);
}

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
	r->maybe = in_commit ? r->seq : 0;
	r->seq = atomic_load(&r->last);
	r->chains_n = 0;
	if (r->store.ops == NULL)
		return;
	r->store.ops->rollback(r->store.self);
	r->store.ops->close(r->store.self);
	r->store = (struct store){0};
	r->reopen_at = clock_ms() + RECORD_REOPEN_MS;
}

static bool
ensure_open(struct record *r, struct kd_err *e)
{
	uint64_t last;

	if (r->store.ops != NULL)
		return true;
	if (clock_ms() < r->reopen_at)
		return kd_fail(e, KD_E_STORE,
		    "record '%s' failed and is not open again yet", SHOW(r->path));
	r->reopen_at = clock_ms() + RECORD_REOPEN_MS;
	if (!store_open_sqlite(r->path, r->now.busy_ms, &r->store, e))
		return false;
	if (!r->store.ops->event_last(r->store.self, &last, e))
		goto close;
	if (last == r->seq || (r->maybe != 0 && last == r->maybe)) {
		r->maybe = 0;
		r->seq = last;
		atomic_store(&r->last, last);
		return true;
	}
	(void)kd_fail(e, KD_E_STORE,
	    "record '%s' ends with event %llu, but %llu is known to be written",
	    SHOW(r->path), (unsigned long long)last, (unsigned long long)r->seq);
close:
	r->store.ops->close(r->store.self);
	r->store = (struct store){0};
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

	clock_utc(r->time, now);
	if (!r->store.ops->in_place(r->store.self, e) ||
	    !r->store.ops->begin(r->store.self, e))
		return false;
	for (struct work *w = ops->head; w != NULL; w = w->next)
		if (!apply(r, op_of(w), e))
			return false;
	*ret_in_commit = true;
	if (!r->store.ops->commit(r->store.self, e))
		return false;
	atomic_store(&r->last, r->seq);
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

		op->ok = ensure_open(r, &op->e) && apply(r, op, &op->e);
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

static void *
record_main(void *arg)
{
	struct record *r = arg;
	struct work_list batch = {0};

	for (;;) {
		(void)pthread_mutex_lock(&r->mu);
		while (r->todo.head == NULL && !r->stop)
			(void)pthread_cond_wait(&r->more, &r->mu);
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

/* Intents without a result: a token may have signed, nobody knows. Final, and said so. */
static bool
recover_request(struct record *r, const struct store_request *req, struct kd_err *e)
{
	struct store_item row = {
	    .status = API_FAILED,
	    .final = true,
	    .code = kd_code_info(KD_E_UNKNOWN_OUTCOME)->name,
	    .detail = "the keeper stopped before a result was recorded",
	};
	struct event_head h;
	bool new;

	for (row.index = 0; row.index < req->items_n; row.index++) {
		if (!r->store.ops->item_add(r->store.self, req->no, &row, &new, e))
			return false;
		if (!new)
			continue;
		h = next_event(r);
		event_unknown(&r->json, &h, req->no, row.index);
		if (!put_event(r, e))
			return false;
	}
	return r->store.ops->request_set_open(r->store.self, req->no, false, e);
}

static bool
recover(struct record *r, struct kd_err *e)
{
	struct store_request req;
	bool have = true;

	clock_utc(r->time, clock_unix_ms());
	if (!r->store.ops->begin(r->store.self, e))
		return false;
	while (have) {
		if (!r->store.ops->request_next_open(r->store.self, &req, &have, e) ||
		    (have && !recover_request(r, &req, e)))
			return false;
	}
	if (!r->store.ops->commit(r->store.self, e))
		return false;
	atomic_store(&r->last, r->seq);
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
	       store_open_sqlite(r->path, r->now.busy_ms, &r->store, e) &&
	       r->store.ops->event_check(r->store.self, &r->seq, e) && recover(r, e);
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
	if (r->store.ops != NULL)
		r->store.ops->close(r->store.self);
	close_auto(&r->lock_fd);
	buf_clear(&r->json);
	free(r->path);
	free(r->dir);
	(void)pthread_cond_destroy(&r->more);
	(void)pthread_mutex_destroy(&r->mu);
	free(r);
}

void
record_submit(struct record *r, struct work_list *ops)
{
	bool wake;

	if (ops->head == NULL)
		return;
	(void)pthread_mutex_lock(&r->mu);
	wake = r->todo.head == NULL;
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
