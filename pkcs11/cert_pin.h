/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/cert_pin.h - is the token's key the one that the certificate was issued for. */
#ifndef KD_PKCS11_CERT_PIN_H
#define KD_PKCS11_CERT_PIN_H
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct token;
struct uri;

#define CERT_PIN_MAX 65 /* SHA-256 of the SubjectPublicKeyInfo in hex, and its end */

/*
 * cert_pin_load - of the first certificate of a file, PEM or DER.
 *
 * Errors: KD_E_FILE, KD_E_LIMIT; KD_E_CONFIG: there is no certificate in it, or none with
 * a public key that OpenSSL knows.
 */
bool cert_pin_load(const char *path, char ret[CERT_PIN_MAX], struct kd_err *e) KD_MUST;
/* Of a DER SubjectPublicKeyInfo; "" when OpenSSL cannot hash. */
void cert_pin_of(const uint8_t *spki, size_t n, char ret[CERT_PIN_MAX]);
/*
 * cert_pin_shown - of the public half of a private key, as the token shows it to anybody:
 * public keys with the URI's object and id, or else certificates with its id.
 *
 * t     a session is open; nobody needs to be logged in
 * want  what ret becomes when one of several is that one
 * ret   "" when the token shows nothing, or cannot be searched without a login
 */
void cert_pin_shown(const struct token *t, const struct uri *u, const char *want,
    char ret[CERT_PIN_MAX]);
#endif
