/* SPDX-License-Identifier: Apache-2.0 */
/* base/secret.h - bytes that are locked, kept out of cores, wiped, and have no printer. */
#ifndef KD_SECRET_H
#define KD_SECRET_H
#include <stddef.h>

#include "base/error.h"
#include "base/own.h"

#define SECRET_MAX 255 /* bytes; no PIN is longer */

struct secret; /* opaque: own pages, mlock, MADV_DONTDUMP */

void secret_free(struct secret *s); /* wipes */
AUTO_DEFINE(struct secret, secret_free);
/* Reads fd to its end (at most SECRET_MAX), without any other copy; one trailing newline is
 * dropped. fd stays the caller's. Errors: KD_E_PIN (empty, too long, has NUL), KD_E_IO. */
bool secret_read_fd(int fd, struct secret **ret, struct kd_err *e) KD_MUST;
/* A credential file: regular, owned by us or root, no group or other bits (0600 or 0400). */
bool secret_read_file(const char *path, struct secret **ret, struct kd_err *e) KD_MUST;
/* Borrowed; valid until secret_free. */
const unsigned char *secret_bytes(const struct secret *s);
size_t secret_len(const struct secret *s);
/* Writes the bytes to fd (a pipe to our own child). */
bool secret_write_fd(const struct secret *s, int fd, struct kd_err *e) KD_MUST;
#endif
