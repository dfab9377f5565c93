/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/keeper/catalog.h - a catalog that is to be signed: is it one, and which files does
 * it list. */
#ifndef KD_KEEPER_CATALOG_H
#define KD_KEEPER_CATALOG_H
#include <stddef.h>
#include <stdint.h>

#include "base/builder.h"
#include "base/md.h"

/* A tag, or a hash as text; MakeCat's own are shorter than a file name. */
#define CATALOG_IDENTIFIER_MAX 1024

/*
 * catalog_members - take a CTL apart and say what it lists, for the record.
 *
 * A member whose identifier is a hash, and which has a digest as well, must say the same
 * twice: Windows finds a file by the one and believes the other.
 *
 * ret    appended to: a JSON array, one element for each member in the CTL's order:
 *        "hex"                            its identifier is this hash, as bytes or as text
 *        {"digest":"hex","tag":"text"}    found by a name; digest where it has one
 *        {"digest":"hex","id":"hex"}      any other identifier
 * ret_n  how many
 * Errors: KD_E_REQUEST (no CTL; members out of order or twice; identifier and digest
 *         differ) names member or element and place; KD_E_TOO_LARGE, KD_E_NOMEM.
 * Spec:   catalog facts 2, 3.
 */
bool catalog_members(const uint8_t *ctl, size_t len, struct buf *ret, size_t *ret_n,
    struct kd_err *e) KD_MUST;
/* Is this the digest of the CTL's content octets, which is what its signature is over?
 * KD_E_REQUEST. */
bool catalog_check_digest(const uint8_t *ctl, size_t len, enum md md,
    const uint8_t *digest, struct kd_err *e) KD_MUST;
#endif
