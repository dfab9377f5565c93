/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/ceremony_generate.h - a key born on the token, read back; "generate" and
 * "rotate". */
#ifndef KD_PKCS11_CEREMONY_GENERATE_H
#define KD_PKCS11_CEREMONY_GENERATE_H
#include "pkcs11/ceremony.h"
#include "pkcs11/ceremony_make.h"

struct generate {
	struct make_order order; /* borrows id below and --label */
	unsigned char id[URI_OBJECT_MAX];
	struct signer_key key; /* read back */
	unsigned in_the_way;   /* enum make_without: left out so that it signs */
};

/* --label, --id and --type. Errors: KD_E_USAGE. ret must stay where it is. */
bool generate_order(
    const struct ceremony *c, struct generate *ret, struct kd_err *e) KD_MUST;
/*
 * generate_recorded - label and id are free; then, on record, make it and read it back. What
 * is not as asked for is destroyed again. Logged in. Errors: KD_E_KEY, KD_E_TOKEN, and
 * ceremony_begin's.
 */
bool generate_recorded(struct ceremony *c, struct generate *g, struct kd_err *e) KD_MUST;
bool generate_say_dry(
    const struct ceremony *c, const struct generate *g, struct kd_err *e) KD_MUST;
/* The URI for signer.conf. */
void generate_say_uri(const struct generate *g, struct buf *b);
#endif
