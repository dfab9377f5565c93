/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/keeper/answers.c - questions that sign nothing: keys, readiness, metrics. */
#include "config.h"

#include "daemon/keeper/keeper.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

static void
list_words(
    char *dst, size_t room, unsigned bits, const char *(*name)(unsigned i), unsigned n)
{
	size_t at = 0;

	dst[0] = '\0';
	for (unsigned i = 1; i < n; i++)
		if ((bits & 1u << i) != 0 && at < room)
			at += (size_t)snprintf(
			    dst + at, room - at, "%s%s", at > 0 ? " " : "", name(i));
}

static const char *
kind_word(unsigned i)
{
	return api_kind_name((enum api_kind)i);
}

static const char *
digest_word(unsigned i)
{
	return md_name((enum md)i);
}

static void
copy(char *dst, size_t room, const char *s)
{
	(void)snprintf(dst, room, "%.*s", (int)room - 1, s);
}

/* What is promised of a key that several tokens hold must be so on each. */
static uint32_t
attrs_of(const struct keeper *k, const struct key *key)
{
	const uint32_t risks = KEY_ATTR_EXTRACTABLE | KEY_ATTR_DECRYPT | KEY_ATTR_UNWRAP |
			       KEY_ATTR_DERIVE | KEY_ATTR_MODIFIABLE;
	uint32_t all = UINT32_MAX, any = 0;
	bool seen = false;

	for (size_t i = 0; i < key->signers_n; i++) {
		const struct signer_key *held = signer_link_find_key(
		    signers_link(k, key->signers[i]), key->name);

		if (held == NULL)
			continue;
		seen = true;
		all &= held->attrs;
		any |= held->attrs;
	}
	return seen ? (all & ~risks) | (any & risks) : 0;
}

static bool
fill_key(const struct keeper *k, const struct key *key, struct policy_scope scope,
    struct api_key *ret, struct kd_err *e)
{
	uint32_t attrs = attrs_of(k, key);
	struct kd_err why = {0};

	copy(ret->name, sizeof(ret->name), key->name);
	copy(ret->algorithm, sizeof(ret->algorithm), key->info.algorithm);
	ret->bits = key->info.bits;
	copy(ret->subject, sizeof(ret->subject), key->info.subject);
	clock_utc(ret->not_before, key->info.not_before * 1000);
	clock_utc(ret->not_after, key->info.not_after * 1000);
	memcpy(ret->sha1, key->info.sha1, sizeof(ret->sha1));
	memcpy(ret->sha256, key->info.sha256, sizeof(ret->sha256));
	ret->ready = group_check_key(
	    signers_group(k, key), key, clock_unix_ms() / 1000, &why);
	copy(ret->detail, sizeof(ret->detail), why.msg);
	ret->sensitive = (attrs & KEY_ATTR_SENSITIVE) != 0;
	ret->extractable = (attrs & KEY_ATTR_EXTRACTABLE) != 0;
	ret->always_sensitive = (attrs & KEY_ATTR_ALWAYS_SENSITIVE) != 0;
	ret->never_extractable = (attrs & KEY_ATTR_NEVER_EXTRACTABLE) != 0;
	ret->local = (attrs & KEY_ATTR_LOCAL) != 0;
	list_words(ret->kinds, sizeof(ret->kinds), scope.kinds, kind_word, API_KINDS_N);
	list_words(ret->digests, sizeof(ret->digests), scope.digests, digest_word,
	    MD_SHA512 + 1);
	ret->certificates =
	    kd_alloc_array(certs_n(key->chain), sizeof(*ret->certificates));
	if (ret->certificates == NULL)
		return kd_fail_nomem(e, "keys");
	for (; ret->certificates_n < certs_n(key->chain); ret->certificates_n++) {
		struct api_cert *c = &ret->certificates[ret->certificates_n];
		const uint8_t *der = certs_der(key->chain, ret->certificates_n, &c->len);

		c->der = kd_memdup(der, c->len);
		if (c->der == NULL)
			return kd_fail_nomem(e, "keys");
	}
	return true;
}

static bool
finish(struct answer *ret, uint16_t status, enum answer_type type, struct buf *body,
    struct kd_err *e)
{
	*ret = (struct answer){
	    .status = status, .type = type, .body = {.p = body->p, .len = body->len}};
	return buf_ok(body, "answer", e);
}

bool
answers_keys(const struct keeper *k, const struct identity *who, struct answer *ret,
    struct buf *body, struct kd_err *e)
{
	AUTO(api_keys_clear) struct api_keys keys = {0};
	const struct settings *s = k->settings;

	keys.v = kd_alloc_array(s->keys_n, sizeof(*keys.v));
	if (keys.v == NULL)
		return kd_fail_nomem(e, "keys");
	for (size_t i = 0; i < s->keys_n; i++) {
		struct policy_scope scope =
		    policy_scope_of(&s->policy, who, s->keys[i].name);

		if (scope.kinds != 0 &&
		    !fill_key(k, &s->keys[i], scope, &keys.v[keys.n++], e))
			return false;
	}
	api_keys_encode(&keys, body);
	return finish(ret, 200, ANSWER_JSON, body, e);
}

bool
answers_key(const struct keeper *k, const struct identity *who, const char *name,
    struct answer *ret, struct buf *body, struct kd_err *e)
{
	const struct settings *s = k->settings;
	const struct key *key = settings_key(s, name);
	struct policy_scope scope = policy_scope_of(&s->policy, who, name);
	struct api_key one = {0};
	bool done;

