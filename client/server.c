/* SPDX-License-Identifier: Apache-2.0 */
/* client/server.c - the API as the commands use it: tried again while that can help. */
#include "client/server.h"

#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

#define BACK_OFF_FIRST_MS 200u
#define BACK_OFF_MAX_MS 5000u

struct server {
	struct net *net;
	uint64_t timeout_ms;
	bool told; /* that it is being tried again: once */
};

bool
server_open(const struct settings *settings, struct server **ret, struct kd_err *e)
{
	const struct net_options o = {
	    .server = settings->server,
	    .identity = settings->identity,
	    .ca = settings->ca,
	};
	AUTO(server_close) struct server *s = NULL;

	if (!settings_need_server(settings, e))
		return false;
	s = kd_alloc(sizeof(*s));
	if (s == NULL)
		return kd_fail_nomem(e, "server");
	s->timeout_ms = settings->timeout_ms;
	if (!net_open(&o, &s->net, e))
		return false;
	*ret = STEAL(s);
	return true;
}

void
server_close(struct server *s)
{
	if (s == NULL)
		return;
	net_close(s->net);
	free(s);
}

uint64_t
server_deadline(const struct server *s)
{
	return clock_ms() + s->timeout_ms;
}

bool
server_may_retry(enum kd_code code)
{
	return code != KD_E_PENDING && code != KD_E_UNKNOWN_OUTCOME &&
	       code != KD_E_NOMEM && kd_code_info(code)->retryable;
}

bool
server_back_off(unsigned attempt, unsigned retry_after_s, uint64_t deadline_ms)
{
	unsigned most = attempt > 4 ? BACK_OFF_MAX_MS : BACK_OFF_FIRST_MS << attempt;
	unsigned jitter = 0, wait_ms;
	int left = clock_left(deadline_ms);
	struct timespec t;

	if (getrandom(&jitter, sizeof(jitter), 0) != (ssize_t)sizeof(jitter))
		jitter = 0;
	wait_ms = retry_after_s * 1000u + most / 2 + jitter % (most / 2 + 1);
	if (left <= 0 || retry_after_s * 1000u >= (unsigned)left)
		return false;
	if (wait_ms > (unsigned)left)
		wait_ms = (unsigned)left;
	t.tv_sec = (time_t)(wait_ms / 1000);
	t.tv_nsec = (long)(wait_ms % 1000) * 1000000;
	(void)nanosleep(&t, NULL); /* shorter when a signal comes: harmless */
	return clock_left(deadline_ms) > 0;
}

/* Any status but 200 and 202 becomes an error; what a balancer says of a service behind
 * it too. */
static bool
fail_status(const struct net_answer *a, struct kd_err *e)
{
	struct kd_err problem = {0}, unreadable = {0};

	if (a->problem && api_problem_decode((const char *)a->body.p, a->body.len,
			      &problem, &unreadable)) {
		*e = problem;
		return false;
	}
	if (a->status == 502 || a->status == 503 || a->status == 504)
		return kd_fail(e, KD_E_UNREACHABLE,
		    "HTTP status %ld without a problem document: the service behind the "
		    "address "
		    "is not there",
		    a->status);
	return kd_fail(e, KD_E_PROTOCOL,
	    "HTTP status %ld without a problem document; is this a signing service?",
	    a->status);
}

/* One line, so that nobody wonders what the silence is. */
static void
tell(struct server *s, const struct kd_err *e, uint64_t deadline_ms)
{
	if (s->told)
		return;
	s->told = true;
	log_line(LOG_L_WARN, "%s; trying again for up to %d s", e->msg,
	    clock_left(deadline_ms) / 1000);
}

bool
server_ask(struct server *s, const char *path, const char *body, size_t body_len,
    bool (*accepts)(const struct net_answer *a), uint64_t deadline_ms,
    struct net_answer *ret, struct kd_err *e)
{
	const struct net_request q = {
	    .path = path,
	    .body = body,
	    .body_len = body_len,
	    .deadline_ms = deadline_ms,
	};

	for (unsigned attempt = 0;; attempt++) {
		AUTO(net_answer_clear) struct net_answer a = {0};
		struct kd_err now = {0};

		if (net_ask(s->net, &q, &a, &now)) {
			if (a.status == 200 || a.status == 202 ||
			    (accepts != NULL && accepts(&a))) {
				*ret = a;
				a = (struct net_answer){0};
				*e = (struct kd_err){0}; /* what an earlier try met */
				return true;
			}
			(void)fail_status(&a, &now);
		}
		/* An answer that only came too late says less than the last refusal
		 * does; a service that is not there any more is news. */
		if (e->code == KD_OK || now.code != KD_E_UNREACHABLE ||
		    clock_left(deadline_ms) > 0)
			*e = now;
		if (!server_may_retry(now.code))
			return false;
		tell(s, &now, deadline_ms);
		if (!server_back_off(attempt, a.retry_after_s, deadline_ms))
			return false;
	}
}

bool
server_keys(struct server *s, struct api_keys *ret, struct kd_err *e)
{
	AUTO(net_answer_clear) struct net_answer a = {0};

	if (!server_ask(s, "/v1/keys", NULL, 0, NULL, server_deadline(s), &a, e))
		return false;
	if (api_keys_decode((const char *)a.body.p, a.body.len, ret, e))
		return true;
	e->code = KD_E_PROTOCOL;
	return kd_in(e, "answer of the server to /v1/keys");
}

bool
server_ready(struct server *s, struct api_ready *ret, struct kd_err *e)
{
	AUTO(net_answer_clear) struct net_answer a = {0};
	const struct net_request q = {
	    .path = "/readyz", .deadline_ms = server_deadline(s)};

	for (unsigned attempt = 0; !net_ask(s->net, &q, &a, e); attempt++) {
		if (!server_may_retry(e->code))
			return false;
		tell(s, e, q.deadline_ms);
		if (!server_back_off(attempt, 0, q.deadline_ms))
			return false;
		*e = (struct kd_err){0};
	}
	if (a.problem || (a.status != 200 && a.status != 503))
		return fail_status(&a, e);
	if (api_ready_decode((const char *)a.body.p, a.body.len, ret, e))
		return true;
	e->code = KD_E_PROTOCOL;
	return kd_in(e, "answer of the server to /readyz");
}
