/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/keeper/signers.c - all signers, and the groups of those that hold the same keys:
 * plugged in by the settings, taken out when nothing needs them any more. */
#include "daemon/keeper/keeper.h"

#include <string.h>

#include "base/mem.h"

static void
on_result(void *self, struct signer_link *l, struct item *it, const struct sign_result *res)
{
	it->link = l;
	if (!group_take_back(it->req->group, it, l, res))
		pipeline_signed(self, it, res);
}

static struct signer_link *
find_link(
    struct signer_link *const *links, size_t n, const struct signer_conf *c, uid_t uid)
{
	for (size_t i = 0; i < n; i++)
		if (signer_link_is(links[i], c, uid))
			return links[i];
	return NULL;
}

struct signer_link *
signers_link(const struct keeper *k, const struct signer_conf *c)
{
	for (size_t i = 0; i < k->links_n; i++)
		if (strcmp(signer_link_name(k->links[i]), c->name) == 0 &&
		    !signer_link_retired(k->links[i]))
			return k->links[i];
	return NULL;
}

/* What the settings ask for, in full, before anything is changed. */
struct plug {
	struct signer_link **links; /* those that are there, and from links_kept on new ones */
	size_t links_n, links_kept;
	struct group **groups; /* the same */
	size_t groups_n, groups_kept;
};

static void
plug_clear(struct plug *p)
{
	for (size_t i = p->links_kept; i < p->links_n; i++)
		signer_link_free(p->links[i]);
	for (size_t i = p->groups_kept; i < p->groups_n; i++)
		free(p->groups[i]);
	free(p->links);
	free(p->groups);
}
AUTO_DEFINE_CLEAR(struct plug, plug_clear);

static bool
plug_start(const struct keeper *k, const struct settings *s, struct plug *p,
    struct kd_err *e)
{
	p->links = kd_alloc_array(
	    k->links_n + settings_signers_n(s), sizeof(struct signer_link *));
	p->groups = kd_alloc_array(k->groups_n + s->keys_n, sizeof(struct group *));
	if (p->links == NULL || p->groups == NULL)
		return kd_fail_nomem(e, "signers");
	if (k->links_n > 0)
		memcpy(p->links, k->links, k->links_n * sizeof(struct signer_link *));
	if (k->groups_n > 0)
		memcpy(p->groups, k->groups, k->groups_n * sizeof(struct group *));
	p->links_n = p->links_kept = k->links_n;
	p->groups_n = p->groups_kept = k->groups_n;
	return true;
}

static bool
plug_links(struct keeper *k, const struct settings *s, struct plug *p, struct kd_err *e)
{
	const struct signer_link_hooks hooks = {.self = k, .result = on_result};

	for (size_t i = 0; i < settings_signers_n(s); i++) {
		const struct signer_conf *c = settings_signer(s, i);

		if (find_link(p->links, p->links_n, c, s->signer_uids[i]) != NULL)
			continue;
		if (!signer_link_new(c, s->signer_uids[i], k->loop, &hooks,
			&p->links[p->links_n], e))
			return false;
		p->links_n++;
	}
	return true;
}

static size_t
members_of(const struct key *key, const struct settings *s, const struct plug *p,
    struct signer_link *ret[GROUP_MEMBERS_MAX])
{
	for (size_t i = 0; i < key->signers_n; i++) {
		size_t at = (size_t)(key->signers[i] - settings_signer(s, 0));

		ret[i] = find_link(
		    p->links, p->links_n, key->signers[i], s->signer_uids[at]);
	}
	return key->signers_n;
}

static struct group *
find_group(
    struct group *const *groups, size_t n, struct signer_link *const *members, size_t m)
{
	for (size_t i = 0; i < n; i++)
		if (group_is(groups[i], members, m))
			return groups[i];
	return NULL;
}

static bool
plug_groups(const struct settings *s, struct plug *p, struct kd_err *e)
{
	for (size_t i = 0; i < s->keys_n; i++) {
		struct signer_link *members[GROUP_MEMBERS_MAX];
		size_t n = members_of(&s->keys[i], s, p, members);
		struct group *g;

		if (find_group(p->groups, p->groups_n, members, n) != NULL)
			continue;
		g = kd_alloc(sizeof(*g));
		if (g == NULL)
			return kd_fail_nomem(e, "signers");
		memcpy(g->members, members, n * sizeof(*members));
		g->members_n = n;
		p->groups[p->groups_n++] = g;
	}
	return true;
}

