/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/parent_owner.c - which token is ours: it took the PIN, now or before we were
 * started. */
#include "config.h"

#include "pkcs11/parent_in.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"

/* Into *ret_is: is one remembered for this module and URI. */
static bool
look(const struct parent *p, struct owner *ret, bool *ret_is, struct kd_err *e)
{
	const struct signer_conf *c = p->conf;

	if (!owner_read(c->state_dir, ret, e))
		return false;
	*ret_is = owner_is_of(ret, c->module, c->token);
	return true;
}

bool
owner_recall(struct parent *p, struct kd_err *e)
{
	AUTO(owner_clear) struct owner o = {0};

	if (!look(p, &o, &p->have_owner, e))
		return false;
	p->owner_stored = p->have_owner;
	if (p->have_owner)
		(void)snprintf(p->owner, sizeof(p->owner), "%s", o.serial);
	return true;
}

void
owner_remember(struct parent *p)
{
	const struct signer_conf *c = p->conf;
	struct kd_err e = {0};

	p->have_owner = true;
	owner_text(p->owner, p->found);
	p->owner_stored = owner_write(
	    c->state_dir, c->module, c->token, p->found, p->found_label, &e);
	if (!p->owner_stored) { /* known as long as we live, and tried again */
		(void)kd_in(&e, "the next start will not know this token");
		log_err(LOG_L_WARN, &e);
	}
}

/* An operator has removed what was stored: whoever is there now may have the PIN. */
static bool
is_forgotten(struct parent *p)
{
	AUTO(owner_clear) struct owner o = {0};
	struct kd_err e = {0};
	bool is = true;

	if (!p->owner_stored || !look(p, &o, &is, &e) || is)
		return false;
	log_line(LOG_L_NOTICE, "kdsign-token pin: the token with serial '%s' is forgotten",
	    p->owner);
	p->have_owner = p->owner_stored = false;
	return true;
}

bool
owner_is_another(struct parent *p)
{
	char is[OWNER_SERIAL_MAX + 1], why[SIGNER_DETAIL_MAX + 1];

	owner_text(is, p->found);
	if (!p->have_owner || strcmp(is, p->owner) == 0 || is_forgotten(p))
		return false;
	(void)snprintf(why, sizeof(why),
	    "a token with serial '%s' is there, expected '%s'; no login is tried; if the "
	    "token was replaced: kdsign-token pin",
	    is, p->owner);
	trouble_log(p, why);
	parent_set_state(p, TOKEN_ABSENT, why);
	p->absent = true;
	child_kill(p);
	return true;
}

bool
owner_missing(const struct parent *p, const char *what, struct kd_err *e)
{
	char text[SIGNER_DETAIL_MAX + 1];

	if (p->have_owner || p->found_once)
		return true;
	(void)kd_fail(
	    e, KD_E_CONFIG, "%s", text_show(text, sizeof(text), what, strlen(what)));
	(void)kd_in(e, "token '%s'", SHOW(p->conf->token));
	return kd_hint(e, "no token has taken the PIN yet, so none is waited for: attach it, "
			  "or correct 'token'; kdsign-token list shows what is there");
}
