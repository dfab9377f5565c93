/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/cert_x509.h - what lies inside struct certs, for this folder's files. */
#ifndef KD_CERT_X509_H
#define KD_CERT_X509_H
#include <openssl/x509.h>

#include "authenticode/cert.h"
#include "authenticode/der.h"

struct cert {
	uint8_t *der; /* owned; the bytes as given */
	size_t len;
	X509 *x; /* a reference is owned; made from der, never changed, so lists share it */
	struct tlv serial, issuer; /* in der, as encoded */
};
/* Borrowed; valid until c is changed or freed. i < certs_n(c). */
const struct cert *certs_at(const struct certs *c, size_t i);
/* Appends one of another list, without decoding it again: decoding costs most of all that
 * is done with one, near a millisecond. Errors: as certs_add_der. */
bool certs_share(struct certs *c, const struct cert *from, struct kd_err *e) KD_MUST;
/* Subject and issuer are equal and its own key verifies it. */
bool cert_self_signed(const struct cert *c);
#define CERT_NAME_LEN 96
/* The common name, else the whole subject; for messages. */
void cert_name(const struct cert *c, char dst[CERT_NAME_LEN]);
void cert_issuer_name(const struct cert *c, char dst[CERT_NAME_LEN]);
/* A Name's DER, as cert_info shows subjects. */
bool cert_name_der(
    const uint8_t *der, size_t len, char dst[256], struct kd_err *e) KD_MUST;
/* Unix seconds; KD_E_FORMAT when t is NULL or no time. */
bool cert_time(const ASN1_TIME *t, int64_t *ret, struct kd_err *e) KD_MUST;

/* kd_fail with OpenSSL's own reason appended; empties its error queue. Always false. */
bool cert_fail_openssl(struct kd_err *e, enum kd_code code, const char *what);

AUTO_DEFINE(EVP_PKEY, EVP_PKEY_free);
AUTO_DEFINE(EVP_PKEY_CTX, EVP_PKEY_CTX_free);
AUTO_DEFINE(BIO, BIO_free_all);
#endif
