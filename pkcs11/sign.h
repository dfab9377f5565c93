/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/sign.h - one digest signed in one session: C_SignInit, C_Sign, and the right
 * form. */
#ifndef KD_PKCS11_SIGN_H
#define KD_PKCS11_SIGN_H
#include <p11-kit/pkcs11.h>

#include "base/error.h"
#include "base/md.h"
#include "wire/signer_msg.h"

struct sign_key { /* what a thread needs to know of a key */
	CK_OBJECT_HANDLE handle;
	enum sign_mechanism mechanism;
	size_t bytes; /* RSA: modulus; ECDSA: field */
};

struct sign_out {
	uint8_t signature[SIGNER_SIGNATURE_MAX];
	size_t len;
	CK_RV rv;
	const char *call; /* that gave rv: "C_SignInit", "C_Sign" */
	uint32_t token_us;
};

struct sign_leave { /* asked between C_SignInit and C_Sign */
	bool (*may_sign)(void *self);
	void *self;
};

/*
 * sign_digest - sign in s, which no other thread uses.
 *
 * digest  md_len(md) bytes
 * ret     rv and call always; signature only on success: RSA as the token gave it, ECDSA
 *         in DER
 * Allocates nothing. Blocks as long as the module does: the parent holds the clock.
 * Errors: KD_E_KEY, KD_E_TOKEN, KD_E_PIN, KD_E_BUG by rv; KD_E_BAD_SIGNATURE for a wrong
 *         length.
 * Spec:   PKCS #11 3.1 "Signing and MACing functions"; RFC 8017 9.2 note 1 (DigestInfo);
 *         FIPS 186-5 6.4.1 (an ECDSA digest longer than the order is cut on the right).
 */
bool sign_digest(CK_FUNCTION_LIST *f, CK_SESSION_HANDLE s, const struct sign_key *key,
    enum md md, const uint8_t *digest, struct sign_out *ret, struct kd_err *e) KD_MUST;
/* The same; when leave says no, C_Sign is not called: false, ret's call "", e empty. */
bool sign_digest_if(CK_FUNCTION_LIST *f, CK_SESSION_HANDLE s, const struct sign_key *key,
    enum md md, const uint8_t *digest, const struct sign_leave *leave,
    struct sign_out *ret, struct kd_err *e) KD_MUST;
/* r and s, n bytes each, as ECDSA-Sig-Value (RFC 3279 2.2.3). dst holds 2n + 9 bytes at
 * least; n is at most 66. Returns the length. */
size_t sign_ecdsa_der(const uint8_t *rs, size_t n, uint8_t *dst);
#endif
