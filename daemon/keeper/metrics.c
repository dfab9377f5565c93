/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/keeper/metrics.c - what the keeper counts and sees, as Prometheus text. */
#include "base/clock.h"
#include "daemon/keeper/facts.h"

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

/* A line for every signer, and its type before the first. */
static void
of_signers(const struct keeper *k, struct buf *b, const char *name, const char *type,
    uint64_t (*value)(const struct signer_link_view *v))
{
	buf_printf(b, "# TYPE kdsign_%s %s\n", name, type);
	for (size_t i = 0; i < k->links_n; i++) {
		struct signer_link_view v = signer_link_view(k->links[i]);

		if (signer_link_retired(k->links[i]))
			continue; /* its successor may have the same name */
		buf_printf(b, "kdsign_%s{signer=\"%s\"} %llu\n", name,
		    signer_link_name(k->links[i]), (unsigned long long)value(&v));
	}
}

static uint64_t
is_ready(const struct signer_link_view *v)
{
	return v->known && v->state->token == TOKEN_READY;
}

static uint64_t
sent(const struct signer_link_view *v)
{
	return v->sent;
}

static uint64_t
sessions(const struct signer_link_view *v)
{
	return v->known ? v->state->sessions : 0;
}

static uint64_t
sessions_in_use(const struct signer_link_view *v)
{
	return facts_sessions_in_use(v);
}

static uint64_t
restarts(const struct signer_link_view *v)
{
	return v->known ? v->state->restarts : 0;
}

static uint64_t
breaker_opened(const struct signer_link_view *v)
{
	return v->known ? v->state->opened : 0;
}

/* What each signer is in, as a label, of those that have told it. */
static void
of_states(const struct keeper *k, struct buf *b, const char *name,
    const char *(*state)(const struct signer_link_view *v))
{
	buf_printf(b, "# TYPE kdsign_%s gauge\n", name);
	for (size_t i = 0; i < k->links_n; i++) {
		struct signer_link_view v = signer_link_view(k->links[i]);
		const char *word = state(&v);

		if (!signer_link_retired(k->links[i]) && word != NULL)
			buf_printf(b, "kdsign_%s{signer=\"%s\",state=\"%s\"} 1\n", name,
			    signer_link_name(k->links[i]), word);
	}
}

static const char *
token_word(const struct signer_link_view *v)
{
	return v->word;
}

static const char *
breaker_word(const struct signer_link_view *v)
{
	return v->known ? token_breaker_name(v->state->breaker) : NULL;
}

static void
token_metrics(const struct keeper *k, struct buf *b)
{
	of_signers(k, b, "token_ready", "gauge", is_ready);
	of_signers(k, b, "sent_items", "gauge", sent);
	of_signers(k, b, "token_sessions", "gauge", sessions);
	of_signers(k, b, "token_sessions_in_use", "gauge", sessions_in_use);
	of_signers(k, b, "token_restarts_total", "counter", restarts);
	of_signers(k, b, "token_breaker_opened_total", "counter", breaker_opened);
	of_states(k, b, "token_state", token_word);
	of_states(k, b, "token_breaker", breaker_word);
}

static void
of_keys(const struct keeper *k, struct buf *b, const char *name,
    uint64_t (*value)(const struct keeper *k, const struct key *key, int64_t now))
{
	const struct settings *s = k->settings;
	int64_t now = clock_unix_ms() / 1000;

	buf_printf(b, "# TYPE kdsign_%s gauge\n", name);
	for (size_t i = 0; i < s->keys_n; i++)
		buf_printf(b, "kdsign_%s{key=\"%s\"} %llu\n", name, s->keys[i].name,
		    (unsigned long long)value(k, &s->keys[i], now));
}

static uint64_t
key_ready(const struct keeper *k, const struct key *key, int64_t now)
{
	struct kd_err why = {0};

	return group_check_key(signers_group(k, key), key, now, &why);
}

static uint64_t
key_relaxed(const struct keeper *k, const struct key *key, int64_t now)
{
	(void)now;
	return facts_of(k, key).relaxed != 0;
}

static uint64_t
days_left(const struct keeper *k, const struct key *key, int64_t now)
{
	(void)k;
	return expiry_days(key->info.not_after, now);
}

static uint64_t
not_after(const struct keeper *k, const struct key *key, int64_t now)
{
	(void)k, (void)now;
	return key->info.not_after > 0 ? (uint64_t)key->info.not_after : 0;
}

static void
key_metrics(const struct keeper *k, struct buf *b)
{
	of_keys(k, b, "key_ready", key_ready);
	of_keys(k, b, "key_custody_relaxed", key_relaxed);
	of_keys(k, b, "certificate_days_left", days_left);
	of_keys(k, b, "certificate_not_after_seconds", not_after);
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
	token_metrics(k, body);
	key_metrics(k, body);
	*ret = (struct answer){.status = 200,
	    .type = ANSWER_TEXT,
	    .body = {.p = body->p, .len = body->len}};
	return buf_ok(body, "metrics", e);
}
