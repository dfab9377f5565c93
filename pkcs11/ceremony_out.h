/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/ceremony_out.h - what a ceremony hands out: PEM and files. */
#ifndef KD_PKCS11_CEREMONY_OUT_H
#define KD_PKCS11_CEREMONY_OUT_H
#include <openssl/x509.h>

#include "base/file.h"
#include "pkcs11/ceremony.h"

#define OUT_MAX 4 /* files of one command */

bool out_pem_request(X509_REQ *req, struct buf *ret, struct kd_err *e) KD_MUST;
bool out_pem_cert(X509 *cert, struct buf *ret, struct kd_err *e) KD_MUST;

/*
 * A file that is replaced as a whole, or standard output. It is opened before the token is
 * asked for anything: nothing is done there whose result has no place.
 */
struct out {
	struct file_replace r;
	struct buf path; /* "": standard output */
	char sha256[TRANSCRIPT_HASH_LEN + 1];
	const struct buf *text; /* for standard output, borrowed from out_fill */
};
/*
 * out_open - path and suffix; NULL path: standard output.
 *
 * room  bytes that are set aside on the disk now: content that only the token can make
 * Errors: KD_E_FILE, KD_E_IO (no room), KD_E_NOMEM.
 */
bool out_open(const char *path, const char *suffix, size_t room, struct out *ret,
    struct kd_err *e) KD_MUST;
/* The content, synced; the file at its place is as before. Errors: KD_E_IO. */
bool out_fill(struct out *o, const struct buf *b, struct kd_err *e) KD_MUST;
/* All n (OUT_MAX at most) into their places, or none of them. Their SHA-256 become facts.
 * Errors: KD_E_IO, KD_E_FILE. */
bool out_place(
    struct ceremony *c, struct out *const *v, size_t n, struct kd_err *e) KD_MUST;
void out_clear(struct out *o);
AUTO_DEFINE_CLEAR(struct out, out_clear);
#endif
