/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/ceremony_rotate.c - "rotate": a new key beside the old one, and how the one
 * follows the other. */
#include "pkcs11/ceremony.h"

#include <string.h>

#include "base/clock.h"
#include "base/num.h"
#include "base/text.h"
#include "base/when.h"
#include "pkcs11/ceremony_generate.h"
#include "pkcs11/ceremony_look.h"
#include "pkcs11/ceremony_out.h"

static bool
check_options(const struct ceremony *c, struct kd_err *e)
{
	const struct ceremony_options *o = c->o;
	int64_t when;

	if (o->retire == NULL) {
		(void)kd_fail(
		    e, KD_E_USAGE, "until when does the old key sign? --retire DATE");
		return kd_hint(
		    e, "long enough for the CA to issue and for every build to follow");
	}
	if (!when_parse(o->retire, &when, e))
		return kd_in(e, "--retire");
	if (when <= clock_unix_ms() / 1000)
		return kd_fail(
		    e, KD_E_USAGE, "--retire '%s': that has passed", SHOW(o->retire));
	if (o->label != NULL && strcmp(o->label, o->key) == 0)
		return kd_fail(
		    e, KD_E_USAGE, "--label: the new key needs a name of its own");
	return true;
}

/* The old key's own type, unless told otherwise. */
static bool
set_type(const struct ceremony_key *old, struct generate *g, struct kd_err *e)
{
	char shown[16];
	static const struct {
		const char *shown, *name;
	} names[] = {
	    {"RSA-4096", "rsa4096"},
	    {"P-256", "p256"},
	    {"P-384", "p384"},
	};

	look_type(&old->k, shown);
	for (size_t i = 0; i < KD_ARRAY_LEN(names); i++)
		if (strcmp(names[i].shown, shown) == 0)
			return make_type_find(names[i].name, &g->order.type, e);
	return make_type_find("rsa3072", &g->order.type, e);
}

static bool
say_steps(struct ceremony *c, const struct generate *g, struct kd_err *e)
{
	const struct ceremony_options *o = c->o;
	AUTO(buf_clear) struct buf b = {0};

	buf_printf(&b,
	    "generated %s '%s', id %s, beside '%s', on token '%s', serial %s\n",
	    g->order.type->shown, SHOW(g->order.label), c->entry.key_id, SHOW(o->key),
	    SHOW(token_info(c->token)->label), SHOW(token_info(c->token)->serial));
	buf_printf(&b, "  public key SHA-256 %s\n", c->entry.key_spki_sha256);
	buf_str(&b,
	    "What follows:\n"
	    "1. Have it certified, with whatever tells kdsign-token the token:\n");
	buf_printf(&b, "       kdsign-token csr --key %s --subject NAME --out %s.csr\n",
	    SHOW(g->order.label), SHOW(g->order.label));
	buf_printf(&b,
	    "       kdsign-token install --key %s --certificate FILE --cross FILE --out "
	    "FILE\n"
	    "       kdsign-token attest --key %s --out %s.json\n",
	    SHOW(g->order.label), SHOW(g->order.label), SHOW(g->order.label));
	buf_printf(&b,
	    "2. signer.conf, then restart kdsign-signer:\n       [key %s]\n       uri = ",
	    SHOW(g->order.label));
	generate_say_uri(g, &b);
	buf_printf(&b,
	    "\n       certificate = FILE\n3. keeper.conf, then reload kdsign-keeper: both keys are served, the old "
	    "one "
	    "until %s\n       [key %s]\n       retire = %s\n       [key %s]\n"
	    "       signer = as for %s\n       certificates = FILE\n"
	    "       cross-certificates = FILE\n       and in grants: keys = %s %s\n",
	    SHOW(o->retire), SHOW(o->key), SHOW(o->retire), SHOW(g->order.label),
	    SHOW(o->key), SHOW(o->key), SHOW(g->order.label));
	buf_printf(&b,
	    "4. Let the builds say --key %s. After %s, and once nothing needs the old "
	    "key:\n"
	    "       kdsign-token destroy --key %s\n",
	    SHOW(g->order.label), SHOW(o->retire), SHOW(o->key));
	return ceremony_put(&b, e);
}

static bool
rotate(struct ceremony *c, struct generate *g, struct kd_err *e)
{
	AUTO(ceremony_key_clear) struct ceremony_key old = {0};

	if (!ceremony_login(c, e) || !ceremony_key_find(c, &old, e))
		return false;
	if (c->o->type == NULL && !set_type(&old, g, e))
		return false;
	ceremony_fact(c, "successor of", "key '%s', public key SHA-256 %s", old.label,
	    c->entry.key_spki_sha256);
	ceremony_fact(c, "which retires at", "%s", c->o->retire);
	return generate_recorded(c, g, e) && say_steps(c, g, e);
}

bool
ceremony_rotate(struct ceremony *c, struct kd_err *e)
{
	struct generate g;

	if (!generate_order(c, &g, e) || !check_options(c, e))
		return false;
	if (!c->o->dry_run)
		return rotate(c, &g, e);
	ceremony_say("would look for key '%s' and, if it is there, generate beside it, "
		     "of the same "
		     "type unless --type is given:",
	    SHOW(c->o->key));
	return generate_say_dry(c, &g, e);
}
