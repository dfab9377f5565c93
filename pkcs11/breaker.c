/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/breaker.c - when a token that fails is left alone, and when it is looked at
 * again. */
#include "pkcs11/breaker.h"

#include <assert.h>

#define MINUTE_MS 60000
#define SPREAD 5       /* a fifth, so that hosts with one HSM do not come all at once */
#define LEVEL_SHIFT 16 /* beyond that the wait is the longest in any case */

void
breaker_init(struct breaker *b, const struct breaker_conf *c, uint64_t seed)
{
	assert(c->faults > 0 && c->faults <= BREAKER_FAULTS_MAX);
	assert(c->starts_per_minute > 0);
	*b = (struct breaker){.conf = *c, .random = seed | 1};
}

/* xorshift64 (Marsaglia 2003): 0 to n - 1. */
static uint64_t
random_below(struct breaker *b, uint64_t n)
{
	b->random ^= b->random << 13;
	b->random ^= b->random >> 7;
	b->random ^= b->random << 17;
	return n > 0 ? b->random % n : 0;
}

static uint64_t
next_wait(struct breaker *b)
{
	uint64_t shift = b->level < LEVEL_SHIFT ? b->level : LEVEL_SHIFT;
	uint64_t wait = b->conf.wait_ms << shift, spread;

	b->level++;
	if (wait > b->conf.wait_max_ms)
		wait = b->conf.wait_max_ms;
	spread = wait / SPREAD;
	return wait - spread + random_below(b, 2 * spread + 1);
}

/* The ring holds as many as it takes: it is full of late ones when the oldest is late. */
static bool
one_too_many(struct breaker *b, uint64_t now_ms)
{
	uint64_t oldest;

	b->faults[b->faults_i] = now_ms;
	b->faults_i = (b->faults_i + 1) % b->conf.faults;
	oldest = b->faults[b->faults_i];
	return oldest != 0 && now_ms - oldest <= b->conf.window_ms;
}

static void
open_breaker(struct breaker *b, uint64_t wait_ms, uint64_t now_ms)
{
	b->state = BREAKER_OPEN;
	b->start_at = now_ms + wait_ms;
	b->opened++;
	for (uint32_t i = 0; i < BREAKER_FAULTS_MAX; i++)
		b->faults[i] = 0;
}

bool
breaker_fail(struct breaker *b, enum breaker_cause cause, uint64_t now_ms)
{
	if (b->state == BREAKER_OPEN)
		return false; /* what was under way when it opened */
	if (b->state == BREAKER_CLOSED && cause == BREAKER_FAULT &&
	    !one_too_many(b, now_ms))
		return false;
	if (cause == BREAKER_HANG && b->level == 0 && !b->hung)
		open_breaker(b, 0, now_ms);
	else
		open_breaker(b, next_wait(b), now_ms);
	b->hung = b->hung || cause == BREAKER_HANG;
	return true;
}

static uint64_t
not_too_often(const struct breaker *b, uint64_t at)
{
	uint64_t minute_end = b->minute_at + MINUTE_MS;

	return b->starts >= b->conf.starts_per_minute && minute_end > at ? minute_end
									 : at;
}

uint64_t
breaker_start_at(const struct breaker *b, uint64_t now_ms)
{
	return not_too_often(b,
	    b->state == BREAKER_OPEN && b->start_at > now_ms ? b->start_at : now_ms);
}

uint64_t
breaker_look_at(const struct breaker *b, uint64_t now_ms)
{
	return not_too_often(b, now_ms + BREAKER_LOOK_MS);
}

void
breaker_started(struct breaker *b, uint64_t now_ms)
{
	if (b->starts == 0 || now_ms - b->minute_at >= MINUTE_MS) {
		b->minute_at = now_ms;
		b->starts = 0;
	}
	b->starts++;
	if (b->state == BREAKER_OPEN)
		b->state = BREAKER_HALF_OPEN;
}

void
breaker_ready(struct breaker *b)
{
	b->state = BREAKER_CLOSED;
}
