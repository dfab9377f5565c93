/* SPDX-License-Identifier: Apache-2.0 */
/* client/net.h - one HTTPS connection to the signing service; the only file that knows
 * libcurl. */
#ifndef CLIENT_NET_H
#define CLIENT_NET_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/builder.h"
#include "base/error.h"
#include "base/own.h"
#include "wire/api.h"

#define NET_ANSWER_MAX API_ANSWER_MAX

struct net_options {          /* borrowed while the connection lives */
	const char *server;   /* "https://host:port" */
	const char *identity; /* PEM: certificate, chain and key in one file */
	const char *ca;       /* PEM, the only trusted ones; NULL: the system's */
};

struct net_request {
	const char *path; /* "/v1/keys" */
	const char *body; /* JSON: POST; NULL: GET */
	size_t body_len;
	uint64_t deadline_ms; /* on the monotonic clock: base/clock.h */
};

struct net_answer {
	long status;
	bool problem, json;     /* application/problem+json, application/json */
	unsigned retry_after_s; /* 0: not said */
	struct buf body;
};
void net_answer_clear(struct net_answer *a);
AUTO_DEFINE_CLEAR(struct net_answer, net_answer_clear);

struct net; /* opaque; used by one thread at a time */

/* Once, before any thread; KD_E_BUG when the library cannot start. */
bool net_init(struct kd_err *e) KD_MUST;
/* Connects nothing yet. KD_E_USAGE: the address or a file is not usable; KD_E_AUTH: our
 * certificate expired. */
bool net_open(const struct net_options *o, struct net **ret, struct kd_err *e) KD_MUST;
void net_close(struct net *n);
AUTO_DEFINE(struct net, net_close);

/*
 * net_ask - one request, one answer, no second try. The connection stays for the next.
 *
 * TLS 1.3, no proxy, no redirection, no cookies; an answer over NET_ANSWER_MAX is
 * refused. Errors: KD_E_UNREACHABLE (not there, lost, too late), KD_E_TLS (server's
 * certificate or name), KD_E_AUTH (it refused ours), KD_E_PROTOCOL, KD_E_NOMEM. An HTTP
 * error status is an answer.
 */
bool net_ask(struct net *n, const struct net_request *q, struct net_answer *ret,
    struct kd_err *e) KD_MUST;
#endif
