/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/relay/fetch.h - POSTs to upstreams, several at one time; with fetch.c the only
 * place that knows libcurl. */
#ifndef KD_RELAY_FETCH_H
#define KD_RELAY_FETCH_H
#include <poll.h>
#include <stdint.h>

#include "base/builder.h"
#include "base/error.h"
#include "base/own.h"

#define FETCH_HEADERS_MAX ((size_t)64 << 10)
#define FETCH_POLLS_MAX 16

struct fetcher; /* opaque: libcurl's multi handle; one thread */

/*
 * Called once per fetch, from fetch_turn: with the body of an answer with status 200
 * (borrowed for the call), or with body NULL and the error. It may start another.
 */
typedef void fetch_done(void *cls, const struct buf *body, const struct kd_err *e);

struct fetch_post { /* borrowed for the call */
	const char *url; /* http or https */
	const char *content_type, *accept, *user_agent;
	const struct buf *body;
	const struct buf *ca; /* PEM; empty: the system's */
	size_t answer_max;
	uint64_t deadline_ms; /* from now, everything together: names, connection, answer */
};

void fetcher_free(struct fetcher *f); /* what is under way ends without a word */
AUTO_DEFINE(struct fetcher, fetcher_free);
bool fetcher_new(struct fetcher **ret, struct kd_err *e) KD_MUST;

/*
 * fetch_start - one POST. No redirect is followed, no proxy asked, no cookie or password
 * sent, whatever answer or environment say.
 *
 * Errors: KD_E_NOMEM, and then done is not called. To done: KD_E_UNREACHABLE (no
 * connection, its end, no answer by the deadline, a status that is not 200), KD_E_REQUEST
 * (status 400), KD_E_LIMIT (more than answer_max), KD_E_TLS, KD_E_NOMEM. Messages do not name the URL.
 */
bool fetch_start(struct fetcher *f, const struct fetch_post *post, fetch_done *done,
    void *cls, struct kd_err *e) KD_MUST;

/* Waits for these descriptors (n <= FETCH_POLLS_MAX; their revents are set) and its own. */
void fetch_wait(struct fetcher *f, struct pollfd *fds, size_t n, int timeout_ms);
/* What can be done at once. */
void fetch_turn(struct fetcher *f);
#endif
