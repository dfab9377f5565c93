/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/relay/upstream.h - the configured authorities of one protocol: whose turn it is. Pure:
 * the caller says what time it is. */
#ifndef KD_RELAY_UPSTREAM_H
#define KD_RELAY_UPSTREAM_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UPSTREAMS_MAX 16 /* of one protocol; so a set of them fits in tried */
#define UPSTREAM_PAUSE_MIN_MS 1000

/* What became of a try. */
enum upstream_result {
	UPSTREAM_OK = 1,
	UPSTREAM_REFUSED, /* it answered that it will not: that request, not its health */
	UPSTREAM_FAILED   /* away, late, or what it said is wrong */
};

struct upstream {
	const char *url; /* borrowed from the settings */
	unsigned failed; /* in a row */
	uint64_t retry_at_ms;
	bool probing; /* one request finds out whether it is back */
	uint64_t count[UPSTREAM_FAILED + 1]; /* by result, since the start or reload */
};

struct upstreams {
	struct upstream v[UPSTREAMS_MAX];
	size_t n;
	uint64_t pause_max_ms;
};

/*
 * upstream_pick - whom to ask next: the first in the order of configuration that is well,
 * or whose pause is over. Then no other request asks that one until this one knows.
 *
 * tried  bit 1 << i: this request has asked v[i] already
 * NULL: nobody is left. Who was picked is given back by upstream_report.
 */
struct upstream *upstream_pick(struct upstreams *u, unsigned tried, uint64_t now_ms);
/* After a failure v[i] pauses: a second, then twice as long each time, up to pause_max_ms.
 */
void upstream_report(const struct upstreams *u, struct upstream *picked,
    enum upstream_result result, uint64_t now_ms);
bool upstream_well(const struct upstream *up);
/* Until the first of all has its pause behind it; 0: one is well, or there is none. */
uint64_t upstream_wait_ms(const struct upstreams *u, uint64_t now_ms);
#endif
