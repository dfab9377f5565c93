/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/relay/stamper.h - timestamps under way: who waits, who is asked, what is answered. */
#ifndef KD_RELAY_STAMPER_H
#define KD_RELAY_STAMPER_H
#include "daemon/relay/conf.h"
#include "daemon/relay/fetch.h"
#include "daemon/relay/front.h"

struct stamper; /* opaque; one thread */

struct stamper_parts { /* borrowed while the stamper lives */
	struct fetcher *fetcher;
	/* Where answers go: front_answer, but for tests. */
	void (*answer)(void *self, const struct front_asker *who, const struct answer *a);
	void *self;
};

void stamper_free(struct stamper *s);
AUTO_DEFINE(struct stamper, stamper_free);
bool stamper_new(const struct stamper_parts *parts, struct settings *settings,
    struct stamper **ret, struct kd_err *e) KD_MUST;
/* For what comes from now on; a reference is taken. */
void stamper_set(struct stamper *s, struct settings *settings);

/*
 * stamper_ask - one question, answered now or in a later turn, always, by its deadline.
 *
 * What a client hears: bad_request, not_found (no authority for that kind), busy (its rate,
 * or the queue), timestamp_unavailable, out_of_memory.
 */
void stamper_ask(
    struct stamper *s, const struct front_asker *who, const struct relay_ask *ask);
/* Starts what may start and gives up what is too late; when to be called again
 * (clock_ms). */
uint64_t stamper_turn(struct stamper *s);
bool stamper_idle(const struct stamper *s);
/* Everything under way is answered KD_E_UNREACHABLE. The fetcher must be gone by then. */
void stamper_give_up(struct stamper *s);
#endif
