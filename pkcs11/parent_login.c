/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/parent_login.c - the one try of the PIN: when it may be made, what became of it,
 * and until when there is no other. */
#include "config.h"

#include "pkcs11/parent_in.h"

#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "base/own.h"
#include "base/text.h"
#include "pkcs11/latch.h"

#define LATCH_CHECK_MS 1000

/* No PIN is tried any more. */
static void
latch(struct parent *p, const char *why)
{
	p->latched = true;
	p->start_ms = NEVER;
	p->latch_check_ms = p->now_ms + LATCH_CHECK_MS;
	log_line(LOG_L_ERROR,
	    "latched: %s; no PIN is tried until kdsign-token pin", SHOW(why));
	parent_set_state(p, TOKEN_LATCHED, why);
}

static bool
give_pin(struct parent *p, const struct child_found *f, struct kd_err *e)
{
	struct kd_err still = {0};

	if (!latch_attempt(p->conf->state_dir, f->serial, f->label, &p->latch_fd, e))
		return false;
	if (secret_pass(p->pin, p->pin_fd, e)) {
		p->phase = PHASE_LOGIN;
		return true;
	}
	if (!latch_remove(p->conf->state_dir, &still)) /* nobody was given a PIN */
		log_err(LOG_L_ERROR, &still);
	return false;
}

/* kdsign-token may be logging in at this moment: then there is no telling yet whether
 * anything is wrong, and the next child asks again. */
bool
login_give_pin(struct parent *p, const struct child_found *f)
{
	struct kd_err e = {0};

	if (give_pin(p, f, &e))
		return true;
	if (e.code == KD_E_PIN) {
		log_err(LOG_L_ERROR, &e);
		latch(p, e.msg);
	} else {
		trouble_log(p, e.msg);
		p->absent = e.code == KD_E_BUSY;
		if (!p->absent) {
			parent_set_state(p, TOKEN_FAILED, e.msg);
			trouble(p, TROUBLE_FAULT, e.msg); /* not our own SIGKILL */
		}
	}
	child_kill(p);
	return false;
}

/* Why no login may be tried, by the token's flags; NULL when it may. */
static const char *
why_not(const struct parent *p, const struct child_found *f)
{
	if (f->refuse[0] != '\0')
		return f->refuse;
	if (f->login && f->pin_count_low && !p->conf->pin_accept_count_low)
		return "token says: a wrong PIN was tried after the last right one "
		       "(CKF_USER_PIN_COUNT_LOW); no login is tried until kdsign-token pin";
	return NULL;
}

bool
login_is_forbidden(struct parent *p, const struct child_found *f)
{
	const char *why = why_not(p, f);
	char text[SIGNER_DETAIL_MAX + 1];

	if (why == NULL)
		return false;
	(void)snprintf(text, sizeof(text), "token '%s': %.200s", p->state.label, why);
	trouble_log(p, text);
	parent_set_state(p, TOKEN_LATCHED, why);
	p->absent = true;
	child_kill(p);
	return true;
}

void
login_told(struct parent *p, const struct child_login *l)
{
	struct kd_err e = {0};

	if (p->phase != PHASE_LOGIN)
		return;
	p->phase = PHASE_KEYS;
	if (l->code == KD_E_PIN) {
		p->pin_spent = true;
		latch(p, l->detail);
		return;
	}
	if (!latch_remove(p->conf->state_dir, &e))
		log_err(LOG_L_ERROR, &e);
	(void)close(p->latch_fd);
	p->latch_fd = -1;
	if (l->code != KD_OK) { /* the login was never asked for; the child ends */
		trouble_log(p, l->detail);
		trouble(p, TROUBLE_FAULT, l->detail);
		return;
	}
	owner_remember(p);
}

void
login_cut_off(struct parent *p)
{
	p->pin_spent = true;
	latch(p, "the signing process ended while it was logging in");
}

/* Tried again by the next child, the PIN that the token will not have any more could cost
 * it its last try. */
void
login_refused(struct parent *p)
{
	AUTO(close) int fd = -1;
	struct kd_err e = {0};
	bool durable;

	if (p->latched)
		return;
	p->pin_spent = true;
	durable = latch_attempt(
	    p->conf->state_dir, p->state.serial, p->state.label, &fd, &e);
	if (!durable)
		log_err(LOG_L_ERROR, &e);
	latch(p, "the token refused the PIN while it was signing");
	if (!durable) /* a latch that is not there says nothing about the operator */
		p->latch_check_ms = NEVER;
}

/* The PIN for the one try that an operator's word allows: read again where it can be; one
 * that was given once only will do as long as it was not the one refused. */
static bool
renew_pin(struct parent *p)
{
	struct secret *pin = NULL;
	struct kd_err e = {0};

	if (!pin_can_reload(p->pin_from) && !p->pin_spent)
		return true;
	if (!pin_can_reload(p->pin_from) || !pin_load(p->pin_from, &pin, &e)) {
		p->latch_check_ms = NEVER;
		log_line(LOG_L_ERROR, "unlatched, but the PIN cannot be read again: %s",
		    e.code != KD_OK ? e.msg : "it was given once only");
		parent_set_state(p, TOKEN_LATCHED,
		    "unlatched; restart kdsign-signer with the right PIN");
		return false;
	}
	secret_free(p->pin);
	p->pin = pin;
	secret_hide(p->pin);
	return true;
}

void
login_check_latch(struct parent *p)
{
	struct kd_err e = {0};
	struct latch l;
	bool latched = true;

	p->latch_check_ms = p->now_ms + LATCH_CHECK_MS;
	if (!latch_read(p->conf->state_dir, &l, &latched, &e) || latched || !renew_pin(p))
		return;
	p->latched = p->pin_spent = false;
	p->latch_check_ms = NEVER;
	p->start_ms = p->now_ms;
	log_line(LOG_L_NOTICE, "unlatched: the PIN is tried once");
	parent_set_state(p, TOKEN_STARTING, "");
}
