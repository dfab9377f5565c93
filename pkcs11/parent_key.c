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
	if (k->ready && !custody_check(k, &e)) {
		k->ready = false;
		child_text(k->detail, sizeof(k->detail), e.msg);
	}
	log_key(k, &before);
	p->state_changed = true;
	quarantine_keep(p, m->index);
}
