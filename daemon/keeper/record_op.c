/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/keeper/record_op.c - what each operation on the record reads and writes, inside
 * a transaction. */
#include "daemon/keeper/record_op.h"

#include <string.h>

#include "authenticode/cert.h"
#include "base/mem.h"
#include "daemon/keeper/copy.h"
#include "daemon/keeper/record_event.h"

void
store_found_clear(struct store_found *f)
{
	free(f->items);
	buf_clear(&f->bytes);
	*f = (struct store_found){0};
}

/* ---- events ---- */

static struct event_head
next_event(struct record_writer *w)
{
	buf_reset(&w->json);
	return (struct event_head){.seq = ++w->seq, .time = w->time};
}

static bool
put_event(struct record_writer *w, struct kd_err *e)
{
	if (!buf_ok(&w->json, "event", e))
		return false;
	return w->store.ops->event_add(
	    w->store.self, w->seq, (const char *)w->json.p, w->json.len, e);
}

/* ---- looking up ---- */

struct loading {
	struct record_writer *w;
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
	if (!l->w->store.ops->chain_get(l->w->store.self, no, &f->bytes, e))
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
find(struct record_writer *w, const char *id, struct store_found *f, struct kd_err *e)
{
	struct loading l = {.w = w, .f = f};

	store_found_clear(f);
	if (!w->store.ops->request_find(w->store.self, id, &f->req, &f->have, e))
		return false;
	if (!f->have)
		return true;
	f->items = kd_alloc_array(f->req.items_n, sizeof(*f->items));
	if (f->items == NULL)
		return kd_fail_nomem(e, "record");
	if (!w->store.ops->items(w->store.self, f->req.no, load_item, &l, e))
		return false;
	for (size_t i = 0; i < f->items_n; i++)
		if (f->items[i].status == API_SIGNED &&
		    !load_chain(&l, f->items[i].chain, e))
			return false;
	return buf_ok(&f->bytes, "record", e);
}

/* ---- operations, inside the transaction ---- */

static bool
put_intents(
    struct record_writer *w, const struct request *req, uint64_t no, struct kd_err *e)
{
	bool mixed = request_mixes_grants(req);

	for (size_t i = 0; i < req->items_n; i++) {
		struct event_head h;

		if (req->items[i].state != ITEM_INTENT)
			continue;
		h = next_event(w);
		event_intent(&w->json, &h, no, mixed, &req->items[i]);
		if (!put_event(w, e))
			return false;
	}
	return true;
}

static bool
op_intent(struct record_writer *w, struct record_op *op, struct kd_err *e)
{
	const struct request *req = op->req;
	struct store_request row = {.no = w->seq + 1, .items_n = (uint32_t)req->items_n};
	struct event_head h;
	bool new;

	COPY(row.id, req->ask.id);
	COPY(row.key, req->key_name);
	memcpy(row.client, req->client, 32);
	memcpy(row.content, req->content, 32);
	if (!w->store.ops->request_add(w->store.self, &row, &new, e))
		return false;
	op->existed = !new;
	if (!new)
		return find(w, row.id, &op->found, e);
	h = next_event(w);
	op->no = row.no;
	event_request(&w->json, &h, req, 0);
	return put_event(w, e) && put_intents(w, req, row.no, e);
}

static bool
op_again(struct record_writer *w, const struct record_op *op, struct kd_err *e)
{
	const struct request *req = op->req;
	struct event_head h = next_event(w);

	event_request(&w->json, &h, req, req->no);
	if (!put_event(w, e) ||
	    !w->store.ops->request_set_open(w->store.self, req->no, true, e))
		return false;
	for (size_t i = 0; i < req->items_n; i++)
		if (req->items[i].state == ITEM_INTENT &&
		    !w->store.ops->item_forget(
			w->store.self, req->no, req->items[i].index, e))
			return false;
	return put_intents(w, req, req->no, e);
}

static bool
chain_number(
    struct record_writer *w, const struct key *k, uint64_t *ret, struct kd_err *e)
{
	size_t i;

	for (i = 0; i < w->chains_n; i++)
		if (memcmp(w->chains[i].sha256, k->chain_sha256, 32) == 0) {
			*ret = w->chains[i].no;
			return true;
		}
	if (!w->store.ops->chain_put(
		w->store.self, k->chain_sha256, k->chain_der.p, k->chain_der.len, ret, e))
		return false;
	if (w->chains_n == RECORD_CHAINS)
		w->chains_n = 0;
	memcpy(w->chains[w->chains_n].sha256, k->chain_sha256, 32);
	w->chains[w->chains_n++].no = *ret;
	return true;
}

static bool
put_result(
    struct record_writer *w, const struct item *it, uint64_t chain, struct kd_err *e)
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
		row.content = request_said(it).content;
		row.content_len = it->content_len;
		row.attrs = req->der.p + it->attrs_at;
		row.attrs_len = it->attrs_len;
		row.sig = it->sig;
		row.sig_len = it->sig_len;
	}
	/* Not new: an earlier commit that seemed to fail did go through. */
	if (!w->store.ops->item_add(w->store.self, req->no, &row, &new, e))
		return false;
	if (!new)
		return true;
	if (it->sig_len > 0 && !md_digest(MD_SHA256, it->sig, it->sig_len, sha256, e))
		return false;
	h = next_event(w);
	event_result(&w->json, &h, req->no, it, sha256);
	return put_event(w, e);
}

static bool
op_result(struct record_writer *w, struct record_op *op, struct kd_err *e)
{
	const struct work *each;

	if (!chain_number(w, op->req->key, &op->chain_no, e))
		return false;
	for (each = op->items.head; each != NULL; each = each->next) {
		const struct item *it =
		    (const struct item *)((const char *)each -
					  offsetof(struct item, work));

		if (!put_result(w, it, op->chain_no, e))
			return false;
	}
	return !op->last ||
	       w->store.ops->request_set_open(w->store.self, op->req->no, false, e);
}

static bool
op_note(struct record_writer *w, const struct record_op *op, struct kd_err *e)
{
	struct event_head h = next_event(w);

	event_note(&w->json, &h, op->note);
	return put_event(w, e);
}

bool
record_apply(struct record_writer *w, struct record_op *op, struct kd_err *e)
{
	switch (op->kind) {
	case RECORD_INTENT:
		return op_intent(w, op, e);
	case RECORD_AGAIN:
		return op_again(w, op, e);
	case RECORD_RESULT:
		return op_result(w, op, e);
	case RECORD_NOTE:
		return op_note(w, op, e);
	case RECORD_LOAD:
		return find(w, op->id, &op->found, e);
	case RECORD_PROBE:
		return w->store.ops->touch(w->store.self, e);
	}
	return kd_fail(e, KD_E_BUG, "record operation %d", (int)op->kind);
}

bool
record_recover(struct record_writer *w, const struct store_request *req, struct kd_err *e)
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
		if (!w->store.ops->item_add(w->store.self, req->no, &row, &new, e))
			return false;
		if (!new)
			continue;
		h = next_event(w);
		event_unknown(&w->json, &h, req->no, row.index);
		if (!put_event(w, e))
			return false;
	}
	return w->store.ops->request_set_open(w->store.self, req->no, false, e);
}
