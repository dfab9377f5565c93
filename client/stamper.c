/* SPDX-License-Identifier: Apache-2.0 */
/* client/stamper.c - timestamps for signatures, from whichever authority answers. */
#include "client/stamper.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "authenticode/cms_edit.h"
#include "client/stamp_ask.h"

#define PAUSE_FIRST_MS 250u
#define PAUSE_DOUBLINGS_MAX 6u /* to 16 s */
#define SLOW_MS 100            /* so near its deadline, an authority did not answer */
#define NOBODY SIZE_MAX
#define PROBE_LEN 256 /* as a signature with RSA of 2048 bits */

struct source {
	const char *url; /* borrowed; STAMP_BY_SERVER: through the service */
	unsigned failed;   /* lock: mu; times in a row, seen by one thread after another */
	uint64_t again_ms; /* lock: mu; not asked before that moment */
	bool out;          /* lock: mu; for the rest of the run */
	struct kd_err err; /* lock: mu; what it did last, when it failed */
};

struct stamper {
	enum tsp_kind kind;              /* read-only, as all up to mu */
	enum md md;
	uint64_t timeout_ms;
	const struct settings *settings; /* borrowed */
	struct certs *roots;             /* owned; NULL: none asked for */
	size_t n;
	pthread_mutex_t mu;
	struct source v[STAMP_SOURCES_MAX];
};

struct stamp_link {
	struct net_tsa *tsa;
	struct server *server;
};

struct attempt { /* one signature's way through the sources; one thread's own */
	uint64_t until_ms;             /* no pause is waited for beyond */
	bool tried[STAMP_SOURCES_MAX]; /* at least once */
	bool wrong[STAMP_SOURCES_MAX]; /* answered, but not with a timestamp of this */
};

static bool
is_by_server(const char *url)
{
	return strcmp(url, STAMP_BY_SERVER) == 0;
}

static bool
add_sources(struct stamper *s, const struct option_list *urls, struct kd_err *e)
{
	for (size_t i = 0; i < urls->n; i++) {
		if (s->n == STAMP_SOURCES_MAX)
			return kd_fail(e, KD_E_USAGE,
			    "more than %d time-stamping authorities", STAMP_SOURCES_MAX);
		if (!is_by_server(urls->v[i]) && !net_tsa_check_url(urls->v[i], e))
			return false;
		s->v[s->n++].url = urls->v[i];
	}
	return true;
}

static bool
load_roots(const struct option_list *files, struct certs **ret, struct kd_err *e)
{
	if (files->n == 0)
		return true;
	if (!certs_new(ret, e))
		return false;
	for (size_t i = 0; i < files->n; i++)
		if (!certs_load(*ret, files->v[i], e))
			return kd_in(e, "'--tsa-root'");
	return true;
}

bool
stamper_new(const struct stamp_options *o, const struct settings *settings,
    struct stamper **ret, struct kd_err *e)
{
	AUTO(stamper_free) struct stamper *s = kd_alloc(sizeof(*s));

	if (s == NULL)
		return kd_fail_nomem(e, "timestamps");
	if (pthread_mutex_init(&s->mu, NULL) != 0) {
		free(STEAL(s));
		return kd_fail(e, KD_E_BUG, "mutex cannot be made");
	}
	if (o->rfc3161.n != 0 && o->legacy.n != 0) {
		(void)kd_fail(e, KD_E_USAGE,
		    "'--timestamp' and '--timestamp-legacy' exclude each other: a "
		    "signature has one timestamp");
		return kd_hint(e,
		    "sign once with each: the second time with --append, as a nested "
		    "signature");
	}
	s->kind = o->legacy.n != 0 ? TSP_LEGACY : TSP_RFC3161;
	s->md = o->md;
	s->timeout_ms = o->timeout_ms != 0 ? o->timeout_ms : STAMP_TIMEOUT_MS;
	s->settings = settings;
	if (!add_sources(s, s->kind == TSP_LEGACY ? &o->legacy : &o->rfc3161, e) ||
	    !load_roots(&o->tsa_root, &s->roots, e))
		return false;
	*ret = STEAL(s);
	return true;
}

