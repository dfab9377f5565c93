/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/ceremony_test.c - "test": does the token sign as the service needs it. */
#include "pkcs11/ceremony.h"

#include "base/num.h"
#include "base/text.h"
#include "pkcs11/ceremony_trial.h"

static void
say(const struct make_type *type, const struct trial *t)
{
	if (t->end == TRIAL_NOT_OFFERED) {
		ceremony_say("  not offered: %s", t->why);
		return;
	}
	if (t->on_token)
		ceremony_say("  the token makes no key for a session only: one on the "
			     "token instead");
	if ((t->in_the_way & MAKE_DECRYPT) != 0)
		ceremony_say(
		    "  it signs only with keys that may decrypt, too (CKA_DECRYPT)");
	for (size_t i = 0; t->end == TRIAL_GOOD && i < TRIAL_MDS; i++)
		ceremony_say("  %-12s %-6s ok, %u.%02u ms each",
		    type->curve == NULL ? "CKM_RSA_PKCS" : "CKM_ECDSA",
		    md_name(trial_mds[i]), t->us[i] / 1000, t->us[i] / 10 % 100);
}

/* *ret_offered: the token makes keys of this type at all. */
static bool
test_type(struct ceremony *c, const char *name, bool *ret_offered, struct kd_err *e)
{
	const struct make_type *type = NULL;
	struct trial t;

	if (!make_type_find(name, &type, e))
		return false;
	ceremony_say("%s", type->shown);
	if (!trial_find(c, type, &t, e))
		return false;
	say(type, &t);
	*ret_offered = t.end != TRIAL_NOT_OFFERED;
	if (t.end == TRIAL_GOOD)
		ceremony_fact(c, type->shown, "ok%s",
		    (t.in_the_way & MAKE_DECRYPT) != 0
			? ", but only when it may decrypt, too"
			: "");
	else
		ceremony_fact(
		    c, type->shown, "%s%s", *ret_offered ? "" : "not offered: ", t.why);
	return t.end != TRIAL_BAD || kd_fail(e, KD_E_TOKEN, "%s: %s", type->shown, t.why);
}

static bool
test_all(struct ceremony *c, struct kd_err *e)
{
	static const char *const all[] = {"rsa3072", "p256", "p384"};
	size_t offered_n = 0;

	for (size_t i = 0; i < KD_ARRAY_LEN(all); i++) {
		const char *name = c->o->type != NULL ? c->o->type : all[i];
		bool offered = false;

		if (!test_type(c, name, &offered, e))
			return false;
		offered_n += offered ? 1 : 0;
		if (c->o->type != NULL)
			break;
		if (trial_has_room_for_one(c)) {
			ceremony_say("one key a process is what this module has room "
				     "for: --type p256 "
				     "and --type p384 test the others");
			break;
		}
	}
	if (offered_n > 0)
		return true;
	return kd_fail(
	    e, KD_E_KEY, "the token makes no key of a type that the service can use");
}

bool
ceremony_test(struct ceremony *c, struct kd_err *e)
{
	bool done;

	if (c->o->dry_run) {
		ceremony_say(
		    "would make throw-away keys on token '%s', serial %s, sign with each "
		    "of them, verify that with OpenSSL, and destroy them",
		    SHOW(token_info(c->token)->label),
		    SHOW(token_info(c->token)->serial));
		return true;
	}
	if (!ceremony_login(c, e) || !ceremony_begin(c, e))
		return false;
	done = test_all(c, e);
	return ceremony_end(c, done ? NULL : e, e);
}
