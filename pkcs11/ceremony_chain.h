/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/ceremony_chain.h - is this a certificate for the key, and does it lead
 * somewhere. */
#ifndef KD_PKCS11_CEREMONY_CHAIN_H
#define KD_PKCS11_CEREMONY_CHAIN_H
#include <openssl/x509.h>

#include "base/error.h"
#include "base/own.h"

#define CHAIN_MAX 16
#define CHAIN_FILE_MAX ((size_t)1 << 20)

struct chain_certs { /* owned */
	X509 *v[CHAIN_MAX];
	size_t n;
};
void chain_certs_clear(struct chain_certs *c);
AUTO_DEFINE_CLEAR(struct chain_certs, chain_certs_clear);
/* All certificates of a file, PEM or one in DER, appended. Errors: KD_E_FILE,
 * KD_E_FORMAT, KD_E_LIMIT. */
bool chain_load(const char *path, struct chain_certs *ret, struct kd_err *e) KD_MUST;
/* Errors: KD_E_LIMIT; the certificate is freed then. */
bool chain_push(struct chain_certs *c, X509 *take_cert, struct kd_err *e) KD_MUST;
/* Those of given that are signed by themselves. Errors: KD_E_LIMIT. */
bool chain_take_roots(
    struct chain_certs *given, struct chain_certs *ret, struct kd_err *e) KD_MUST;
/* Those of given by which leaf was issued, from it upwards; appended. */
void chain_take_issuers(X509 *leaf, struct chain_certs *given, struct chain_certs *ret);
/*
 * chain_verify - leaf leads to one of trust, by way of between, and all dates hold now.
 *
 * What it is for is not looked at. ret_root: which one; borrowed. Errors:
 * KD_E_CERT_INVALID.
 */
bool chain_verify(X509 *leaf, const struct chain_certs *between,
    const struct chain_certs *trust, X509 **ret_root, struct kd_err *e) KD_MUST;

/*
 * chain_sort - given in any order, leaf first and then each one's issuer in ret; roots,
 * which no signature needs to carry, are taken as trust and left out.
 *
 * given     emptied into ret and trust
 * key       the leaf is the one with this public key; NULL (a dry run): the one that is
 *           no CA's
 * module    for Linux kernel modules alone: extended key usages may be missing
 *
 * Checked: the leaf is for code signing (extended key usage; digitalSignature where usages
 * are listed), no CA's, RSA of 3072 bits or more; all dates hold now; nothing is left
 * over; the chain builds (X509_verify_cert) to a certificate of trust, or without any to
 * its own top, which a leaf alone has only when it is self-signed.
 * Errors: KD_E_CERT_INVALID with the name of the certificate that is wrong; KD_E_CRYPTO.
 */
bool chain_sort(struct chain_certs *given, const EVP_PKEY *key, bool module,
    struct chain_certs *ret, struct chain_certs *trust, struct kd_err *e) KD_MUST;
/*
 * chain_check_cross - the chain builds to this certificate, at whatever time: those for
 * kernel drivers have all expired, and that is nobody's mistake.
 *
 * ret_expired  it is outside its dates now
 * Errors: KD_E_CERT_INVALID.
 */
bool chain_check_cross(const struct chain_certs *chain, X509 *cross, bool *ret_expired,
    struct kd_err *e) KD_MUST;
/* Its notAfter, "2027-11-26T00:00:00Z". */
void chain_until(const X509 *cert, char ret[25]);
#endif