/* Nothing can fail from here on. */
static void
adopt(struct keeper *k, const struct settings *s, struct plug *p)
{
	for (size_t i = 0; i < p->links_n; i++) {
		bool wanted = false;

		for (size_t j = 0; j < settings_signers_n(s) && !wanted; j++) {
			wanted = signer_link_is(
			    p->links[i], settings_signer(s, j), s->signer_uids[j]);
			if (wanted)
				signer_link_adjust(p->links[i], settings_signer(s, j));
		}
		if (!wanted)
			signer_link_retire(p->links[i]);
	}
	for (size_t i = 0; i < p->groups_n; i++) {
		p->groups[i]->retired = true;
		p->groups[i]->queue.limit = s->conf.main.queue_limit;
	}
	for (size_t i = 0; i < s->keys_n; i++) {
		struct signer_link *members[GROUP_MEMBERS_MAX];
		size_t n = members_of(&s->keys[i], s, p, members);

		find_group(p->groups, p->groups_n, members, n)->retired = false;
	}
	free(k->links);
	free(k->groups);
	k->links = p->links;
	k->links_n = p->links_n;
	k->groups = p->groups;
	k->groups_n = p->groups_n;
	*p = (struct plug){0};
}

bool
signers_plug(struct keeper *k, const struct settings *s, struct kd_err *e)
{
	AUTO(plug_clear) struct plug p = {0};

	if (!plug_start(k, s, &p, e) || !plug_links(k, s, &p, e) ||
	    !plug_groups(s, &p, e))
		return false;
	adopt(k, s, &p);
	return true;
}

struct group *
signers_group(const struct keeper *k, const struct key *key)
{
	struct signer_link *members[GROUP_MEMBERS_MAX];

	for (size_t i = 0; i < key->signers_n; i++)
		members[i] = signers_link(k, key->signers[i]);
	return find_group(k->groups, k->groups_n, members, key->signers_n);
}

static bool
group_is_used(const struct keeper *k, const struct group *g)
{
	const struct request *r = k->live.first;

	while (r != NULL && r->group != g)
		r = r->next;
	return r != NULL || !g->retired || g->queue.reserved > 0;
}

static bool
link_is_used(const struct keeper *k, const struct signer_link *l)
{
	for (size_t i = 0; i < k->groups_n; i++)
		if (group_has(k->groups[i], l))
			return true;
	return !signer_link_retired_and_idle(l);
}

void
signers_drop_retired(struct keeper *k)
{
	size_t to = 0;

	for (size_t i = 0; i < k->groups_n; i++) {
		if (group_is_used(k, k->groups[i]))
			k->groups[to++] = k->groups[i];
		else
			free(k->groups[i]);
	}
	k->groups_n = to;
	to = 0;
	for (size_t i = 0; i < k->links_n; i++) {
		if (link_is_used(k, k->links[i]))
			k->links[to++] = k->links[i];
		else
			signer_link_free(k->links[i]);
	}
	k->links_n = to;
}

/* One of each group in turn: a signer in two of them serves both. */
static bool
dispatch_round(struct keeper *k, uint64_t now_ms)
{
	uint64_t deadline = k->settings->conf.main.sign_deadline;
	bool any = false;

	for (size_t i = 0; i < k->groups_n; i++)
		any |= group_dispatch_one(k->groups[i], now_ms, deadline);
	return any;
}

/* What would not be signed before the end had better be told so than be left unknown. */
static void
give_up_waiting(struct keeper *k)
{
	struct kd_err why = {0};

	(void)kd_fail(&why, KD_E_BUSY, "the service is about to stop");
	for (size_t i = 0; i < k->groups_n; i++)
		while (group_give_up_one(k->groups[i], &why))
			continue;
}

/* A connection that is lost while flushing gives items back, which go elsewhere. */
void
signers_dispatch(struct keeper *k, uint64_t now_ms)
{
	if (k->stopping && now_ms >= k->unsent_end)
		give_up_waiting(k);
	while (dispatch_round(k, now_ms)) {
		while (dispatch_round(k, now_ms))
			;
		for (size_t i = 0; i < k->links_n; i++)
			signer_link_flush(k->links[i]);
	}
}

uint64_t
signers_timer(struct keeper *k, uint64_t now_ms)
{
	uint64_t next = UINT64_MAX;

	for (size_t i = 0; i < k->links_n; i++) {
		uint64_t at = signer_link_timer(k->links[i], now_ms);

		next = at < next ? at : next;
	}
	return next;
}

void
signers_free(struct keeper *k)
{
	for (size_t i = 0; i < k->groups_n; i++)
		free(k->groups[i]);
	for (size_t i = 0; i < k->links_n; i++)
		signer_link_free(k->links[i]);
	free(k->groups);
	free(k->links);
}
