/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/ceremony_tool_key.h - the tool's own Ed25519 key, which signs its statements. */
#ifndef KD_PKCS11_CEREMONY_TOOL_KEY_H
#define KD_PKCS11_CEREMONY_TOOL_KEY_H
#include <openssl/evp.h>

#include "base/builder.h"
#include "base/error.h"

#define TOOL_KEY_NAME "attest.key"
#define TOOL_SIGNATURE_LEN 64

/*
 * tool_key_load - DIR/attest.key (PEM, 0600); made when it is not there.
 *
 * ret_made  it is new
 * Errors: KD_E_CONFIG (others can read it; not an Ed25519 key), KD_E_IO, KD_E_CRYPTO.
 */
bool tool_key_load(
    const char *dir, EVP_PKEY **ret, bool *ret_made, struct kd_err *e) KD_MUST;
/* Its public half in PEM, and the SHA-256 of that half as DER, in hex. */
bool tool_key_public(
    EVP_PKEY *key, struct buf *ret_pem, char ret_sha256[65], struct kd_err *e) KD_MUST;
/* RFC 8032 Ed25519 over the bytes themselves, as "openssl pkeyutl -rawin" has it. */
bool tool_key_sign(EVP_PKEY *key, const struct buf *text,
    unsigned char ret[TOOL_SIGNATURE_LEN], struct kd_err *e) KD_MUST;
#endif