void
stamper_free(struct stamper *s)
{
	if (s == NULL)
		return;
	certs_free(s->roots);
	(void)pthread_mutex_destroy(&s->mu);
	free(s);
}

void
stamp_link_free(struct stamp_link *l)
{
	if (l == NULL)
		return;
	net_tsa_close(l->tsa);
	server_close(l->server);
	free(l);
}

static bool
ask(const struct stamper *s, struct stamp_link *l, const char *url,
    struct stamp_question *q, struct stamp_answer *ret, struct kd_err *e)
{
	uint64_t deadline = clock_ms() + s->timeout_ms;

	if (is_by_server(url)) {
		if (l->server == NULL && !server_open(s->settings, &l->server, e))
			return false;
		q->deadline_ms = server_deadline(l->server);
		/* With others to be asked it gets no more time than each of them. */
		if (s->n > 1 && deadline < q->deadline_ms)
			q->deadline_ms = deadline;
		return stamp_ask_server(l->server, q, ret, e);
	}
	q->deadline_ms = deadline;
	return (l->tsa != NULL || net_tsa_open(&l->tsa, e)) &&
	       stamp_ask_tsa(l->tsa, url, q, ret, e);
}

/* Failures of ours, which asking elsewhere does not cure. */
static bool
is_ours(enum kd_code code)
{
	return code == KD_E_NOMEM || code == KD_E_CRYPTO || code == KD_E_BUG ||
	       code == KD_E_USAGE || code == KD_E_CONFIG;
}

/* The first source that may be asked now; else NOBODY, and *ret_when is when one may. */
static size_t
pick(const struct stamper *s, const struct attempt *a, uint64_t now, uint64_t *ret_when)
{
	*ret_when = UINT64_MAX;
	for (size_t i = 0; i < s->n; i++) {
		const struct source *v = &s->v[i];

		if (a->wrong[i] || v->out || (a->tried[i] && now >= a->until_ms))
			continue;
		if (v->again_ms <= now)
			return i;
		if (v->again_ms < *ret_when)
			*ret_when = v->again_ms;
	}
	return NOBODY;
}

static void
note_failure(struct stamper *s, struct attempt *a, size_t i, unsigned failed_before,
    const struct kd_err *err) /* lock: mu */
{
	struct source *v = &s->v[i];

	v->err = *err;
	a->wrong[i] = err->code != KD_E_UNREACHABLE && err->code != KD_E_TIMESTAMP &&
		      err->code != KD_E_BUSY;
	if (v->failed != failed_before)
		return; /* others failed at the same time: counted once */
	v->again_ms = clock_ms() +
		      (PAUSE_FIRST_MS << (v->failed < PAUSE_DOUBLINGS_MAX
						 ? v->failed
						 : PAUSE_DOUBLINGS_MAX));
	v->failed++;
}

static void
sleep_until(uint64_t moment)
{
	struct timespec t;
	int left = clock_left(moment);

	t.tv_sec = left / 1000;
	t.tv_nsec = (long)(left % 1000) * 1000000;
	(void)nanosleep(&t, NULL); /* shorter when a signal comes: harmless */
}

static bool
fail_all(struct stamper *s, struct kd_err *e) /* lock: mu */
{
	const struct kd_err *first = NULL, *other = NULL;

	for (size_t i = 0; i < s->n; i++) {
		const struct kd_err *err = &s->v[i].err;

		if (err->code == KD_OK)
			continue;
		if (first == NULL)
			first = err;
		else if (other == NULL)
			other = err;
	}
	/* The service's refusal is none that another try cures. */
	if (first != NULL && other == NULL && first->code == KD_E_DENIED)
		return kd_fail(e, KD_E_DENIED, "no timestamp: %s", first->msg);
	(void)kd_fail(e, KD_E_TIMESTAMP, "no timestamp: %s",
	    first != NULL ? first->msg : "no authority may be asked");
	if (other != NULL)
		return kd_hint(e, "neither from the next: %.200s", other->msg);
	return first == NULL || first->hint[0] == '\0' ? false
						       : kd_hint(e, "%s", first->hint);
}

