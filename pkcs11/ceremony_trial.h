/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/ceremony_trial.h - do keys of a kind sign: found out with one that is thrown
 * away. */
#ifndef KD_PKCS11_CEREMONY_TRIAL_H
#define KD_PKCS11_CEREMONY_TRIAL_H
#include "pkcs11/ceremony.h"
#include "pkcs11/ceremony_make.h"

#define TRIAL_MDS 4

enum trial_end {
	TRIAL_GOOD,
	TRIAL_NOT_OFFERED, /* the token makes no such key */
	TRIAL_BAD          /* it does, but the key does not sign well */
};

struct trial {
	enum trial_end end;
	char why[256];          /* in words, unless good */
	unsigned without;       /* attributes that were left out */
	unsigned in_the_way;    /* of them, those with which such keys do not sign */
	bool on_token;          /* no key for the session only was to be had */
	uint32_t us[TRIAL_MDS]; /* of a signature, by digest algorithm */
};
extern const enum md trial_mds[TRIAL_MDS];

/* The module is known to have room for one new key in the life of a process. */
bool trial_has_room_for_one(const struct ceremony *c);
/* What is known to be in the way of signing: bits of enum make_without. */
unsigned trial_known(const struct ceremony *c, const struct make_type *type);
/*
 * trial_find - make a key, sign with it as the service does, verify that with OpenSSL,
 * destroy it; when it does not sign, the same with one that may decrypt as well: a TPM makes
 * RSA signatures by decrypting.
 *
 * c  logged in
 * Errors: KD_E_KEY when the key could not be destroyed (its label is said), KD_E_CRYPTO.
 */
bool trial_find(struct ceremony *c, const struct make_type *type, struct trial *ret,
    struct kd_err *e) KD_MUST;
#endif
