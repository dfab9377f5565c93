/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/keeper/request.c - one signing request on its way, and its items. */
#include "daemon/keeper/request.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/reader.h"
#include "daemon/keeper/copy.h"
#include "daemon/keeper/keeper.h"

#define RETRY_BUSY_S 1 /* a queue empties soon */
#define RETRY_S 2      /* token and record may need a moment, or a person */
#define ROOM_CMS 2048  /* what a ContentInfo, or an answer, holds beside the big things */
#define ROOM_ITEM 64   /* an answer's item beside its signature */

static bool
make_items(struct request *r, size_t n, struct kd_err *e)
{
	r->items = kd_alloc_array(n, sizeof(*r->items));
	if (r->items == NULL)
		return kd_fail_nomem(e, "request");
	r->items_n = r->undecided = n;
	for (size_t i = 0; i < n; i++) {
		r->items[i].req = r;
		r->items[i].index = (uint32_t)i;
		r->items[i].state = ITEM_NEW;
		r->items[i].md = r->ask.items != NULL ? r->ask.items[i].md : MD_NONE;
	}
	return true;
}

static struct request *
blank(const struct identity *who, const struct ask *ask)
{
	struct request *r = kd_alloc(sizeof(*r));

	if (r == NULL)
		return NULL;
	memcpy(r->client, who->spki_sha256, 32);
	memcpy(r->cert, who->cert_sha256, 32);
	memcpy(r->subject, who->subject, sizeof(r->subject));
	memcpy(r->peer, ask->peer, sizeof(r->peer));
	memcpy(r->request_id, ask->request_id, sizeof(r->request_id));
	r->record_deadline = UINT64_MAX;
	r->results_at = UINT64_MAX;
	r->intent.req = r->result.req = r;
	return r;
}

bool
request_new(struct api_sign_request *take_ask, const struct identity *who,
    const struct ask *ask, const struct key *key, struct request **ret, struct kd_err *e)
{
	AUTO(request_free) struct request *r = blank(who, ask);

	if (r == NULL)
		return kd_fail_nomem(e, "request");
	r->ask = *take_ask;
	*take_ask = (struct api_sign_request){0};
	r->key = key;
	COPY(r->key_name, key->name);
	if (!make_items(r, r->ask.items_n, e) || !request_digest(r, e))
		return false;
	*ret = STEAL(r);
	return true;
}

bool
request_new_empty(const char *id, const struct identity *who, const struct ask *ask,
    struct request **ret, struct kd_err *e)
{
	struct request *r = blank(who, ask);

	if (r == NULL)
		return kd_fail_nomem(e, "request");
	COPY(r->ask.id, id);
	*ret = r;
	return true;
}

void
request_free(struct request *r)
{
	if (r == NULL)
		return;
	for (size_t i = 0; i < r->items_n; i++) {
		buf_clear(&r->items[i].cms);
		buf_clear(&r->items[i].members);
	}
	for (size_t i = 0; i < r->chains_n; i++)
		certs_free(r->chains[i].certs);
	free(r->chains);
	free(r->items);
	api_sign_request_clear(&r->ask);
	buf_clear(&r->der);
	store_found_clear(&r->intent.found);
	store_found_clear(&r->result.found);
	buf_clear(&r->body);
	settings_drop(r->settings);
	if (r->charged != 0)
		r->keeper->bytes -= r->charged;
	free(r);
}

void
request_make_room(struct buf *b, size_t n)
{
	size_t len = b->len;

	if (buf_reserve(b, n) != NULL)
		b->len = len;
}

bool
request_mixes_grants(const struct request *r)
{
	for (size_t i = 1; i < r->items_n; i++)
		if (r->items[i].grant != r->items[0].grant)
			return true;
	return false;
}

struct cms_signed
request_said(const struct item *it)
{
	return (struct cms_signed){.type = it->type,
	    .content = it->ctl != NULL ? it->ctl : it->req->der.p + it->content_at,
	    .content_len = it->content_len};
}

static bool
unpack_chain(const uint8_t *p, size_t n, struct certs **ret, struct kd_err *e)
{
	AUTO(certs_free) struct certs *c = NULL;
	struct rd r = rd_init(p, n);
	const uint8_t *der;
	uint32_t len;

	if (!certs_new(&c, e))
		return false;
	while (rd_left(&r) > 0) {
		len = rd_u32le(&r, "certificate length");
		der = rd_bytes(&r, len, "certificate");
		if (!rd_ok(&r, e) || !certs_add_der(c, der, len, e))
			return kd_in(e, "recorded certificates");
	}
	*ret = STEAL(c);
	return true;
}

static bool
fill_chains(
    struct request *r, size_t base, const struct store_found *f, struct kd_err *e)
{
	r->chains = kd_alloc_array(f->chains_n, sizeof(*r->chains));
	if (r->chains == NULL)
		return kd_fail_nomem(e, "request");
	for (; r->chains_n < f->chains_n; r->chains_n++) {
		const struct found_chain *c = &f->chains[r->chains_n];

		r->chains[r->chains_n].no = c->no;
		if (!unpack_chain(
			r->der.p + base + c->at, c->len, &r->chains[r->chains_n].certs,
			e))
			return false;
	}
	return true;
}

