/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/keeper/policy.c - who may sign what with which key. */
#include "daemon/keeper/policy.h"

#include <string.h>

#include "base/builder.h"
#include "base/text.h"

static bool
has_digest(const uint8_t (*list)[32], size_t n, const uint8_t digest[32])
{
	for (size_t i = 0; i < n; i++)
		if (memcmp(list[i], digest, 32) == 0)
			return true;
	return false;
}

static bool
has_name(const char *const *list, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i], name) == 0)
			return true;
	return false;
}

bool
policy_grant_means(const struct policy_grant *g, const struct identity *who)
{
	if (has_digest(g->certs, g->certs_n, who->cert_sha256) ||
	    has_digest(g->spkis, g->spkis_n, who->spki_sha256))
		return true;
	if (!has_digest(g->issuers, g->issuers_n, who->issuer_sha256))
		return false;
	for (size_t i = 0; i < g->subjects_n; i++)
		if (g->subjects[i].len == who->subject_der_len &&
		    memcmp(g->subjects[i].p, who->subject_der, who->subject_der_len) == 0)
			return true;
	return false;
}

bool
policy_grant_has_key(const struct policy_grant *g, const char *key)
{
	return has_name(g->keys, g->keys_n, key);
}

struct policy_scope
policy_scope_of(const struct policy *p, const struct identity *who, const char *key)
{
	struct policy_scope s = {0};

	for (size_t i = 0; i < p->grants_n; i++) {
		const struct policy_grant *g = &p->grants[i];

		if (!policy_grant_means(g, who) || !policy_grant_has_key(g, key))
			continue;
		s.kinds |= g->kinds;
		s.digests |= g->digests;
	}
	return s;
}

static bool
covers(const struct policy_grant *g, const struct api_item *it)
{
	return (g->kinds & 1u << it->kind) != 0 && (g->digests & 1u << it->md) != 0;
}

/* To each item that no grant covers yet. True: the grant covers all, and gets all. */
static bool
give(const struct policy_grant *g, const struct api_sign_request *r,
    const struct policy_grant **ret)
{
	size_t n = 0;

	for (size_t i = 0; i < r->items_n; i++) {
		bool covered = covers(g, &r->items[i]);

		n += covered;
		if (covered && ret[i] == NULL)
			ret[i] = g;
	}
	for (size_t i = 0; n == r->items_n && i < r->items_n; i++)
		ret[i] = g;
	return n == r->items_n;
}

static bool
only_key(const struct policy *p, const struct identity *who, const char **ret,
    struct kd_err *e)
{
	AUTO(buf_clear) struct buf list = {0};
	const char *text;
	size_t n = 0;

	for (size_t i = 0; i < p->keys_n; i++) {
		if (policy_scope_of(p, who, p->keys[i]).kinds == 0)
			continue;
		*ret = p->keys[i];
		buf_printf(&list, "%s%s", n++ > 0 ? ", " : "", p->keys[i]);
	}
	if (n == 1)
		return true;
	if (n == 0)
		return kd_fail(e, KD_E_DENIED, "no key is granted to this client");
	text = buf_cstr(&list);
	return kd_fail(e, KD_E_KEY_AMBIGUOUS, "no key named and %zu are granted: %s", n,
	    text != NULL ? text : "...");
}

static bool
fail_beyond(const struct policy *p, const struct identity *who,
    const struct api_sign_request *r, size_t i, const char *key, struct kd_err *e)
{
	const struct api_item *it = &r->items[i];
	unsigned kinds = policy_scope_of(p, who, key).kinds;

	(void)kd_fail(e, KD_E_DENIED,
	    "items[%zu]: kind %s with digest algorithm %s is not granted to this client "
	    "for key '%s'",
	    i, api_kind_name(it->kind), md_name(it->md), key);
	if ((kinds & 1u << it->kind) != 0)
		return false;
	if ((kinds & 1u << API_KIND_MODULE) != 0)
		return kd_hint(e,
		    "key '%s' is for kernel modules, and must sign nothing else: name another",
		    key);
	if (it->kind == API_KIND_MODULE) /* alone: raw_kind.h */
		return kd_hint(e,
		    "kernel modules need a key of their own, whose grant in keeper.conf "
		    "says kinds = module");
	(void)kd_hint(e,
	    "the client's grant in keeper.conf has to name this kind: kinds = %s%s",
	    it->kind == API_KIND_PE ? "" : "pe ", api_kind_name(it->kind));
	return false;
}

/* The first item that has got no grant, or items_n. */
static size_t
give_all(const struct policy *p, const struct identity *who, const char *key,
    const struct api_sign_request *r, bool *ret_any, const struct policy_grant **ret)
{
	size_t i = 0;

	*ret_any = false;
	memset(ret, 0, r->items_n * sizeof(*ret));
	for (size_t n = 0; n < p->grants_n; n++) {
		const struct policy_grant *g = &p->grants[n];

		if (!policy_grant_means(g, who) || !policy_grant_has_key(g, key))
			continue;
		*ret_any = true;
		if (give(g, r, ret))
			return r->items_n;
	}
	while (i < r->items_n && ret[i] != NULL)
		i++;
	return i;
}

bool
policy_decide(const struct policy *p, const struct identity *who,
    const struct api_sign_request *r, const char **ret_key,
    const struct policy_grant **ret_grants, struct kd_err *e)
{
	const char *key = r->key;
	size_t beyond;
	bool any;

	if (key[0] == '\0') {
		if (!only_key(p, who, &key, e))
			return false;
	} else if (!has_name(p->keys, p->keys_n, key)) {
		return kd_fail(e, KD_E_KEY_UNKNOWN, "there is no key '%s'", key);
	}
	beyond = give_all(p, who, key, r, &any, ret_grants);
	if (!any)
		return kd_fail(
		    e, KD_E_DENIED, "key '%s' is not granted to this client", key);
	if (beyond < r->items_n)
		return fail_beyond(p, who, r, beyond, key, e);
	*ret_key = key;
	return true;
}

bool
policy_timestamps(const struct policy *p, const struct identity *who, struct kd_err *e)
{
	for (size_t i = 0; i < p->grants_n; i++)
		if (p->grants[i].timestamps && policy_grant_means(&p->grants[i], who))
			return true;
	return kd_fail(e, KD_E_DENIED, "timestamps are not granted to this client");
}
