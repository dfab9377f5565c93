/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/spki.h - the public half of a token's private key as SubjectPublicKeyInfo. */
#ifndef KD_PKCS11_SPKI_H
#define KD_PKCS11_SPKI_H
#include <stdint.h>

#include <openssl/x509.h>

#include "base/builder.h"
#include "base/error.h"
#include "pkcs11/token.h"

/*
 * spki_of_rsa, spki_of_ec - look at the private key itself, the public key objects with
 * the same CKA_ID, then the certificates with it. What is found must have the private
 * key's modulus, or its curve.
 *
 * params   EC: CKA_EC_PARAMS of the private key, DER
 * ret      DER appended; nothing when the token does not know the public key (no error)
 * Errors: KD_E_TOKEN, KD_E_CRYPTO, KD_E_NOMEM.
 * Spec:   RFC 5280 4.1.2.7; PKCS #11 3.1 "RSA public key objects", "Elliptic curve public
 *         key objects".
 */
bool spki_of_rsa(const struct token *t, CK_OBJECT_HANDLE key, const struct buf *id,
    const struct buf *modulus, struct buf *ret, struct kd_err *e) KD_MUST;
bool spki_of_ec(const struct token *t, CK_OBJECT_HANDLE key, const struct buf *id,
    const struct buf *params, struct buf *ret, struct kd_err *e) KD_MUST;
/* Of a public key object, of a certificate object: what one shows by itself. ret: nothing
 * appended when it tells too little. Errors: KD_E_CRYPTO, KD_E_NOMEM. */
bool spki_of_public(const struct token *t, CK_OBJECT_HANDLE o, struct buf *ret,
    struct kd_err *e) KD_MUST;
bool spki_of_cert(const struct token *t, CK_OBJECT_HANDLE o, struct buf *ret,
    struct kd_err *e) KD_MUST;
/* Errors: KD_E_CONFIG: of a kind that OpenSSL does not know; KD_E_CRYPTO, KD_E_NOMEM. */
bool spki_of_x509(const X509 *cert, struct buf *ret, struct kd_err *e) KD_MUST;
/* 256 or 384; 0 when CKA_EC_PARAMS names another curve. */
uint16_t spki_curve_bits(const struct buf *params);
#endif
