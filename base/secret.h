/* SPDX-License-Identifier: Apache-2.0 */
/* base/secret.h - bytes that are locked, kept out of cores, wiped, and have no printer. */
#ifndef KD_SECRET_H
#define KD_SECRET_H
#include <stddef.h>

#include "base/error.h"
#include "base/own.h"

#define SECRET_MAX 255 /* bytes; no PIN is longer */

/*
 * Opaque: a page of its own, by memfd_secret(2), which nobody's /proc/PID/mem shows; where
 * the kernel has none, by memfd_create(2) and mlock(2). Not in core files, not in what a
 * fork copies. There is one copy, whoever has it mapped.
 */
struct secret;

void secret_free(struct secret *s); /* wipes, but for what came from secret_take */
AUTO_DEFINE(struct secret, secret_free);
/* Reads fd to its end (at most SECRET_MAX), without any other copy; one trailing newline is
 * dropped. fd stays the caller's. Errors: KD_E_PIN (empty, too long, has NUL), KD_E_IO,
 * KD_E_CONFIG (memory cannot be locked). */
bool secret_read_fd(int fd, struct secret **ret, struct kd_err *e) KD_MUST;
/* A credential file: regular, owned by us or root, no group or other bits (0600 or 0400). */
bool secret_read_file(const char *path, struct secret **ret, struct kd_err *e) KD_MUST;
/* Borrowed; valid until secret_hide or secret_free. */
const unsigned char *secret_bytes(const struct secret *s);
size_t secret_len(const struct secret *s);
/* Out of our own address space, where the kernel lets it be out of the swap partition all
 * the same: for who only keeps it, and passes it on. */
void secret_hide(struct secret *s);
/* "memfd_secret" or "mlock": for the log. */
const char *secret_memory(const struct secret *s);
/*
 * secret_pass, secret_take - the same page to another process, over a Unix stream socket.
 * The taker can read it; the giver goes on owning it, and wipes it.
 * Errors: KD_E_IO; secret_take: KD_E_PIN when the other end was closed or sent something
 * else, KD_E_CONFIG, KD_E_NOMEM.
 */
bool secret_pass(const struct secret *s, int sock, struct kd_err *e) KD_MUST;
bool secret_take(int sock, struct secret **ret, struct kd_err *e) KD_MUST;
#endif
