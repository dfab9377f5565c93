/* SPDX-License-Identifier: Apache-2.0 */
/* client/server_sign.c - one signing request, followed until every item is decided. */
#include "client/server_sign.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"

#define ID_BYTES 16        /* 128 random bits: 32 hex digits */
#define POLL_S 30u         /* asked of the server in one long poll */
#define POLL_MARGIN_MS 500 /* for the answer's own way */

static bool
new_id(char id[API_ID_MAX + 1], struct kd_err *e)
{
	uint8_t r[ID_BYTES];

	if (getrandom(r, sizeof(r), 0) != (ssize_t)sizeof(r))
		return kd_fail(e, KD_E_BUG, "the system gives no random bytes");
	text_hex_to(id, r, sizeof(r));
	return true;
}

static size_t
count_pending(const struct api_sign_answer *a)
{
	size_t n = 0;

	for (size_t i = 0; i < a->items_n; i++)
		n += a->items[i].status == API_PENDING;
	return n;
}

/* Failures that the same request, sent again, may turn into signatures: no token heard of
 * these. */
static bool
some_may_pass(const struct api_sign_answer *a)
{
	for (size_t i = 0; i < a->items_n; i++) {
		if (a->items[i].status == API_FAILED &&
		    server_may_retry(a->items[i].code) &&
		    a->items[i].code != KD_E_TOKEN_TIMEOUT)
			return true;
	}
	return false;
}

/*
 * All items failed alike: the status is that of their code. What a balancer says for a
 * service that is not there has no items in it.
 */
static bool
is_items(const struct net_answer *a)
{
	struct api_sign_answer got = {0};
	struct kd_err ignored = {0};
	bool is = a->json && a->status >= 400 &&
		  api_sign_answer_decode(
		      (const char *)a->body.p, a->body.len, &got, &ignored);

	api_sign_answer_clear(&got);
	return is;
}

/* Asks once (body or GET) and takes the answer into ret, whatever stood there. */
static bool
ask_answer(struct server *s, const char *path, struct buf *body, size_t items_n,
    uint64_t deadline, struct api_sign_answer *ret, struct kd_err *e)
{
	AUTO(net_answer_clear) struct net_answer a = {0};
	struct api_sign_answer got = {0};

	if (!server_ask(s, path, body != NULL ? (const char *)body->p : NULL,
		body != NULL ? body->len : 0, is_items, deadline, &a, e))
		return false;
	if (!api_sign_answer_decode((const char *)a.body.p, a.body.len, &got, e)) {
		api_sign_answer_clear(&got);
		e->code = KD_E_PROTOCOL;
		return kd_in(e, "answer of the server to %s", path);
	}
	if (got.items_n != items_n) {
		(void)kd_fail(e, KD_E_PROTOCOL,
		    "the server answered %zu items, expected %zu", got.items_n, items_n);
		api_sign_answer_clear(&got);
		return false;
	}
	api_sign_answer_clear(ret);
	*ret = got;
	return true;
}

/* Long poll until nothing is pending, or nothing moved for the whole timeout. */
static bool
wait_pending(
    struct server *s, const char *id, struct api_sign_answer *ret, struct kd_err *e)
{
	uint64_t deadline = server_deadline(s);
	size_t pending = count_pending(ret), before;

	while (pending != 0) {
		int left = clock_left(deadline) - POLL_MARGIN_MS;
		unsigned wait_s = left < 1000 ? 0 : (unsigned)left / 1000;
		char path[sizeof("/v1/signatures/?wait=60") + API_ID_MAX];

		if (left <= 0)
			return true;
		(void)snprintf(path, sizeof(path), "/v1/signatures/%s?wait=%u", id,
		    wait_s > POLL_S ? POLL_S : wait_s);
		before = pending;
		if (!ask_answer(s, path, NULL, ret->items_n, deadline, ret, e))
			return false;
		pending = count_pending(ret);
		if (pending < before)
			deadline = server_deadline(s);
		else if (pending != 0 && wait_s == 0 && !server_back_off(0, 0, deadline))
			return true;
	}
	return true;
}

static bool
sign_under_one_id(struct server *s, struct api_sign_request *q,
    struct api_sign_answer *ret, struct kd_err *e)
{
	AUTO(buf_clear) struct buf body = {0};
	uint64_t deadline = server_deadline(s);

	if (!new_id(q->id, e))
		return false;
	api_sign_request_encode(q, &body);
	if (!buf_ok(&body, "request", e))
		return false;
	for (unsigned attempt = 0;; attempt++) {
		if (!ask_answer(
			s, "/v1/signatures", &body, q->items_n, deadline, ret, e) ||
		    !wait_pending(s, q->id, ret, e))
			return false;
		if (!some_may_pass(ret) || !server_back_off(attempt, 0, deadline))
			return true;
	}
}

/* The items of unknown outcome once more, under a new id that names the old one. */
static bool
sign_unknown_again(struct server *s, const struct api_sign_request *q,
    struct api_sign_answer *ret, struct kd_err *e)
{
	struct api_sign_request again = {0};
	AUTO(api_sign_answer_clear) struct api_sign_answer got = {0};
	AUTO(free) struct api_item *items = kd_alloc_array(q->items_n, sizeof(*items));
	struct kd_err ignored = {0};
	size_t at = 0;

	if (items == NULL)
		return kd_fail_nomem(e, "request");
	for (size_t i = 0; i < q->items_n; i++) {
		if (ret->items[i].status == API_FAILED &&
		    ret->items[i].code == KD_E_UNKNOWN_OUTCOME)
			items[again.items_n++] = q->items[i]; /* borrows the strings */
	}
	if (again.items_n == 0)
		return true;
	again.items = items;
	memcpy(again.retry_of, q->id, sizeof(again.retry_of));
	memcpy(again.key, q->key, sizeof(again.key));
	if (!sign_under_one_id(s, &again, &got, &ignored))
		return true; /* the others have their signatures; these stay unknown */
	for (size_t i = 0; i < q->items_n; i++) {
		struct api_item_answer old = ret->items[i];

		if (old.status != API_FAILED || old.code != KD_E_UNKNOWN_OUTCOME)
			continue;
		ret->items[i] =
		    got.items[at]; /* swapped: got's clear frees the old one */
		got.items[at++] = old;
	}
	return true;
}

bool
server_sign(struct server *s, struct api_sign_request *q, struct api_sign_answer *ret,
    struct kd_err *e)
{
	q->retry_of[0] = '\0';
	return sign_under_one_id(s, q, ret, e) && sign_unknown_again(s, q, ret, e);
}
