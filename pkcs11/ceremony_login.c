/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/ceremony_login.c - one login under the latch, and the key that is meant. */
#include "pkcs11/ceremony.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "pkcs11/attr.h"
#include "pkcs11/ceremony_ask.h"
#include "pkcs11/latch.h"
#include "pkcs11/owner.h"
#include "pkcs11/state_dir.h"

static bool
get_pin(struct ceremony *c, struct kd_err *e)
{
	const struct token_info *i = token_info(c->token);
	char prompt[160];

	if (c->pin != NULL)
		return true;
	if (!ask_possible()) {
		(void)kd_fail(e, KD_E_CONFIG, "no PIN: there is no terminal to ask on");
		return kd_hint(e, "give --pin-file FILE or --pin-fd N");
	}
	(void)snprintf(prompt, sizeof(prompt),
	    "PIN of token '%s', serial %s: ", SHOW(i->label), SHOW(i->serial));
	return ask_secret(prompt, &c->pin, e) || kd_in(e, "PIN, which was not tried");
}

/* What forbids a login before it is tried. */
static bool
check_token(const struct ceremony *c, struct kd_err *e)
{
	const struct token_info *i = token_info(c->token);

	if (i->refuse[0] != '\0')
		return kd_fail(e, KD_E_PIN, "'%s': %s", SHOW(i->label), i->refuse);
	if (i->pin_count_low && !c->conf.pin_accept_count_low &&
	    c->command->run != ceremony_pin) {
		(void)kd_fail(e, KD_E_PIN,
		    "token '%s' says that a wrong PIN was tried since the last right one "
		    "(CKF_USER_PIN_COUNT_LOW); no login is tried",
		    SHOW(i->label));
		return kd_hint(e, "'kdsign-token pin' tries the right one");
	}
	if (i->pin_count_low)
		log_line(LOG_L_WARN, "token '%s' says that a wrong PIN was tried before",
		    SHOW(i->label));
	return true;
}

/* The service's PIN is not for a token that has come into its token's place; "pin" is the
 * command that says it is. */
static bool
check_owner(const struct ceremony *c, struct kd_err *e)
{
	AUTO(owner_clear) struct owner o = {0};
	char is[OWNER_SERIAL_MAX + 1];

	if (c->o->config == NULL || c->command->run == ceremony_pin)
		return true;
	if (!owner_read(c->latch_dir, &o, e))
		return false;
	owner_text(is, token_info(c->token)->serial);
	if (!owner_is_of(&o, c->conf.module, c->conf.token) || strcmp(o.serial, is) == 0)
		return true;
	(void)kd_fail(e, KD_E_CONFIG,
	    "a token with serial '%s' is there, kdsign-signer expects '%s'; no login is tried",
	    is, o.serial);
	return kd_hint(e, "'kdsign-token pin' says that it may have the PIN");
}

static bool
finish(struct ceremony *c, struct kd_err *e)
{
	return token_session_write(c->token, &c->session, e);
}

/* A refused PIN is an act of its own: the token has counted it. The latch says so first. */
static bool
record_refusal(struct ceremony *c, struct kd_err *e)
{
	struct kd_err own = {0};

	if (!c->begun && ceremony_begin(c, &own))
		return ceremony_end(c, e, e);
	if (own.code != KD_OK)
		log_err(LOG_L_ERROR, &own);
	return false;
}

/* The latch is there from before C_Login until after it succeeded. */
static bool
try_pin(struct ceremony *c, struct kd_err *e)
{
	struct kd_err still = {0};
	bool done = token_login(c->token, c->pin, e);

	secret_free(c->pin);
	c->pin = NULL;
	if (done)
		return latch_remove(c->latch_dir, e);
	if (e->code != KD_E_PIN) { /* C_Login was not called: nothing was tried */
		if (!latch_remove(c->latch_dir, &still))
			log_err(LOG_L_ERROR, &still);
	} else {
		(void)kd_hint(e, "nobody tries a PIN of this token again until "
				 "'kdsign-token pin' has found the right one");
		return record_refusal(c, e);
	}
	return false;
}

bool
ceremony_login(struct ceremony *c, struct kd_err *e)
{
	const struct token_info *i = token_info(c->token);
	AUTO(close) int under_way = -1;
	bool latched = false;
	struct latch l;

	if (!i->login_required)
		return token_login(c->token, NULL, e) && finish(c, e);
	if (!state_dir_check(c->latch_dir, e) ||
	    !latch_read(c->latch_dir, &l, &latched, e))
		return false;
	if (latched)
		return latch_fail(&l, e);
	return check_owner(c, e) && check_token(c, e) && get_pin(c, e) &&
	       latch_attempt(c->latch_dir, i->serial, i->label, &under_way, e) &&
	       try_pin(c, e) && finish(c, e);
}

bool
ceremony_login_latched(struct ceremony *c, struct kd_err *e)
{
	bool done;

	if (!check_token(c, e) || !get_pin(c, e))
		return false;
	done = token_login(c->token, c->pin, e);
	secret_free(c->pin);
	c->pin = NULL;
	return done && latch_remove(c->latch_dir, e);
}

bool
ceremony_key_uri(const struct ceremony *c, struct uri *ret, struct kd_err *e)
{
	const char *key = c->o->key;

	if (strncmp(key, "pkcs11:", 7) == 0)
		return uri_parse(key, URI_KEY, ret, e) ||
		       kd_in(e, "--key '%s'", SHOW(key));
	for (size_t i = 0; i < c->conf.keys.n; i++) {
		const struct signer_key_conf *k = signer_conf_key(&c->conf, i);

		if (strcmp(k->name, key) == 0)
			return uri_parse(k->uri, URI_KEY, ret, e);
	}
	if (strlen(key) > URI_OBJECT_MAX)
		return kd_fail(
		    e, KD_E_USAGE, "--key: longer than %d bytes", URI_OBJECT_MAX);
	*ret = (struct uri){0};
	memcpy(ret->object, key, strlen(key));
	return true;
}

void
ceremony_key_clear(struct ceremony_key *k)
{
	buf_clear(&k->id);
	*k = (struct ceremony_key){0};
}

bool
ceremony_key_find(struct ceremony *c, struct ceremony_key *ret, struct kd_err *e)
{
	AUTO(ceremony_key_clear) struct ceremony_key k = {0};
	AUTO(buf_clear) struct buf label = {0};
	struct uri u;

	if (!ceremony_key_uri(c, &u, e) || !key_find(c->token, &u, &k.handle, &k.k, e)) {
		if (e->code == KD_E_KEY)
			(void)kd_hint(
			    e, "'" CEREMONY_TOOL " list' shows keys, and what is wrong with them");
		return kd_in(e, "key '%s'", SHOW(c->o->key));
	}
	(void)attr_bytes(c->token, k.handle, CKA_ID, &k.id);
	if (attr_bytes(c->token, k.handle, CKA_LABEL, &label) &&
	    label.len < sizeof(k.label))
		memcpy(k.label, label.p, label.len);
	ceremony_about(c, k.label, k.id.p, k.id.len, k.k.spki, k.k.spki_len);
	*ret = k;
	k.id = (struct buf){0};
	return true;
}

bool
ceremony_key_spki(const struct ceremony_key *k, struct kd_err *e)
{
	return k->k.spki_len > 0 ||
	       kd_fail(e, KD_E_KEY, "the token does not tell the public half of key '%s'",
		   SHOW(k->label));
}
