/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/cert.h - lists of X.509 certificates, and what one asks of one. */
#ifndef KD_CERT_H
#define KD_CERT_H
#include <stddef.h>
#include <stdint.h>

#include "base/builder.h"
#include "base/error.h"
#include "base/md.h"
#include "base/own.h"

struct certs; /* opaque: an ordered list; owns its certificates */

#define CERTS_MAX 1024 /* a system's bundle of roots has some 150 */
#define CERT_FILE_MAX ((size_t)1 << 20)

bool certs_new(struct certs **ret, struct kd_err *e) KD_MUST;
void certs_free(struct certs *c);
AUTO_DEFINE(struct certs, certs_free);
/*
 * certs_load - append every certificate of a file, PEM (one or more) or DER (one).
 *
 * Other PEM blocks, a private key say, are passed over. On failure c is as before.
 * Errors: KD_E_FILE, KD_E_FORMAT, KD_E_LIMIT, KD_E_NOMEM; the message names the path.
 */
bool certs_load(struct certs *c, const char *path, struct kd_err *e) KD_MUST;
/* Appends one, exactly len bytes of DER; but not again one with the same bytes. */
bool certs_add_der(
    struct certs *c, const uint8_t *der, size_t len, struct kd_err *e) KD_MUST;
bool certs_add_all(struct certs *c, const struct certs *from, struct kd_err *e) KD_MUST;
size_t certs_n(const struct certs *c);
const uint8_t *certs_der(const struct certs *c, size_t i, size_t *ret_len); /* borrowed */

struct cert_info {                      /* plain data for display and policy */
	char subject[256], issuer[256]; /* RFC 2253, UTF-8, safe to show */
	/* The last common name, else organizational unit, else organization: as Windows
	 * shows them in one line. */
	char subject_name[96], issuer_name[96];
	char serial[64];                /* hex */
	int64_t not_before, not_after;  /* Unix seconds */
	uint8_t sha1[20], sha256[32];   /* of the certificate */
	uint8_t spki_sha256[32];
	char algorithm[16]; /* "rsa", "ecdsa", else the OID's short name */
	unsigned bits;
	char signature_algorithm[48];
	bool self_signed; /* subject equals issuer and its own key verifies it */
	bool ca;
	bool has_key_usage, ku_digital_signature;
	bool has_eku, eku_code_signing; /* anyExtendedKeyUsage does not count */
};
bool cert_info(
    const struct certs *c, size_t i, struct cert_info *ret, struct kd_err *e) KD_MUST;
/* Does its extended key usage name this OID (dotted)? No extension: false. */
bool cert_has_eku(const struct certs *c, size_t i, const char *oid);
/* The policy that makes it an EV code-signing certificate (CA/Browser Forum's own or a
 * CA's), dotted and perhaps named; NULL: it is none. Constant strings. */
const char *cert_ev_policy(const struct certs *c, size_t i);
/* Appends the DER SubjectPublicKeyInfo. */
bool cert_spki(
    const struct certs *c, size_t i, struct buf *ret, struct kd_err *e) KD_MUST;

/*
 * A verification key made once from a certificate and used by several threads: what the
 * keeper checks each of the token's signatures with before it leaves.
 */
struct cert_key;
bool cert_key_new(
    const struct certs *c, size_t i, struct cert_key **ret, struct kd_err *e) KD_MUST;
void cert_key_free(struct cert_key *k);
AUTO_DEFINE(struct cert_key, cert_key_free);
bool cert_key_is_rsa(const struct cert_key *k); /* else ECDSA */
/* digest: md_len(md) bytes; sig as CMS holds it (ECDSA: DER). KD_E_BAD_SIGNATURE. */
bool cert_key_verify(const struct cert_key *k, enum md md, const uint8_t *digest,
    const uint8_t *sig, size_t sig_len, struct kd_err *e) KD_MUST;
/* RSA only: does the PKCS #1 v1.5 block hold the digest itself, without the DigestInfo
 * that RFC 8017 section 9.2 puts around it? */
bool cert_key_verify_bare(const struct cert_key *k, enum md md, const uint8_t *digest,
    const uint8_t *sig, size_t sig_len);
/* Digest of any bytes (OpenSSL), so that callers need no EVP of their own. */
bool md_digest(enum md md, const void *p, size_t n, uint8_t ret[MD_LEN_MAX],
    struct kd_err *e) KD_MUST;
#endif
