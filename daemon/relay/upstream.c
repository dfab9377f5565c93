/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/relay/upstream.c - the configured authorities of one protocol: whose turn it is. */
#include "daemon/relay/upstream.h"

bool
upstream_well(const struct upstream *up)
{
	return up->failed == 0;
}

struct upstream *
upstream_pick(struct upstreams *u, unsigned tried, uint64_t now_ms)
{
	for (size_t i = 0; i < u->n; i++) {
		struct upstream *up = &u->v[i];

		if ((tried & 1u << i) != 0)
			continue;
		if (upstream_well(up))
			return up;
		if (!up->probing && up->retry_at_ms <= now_ms) {
			up->probing = true;
			return up;
		}
	}
	return NULL;
}

void
upstream_report(const struct upstreams *u, struct upstream *picked,
    enum upstream_result result, uint64_t now_ms)
{
	uint64_t pause = UPSTREAM_PAUSE_MIN_MS;

	picked->count[result]++;
	picked->probing = false;
	if (result != UPSTREAM_FAILED) {
		picked->failed = 0;
		return;
	}
	/* Requests that were under way together when it went away are one failure. */
	if (picked->failed > 0 && picked->retry_at_ms > now_ms)
		return;
	for (unsigned i = 0; i < picked->failed && pause < u->pause_max_ms; i++)
		pause *= 2;
	picked->failed++;
	picked->retry_at_ms =
	    now_ms + (pause < u->pause_max_ms ? pause : u->pause_max_ms);
}

uint64_t
upstream_wait_ms(const struct upstreams *u, uint64_t now_ms)
{
	uint64_t least = UINT64_MAX;

	for (size_t i = 0; i < u->n; i++) {
		const struct upstream *up = &u->v[i];
		uint64_t left = upstream_well(up) || up->retry_at_ms <= now_ms
				    ? 0
				    : up->retry_at_ms - now_ms;

		least = left < least ? left : least;
	}
	return u->n == 0 ? 0 : least;
}