/* Asks one after the other until one gives a timestamp. */
static bool
ask_all(struct stamper *s, struct stamp_link *l, struct stamp_question *q,
    struct stamp_answer *ret, struct kd_err *e)
{
	struct attempt a = {.until_ms = clock_ms() + s->timeout_ms};

	(void)pthread_mutex_lock(&s->mu);
	for (;;) {
		struct kd_err now_err = {0};
		uint64_t when;
		size_t i = pick(s, &a, clock_ms(), &when);
		unsigned failed_before = i != NOBODY ? s->v[i].failed : 0;
		bool ok;

		if (i == NOBODY && when > a.until_ms)
			break;
		(void)pthread_mutex_unlock(&s->mu);
		if (i == NOBODY) {
			sleep_until(when);
			(void)pthread_mutex_lock(&s->mu);
			continue;
		}
		ok = ask(s, l, s->v[i].url, q, ret, &now_err);
		(void)pthread_mutex_lock(&s->mu);
		if (ok || is_ours(now_err.code)) {
			s->v[i].failed = ok ? 0 : s->v[i].failed;
			(void)pthread_mutex_unlock(&s->mu);
			*e = now_err;
			return ok;
		}
		stamp_answer_clear(ret);
		note_failure(s, &a, i, failed_before, &now_err);
		/* The service has been tried all its time; a slow one would cost it for
		 * each file. */
		s->v[i].out = s->v[i].out || is_by_server(s->v[i].url) ||
			      clock_left(q->deadline_ms) < SLOW_MS;
		a.tried[i] = true;
	}
	(void)fail_all(s, e);
	(void)pthread_mutex_unlock(&s->mu);
	return false;
}

bool
stamper_stamp(struct stamper *s, struct stamp_link **link, const uint8_t *cms, size_t len,
    struct buf *ret, struct stamp_made *ret_made, struct kd_err *e)
{
	AUTO(cms_clear) struct cms c = {0};
	AUTO(stamp_answer_clear) struct stamp_answer a = {0};
	struct stamp_question q = {.kind = s->kind, .roots = s->roots};

	if (*link == NULL)
		*link = kd_alloc(sizeof(**link));
	if (*link == NULL)
		return kd_fail_nomem(e, "connection");
	if (!cms_parse(cms, len, &c, e))
		return false;
	q.md = s->md != MD_NONE ? s->md : c.md;
	q.signature = c.signature;
	q.signature_len = c.signature_len;
	if (!ask_all(s, *link, &q, &a, e) ||
	    !cms_set_timestamp(
		cms, len, s->kind, a.value.p, a.value.len, a.certs, ret, e))
		return false;
	*ret_made = (struct stamp_made){.kind = s->kind, .time = a.time};
	return true;
}

bool
stamper_probe(struct stamper *s, struct kd_err *e)
{
	AUTO(stamp_link_free) struct stamp_link *link = kd_alloc(sizeof(*link));
	AUTO(stamp_answer_clear) struct stamp_answer a = {0};
	uint8_t nothing[PROBE_LEN];
	struct stamp_question q = {.kind = s->kind,
	    .md = s->md != MD_NONE ? s->md : MD_SHA256,
	    .roots = s->roots,
	    .signature = nothing,
	    .signature_len = sizeof(nothing)};

	if (link == NULL)
		return kd_fail_nomem(e, "connection");
	if (getrandom(nothing, sizeof(nothing), 0) != (ssize_t)sizeof(nothing))
		return kd_fail(e, KD_E_CRYPTO, "no random bytes");
	return ask_all(s, link, &q, &a, e);
}

bool
stamper_gave_up(struct stamper *s, struct kd_err *e)
{
	uint64_t until = clock_ms() + s->timeout_ms;
	bool any = false;

	(void)pthread_mutex_lock(&s->mu);
	for (size_t i = 0; i < s->n; i++)
		any = any || (!s->v[i].out && s->v[i].again_ms <= until);
	if (!any)
		(void)fail_all(s, e);
	(void)pthread_mutex_unlock(&s->mu);
	return !any;
}
