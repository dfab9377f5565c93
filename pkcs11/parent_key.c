/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/parent_key.c - what a child says of a key: the custody gate, and what is told. */
#include "pkcs11/parent_in.h"

#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "wire/custody.h"

/* What an auditor of the log wants to find, told when it is new. */
static void
log_key(const struct signer_key *k, const struct signer_key *before)
{
	char flaws[CUSTODY_WORDS_MAX], more[CUSTODY_WORDS_MAX];

	if (!k->ready) {
		if (before->ready || strcmp(k->detail, before->detail) != 0)
			log_line(LOG_L_ERROR, "key '%s': %s", k->name, k->detail);
		return;
	}
	if (before->ready && before->attrs == k->attrs && before->bits == k->bits)
		return;
	custody_flaw_words(flaws, k->relaxed);
	custody_warning_words(more, custody_warnings(k));
	log_line(LOG_L_NOTICE, "key '%s': %s-%u, %s", k->name,
	    k->mechanism == SIGN_RSA_PKCS1 ? "RSA" : "ECDSA", k->bits,
	    custody_flaws(k) == 0 ? "made on the token and never to leave it"
				  : "custody is relaxed");
	if (flaws[0] != '\0')
		log_line(LOG_L_WARN, "key '%s': the configuration lets pass: %s", k->name,
		    flaws);
	if (more[0] != '\0')
		log_line(LOG_L_WARN, "key '%s': the token says that it is also good for: %s",
		    k->name, more);
}

static bool
fail_other(const char *want, const char *has, struct kd_err *e)
{
	return kd_fail(e, KD_E_CONFIG,
	    "its certificate is of another key, public key SHA-256 %s; the token has %s",
	    want, SHOW(has));
}

bool
key_check_shown(const struct parent *p, const struct child_found *f, struct kd_err *e)
{
	const struct signer_key_conf *c;

	if (f->other == 0)
		return true;
	c = signer_conf_key(p->conf, f->other - 1);
	(void)fail_other(c->cert_pin, f->other_pin, e);
	return kd_in(e, "key '%s'", c->name);
}

/* What the token has shown only now, or had shown otherwise. */
static bool
check_certificate(const char *want, const struct signer_key *k, struct kd_err *e)
{
	char has[CERT_PIN_MAX];

	if (want[0] == '\0')
		return true;
	if (k->spki_len == 0)
		return kd_fail(e, KD_E_KEY,
		    "the token does not tell its public half, which the certificate "
		    "cannot be compared with");
	cert_pin_of(k->spki, k->spki_len, has);
	return strcmp(want, has) == 0 || fail_other(want, has, e);
}

void
key_told(struct parent *p, const struct child_key *m)
{
	struct signer_key *k = &p->state.keys[m->index];
	const struct signer_key before = *k;
	struct kd_err e = {0};

	*k = m->key;
	memcpy(k->name, before.name, sizeof(k->name));
	k->relaxed = before.relaxed;
	(void)text_show(
	    k->detail, sizeof(k->detail), m->key.detail, strlen(m->key.detail));
	if (k->ready &&
	    (!check_certificate(
		 signer_conf_key(p->conf, m->index)->cert_pin, k, &e) ||
		!custody_check(k, &e))) {
		k->ready = false;
		child_text(k->detail, sizeof(k->detail), e.msg);
	}
	log_key(k, &before);
	p->state_changed = true;
	quarantine_keep(p, m->index);
}
