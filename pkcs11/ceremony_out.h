/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/ceremony_out.h - what a ceremony hands out: PEM and files. */
#ifndef KD_PKCS11_CEREMONY_OUT_H
#define KD_PKCS11_CEREMONY_OUT_H
#include <openssl/x509.h>

#include "pkcs11/ceremony.h"

bool out_pem_request(X509_REQ *req, struct buf *ret, struct kd_err *e) KD_MUST;
bool out_pem_cert(X509 *cert, struct buf *ret, struct kd_err *e) KD_MUST;
/* A file replaced as a whole and synced. Its SHA-256 becomes a fact. Errors: KD_E_FILE,
 * KD_E_IO. */
bool out_file(
    struct ceremony *c, const char *path, const struct buf *b, struct kd_err *e) KD_MUST;
/* To --out, without it to standard output. */
bool out_write(struct ceremony *c, const struct buf *b, struct kd_err *e) KD_MUST;
#endif
