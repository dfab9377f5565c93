/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/ceremony_vendor.h - a vendor's own attestation of a key, where its module offers
 * one. */
#ifndef KD_PKCS11_CEREMONY_VENDOR_H
#define KD_PKCS11_CEREMONY_VENDOR_H
#include "pkcs11/ceremony.h"
#include "pkcs11/ceremony_chain.h"

/*
 * PKCS#11 has no call for it. What there is are certificates that a module makes when they
 * are read and that are therefore no token objects: Yubico's YKCS11 has one for each key
 * that was generated on a YubiKey ("X.509 Certificate for PIV Attestation 9c", with the
 * key's id), issued by one that is stored ("... PIV Attestation", slot f9), which Yubico
 * issued.
 */
struct vendor {
	struct chain_certs made;    /* of the key's public half, made by the module */
	struct chain_certs issuers; /* who issued them, as far as the token tells */
	struct chain_certs trust;   /* --vendor-root: the roots among what is given */
	struct chain_certs helpers; /* and the rest */
	X509 *root;                 /* of trust: where they lead; NULL: not checked */
};
/* The files of --vendor-root. Errors: KD_E_CERT_INVALID: no root is among them; as
 * chain_load. */
bool vendor_load_roots(
    const struct ceremony *c, struct vendor *v, struct kd_err *e) KD_MUST;
/* What the token has for the key of c->entry. Errors: KD_E_TOKEN, KD_E_LIMIT. */
bool vendor_find(struct ceremony *c, struct vendor *v, struct kd_err *e) KD_MUST;
/*
 * vendor_check - with roots: there is an attestation, each leads to one of them, and a
 * YubiKey's is of the device whose serial the token has.
 *
 * Without roots nothing is checked. Errors: KD_E_KEY (none is offered), KD_E_CERT_INVALID.
 */
bool vendor_check(const struct ceremony *c, struct vendor *v, struct kd_err *e) KD_MUST;
/* The statement's member vendor_attestation; and what it says, as a fact and to the
 * person. */
bool vendor_put(
    struct ceremony *c, const struct vendor *v, struct buf *b, struct kd_err *e) KD_MUST;
void vendor_clear(struct vendor *v);
AUTO_DEFINE_CLEAR(struct vendor, vendor_clear);
#endif
