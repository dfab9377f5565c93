/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/ceremony_subject.h - a distinguished name as people write it. */
#ifndef KD_PKCS11_CEREMONY_SUBJECT_H
#define KD_PKCS11_CEREMONY_SUBJECT_H
#include <openssl/x509.h>

#include "base/error.h"

#define SUBJECT_LEN_MAX 2048
#define SUBJECT_PARTS_MAX 32

/*
 * subject_parse - "CN=Example Drivers,O=Example\, Inc.,C=DE" (RFC 2253: the last part
 * comes first in the name) or "/C=DE/O=Example, Inc./CN=Example Drivers" (openssl -subj).
 *
 * Attributes by OpenSSL's short or long names or as dotted numbers. Values are UTF-8. A
 * part of several attributes ("+") is refused: nobody's code-signing certificate has one.
 * ret  owned by the caller
 * Errors: KD_E_USAGE with the part that is wrong; KD_E_NOMEM.
 * Spec:   RFC 2253 section 3 (also RFC 4514); openssl-req(1) "-subj".
 */
bool subject_parse(const char *s, X509_NAME **ret, struct kd_err *e) KD_MUST;
/* RFC 2253, escaped, UTF-8; cut with "..." when it does not fit. */
void subject_print(const X509_NAME *name, char *dst, size_t n);
#endif
