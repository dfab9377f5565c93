/* SPDX-License-Identifier: Apache-2.0 */
/* wire/custody.h - what is wrong with how a token keeps a key, a word for each. */
#ifndef KD_CUSTODY_H
#define KD_CUSTODY_H
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "wire/signer_msg.h"

/*
 * A flaw means that the key may exist elsewhere, or is too short for what it signs: the
 * signer refuses to use it, unless its configuration lets that flaw pass for that key by
 * name. A warning means that the key could be used for something else as well, or that
 * its attributes can still be changed; it stops nothing.
 */
enum custody_flaw { /* one bit each: signer_key.relaxed, and the bits of custody_flaws */
	CUSTODY_EXTRACTABLE = 1,            /* CKA_EXTRACTABLE is true */
	CUSTODY_NOT_SENSITIVE = 2,          /* CKA_SENSITIVE is false */
	CUSTODY_NOT_ALWAYS_SENSITIVE = 4,   /* CKA_ALWAYS_SENSITIVE is false */
	CUSTODY_NOT_NEVER_EXTRACTABLE = 8,  /* CKA_NEVER_EXTRACTABLE is false */
	CUSTODY_NOT_LOCAL = 16,             /* CKA_LOCAL is false: made elsewhere */
	CUSTODY_RSA_2048 = 32               /* RSA below CUSTODY_RSA_BITS_MIN */
};
#define CUSTODY_FLAW_ALL 63
#define CUSTODY_RSA_BITS_MIN 3072 /* CA/Browser Forum, code signing: 6.1.5 */
#define CUSTODY_WORDS_MAX 128     /* bytes: every word of either kind, and the end */

/* Of a key whose attributes, mechanism and size are known. */
uint32_t custody_flaws(const struct signer_key *k);
uint32_t custody_warnings(const struct signer_key *k);
/* "extractable not-local", in that fixed order; "" for none. */
void custody_flaw_words(char dst[CUSTODY_WORDS_MAX], uint32_t flaws);
/* "decrypt unwrap derive modifiable": as CKA_* of that name. */
void custody_warning_words(char dst[CUSTODY_WORDS_MAX], uint32_t warnings);
/* The bit of a word; 0 when there is none such. */
uint32_t custody_flaw_by_name(const char *word);
/*
 * custody_check - may this key be used, with the flaws in k->relaxed let pass?
 * Errors: KD_E_KEY, naming every other flaw in the words above.
 */
bool custody_check(const struct signer_key *k, struct kd_err *e) KD_MUST;
#endif