static bool
fill_item(struct request *r, size_t base, const struct found_item *from, struct kd_err *e)
{
	struct item *it = &r->items[from->index];

	it->state = ITEM_DONE;
	it->final = from->final;
	it->code = from->code;
	COPY(it->detail, from->detail);
	r->undecided--;
	if (from->status != API_SIGNED)
		return true;
	it->md = from->md;
	it->ctl = NULL;
	it->content_at = base + from->content_at;
	it->content_len = from->content_len;
	it->attrs_at = base + from->attrs_at;
	it->attrs_len = from->attrs_len;
	memcpy(it->sig, r->der.p + base + from->sig_at, from->sig_len);
	it->sig_len = from->sig_len;
	it->chain_no = from->chain;
	for (size_t i = 0; i < r->chains_n; i++)
		if (r->chains[i].no == from->chain)
			it->chain = r->chains[i].certs;
	if (it->attrs_len == 0) {
		it->type = CMS_DETACHED;
		return true;
	}
	if (cms_signed_type(r->der.p + it->attrs_at, it->attrs_len, &it->type, e))
		return true;
	e->code = KD_E_INCONSISTENT;
	return kd_in(e, "record: item %u", from->index);
}

bool
request_fill(struct request *r, struct store_found *found, struct kd_err *e)
{
	size_t base = r->der.len;

	r->no = found->req.no;
	COPY(r->key_name, found->req.key);
	if (r->items == NULL && !make_items(r, found->req.items_n, e))
		return false;
	if (base == 0) { /* it may be large */
		buf_clear(&r->der);
		r->der = found->bytes;
		found->bytes = (struct buf){0};
	} else {
		buf_add(&r->der, found->bytes.p, found->bytes.len);
	}
	if (!buf_ok(&r->der, "request", e) || !fill_chains(r, base, found, e))
		return false;
	for (size_t i = 0; i < found->items_n; i++) {
		const struct found_item *f = &found->items[i];

		if (f->index >= r->items_n || f->sig_len > SIGNER_SIGNATURE_MAX)
			return kd_fail(e, KD_E_INCONSISTENT,
			    "record: item %u does not fit its request", f->index);
		if (!fill_item(r, base, f, e))
			return false;
	}
	return true;
}

void
request_check_item(struct item *it)
{
	const struct request *r = it->req;
	struct cms_signed what = request_said(it);
	struct kd_err e = {0};

	request_make_room(
	    &it->cms, what.content_len + r->key->chain_der.len + ROOM_CMS);
	if (cert_key_verify(
		r->key->verifier, it->md, it->tbs, it->sig, it->sig_len, &e) &&
	    cms_signer_assemble(r->key->assembler, it->md, &what,
		r->der.p + it->attrs_at, it->attrs_len, it->sig, it->sig_len, &it->cms,
		&e))
		return;
	it->code = e.code;
	it->final = true; /* the token did sign something */
	(void)snprintf(
	    it->detail, sizeof(it->detail), "%.*s", (int)sizeof(it->detail) - 1, e.msg);
}

/* ---- the answer ---- */

bool
request_check_size(struct request *r, struct kd_err *e)
{
	size_t each = r->key->chain_der.len + ROOM_CMS, sum = 0;

	for (size_t i = 0; i < r->items_n; i++) {
		const struct api_item *what = &r->ask.items[i];

		sum += ROOM_ITEM + (each + what->ctl_len + what->page_hashes_len) / 3 * 4;
	}
	r->expected = sum;
	if (sum <= API_ANSWER_MAX)
		return true;
	(void)kd_fail(e, KD_E_TOO_LARGE,
	    "items: %zu signatures by key '%s' make an answer of some %zu bytes, at most "
	    "%zu allowed",
	    r->items_n, r->key_name, sum, API_ANSWER_MAX);
	return kd_hint(e, "ask for fewer in one request");
}

static bool
nobody_heard(const struct request *r)
{
	for (size_t i = 0; i < r->items_n; i++) {
		const struct item *it = &r->items[i];

		if (it->state != ITEM_DONE || it->code == KD_OK || it->final)
			return false;
	}
	return true;
}

/* Of an item that was signed now this is done already. */
static bool
assemble(struct item *it, struct kd_err *e)
{
	const struct cms_signed what = request_said(it);

	return it->cms.len != 0 ||
	       cms_assemble(it->md, &what, it->chain, it->req->der.p + it->attrs_at,
		   it->attrs_len, it->sig, it->sig_len, &it->cms, e);
}

