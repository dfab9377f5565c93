/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/key.h - find a private key by its URI; what it is and may do; its public half.
 */
#ifndef KD_PKCS11_KEY_H
#define KD_PKCS11_KEY_H
#include "base/error.h"
#include "pkcs11/token.h"
#include "pkcs11/uri.h"
#include "wire/signer_msg.h"

#define KEY_RSA_BITS_MIN 2048
#define KEY_RSA_BITS_MAX 4096

/*
 * key_find - the one private key that matches.
 *
 * t           logged in
 * u           from uri_parse(URI_KEY)
 * ret_handle  valid while this process lives
 * ret         all but the name is filled; spki_len 0 when the token has neither public
 *             key nor certificate for it and the private key does not tell
 * Errors: KD_E_KEY: none matches, several do (naming them), not RSA-2048..4096, P-256 or
 *         P-384, may not sign, or asks for the PIN at each signature; KD_E_TOKEN.
 * Spec:   PKCS #11 3.1 "Private key objects", "Elliptic curve", "RSA".
 */
bool key_find(const struct token *t, const struct uri *u, CK_OBJECT_HANDLE *ret_handle,
    struct signer_key *ret, struct kd_err *e) KD_MUST;
#endif
