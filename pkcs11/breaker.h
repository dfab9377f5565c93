/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/breaker.h - when a token that fails is left alone, and when it is looked at
 * again. */
#ifndef KD_PKCS11_BREAKER_H
#define KD_PKCS11_BREAKER_H
#include <stdbool.h>
#include <stdint.h>

#include "wire/signer_msg.h"

#define BREAKER_FAULTS_MAX 16

/*
 * Pure: the clock is passed in, nothing waits.
 *
 *	closed     jobs go to the token. So many faults within the window, one hang or one
 *	           bad signature open it.
 *	open       nothing is asked of the token until breaker_start_at.
 *	half-open  a fresh module looks at it; ready closes, another fault opens again, for
 *	           twice as long, up to wait_max_ms, a fifth more or less.
 *
 * A hang costs its process anyway, and the next one is the look at the token: the first
 * hang therefore opens for no time at all, so that other keys and clients go on; one more,
 * with no signature in between, waits like all else.
 */
struct breaker_conf {
	uint32_t faults; /* 1..BREAKER_FAULTS_MAX */
	uint64_t window_ms, wait_ms, wait_max_ms;
	uint32_t starts_per_minute; /* of the process that holds the module */
};

enum breaker_cause { BREAKER_FAULT, BREAKER_HANG, BREAKER_BAD_SIGNATURE };

struct breaker {
	struct breaker_conf conf;
	enum token_breaker state;
	uint64_t faults[BREAKER_FAULTS_MAX]; /* when, of the last ones; 0: none */
	uint32_t faults_i;
	uint32_t level;  /* waits since the last signature */
	bool hung;       /* a hang since the last signature */
	uint32_t opened; /* times opened, ever */
	uint64_t start_at;
	uint64_t minute_at; /* starts are counted from here */
	uint32_t starts;
	uint64_t random; /* for the fifth more or less: no secret */
};

void breaker_init(struct breaker *b, const struct breaker_conf *c, uint64_t seed);
/* Something went wrong. True: the breaker has opened by it. */
bool breaker_fail(struct breaker *b, enum breaker_cause cause, uint64_t now_ms);
/* When the next process may be started; it may be now. */
uint64_t breaker_start_at(const struct breaker *b, uint64_t now_ms);
/* The same while the token is not there, or not to be logged in to: no fault of anybody's,
 * so it is looked for at a steady pace, whatever was before. */
#define BREAKER_LOOK_MS 1000
uint64_t breaker_look_at(const struct breaker *b, uint64_t now_ms);
/* It is started. */
void breaker_started(struct breaker *b, uint64_t now_ms);
/* It is ready to sign. */
void breaker_ready(struct breaker *b);
/* The token has signed: what was, is over. */
static inline void
breaker_signed(struct breaker *b)
{
	b->level = 0;
	b->hung = false;
}
#endif
