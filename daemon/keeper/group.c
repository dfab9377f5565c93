/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/keeper/group.c - the signers that hold the same keys, and what waits for any of
 * them. */
#include "daemon/keeper/group.h"

#include <limits.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"

bool
group_has(const struct group *g, const struct signer_link *l)
{
	for (size_t i = 0; i < g->members_n; i++)
		if (g->members[i] == l)
			return true;
	return false;
}

bool
group_is(const struct group *g, struct signer_link *const *members, size_t n)
{
	if (g->members_n != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!group_has(g, members[i]))
			return false;
	return true;
}

/* Is a to be preferred? */
static bool
sooner(const struct signer_link *a, const struct signer_link *b)
{
	return b == NULL || signer_link_load_us(a) < signer_link_load_us(b);
}

const struct signer_link *
group_pick(const struct group *g, const struct key *k, int64_t now_unix)
{
	const struct signer_link *best = NULL;
	struct kd_err ignored = {0};

	if (!settings_key_check_dates(k, now_unix, &ignored))
		return NULL;
	for (size_t i = 0; i < g->members_n; i++) {
		ignored = (struct kd_err){0};
		if (signer_link_check_key(g->members[i], k, &ignored) &&
		    sooner(g->members[i], best))
			best = g->members[i];
	}
	return best;
}

/* In how many seconds a member that cannot sign now may; UINT_MAX: not by itself. */
static unsigned
wait_for(const struct kd_err *why)
{
	if (!kd_code_info(why->code)->retryable)
		return UINT_MAX;
	return why->retry_s > 0 ? why->retry_s : request_retry_after(why->code);
}

/* What each of them says; the code is of the one that is to be waited for least. */
static bool
fail_all(const struct group *g, const struct key *k, struct kd_err *e)
{
	char text[2 * sizeof(e->msg)] = "";
	struct kd_err best = {0};
	size_t at = 0;

	for (size_t i = 0; i < g->members_n; i++) {
		struct kd_err why = {0};

		if (signer_link_check_key(g->members[i], k, &why))
			return true;
		if (at < sizeof(text))
			at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s",
			    i > 0 ? "; " : "", why.msg);
		if (best.code == KD_OK || wait_for(&why) < wait_for(&best))
			best = why;
	}
	(void)kd_fail(e, best.code, "%s", text);
	e->retry_s = wait_for(&best) == UINT_MAX ? 0 : wait_for(&best);
	return best.hint[0] != '\0' ? kd_hint(e, "%s", best.hint) : false;
}

bool
group_check_key(
    const struct group *g, const struct key *k, int64_t now_unix, struct kd_err *e)
{
	if (!settings_key_check_dates(k, now_unix, e))
		return false;
	return g->members_n == 1 ? signer_link_check_key(g->members[0], k, e)
				 : fail_all(g, k, e);
}

unsigned
group_retry_s(const struct group *g, const struct key *k, int64_t now_unix)
{
	struct kd_err why = {0};

	return group_check_key(g, k, now_unix, &why) ? 0 : why.retry_s;
}

enum choice { CHOICE_SEND, CHOICE_WAIT, CHOICE_NOBODY };

/*
 * Members where the key can sign now; else, so that a signer says for itself what is wrong
 * or gets over it, any that is connected. A full one is waited for.
 */
static enum choice
choose(const struct group *g, const struct item *it, struct signer_link **ret)
{
	struct signer_link *best[2] = {NULL, NULL};
	bool full[2] = {false, false};

	for (size_t i = 0; i < g->members_n; i++) {
		struct signer_link *l = g->members[i];
		struct kd_err ignored = {0};
		size_t rank;

		if ((it->tried & 1u << i) != 0 || !signer_link_connected(l))
			continue;
		/* With one member it makes no difference, and costs nothing. */
		rank = g->members_n > 1 &&
		       !signer_link_check_key(l, it->req->key, &ignored);
		if (!signer_link_has_room(l))
			full[rank] = true;
		else if (sooner(l, best[rank]))
			best[rank] = l;
	}
	for (size_t rank = 0; rank < 2; rank++) {
		*ret = best[rank];
		if (*ret != NULL)
			return CHOICE_SEND;
		if (full[rank])
			return CHOICE_WAIT;
	}
	return CHOICE_NOBODY;
}

