/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/keeper/facts.c - what the tokens say of a key, and what of it is worth a warning. */
#include "daemon/keeper/facts.h"

#include <stdarg.h>
#include <stdio.h>

#include "wire/custody.h"

static const struct signer_key *
held_by(const struct keeper *k, const struct key *key, size_t i)
{
	return signer_link_find_key(signers_link(k, key->signers[i]), key->name);
}

struct facts
facts_of(const struct keeper *k, const struct key *key)
{
	const uint32_t risks = KEY_ATTR_EXTRACTABLE | KEY_ATTR_DECRYPT | KEY_ATTR_UNWRAP |
			       KEY_ATTR_DERIVE | KEY_ATTR_MODIFIABLE;
	uint32_t all = UINT32_MAX, any = 0;
	struct facts f = {0};

	for (size_t i = 0; i < key->signers_n; i++) {
		const struct signer_key *held = held_by(k, key, i);

		if (held == NULL)
			continue;
		f.relaxed |= held->relaxed;
		if (held->mechanism == 0) /* not found, or not looked at yet */
			continue;
		f.known = true;
		f.warnings |= custody_warnings(held);
		all &= held->attrs;
		any |= held->attrs;
	}
	if (f.known)
		f.attrs = (all & ~risks) | (any & risks);
	return f;
}

static void KD_PRINTF(2, 3)
add(struct api_texts *t, const char *fmt, ...)
{
	va_list args;

	if (t->n == API_TEXTS_MAX)
		return;
	va_start(args, fmt);
	(void)vsnprintf(t->v[t->n++], API_TEXT_MAX + 1, fmt, args);
	va_end(args);
}

void
facts_warnings(
    const struct keeper *k, const struct key *key, int64_t now_unix, struct api_texts *ret)
{
	struct facts f = facts_of(k, key);
	char words[CUSTODY_WORDS_MAX], expiry[128];

	ret->n = 0;
	expiry_text(expiry, sizeof(expiry), key->info.not_after, now_unix);
	if (expiry[0] != '\0')
		add(ret, "%s", expiry);
	custody_flaw_words(words, f.relaxed);
	if (words[0] != '\0')
		add(ret, "custody is relaxed: %s", words);
	custody_warning_words(words, f.warnings);
	if (words[0] != '\0')
		add(ret, "the token says that it is also good for: %s", words);
}

void
facts_tokens(const struct keeper *k, const struct key *key, struct api_texts *ret)
{
	ret->n = 0;
	for (size_t i = 0; i < key->signers_n; i++) {
		const struct signer_link *l = signers_link(k, key->signers[i]);
		struct signer_link_view v = signer_link_view(l);

		if (v.known)
			add(ret, "signer %s: %.32s (%.16s), %s", signer_link_name(l),
			    v.state->label, v.state->serial, v.word);
		else
			add(ret, "signer %s: %s", signer_link_name(l), v.word);
	}
}

unsigned
facts_sessions_in_use(const struct signer_link_view *v)
{
	unsigned sessions = v->known ? v->state->sessions : 0;

	return v->sent < sessions ? (unsigned)v->sent : sessions;
}
