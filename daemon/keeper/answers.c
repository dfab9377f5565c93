/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/keeper/answers.c - questions that sign nothing: keys, readiness. */
#include "config.h"

#include "daemon/keeper/facts.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "wire/custody.h"

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

static void
fill_custody(const struct keeper *k, const struct key *key, struct api_key *ret)
{
	struct facts f = facts_of(k, key);

	ret->known = f.known;
	ret->sensitive = (f.attrs & KEY_ATTR_SENSITIVE) != 0;
	ret->extractable = (f.attrs & KEY_ATTR_EXTRACTABLE) != 0;
	ret->always_sensitive = (f.attrs & KEY_ATTR_ALWAYS_SENSITIVE) != 0;
	ret->never_extractable = (f.attrs & KEY_ATTR_NEVER_EXTRACTABLE) != 0;
	ret->local = (f.attrs & KEY_ATTR_LOCAL) != 0;
	custody_flaw_words(ret->relaxed, f.relaxed);
	custody_warning_words(ret->uses, f.warnings);
	facts_tokens(k, key, &ret->tokens);
	facts_warnings(k, key, clock_unix_ms() / 1000, &ret->warnings);
}

static bool
fill_key(const struct keeper *k, const struct key *key, struct policy_scope scope,
    struct api_key *ret, struct kd_err *e)
{
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
	fill_custody(k, key, ret);
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
separation(const struct keeper *k, const struct ask *ask)
{
	uid_t own = geteuid(), front = k->settings->front_uid;
	bool signers_apart = true;

	for (size_t i = 0; i < k->links_n; i++) {
		uid_t signer = signer_link_view(k->links[i]).peer_uid;

		signers_apart = signers_apart && signer != own && signer != front;
	}
	if (front == own && !signers_apart)
		return "one user, no separation";
	if (front == own || !signers_apart)
		return "two users, partly separated";
	if (ask->relay == ASK_RELAY_NONE)
		return "three users";
	return ask->relay_apart ? "four users" : "three users, the relay not apart";
}

static const char *
relay_word(enum ask_relay r)
{
	switch (r) {
	case ASK_RELAY_NONE:
		break;
	case ASK_RELAY_DOWN:
		return "not connected";
	case ASK_RELAY_UP:
		return "connected";
	}
	return "";
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
	facts_warnings(k, key, clock_unix_ms() / 1000, &to->warnings);
	if (v.known)
		(void)snprintf(to->token, sizeof(to->token), "%.32s (%.16s), %s",
		    v.state->label, v.state->serial, v.word);
	else
		copy(to->token, sizeof(to->token), v.word);
}

static void
fill_ready_token(const struct signer_link *l, struct api_ready_token *to)
{
	struct signer_link_view v = signer_link_view(l);

	copy(to->signer, sizeof(to->signer), signer_link_name(l));
	copy(to->state, sizeof(to->state), v.word);
	if (!v.known)
		return;
	copy(to->label, sizeof(to->label), v.state->label);
	copy(to->serial, sizeof(to->serial), v.state->serial);
	copy(to->detail, sizeof(to->detail), v.state->detail);
	to->sessions = v.state->sessions;
	to->sessions_in_use = facts_sessions_in_use(&v);
	to->restarts = v.state->restarts;
	copy(to->breaker, sizeof(to->breaker), token_breaker_name(v.state->breaker));
}

bool
answers_ready(const struct keeper *k, const struct ask *ask, struct answer *ret,
    struct buf *body, struct kd_err *e)
{
	AUTO(api_ready_clear) struct api_ready r = {.ready = !k->record_bad};
	const struct settings *s = k->settings;

	r.keys = kd_alloc_array(s->keys_n, sizeof(*r.keys));
	r.tokens = kd_alloc_array(k->links_n, sizeof(*r.tokens));
	if (r.keys == NULL || r.tokens == NULL)
		return kd_fail_nomem(e, "readiness");
	copy(r.version, sizeof(r.version), PACKAGE_VERSION);
	copy(r.separation, sizeof(r.separation), separation(k, ask));
	copy(r.record, sizeof(r.record), k->record_bad ? k->record_error : "ok");
	copy(r.relay, sizeof(r.relay), relay_word(ask->relay));
	for (size_t i = 0; i < k->links_n; i++)
		if (!signer_link_retired(k->links[i]))
			fill_ready_token(k->links[i], &r.tokens[r.tokens_n++]);
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