static bool
answer_items(struct request *r, struct api_item_answer *v, struct kd_err *e)
{
	for (size_t i = 0; i < r->items_n; i++) {
		struct item *it = &r->items[i];

		if (it->state != ITEM_DONE) {
			v[i].status = API_PENDING;
		} else if (it->code != KD_OK) {
			v[i].status = API_FAILED;
			v[i].code = it->code;
			v[i].detail = it->detail;
		} else {
			if (!assemble(it, e))
				return kd_in(e, "items[%zu]", i);
			v[i].status = API_SIGNED;
			v[i].cms = it->cms.p;
			v[i].cms_len = it->cms.len;
		}
	}
	return true;
}

uint32_t
request_retry_after(enum kd_code code)
{
	if (kd_code_info(code)->http != 503)
		return 0;
	return code == KD_E_BUSY ? RETRY_BUSY_S : RETRY_S;
}

static uint32_t
retry_after(enum kd_code code, unsigned known_s)
{
	return known_s > 0 && kd_code_info(code)->http == 503 ? known_s
							       : request_retry_after(code);
}

void
request_problem(
    const struct kd_err *e, const char *request_id, struct answer *ret, struct buf *body)
{
	size_t at = body->len;

	api_problem_encode(e, request_id, body);
	*ret = (struct answer){
	    .status = (uint16_t)kd_code_info(e->code)->http,
	    .type = ANSWER_PROBLEM,
	    .retry_after_s = retry_after(e->code, e->retry_s),
	    .body = {.p = body->p + at, .len = body->len - at},
	};
}

/*
 * All decided. What befell every item alike befell the request: its status says so to those
 * who look no further. Some of them may be heard of by nobody: these may be asked for again.
 */
static void
set_status(const struct request *r, struct answer *ret)
{
	enum kd_code code = r->items[0].code;
	bool all_final = true;

	ret->status = 200;
	for (size_t i = 0; i < r->items_n; i++) {
		if (r->items[i].code != code)
			return;
		all_final = all_final && r->items[i].final;
	}
	if (code == KD_OK)
		return;
	ret->status = (uint16_t)kd_code_info(code)->http;
	ret->retry_after_s = all_final ? 0 : retry_after(code, r->retry_s);
}

bool
request_answer(struct request *r, const char *request_id, struct answer *ret,
    struct buf *body, struct kd_err *e)
{
	struct api_item_answer *v; /* borrows everything from the items */
	struct api_sign_answer a = {.items_n = r->items_n};
	size_t at = body->len, room = ROOM_CMS;

	if (r->undecided == 0 && nobody_heard(r)) {
		struct kd_err why = {0};

		(void)kd_fail(&why, r->items[0].code, "%s", r->items[0].detail);
		why.retry_s = r->retry_s;
		(void)kd_hint(&why, "no token heard of it%s",
		    kd_code_info(why.code)->retryable ? "; send the same request again"
						      : "");
		request_problem(&why, request_id, ret, body);
		return buf_ok(body, "answer", e);
	}
	v = kd_alloc_array(r->items_n, sizeof(*v));
	if (v == NULL)
		return kd_fail_nomem(e, "answer");
	COPY(a.id, r->ask.id);
	COPY(a.key, r->key_name);
	a.items = v;
	if (answer_items(r, v, e)) {
		for (size_t i = 0; i < r->items_n; i++)
			room += ROOM_ITEM + v[i].cms_len / 3 * 4;
		request_make_room(body, room);
		api_sign_answer_encode(&a, body);
		*ret = (struct answer){
		    .status = 202,
		    .type = ANSWER_JSON,
		    .body = {.p = body->p + at, .len = body->len - at},
		};
		if (r->undecided == 0)
			set_status(r, ret);
	}
	free(v);
	return e->code == KD_OK && buf_ok(body, "answer", e);
}

/* ---- what is under way ---- */

static struct request **
live_bucket(const struct live *l, const char *id)
{
	/* FNV-1a; ids are the clients' own, so are their collisions. */
	uint32_t h = 2166136261u;

	for (; *id != '\0'; id++)
		h = (h ^ (uint8_t)*id) * 16777619u;
	return (struct request **)(uintptr_t)&l->buckets[h % LIVE_BUCKETS];
}

struct request *
live_find(const struct live *l, const char *id)
{
	struct request *r = *live_bucket(l, id);

	while (r != NULL && strcmp(r->ask.id, id) != 0)
		r = r->bucket;
	return r;
}

void
live_add(struct live *l, struct request *r)
{
	struct request **b = live_bucket(l, r->ask.id);

	r->bucket = *b;
	*b = r;
	r->prev = NULL;
	r->next = l->first;
	if (l->first != NULL)
		l->first->prev = r;
	l->first = r;
	l->n++;
	r->listed = true;
}

void
live_remove(struct live *l, struct request *r)
{
	struct request **at = live_bucket(l, r->ask.id);

	if (!r->listed)
		return;
	while (*at != r)
		at = &(*at)->bucket;
	*at = r->bucket;
	if (r->prev != NULL)
		r->prev->next = r->next;
	else
		l->first = r->next;
	if (r->next != NULL)
		r->next->prev = r->prev;
	l->n--;
	r->listed = false;
}
