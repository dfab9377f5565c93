/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/keeper/prepare.c - from the bytes of a request to sign to a request that can be
 * begun; where that takes long, apart from the loop. */
#include "daemon/keeper/call.h"

#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "daemon/keeper/copy.h"

/* A request of 100 items without large parts takes 35 KiB and less than a millisecond. A
 * catalog of 16 MiB takes half a second: JSON, base64, hashes, each member. */
#define APART_LEN ((size_t)64 << 10)

/* The half that needs nothing but what does not change. On failure id and key are in
 * sign. */
static bool
prepare(const struct settings *s, const struct identity *who, const struct ask *ask,
    struct api_sign_request *sign, struct request **ret, struct kd_err *e)
{
	AUTO(request_free) struct request *r = NULL;
	AUTO(free) const struct policy_grant **grants = NULL;
	const char *name; /* may stand in sign, which request_new takes */

	if (!api_sign_request_decode((const char *)ask->body.p, ask->body.len, sign, e))
		return false;
	grants = kd_alloc_array(sign->items_n, sizeof(*grants));
	if (grants == NULL)
		return kd_fail_nomem(e, "request");
	if (!policy_decide(&s->policy, who, sign, &name, grants, e) ||
	    !request_new(sign, who, ask, settings_key(s, name), &r, e))
		return false;
	for (size_t i = 0; i < r->items_n; i++)
		r->items[i].grant = grants[i];
	if (!request_check_size(r, e) || !request_build(r, e))
		return false;
	*ret = STEAL(r);
	return true;
}

struct prepared { /* a question on its way through the pool */
	struct work work; /* first */
	struct prepared *prev, *next; /* of keeper->preparing */
	struct keeper *k;
	struct settings *settings; /* held */
	struct front_conn *conn;   /* held */
	uint64_t frame_id, came;   /* clock_ms */
	struct ask ask;            /* its body is the one here, its chain is gone */
	struct identity who;
	struct buf body;
	/* out */
	struct api_sign_request sign;
	struct request *r;
	struct kd_err e;
};

static void
prepared_free(struct prepared *p)
{
	struct keeper *k = p->k;

	if (p->prev != NULL)
		p->prev->next = p->next;
	else
		k->preparing = p->next;
	if (p->next != NULL)
		p->next->prev = p->prev;
	k->bytes -= p->ask.body.len;
	front_drop(p->conn);
	settings_drop(p->settings);
	api_sign_request_clear(&p->sign);
	request_free(p->r);
	buf_clear(&p->body);
	free(p);
}

static void
prepared_run(struct work *w)
{
	struct prepared *p = (struct prepared *)w;

	if (!prepare(p->settings, &p->who, &p->ask, &p->sign, &p->r, &p->e))
		p->r = NULL;
	buf_clear(&p->body);
}

static void
prepared_done(struct work *w)
{
	struct prepared *p = (struct prepared *)w;
	struct keeper *k = p->k;
	uint64_t took = clock_ms() - p->came;
	struct call c = {.k = k,
	    .conn = p->conn,
	    .frame_id = p->frame_id,
	    .ask = &p->ask,
	    .who = &p->who};

	k->in_pool--;
	p->ask.deadline_ms =
	    took < p->ask.deadline_ms ? p->ask.deadline_ms - (uint32_t)took : 1;
	/* What was decided under other rules is decided anew, by who asks again. */
	if (p->r != NULL && p->settings != k->settings)
		(void)kd_fail(&p->e, KD_E_BUSY,
		    "the configuration was reloaded while the request was read");
	if (p->e.code == KD_OK) {
		p->r->keeper = k;
		p->r->charged = p->ask.body.len;
		k->bytes += p->r->charged;
		if (sign_begin(&c, STEAL(p->r), &p->e)) {
			prepared_free(p);
			return;
		}
	}
	refuse(&c, &p->sign, &p->e);
	prepared_free(p);
}

static bool
take_question(struct prepared *p, const struct call *c, struct kd_err *e)
{
	buf_add(&p->body, c->ask->body.p, c->ask->body.len);
	if (!buf_ok(&p->body, "request", e))
		return false;
	p->k = c->k;
	p->settings = settings_hold(c->k->settings);
	p->conn = front_hold(c->conn);
	p->frame_id = c->frame_id;
	p->came = clock_ms();
	p->who = *c->who;
	p->ask = *c->ask;
	p->ask.chain_n = 0;
	p->ask.body = (struct der){.p = p->body.p, .len = p->body.len};
	p->work.run = prepared_run;
	p->work.done = prepared_done;
	return true;
}

static bool
prepare_apart(const struct call *c, struct kd_err *e)
{
	struct keeper *k = c->k;
	uint64_t max = k->settings->conf.main.bytes_in_flight;
	struct prepared *p;

	if (k->bytes + c->ask->body.len > max) {
		(void)kd_fail(e, KD_E_BUSY,
		    "%zu bytes of large requests are under way, at most %llu allowed",
		    k->bytes, (unsigned long long)max);
		return kd_hint(e, "send the same request again");
	}
	p = kd_alloc(sizeof(*p));
	if (p == NULL)
		return kd_fail_nomem(e, "request");
	if (!take_question(p, c, e)) {
		buf_clear(&p->body);
		free(p);
		return false;
	}
	p->next = k->preparing;
	if (p->next != NULL)
		p->next->prev = p;
	k->preparing = p;
	k->bytes += p->ask.body.len;
	k->in_pool++;
	heavy_add(&k->heavy, &p->work, p->who.spki_sha256);
	return true;
}

void
prepare_sign(const struct call *c)
{
	AUTO(api_sign_request_clear) struct api_sign_request sign = {0};
	struct request *r;
	struct kd_err e = {0};

	if (c->ask->body.len > APART_LEN) {
		if (!prepare_apart(c, &e))
			refuse(c, NULL, &e);
		return;
	}
	if (!prepare(c->k->settings, c->who, c->ask, &sign, &r, &e) ||
	    !sign_begin(c, r, &e))
		refuse(c, &sign, &e);
}

void
prepare_forget(struct keeper *k)
{
	while (k->preparing != NULL)
		prepared_free(k->preparing);
}
