/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/keeper/raw_kind.h - keys whose signatures are over whatever digest a client
 * sends. */
#ifndef KD_KEEPER_RAW_KIND_H
#define KD_KEEPER_RAW_KIND_H
#include "daemon/keeper/settings.h"

/*
 * A kernel module's signature has no signed attributes: what the token signs is the digest
 * that came from the client, which may as well be that of the attributes of any other
 * signature. So a key that serves modules serves nothing else, whichever client asks.
 *
 * raw_kind_check - is that so for every key, over all grants?
 *
 * Two keys with one public key are one: the same token key under two names.
 * Errors: KD_E_CONFIG names the key and the grants.
 */
bool raw_kind_check(const struct settings *s, struct kd_err *e) KD_MUST;
/* May it sign modules, and by that alone nothing else? */
bool raw_kind_serves(const struct settings *s, const struct key *k);
#endif
