/* SPDX-License-Identifier: Apache-2.0 */
/* client/net_tsa.h - requests to time-stamping authorities, over HTTP or HTTPS. */
#ifndef CLIENT_NET_TSA_H
#define CLIENT_NET_TSA_H
#include "authenticode/tsp.h"
#include "base/builder.h"
#include "base/own.h"

#define NET_TSA_URL_MAX 512

struct net_tsa; /* opaque: connections of one thread, kept open between requests */

/* After net_init. Connects nothing yet. KD_E_NOMEM. */
bool net_tsa_open(struct net_tsa **ret, struct kd_err *e) KD_MUST;
void net_tsa_close(struct net_tsa *n);
AUTO_DEFINE(struct net_tsa, net_tsa_close);

/* http:// or https://, a host, printable ASCII, no user, no fragment. KD_E_USAGE. */
bool net_tsa_check_url(const char *url, struct kd_err *e) KD_MUST;

struct net_tsa_request { /* borrowed */
	const char *url;
	enum tsp_kind kind; /* decides the media types */
	const uint8_t *body;
	size_t body_len;
	uint64_t deadline_ms; /* on the monotonic clock */
};

/*
 * net_tsa_ask - POST, and the body of an answer with status 200.
 *
 * No redirect is followed, no proxy of the environment is used. Whoever listens there is
 * not trusted: what comes must prove itself by its signature. An https server must still
 * have a certificate that the system trusts, else https would promise what it does not do.
 *
 * ret  appended to: at most TSP_ANSWER_MAX bytes
 * Errors: KD_E_UNREACHABLE (not there, no answer in time, any other status),
 *         KD_E_TLS, KD_E_PROTOCOL (too large, no HTTP), KD_E_NOMEM; they name the URL.
 */
bool net_tsa_ask(struct net_tsa *n, const struct net_tsa_request *q, struct buf *ret,
    struct kd_err *e) KD_MUST;
#endif
