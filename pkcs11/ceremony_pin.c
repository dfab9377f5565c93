/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/ceremony_pin.c - "pin": after a refused PIN, one try of the right one, and no
 * latch. */
#include <string.h>

#include "base/text.h"
#include "pkcs11/ceremony.h"
#include "pkcs11/latch.h"

static bool
try_and_record(struct ceremony *c, bool latched, struct kd_err *e)
{
	bool done;

	if (!ceremony_begin(c, e))
		return false;
	done = latched ? ceremony_login_latched(c, e) : ceremony_login(c, e);
	return ceremony_end(c, done ? NULL : e, e);
}

/* A token that remembers a wrong PIN of anybody's is left alone by the service, until the
 * right one was given once. */
static bool
no_latch(struct ceremony *c, struct kd_err *e)
{
	if (!token_info(c->token)->pin_count_low) {
		ceremony_say("not latched: nothing to do");
		return true;
	}
	if (c->o->dry_run) {
		ceremony_say(
		    "not latched, but the token says that a wrong PIN was tried: "
		    "would try the PIN once");
		return true;
	}
	ceremony_fact(c, "the token said", "%s", "a wrong PIN was tried before");
	if (!try_and_record(c, false, e))
		return false;
	ceremony_say("the PIN is right: the service logs in again within seconds");
	return true;
}

bool
ceremony_pin(struct ceremony *c, struct kd_err *e)
{
	const struct token_info *i = token_info(c->token);
	bool latched = false;
	struct latch l;

	if (!latch_read(c->latch_dir, &l, &latched, e))
		return false;
	if (!latched)
		return no_latch(c, e);
	if (strcmp(l.serial, i->serial) != 0 && strcmp(l.serial, "unknown") != 0) {
		(void)kd_fail(e, KD_E_CONFIG,
		    "the latch in '%s' is of the token with serial '%s', this one has "
		    "'%s'",
		    SHOW(c->latch_dir), l.serial, SHOW(i->serial));
		return kd_hint(
		    e, "when that token is gone for good, remove the file 'latch' there");
	}
	if (c->o->dry_run) {
		ceremony_say(
		    "latched by the login of %s to token serial '%s'; would try the "
		    "PIN once on token '%s', serial %s, and unlatch when it is right",
		    l.time, l.serial, i->label, i->serial);
		return true;
	}
	ceremony_fact(c, "latched by the login of", "%s", l.time);
	ceremony_fact(c, "latched for token serial", "%s", l.serial);
	if (!try_and_record(c, true, e))
		return kd_hint(e,
		    "still latched; 'kdsign-token list --no-login' shows what "
		    "the token says of its PIN");
	ceremony_say(
	    "the PIN is right: unlatched. A signer that runs reads its PIN again and "
	    "logs in within a second or two.");
	return true;
}
