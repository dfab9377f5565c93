/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/relay/rate.c - how often one client may ask. */
#include "daemon/relay/rate.h"

#include <string.h>

#include "base/mem.h"

struct client {
	uint8_t id[RATE_CLIENT_LEN];
	/* When the bucket will be full again if nothing more is taken. In the past: it is
	 * full, and the client need not be remembered. */
	uint64_t full_us;
};

struct rate {
	struct client clients[RATE_CLIENTS_MAX];
	size_t n; /* used from the front; those with full_us in the past are free */
};

void
rate_free(struct rate *r)
{
	free(r);
}

bool
rate_new(struct rate **ret, struct kd_err *e)
{
	*ret = kd_alloc(sizeof(**ret));
	return *ret != NULL || kd_fail_nomem(e, "rates of clients");
}

void
rate_forget(struct rate *r)
{
	r->n = 0;
}

/*
 * The client's place, else a free one, else, with all of them taken, that of the one
 * whose bucket is the fullest: it loses least. Some 160 KiB are looked at, which is
 * nothing beside the request that follows.
 */
static struct client *
place_of(struct rate *r, const uint8_t id[RATE_CLIENT_LEN])
{
	struct client *best = &r->clients[0];

	for (size_t i = 0; i < r->n; i++) {
		struct client *c = &r->clients[i];

		if (memcmp(c->id, id, RATE_CLIENT_LEN) == 0)
			return c;
		if (c->full_us < best->full_us)
			best = c;
	}
	return r->n < RATE_CLIENTS_MAX ? &r->clients[r->n] : best;
}

/* The generic cell rate algorithm (ITU-T I.371, annex A): a bucket of `burst` that gains
 * one each interval is one time stamp. */
bool
rate_take(struct rate *r, const struct rate_limit *l,
    const uint8_t client[RATE_CLIENT_LEN], uint64_t now_ms, uint64_t *ret_wait_ms)
{
	uint64_t interval = 60000000 / l->per_minute, room = interval * l->burst;
	uint64_t now = now_ms * 1000, full = now;
	struct client *c = place_of(r, client);
	bool known = c < &r->clients[r->n] && memcmp(c->id, client, sizeof(c->id)) == 0;

	if (known && c->full_us > now)
		full = c->full_us;
	full += interval;
	if (full - now > room) {
		*ret_wait_ms = (full - now - room + 999) / 1000;
		return false;
	}
	if (c == &r->clients[r->n])
		r->n++;
	memcpy(c->id, client, sizeof(c->id));
	c->full_us = full;
	return true;
}
