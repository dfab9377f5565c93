/* SPDX-License-Identifier: Apache-2.0 */
/* client/server.h - the API as the commands use it: tried again while that can help. */
#ifndef CLIENT_SERVER_H
#define CLIENT_SERVER_H
#include "base/error.h"
#include "base/own.h"
#include "client/net.h"
#include "client/settings.h"
#include "wire/api.h"

struct server; /* opaque: one connection; used by one thread at a time */

/* Connects nothing yet. settings: borrowed while it lives. Errors: settings_need_server,
 * net_open. */
bool server_open(
    const struct settings *settings, struct server **ret, struct kd_err *e) KD_MUST;
void server_close(struct server *s);
AUTO_DEFINE(struct server, server_close);

/* A moment of the monotonic clock, settings' timeout from now. */
uint64_t server_deadline(const struct server *s);

/*
 * server_ask - an answer of 200 or 202, the request repeated until the deadline while the
 * failure is one that passes: service not there, connection lost, 503 (after its
 * Retry-After). Waits grow from 0.2 s to 5 s, each with jitter, so that a farm does not
 * come back in one wave.
 *
 * body     NULL: GET. A POST must be one that may arrive twice (it carries an idempotency
 *          id)
 * accepts  NULL, or: is this an answer, though its status says that what was asked for has
 *          failed
 * Errors: the server's own (problem+json), or net_ask's last.
 */
bool server_ask(struct server *s, const char *path, const char *body, size_t body_len,
    bool (*accepts)(const struct net_answer *a), uint64_t deadline_ms,
    struct net_answer *ret, struct kd_err *e) KD_MUST;
/* Waits before try number attempt (0 = first repetition); false when the deadline is
 * nearer. */
bool server_back_off(unsigned attempt, unsigned retry_after_s, uint64_t deadline_ms);
/* A failure that may pass by itself. */
bool server_may_retry(enum kd_code code);

/* GET /v1/keys. */
bool server_keys(struct server *s, struct api_keys *ret, struct kd_err *e) KD_MUST;
/* GET /readyz: also when the answer is "not ready". */
bool server_ready(struct server *s, struct api_ready *ret, struct kd_err *e) KD_MUST;
#endif
