/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/keeper/identity.h - from the certificate chain in a frame to who is asking. */
#ifndef KD_KEEPER_IDENTITY_H
#define KD_KEEPER_IDENTITY_H
#include <stdint.h>

#include "base/error.h"
#include "base/own.h"
#include "wire/front_msg.h"

#define IDENTITY_SUBJECT_MAX 1024 /* bytes of DER; real ones have some hundred */

struct identity { /* plain data */
	uint8_t cert_sha256[32], spki_sha256[32];
	uint8_t issuer_sha256[32]; /* of the certificate that issued it, as found or
				      trusted here */
	uint8_t subject_der[IDENTITY_SUBJECT_MAX];
	size_t subject_der_len;
	char subject[256];   /* RFC 2253, for the record and the log */
	int64_t from, until; /* Unix seconds in which every certificate and CRL of the
				chain holds */
};

/* Trust anchors, CRLs and what was verified against them. One generation: made anew at
 * each reload, so nothing verified under older anchors is ever remembered. The loop's
 * thread only. */
struct identity_trust;

/*
 * identity_trust_new - read the anchors (PEM or DER, every certificate in it is one) and
 * the CRLs.
 *
 * crl  NULL when there is none; else every CA of a client's chain must have a CRL in it
 * Errors: KD_E_CONFIG with the path.
 */
bool identity_trust_new(const char *ca, const char *crl, struct identity_trust **ret,
    struct kd_err *e) KD_MUST;
void identity_trust_free(struct identity_trust *t);
AUTO_DEFINE(struct identity_trust, identity_trust_free);

/*
 * identity_check - is this chain a client's, now, and whose.
 *
 * Signatures are verified once per chain and generation; validity of each certificate and
 * nextUpdate of each CRL are held against now every time.
 * ret  borrowed, until the next call
 * Errors: KD_E_AUTH with the reason (for the log and the record, not for the peer).
 * Spec:   RFC 5280 section 6; clientAuth must stand in the extended key usage.
 */
bool identity_check(struct identity_trust *t, const struct der *chain, size_t n,
    int64_t now, const struct identity **ret, struct kd_err *e) KD_MUST;
#endif
