/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/pin.h - where the PIN comes from: never argv, environment or configuration. */
#ifndef KD_PKCS11_PIN_H
#define KD_PKCS11_PIN_H
#include "base/error.h"
#include "base/secret.h"

#define PIN_FD_READ (-2) /* there was a descriptor: read and closed */

/* The first that is given counts: a descriptor, pin-file, $CREDENTIALS_DIRECTORY/pin. */
struct pin_source {
	int fd; /* --pin-fd; -1 when not given; PIN_FD_READ */
	const char *file; /* pin-file, borrowed; NULL when not configured */
};

/*
 * pin_load - read the PIN into memory that is locked and wiped.
 * Errors: KD_E_CONFIG (no source; a file others may read), KD_E_PIN (empty, too long, a
 * NUL in it).
 */
bool pin_load(struct pin_source *src, struct secret **ret, struct kd_err *e) KD_MUST;
/* --check: the file that would be read exists and has the right mode; its bytes stay
 * unread. True also where only the unit or the caller can give the PIN. */
bool pin_check(const struct pin_source *src, struct kd_err *e) KD_MUST;
/* The file can be read a second time, after an operator has put another PIN there. */
bool pin_can_reload(const struct pin_source *src);
/* The file is root's, so it must be read before root's rights are given up. */
bool pin_needs_root(const struct pin_source *src);
#endif