	if (key == NULL)
		return kd_fail(e, KD_E_KEY_UNKNOWN, "there is no key '%s'", name);
	if (scope.kinds == 0)
		return kd_fail(
		    e, KD_E_DENIED, "key '%s' is not granted to this client", name);
	done = fill_key(k, key, scope, &one, e);
	if (done)
		api_key_encode(&one, body);
	api_key_clear(&one);
	return done && finish(ret, 200, ANSWER_JSON, body, e);
}

/* How many users stand between a stranger and the token. */
static const char *
separation(const struct keeper *k)
{
	uid_t own = geteuid(), front = k->settings->front_uid;
	bool signers_apart = true;

	for (size_t i = 0; i < k->links_n; i++) {
		uid_t signer = signer_link_view(k->links[i]).peer_uid;

		signers_apart = signers_apart && signer != own && signer != front;
	}
	if (front != own && signers_apart)
		return "three users";
	return front == own && !signers_apart ? "one user, no separation"
					      : "two users, partly separated";
}

static void
fill_ready_key(const struct keeper *k, const struct key *key, struct api_ready_key *to)
{
	const struct group *g = signers_group(k, key);
	const struct signer_link *link = group_pick(g, key, clock_unix_ms() / 1000);
	struct signer_link_view v =
	    signer_link_view(link != NULL ? link : g->members[0]);
	struct kd_err why = {0};

	copy(to->name, sizeof(to->name), key->name);
	to->ready = group_check_key(g, key, clock_unix_ms() / 1000, &why);
	if (!to->ready)
		copy(to->code, sizeof(to->code), kd_code_info(why.code)->name);
	copy(to->detail, sizeof(to->detail), why.msg);
	if (v.have_state)
		(void)snprintf(to->token, sizeof(to->token), "%.32s (%.16s), %s",
		    v.state->label, v.state->serial, token_state_name(v.state->token));
	else
		copy(to->token, sizeof(to->token), "not connected");
}

bool
answers_ready(
    const struct keeper *k, struct answer *ret, struct buf *body, struct kd_err *e)
{
	AUTO(api_ready_clear) struct api_ready r = {.ready = !k->record_bad};
	const struct settings *s = k->settings;

	r.keys = kd_alloc_array(s->keys_n, sizeof(*r.keys));
	if (r.keys == NULL)
		return kd_fail_nomem(e, "readiness");
	copy(r.version, sizeof(r.version), PACKAGE_VERSION);
	copy(r.separation, sizeof(r.separation), separation(k));
	copy(r.record, sizeof(r.record), k->record_bad ? k->record_error : "ok");
	for (; r.keys_n < s->keys_n; r.keys_n++) {
		fill_ready_key(k, &s->keys[r.keys_n], &r.keys[r.keys_n]);
		/* A key that is retired is as it should be. */
		r.ready = r.ready && (r.keys[r.keys_n].ready ||
					 strcmp(r.keys[r.keys_n].code,
					     kd_code_info(KD_E_KEY_RETIRED)->name) == 0);
	}
	api_ready_encode(&r, body);
	return finish(ret, r.ready ? 200 : 503, ANSWER_JSON, body, e);
}

static void
metric(struct buf *b, const char *name, const char *type, uint64_t v)
{
	buf_printf(b, "# TYPE kdsign_%s %s\nkdsign_%s %llu\n", name, type, name,
	    (unsigned long long)v);
}

static size_t
waiting(const struct keeper *k)
{
	size_t n = 0;

	for (size_t i = 0; i < k->groups_n; i++)
		n += k->groups[i]->queue.waiting;
	return n;
}

bool
answers_metrics(
    const struct keeper *k, struct answer *ret, struct buf *body, struct kd_err *e)
{
	const struct keeper_counters *c = &k->count;

	metric(body, "requests_total", "counter", c->requests);
	metric(body, "items_total", "counter", c->items);
	metric(body, "items_signed_total", "counter", c->signed_items);
	metric(body, "items_failed_total", "counter", c->failed_items);
	metric(body, "items_unheard_total", "counter", c->unheard_items);
	metric(body, "refused_total", "counter", c->refused);
	metric(body, "repeated_total", "counter", c->repeated);
	metric(body, "record_failures_total", "counter", c->record_failures);
	metric(body, "record_events", "gauge", record_last(k->record));
	metric(body, "record_writable", "gauge", k->record_bad ? 0 : 1);
	metric(body, "requests_live", "gauge", k->live.n);
	metric(body, "large_requests_bytes", "gauge", k->bytes);
	metric(body, "queue_items", "gauge", waiting(k));
	buf_str(
	    body, "# TYPE kdsign_token_ready gauge\n# TYPE kdsign_sent_items gauge\n");
	for (size_t i = 0; i < k->links_n; i++) {
		struct signer_link_view v = signer_link_view(k->links[i]);
		const char *name = signer_link_name(k->links[i]);

		if (signer_link_retired(k->links[i]))
			continue; /* its successor may have the same name */
		buf_printf(body, "kdsign_token_ready{signer=\"%s\"} %d\n", name,
		    v.have_state && v.state->token == TOKEN_READY);
		buf_printf(body, "kdsign_sent_items{signer=\"%s\"} %zu\n", name, v.sent);
	}
	return finish(ret, 200, ANSWER_TEXT, body, e);
}
