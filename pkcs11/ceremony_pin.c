/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/ceremony_pin.c - "pin", the operator's word: after a refused PIN one try of the
 * right one, and no latch; for a token in another's place, that it may have the PIN. */
#include <string.h>

#include "base/text.h"
#include "pkcs11/ceremony.h"
#include "pkcs11/latch.h"
#include "pkcs11/owner.h"

/* What is to be done, and what is known before. */
struct word {
	bool latched, login;
	bool forget;                     /* another token is remembered, or nobody knows which */
	char other[OWNER_SERIAL_MAX + 1]; /* its serial */
	struct latch l;
};

/* Where this token is remembered, or none, there is nothing to forget; nor is a word about
 * the token of another module or URI one about what is remembered. */
static void
recall(const struct ceremony *c, struct word *w)
{
	const char *uri = c->o->config != NULL ? c->conf.token : c->o->token;
	AUTO(owner_clear) struct owner o = {0};
	char is[OWNER_SERIAL_MAX + 1];
	struct kd_err ignored = {0};

	owner_text(is, token_info(c->token)->serial);
	w->forget = !owner_read(c->latch_dir, &o, &ignored) ||
		    (uri != NULL && owner_is_of(&o, c->module, uri) &&
			strcmp(o.serial, is) != 0);
	(void)text_show_str(w->other, sizeof(w->other), o.serial != NULL ? o.serial : "unknown");
}

static bool
act(struct ceremony *c, const struct word *w, struct kd_err *e)
{
	bool done = true;

	if (w->forget)
		ceremony_fact(c, "the service remembered token serial", "%s", w->other);
	if (!ceremony_begin(c, e))
		return false;
	if (w->login)
		done = w->latched ? ceremony_login_latched(c, e) : ceremony_login(c, e);
	if (done && w->forget)
		done = owner_forget(c->latch_dir, e);
	return ceremony_end(c, done ? NULL : e, e);
}

static void
say_forgotten(const struct ceremony *c, const struct word *w, const char *what)
{
	const struct token_info *i = token_info(c->token);

	if (w->forget)
		ceremony_say("the service remembered the token with serial %s: %s. "
			     "Its PIN goes to token '%s', serial %s, from now on.",
		    w->other, what, i->label, i->serial);
}

/* A token that remembers a wrong PIN of anybody's is left alone by the service, until the
 * right one was given once. */
static bool
no_latch(struct ceremony *c, struct word *w, struct kd_err *e)
{
	w->login = token_info(c->token)->pin_count_low;
	if (!w->login && !w->forget) {
		ceremony_say("not latched: nothing to do");
		return true;
	}
	if (c->o->dry_run) {
		if (w->login)
			ceremony_say("not latched, but the token says that a wrong PIN was "
				     "tried: would try the PIN once");
		say_forgotten(c, w, "that would be forgotten");
		return true;
	}
	if (w->login)
		ceremony_fact(c, "the token said", "%s", "a wrong PIN was tried before");
	if (!act(c, w, e))
		return false;
	if (w->login)
		ceremony_say("the PIN is right: the service logs in again within seconds");
	say_forgotten(c, w, "forgotten");
	return true;
}

static bool
check_serial(const struct ceremony *c, const struct word *w, struct kd_err *e)
{
	const struct token_info *i = token_info(c->token);

	if (strcmp(w->l.serial, i->serial) == 0 || strcmp(w->l.serial, "unknown") == 0)
		return true;
	(void)kd_fail(e, KD_E_CONFIG,
	    "the latch in '%s' is of the token with serial '%s', this one has '%s'",
	    SHOW(c->latch_dir), w->l.serial, SHOW(i->serial));
	return kd_hint(e, "when that token is gone for good, remove the file 'latch' there");
}

bool
ceremony_pin(struct ceremony *c, struct kd_err *e)
{
	const struct token_info *i = token_info(c->token);
	struct word w = {0};

	if (!latch_read(c->latch_dir, &w.l, &w.latched, e))
		return false;
	if (w.l.under_way)
		return latch_fail(&w.l, e);
	recall(c, &w);
	if (!w.latched)
		return no_latch(c, &w, e);
	if (!check_serial(c, &w, e))
		return false;
	if (c->o->dry_run) {
		ceremony_say(
		    "latched by the login of %s to token serial '%s'; would try the "
		    "PIN once on token '%s', serial %s, and unlatch when it is right",
		    w.l.time, w.l.serial, i->label, i->serial);
		say_forgotten(c, &w, "that would be forgotten then");
		return true;
	}
	ceremony_fact(c, "latched by the login of", "%s", w.l.time);
	ceremony_fact(c, "latched for token serial", "%s", w.l.serial);
	w.login = true;
	if (!act(c, &w, e))
		return kd_hint(e,
		    "still latched; 'kdsign-token list --no-login' shows what "
		    "the token says of its PIN");
	ceremony_say(
	    "the PIN is right: unlatched. A signer that runs reads its PIN again and "
	    "logs in within a second or two.");
	say_forgotten(c, &w, "forgotten");
	return true;
}
