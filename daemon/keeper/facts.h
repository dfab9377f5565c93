/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/keeper/facts.h - what the tokens say of a key, and what of it is worth a warning. */
#ifndef KD_KEEPER_FACTS_H
#define KD_KEEPER_FACTS_H
#include "daemon/keeper/keeper.h"
#include "wire/api.h"

/* Of all tokens that hold the key: what is promised must be so on each, a risk is one when
 * it is on any. */
struct facts {
	bool known;        /* some token has told */
	uint32_t attrs;    /* enum key_attr */
	uint32_t relaxed;  /* enum custody_flaw: let pass by some signer */
	uint32_t warnings; /* custody_warnings */
};
struct facts facts_of(const struct keeper *k, const struct key *key);
/* Certificate, relaxed flaws, other uses: sentences, the most urgent first. */
void facts_warnings(
    const struct keeper *k, const struct key *key, int64_t now_unix, struct api_texts *ret);
/* "signer softhsm: label (serial), ready", one for each that holds it. */
void facts_tokens(const struct keeper *k, const struct key *key, struct api_texts *ret);
/* Of its sessions, those that work on something now. */
unsigned facts_sessions_in_use(const struct signer_link_view *v);
#endif
