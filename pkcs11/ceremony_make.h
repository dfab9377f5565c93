/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/ceremony_make.h - a key pair generated on the token, right by construction. */
#ifndef KD_PKCS11_CEREMONY_MAKE_H
#define KD_PKCS11_CEREMONY_MAKE_H
#include "base/builder.h"
#include "base/error.h"
#include "pkcs11/token.h"

struct make_type {                /* a kind of key that can be asked for */
	const char *name, *shown; /* "rsa3072", "RSA-3072" */
	CK_MECHANISM_TYPE mechanism;
	CK_ULONG bits;        /* of RSA */
	const CK_BYTE *curve; /* DER of EC parameters; NULL for RSA */
	CK_ULONG curve_len;
};
/* By name; NULL name: the default. Errors: KD_E_USAGE, naming all. */
bool make_type_find(
    const char *name, const struct make_type **ret, struct kd_err *e) KD_MUST;

/* Attributes that may be left out: bits, in the order in which they are. */
enum make_without {
	MAKE_MODIFIABLE = 1,
	MAKE_SIGN_RECOVER = 2,
	MAKE_DERIVE = 4,
	MAKE_UNWRAP = 8,
	MAKE_DECRYPT = 16
};

struct make_order {
	const struct make_type *type;
	const char *label;
	const unsigned char *id;
	size_t id_len;
	unsigned without;  /* known to be refused, or in the way */
	bool session_only; /* a throw-away: CKA_TOKEN false, gone with the session */
};

struct made {
	CK_OBJECT_HANDLE private, public;
	unsigned without; /* what was left out, bits of enum make_without */
};
/*
 * make_key - C_GenerateKeyPair: on the token, private, sensitive, not extractable, for
 * signing and nothing else, not modifiable.
 *
 * Tokens refuse attributes they do not know without saying which. Those that only forbid
 * (CKA_DECRYPT false ...) are then left out, as few of them as the token allows; those
 * that keep the key on the token never are. CKA_VERIFY is not asked for: tpm2-pkcs11 takes it
 * together with CKA_DECRYPT only, and nobody verifies on the token. s: a read-write
 * session. Errors: KD_E_TOKEN, KD_E_KEY; nothing was made then.
 */
bool make_key(const struct token *t, CK_SESSION_HANDLE s, const struct make_order *order,
    struct made *ret, struct kd_err *e) KD_MUST;
/* "CKA_DECRYPT, CKA_MODIFIABLE" */
void make_without_names(unsigned without, struct buf *ret);
/* The templates, in words, for a dry run. random_id: the key's will be others. */
void make_describe(const struct make_order *order, bool random_id, struct buf *ret);
#endif
