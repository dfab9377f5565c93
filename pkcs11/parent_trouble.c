/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/parent_trouble.c - what the parent makes of faults: the breaker, keys in
 * quarantine, when to look at the token again. */
#include "config.h"

#include "pkcs11/parent_in.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"

#define HOLD_MS 1000 /* jobs wait that long for a child in place of one that was ready */
/*
 * A fault of one session says little about the others: a slow token's have the time of two
 * signatures, so that what was begun is not lost, because it cannot be begun again. At most
 * a second, because with the start of a module and one signature that is the two seconds
 * in which we sign again; a breaker that opens meanwhile waits at the same time.
 */
#define DRAIN_MS 250
#define DRAIN_MAX_MS 1000
#define STARTING_MS 100 /* what a start takes, about: for who asks when to come again */

bool
trouble_init(struct parent *p, struct kd_err *e)
{
	const struct signer_conf *c = p->conf;

	p->quarantine = kd_alloc_array(c->keys.n, sizeof(*p->quarantine));
	if (p->quarantine == NULL)
		return kd_fail_nomem(e, "keys");
	p->hold_end_ms = NEVER;
	breaker_init(&p->breaker,
	    &(struct breaker_conf){.faults = (uint32_t)c->breaker_faults,
		.window_ms = c->breaker_window_ms,
		.wait_ms = c->breaker_wait_ms,
		.wait_max_ms = c->breaker_wait_max_ms,
		.starts_per_minute = (uint32_t)c->starts_per_minute},
	    clock_ns());
	return true;
}

void
trouble_clear(struct parent *p)
{
	free(p->quarantine);
}

/* The same again and again is said once. */
void
trouble_log(struct parent *p, const char *what)
{
	if (strncmp(p->said, what, sizeof(p->said) - 1) == 0)
		return;
	(void)snprintf(p->said, sizeof(p->said), "%s", what);
	log_line(LOG_L_ERROR, "%s", SHOW(what));
}

static enum breaker_cause
cause_of(enum trouble t)
{
	if (t == TROUBLE_HANG)
		return BREAKER_HANG;
	return t == TROUBLE_BAD ? BREAKER_BAD_SIGNATURE : BREAKER_FAULT;
}

void
trouble(struct parent *p, enum trouble t, const char *why)
{
	char text[SIGNER_DETAIL_MAX + 1];
	uint64_t wait;

	if (t == TROUBLE_FAULT && p->fault_told)
		return;
	p->fault_told = true; /* one child is one fault, however many calls it fails */
	if (t == TROUBLE_NONE || t == TROUBLE_GONE)
		return;
	(void)snprintf(p->last_fault, sizeof(p->last_fault), "%s", why);
	if (!breaker_fail(&p->breaker, cause_of(t), p->now_ms))
		return;
	p->state_changed = true;
	wait = breaker_start_at(&p->breaker, p->now_ms) - p->now_ms;
	if (wait == 0 || p->latched || p->state.token == TOKEN_LATCHED)
		return;
	log_line(LOG_L_ERROR, "breaker open, the token is left alone for %llu ms: %s",
	    (unsigned long long)wait, SHOW(why));
	(void)snprintf(text, sizeof(text), "breaker open: %s", why);
	parent_set_state(p, TOKEN_FAILED, text);
}

uint64_t
trouble_drain_ms(const struct parent *p, enum trouble t)
{
	uint64_t two = 2 * (uint64_t)p->sign_us / 1000;

	if (t == TROUBLE_NONE) /* the time that every signature has */
		return p->conf->sign_deadline_ms;
	if (t != TROUBLE_FAULT || two < DRAIN_MS)
		return DRAIN_MS;
	return two < DRAIN_MAX_MS ? two : DRAIN_MAX_MS;
}

void
trouble_hold(struct parent *p, uint64_t drain_ms)
{
	uint64_t more_ms = drain_ms > DRAIN_MS ? drain_ms - DRAIN_MS : 0;

	if (p->hold_end_ms == NEVER)
		p->hold_end_ms = p->now_ms + HOLD_MS + more_ms;
}

void
trouble_timer(struct parent *p)
{
	if (p->hold_end_ms > p->now_ms)
		return;
	p->hold_end_ms = NEVER;
	if (p->phase != PHASE_READY && p->state.token == TOKEN_READY)
		parent_set_state(p, TOKEN_FAILED,
		    p->last_fault[0] != '\0' ? p->last_fault
					     : "a fresh module is not ready yet");
}

uint64_t
trouble_next_start(const struct parent *p)
{
	return p->absent ? breaker_look_at(&p->breaker, p->now_ms)
			 : breaker_start_at(&p->breaker, p->now_ms);
}

/* Into the state, before that is sent. */
void
trouble_state(struct parent *p)
{
	struct signer_state *s = &p->state;

	s->breaker = p->breaker.state;
	s->opened = p->breaker.opened;
	s->retry_ms = 0;
	if (s->token == TOKEN_READY || p->latched)
		return;
	if (p->pid > 0)
		s->retry_ms = STARTING_MS;
	else if (p->start_ms != NEVER && p->start_ms > p->now_ms)
		s->retry_ms = (uint32_t)(p->start_ms - p->now_ms) + STARTING_MS;
}

static void
show_quarantine(struct parent *p, size_t key)
{
	struct signer_key *k = &p->state.keys[key];

	k->ready = false;
	(void)snprintf(k->detail, sizeof(k->detail), "in quarantine: %.200s",
	    p->quarantine[key].why);
	p->state_changed = true;
}

void
quarantine_put(struct parent *p, size_t key, const char *why)
{
	struct quarantine *q = &p->quarantine[key];

	if (!q->on)
		log_line(LOG_L_ERROR,
		    "key '%s' is in quarantine until kdsign-signer is restarted or gets "
		    "SIGUSR1: %s",
		    p->state.keys[key].name, SHOW(why));
	q->on = true;
	(void)text_show(q->why, sizeof(q->why), why, strlen(why));
	show_quarantine(p, key);
}

void
quarantine_keep(struct parent *p, size_t key)
{
	if (p->quarantine[key].on)
		show_quarantine(p, key);
}

void
quarantine_end(struct parent *p)
{
	bool any = false;

	for (size_t i = 0; i < p->state.keys_n; i++) {
		if (!p->quarantine[i].on)
			continue;
		log_line(LOG_L_NOTICE, "SIGUSR1: key '%s' leaves the quarantine",
		    p->state.keys[i].name);
		p->quarantine[i].on = false;
		any = true;
	}
	if (!any)
		return;
	/* The keys are looked at anew, by the next child where this one has looked. Before
	 * it has, or when it is about to go, there is nothing to do. */
	p->look_again = p->phase == PHASE_KEYS;
	child_replace(p, TROUBLE_NONE, LOOK_AGAIN);
}
