/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/ceremony_look.h - what a token holds: private keys with their facts,
 * certificates. */
#ifndef KD_PKCS11_CEREMONY_LOOK_H
#define KD_PKCS11_CEREMONY_LOOK_H
#include <openssl/x509.h>

#include "base/builder.h"
#include "base/error.h"
#include "pkcs11/ceremony_facts.h"
#include "pkcs11/uri.h"
#include "wire/signer_msg.h"

#define LOOK_MAX 4096 /* objects of one class; HSMs have some thousands of keys at most */

struct look_key {
	CK_OBJECT_HANDLE handle;
	char label[URI_OBJECT_MAX + 1]; /* printable */
	char id[2 * URI_OBJECT_MAX + 1];
	struct facts facts;
	struct signer_key k;    /* when usable */
	struct kd_err unusable; /* why a service cannot use it; code KD_OK: it can */
	char spki_sha256[65];   /* "" when not told */
};

struct look_cert {
	char label[URI_OBJECT_MAX + 1], id[2 * URI_OBJECT_MAX + 1];
	char subject[512], issuer[512]; /* RFC 2253 */
	char until[25];                 /* notAfter, UTC */
	char sha256[65], spki_sha256[65];
	bool made; /* by the module, when it is read: no token object */
	struct buf der;
};
void look_cert_clear(struct look_cert *c);
AUTO_DEFINE_CLEAR(struct look_cert, look_cert_clear);

/* Handles of all private keys, or of all certificates. Errors: KD_E_TOKEN; KD_E_LIMIT: there
 * are more, and what is said of a part could be wrong of the whole. */
bool look_find(const struct token *t, CK_OBJECT_CLASS class,
    CK_OBJECT_HANDLE ret[LOOK_MAX], size_t *ret_n, struct kd_err *e) KD_MUST;
void look_key(const struct token *t, CK_OBJECT_HANDLE o, struct look_key *ret);
/* False when the object is not an X.509 certificate. */
bool look_cert(const struct token *t, CK_OBJECT_HANDLE o, struct look_cert *ret);
/* The same of one in memory: no label, no id. False: out of memory. */
bool look_x509(X509 *cert, struct look_cert *ret);
/* "RSA-3072", "P-256" */
void look_type(const struct signer_key *k, char ret[16]);
#endif
