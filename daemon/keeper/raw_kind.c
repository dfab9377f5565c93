/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/keeper/raw_kind.c - keys whose signatures are over whatever digest a client
 * sends. */
#include "daemon/keeper/raw_kind.h"

#include <string.h>

#define RAW (1u << API_KIND_MODULE)

static bool
same_key(const struct key *a, const struct key *b)
{
	return a->spki.len == b->spki.len &&
	       memcmp(a->spki.p, b->spki.p, a->spki.len) == 0;
}

/* The first grant of k, under any of its names, that gives a kind of these; ret_name: that
 * name. NULL: there is none. */
static const struct policy_grant *
find_grant(const struct settings *s, const struct key *k, unsigned kinds,
    const char **ret_name)
{
	for (size_t i = 0; i < s->policy.grants_n; i++) {
		const struct policy_grant *g = &s->policy.grants[i];

		for (size_t n = 0; (g->kinds & kinds) != 0 && n < s->keys_n; n++) {
			if (!same_key(&s->keys[n], k) ||
			    !policy_grant_has_key(g, s->keys[n].name))
				continue;
			*ret_name = s->keys[n].name;
			return g;
		}
	}
	return NULL;
}

bool
raw_kind_serves(const struct settings *s, const struct key *k)
{
	const char *name;

	return find_grant(s, k, RAW, &name) != NULL;
}

static const char *
first_kind(unsigned kinds)
{
	enum api_kind kind = API_KIND_PE;

	while ((kinds & 1u << kind) == 0)
		kind++;
	return api_kind_name(kind);
}

bool
raw_kind_check(const struct settings *s, struct kd_err *e)
{
	for (size_t i = 0; i < s->keys_n; i++) {
		const struct key *k = &s->keys[i];
		const char *raw_name, *name;
		const struct policy_grant *raw = find_grant(s, k, RAW, &raw_name);
		const struct policy_grant *other = find_grant(s, k, ~RAW, &name);

		if (raw == NULL || other == NULL)
			continue;
		return kd_fail(e, KD_E_CONFIG,
		    "key '%s': [grant %s] gives it kind module and [grant %s] kind %s%s%s%s; "
		    "a module's signature is over any digest that a client sends, so such a "
		    "key must serve modules alone",
		    raw_name, raw->name, other->name, first_kind(other->kinds & ~RAW),
		    strcmp(raw_name, name) != 0 ? " by key '" : "",
		    strcmp(raw_name, name) != 0 ? name : "",
		    strcmp(raw_name, name) != 0 ? "', which is the same" : "");
	}
	return true;
}
