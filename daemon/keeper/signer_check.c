/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/keeper/signer_check.c - what a signer has told: can its key sign, and how much has
 * it to do. */
#include "daemon/keeper/signer_link_in.h"

#include <string.h>

#include "base/clock.h"

static bool
is_silent(const struct signer_link *l)
{
	return l->src.fd >= 0 && l->pulse.silent;
}

static const char *
absence(const struct signer_link *l)
{
	return is_silent(l) ? "does not answer" : "not connected";
}

struct signer_link_view
signer_link_view(const struct signer_link *l)
{
	bool known = signer_link_connected(l);

	return (struct signer_link_view){
	    .known = known,
	    .word = known ? token_state_name(l->state.token) : absence(l),
	    .state = &l->state,
	    .sent = l->sent_n,
	    .peer_uid = l->uid,
	};
}

bool
signer_link_connected(const struct signer_link *l)
{
	return l->src.fd >= 0 && l->have_state && !l->pulse.silent;
}

bool
signer_link_has_room(const struct signer_link *l)
{
	return l->sent_n < l->window;
}

static uint64_t
sessions_of(const struct signer_link *l)
{
	return l->state.sessions > 0 ? l->state.sessions : 1;
}

/* A token that has not signed yet counts as a fast one: so it is tried. */
uint64_t
signer_link_load_us(const struct signer_link *l)
{
	return (l->sent_n + 1) * (l->token_us + 1) / sessions_of(l);
}

uint64_t
signer_link_busy_ms(const struct signer_link *l, size_t more)
{
	uint64_t sessions = sessions_of(l), n = l->sent_n + more;

	return n > sessions ? (n - sessions) * l->token_us / sessions / 1000 : 0;
}

const struct signer_key *
signer_link_find_key(const struct signer_link *l, const char *name)
{
	for (size_t i = 0; signer_link_connected(l) && i < l->state.keys_n; i++)
		if (strcmp(l->state.keys[i].name, name) == 0)
			return &l->state.keys[i];
	return NULL;
}

/* In how many seconds its token, or the signer itself, is tried again; 0: nobody knows. */
static unsigned
retry_s(const struct signer_link *l)
{
	uint64_t now = clock_ms(), at = l->src.fd < 0 ? l->retry_at : l->token_at;

	if (at == 0 || is_silent(l))
		return 0;
	return at > now ? (unsigned)((at - now + 999) / 1000) : 1;
}

static bool
check_token(const struct signer_link *l, struct kd_err *e)
{
	bool connected = signer_link_connected(l);

	if (connected && l->state.token == TOKEN_READY)
		return true;
	e->retry_s = retry_s(l);
	if (!connected)
		return kd_fail(e, KD_E_TOKEN, "signer '%s' %s", l->name,
		    is_silent(l) ? "does not answer" : "is not connected");
	(void)kd_fail(e, l->state.token == TOKEN_LATCHED ? KD_E_PIN : KD_E_TOKEN,
	    "token of signer '%s' is %s%s%s", l->name, token_state_name(l->state.token),
	    l->state.detail[0] != '\0' ? ": " : "", l->state.detail);
	if (l->state.token != TOKEN_LATCHED)
		return false;
	return kd_hint(e, "whoever keeps the token puts the right PIN in place, then runs "
			  "kdsign-token pin as the signer's user");
}

bool
signer_link_check_key(
    const struct signer_link *l, const struct key *k, struct kd_err *e)
{
	const struct signer_key *s;

	if (!check_token(l, e))
		return false;
	s = signer_link_find_key(l, k->name);
	if (s == NULL)
		return kd_fail(
		    e, KD_E_KEY, "signer '%s' has no key '%s'", l->name, k->name);
	if (!s->ready)
		return kd_fail(
		    e, KD_E_KEY, "key '%s' cannot sign: %s", k->name, s->detail);
	/* A token without the public half is held to it by the check of each signature.
	 */
	if (s->spki_len != 0 &&
	    (s->spki_len != k->spki.len || memcmp(s->spki, k->spki.p, k->spki.len) != 0))
		return kd_fail(e, KD_E_CERT_INVALID,
		    "certificate of key '%s' is of another key than the token's",
		    k->name);
	return true;
}
