/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/keeper/ask.c - the front's questions: who asks, may they, and which way it goes.
 */
#include "daemon/keeper/call.h"

#include <string.h>

#include "base/clock.h"

/* The same id is under way: attach, or say why not. */
static void
join(const struct call *c, struct request *live, const struct request *mine)
{
	struct kd_err e = {0};

	if (!check_owner(live, mine->client, mine->content, &e)) {
		tell_problem(c->conn, c->frame_id, c->ask->request_id, &e);
		return;
	}
	c->k->count.repeated++;
	if (live->late || live->unrecorded)
		fail_record(&e);
	else if (waiter_add(live, c, c->ask->deadline_ms, &e))
		return;
	tell_problem(c->conn, c->frame_id, c->ask->request_id, &e);
}

bool
sign_begin(const struct call *c, struct request *take_r, struct kd_err *e)
{
	AUTO(request_free) struct request *r = take_r;
	struct keeper *k = c->k;
	struct request *live = live_find(&k->live, r->ask.id);
	struct kd_err unable = {0};

	r->keeper = k;
	r->settings = settings_hold(k->settings);
	r->group = signers_group(k, r->key);
	if (live != NULL) {
		join(c, live, r);
		return true;
	}
	if (k->stopping) {
		(void)kd_fail(e, KD_E_BUSY, "the service is about to stop");
		return kd_hint(e, "send the same request again");
	}
	/* A key that cannot sign now may still have signed this before. */
	if (!group_check_key(r->group, r->key, clock_unix_ms() / 1000, &unable)) {
		r->retry_s = unable.retry_s;
		return look_up(c, STEAL(r), true, &unable, e);
	}
	return pipeline_begin(c, STEAL(r), e);
}

static void
ask_signature(const struct call *c)
{
	struct request *live = live_find(&c->k->live, c->ask->target), *r = NULL;
	struct kd_err e = {0}, unknown = {0};

	fail_unknown_id(&unknown, c->ask->target);
	if (!api_id_ok(c->ask->target)) {
		e = unknown;
	} else if (live != NULL) {
		uint32_t wait = c->ask->wait_ms;

		if (wait > c->ask->deadline_ms)
			wait = c->ask->deadline_ms;
		if (check_owner(live, c->who->spki_sha256, NULL, &e) &&
		    waiter_add(live, c, wait, &e))
			return;
	} else if (request_new_empty(c->ask->target, c->who, c->ask, &r, &e) &&
		   look_up(c, r, false, &unknown, &e)) {
		return;
	}
	tell_problem(c->conn, c->frame_id, c->ask->request_id, &e);
}

static void
ask_plain(const struct call *c)
{
	AUTO(buf_clear) struct buf body = {0};
	struct kd_err e = {0};
	struct answer a;
	bool done = false;

	switch (c->ask->route) {
	case ASK_KEYS:
		done = answers_keys(c->k, c->who, &a, &body, &e);
		break;
	case ASK_KEY:
		done = answers_key(c->k, c->who, c->ask->target, &a, &body, &e);
		break;
	case ASK_READY:
		done = answers_ready(c->k, c->ask, &a, &body, &e);
		break;
	case ASK_METRICS:
		done = answers_metrics(c->k, &a, &body, &e);
		break;
	case ASK_TIMESTAMP:
		done = policy_timestamps(&c->k->settings->policy, c->who, &e);
		a = (struct answer){.status = 200,
		    .type = ANSWER_GRANT,
		    .body = {.p = c->who->spki_sha256, .len = ANSWER_GRANT_LEN}};
		break;
	default:
		(void)kd_fail(&e, KD_E_BUG, "route %d", (int)c->ask->route);
	}
	if (done)
		front_answer(c->conn, c->frame_id, &a);
	else
		refuse(c, NULL, &e);
}

void
pipeline_ask(
    struct keeper *k, struct front_conn *conn, uint64_t id, const struct ask *ask)
{
	struct call c = {.k = k, .conn = conn, .frame_id = id, .ask = ask};
	struct kd_err e = {0};

	/* Over the status socket there is nobody to identify; ask_decode lets only
	 * readiness and metrics come that way. */
	if (!ask->local && ask->route == ASK_METRICS)
		(void)kd_fail(
		    &e, KD_E_NOT_FOUND, "metrics are served on the status socket only");
	else if (!ask->local && !identity_check(k->settings->trust, ask->chain,
				    ask->chain_n, clock_unix_ms() / 1000, &c.who, &e))
		c.who = NULL;
	if (e.code != KD_OK)
		refuse(&c, NULL, &e);
	else if (ask->route == ASK_SIGN)
		prepare_sign(&c);
	else if (ask->route == ASK_SIGNATURE)
		ask_signature(&c);
	else
		ask_plain(&c);
}
