/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/relay/rate.h - how often one client may ask. Pure: the caller says what time it is. */
#ifndef KD_RELAY_RATE_H
#define KD_RELAY_RATE_H
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/own.h"

#define RATE_CLIENT_LEN 32    /* SHA-256 of the public key */
#define RATE_CLIENTS_MAX 4096 /* remembered at one time: those that asked lately */

struct rate_limit {
	uint64_t per_minute; /* in the long run; 1 to RATE_PER_MINUTE_MAX */
	uint64_t burst;      /* at once, after a pause; at least 1 */
};
#define RATE_PER_MINUTE_MAX 600000
#define RATE_BURST_MAX 100000

/* A token bucket for each client, kept as the one number from which its level follows. */
struct rate; /* opaque; one thread */

void rate_free(struct rate *r);
AUTO_DEFINE(struct rate, rate_free);
bool rate_new(struct rate **ret, struct kd_err *e) KD_MUST;

/* Everybody starts anew: what was remembered under another limit says nothing. */
void rate_forget(struct rate *r);

/*
 * rate_take - one more of this client, now.
 *
 * l            the same since the last rate_forget
 * ret_wait_ms  when refused: how long until one more would pass
 * False: refused, and then nothing has changed.
 */
bool rate_take(struct rate *r, const struct rate_limit *l,
    const uint8_t client[RATE_CLIENT_LEN], uint64_t now_ms,
    uint64_t *ret_wait_ms) KD_MUST;
#endif