/* Nobody heard of it, and why: its key's time is over, or nobody is there. */
static void
give_up(struct group *g, struct item *it, const struct kd_err *why)
{
	struct sign_result res = {.code = why->code};

	(void)snprintf(res.detail, sizeof(res.detail), "%.*s",
	    (int)sizeof(res.detail) - 1, why->msg);
	signer_link_give_back(g->members[0], it, &res);
}

static void
give_up_alone(struct group *g, struct item *it, int64_t now_unix)
{
	struct kd_err why = {0};

	if (group_check_key(g, it->req->key, now_unix, &why))
		(void)kd_fail(&why, KD_E_TOKEN, "no other signer of the key is there");
	give_up(g, it, &why);
}

bool
group_dispatch_one(struct group *g, uint64_t now_ms, uint64_t sign_deadline_ms)
{
	struct item *it = (struct item *)queue_peek(&g->queue); /* its first member */
	int64_t now_unix = clock_unix_ms() / 1000;
	struct signer_link *to = NULL;
	struct kd_err why = {0};
	enum choice choice;

	if (it == NULL)
		return false;
	/* It may have waited for long. */
	if (now_ms >= it->req->work_deadline)
		(void)kd_fail(&why, KD_E_TOKEN_TIMEOUT,
		    "no signer was free for it by the deadline");
	if (why.code != KD_OK || !settings_key_check_dates(it->req->key, now_unix, &why)) {
		(void)queue_pop(&g->queue);
		give_up(g, it, &why);
		return true;
	}
	choice = choose(g, it, &to);
	if (choice == CHOICE_WAIT)
		return false;
	(void)queue_pop(&g->queue);
	if (choice == CHOICE_NOBODY)
		give_up_alone(g, it, now_unix);
	else
		signer_link_send(to, it, now_ms, sign_deadline_ms);
	return true;
}

bool
group_give_up_one(struct group *g, const struct kd_err *why)
{
	struct item *it = (struct item *)queue_pop(&g->queue); /* its first member */

	if (it != NULL)
		give_up(g, it, why);
	return it != NULL;
}

bool
group_take_back(struct group *g, struct item *it, const struct signer_link *from,
    const struct sign_result *res)
{
	struct signer_link *ignored = NULL;
	struct kd_err e = {0};

	if (res->code == KD_OK || res->heard || g->members_n < 2 ||
	    clock_ms() >= it->req->work_deadline ||
	    !settings_key_check_dates(it->req->key, clock_unix_ms() / 1000, &e))
		return false;
	for (size_t i = 0; i < g->members_n; i++)
		if (g->members[i] == from)
			it->tried |= 1u << i;
	if (choose(g, it, &ignored) == CHOICE_NOBODY)
		return false;
	queue_reserve_again(&g->queue);
	if (queue_push(&g->queue, it->req->client, &it->node, &e)) {
		it->state = ITEM_QUEUED;
		log_line(LOG_L_INFO, "%s items[%u]: %s; goes to another signer",
		    it->req->request_id, it->index, res->detail);
		return true;
	}
	queue_release(&g->queue, 1);
	return false;
}

/* Each member works off what it has; what waits is shared between all. */
uint64_t
group_busy_ms(const struct group *g)
{
	uint64_t least = UINT64_MAX;

	for (size_t i = 0; i < g->members_n; i++) {
		uint64_t ms;

		if (!signer_link_connected(g->members[i]))
			continue;
		ms = signer_link_busy_ms(
		    g->members[i], g->queue.waiting / g->members_n);
		least = ms < least ? ms : least;
	}
	return least == UINT64_MAX ? 0 : least;
}
