/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/ceremony_ask.h - questions to the person at the terminal. */
#ifndef KD_PKCS11_CEREMONY_ASK_H
#define KD_PKCS11_CEREMONY_ASK_H
#include <stddef.h>

#include "base/error.h"
#include "base/secret.h"

/* A terminal is there to ask on. */
bool ask_possible(void);
/*
 * ask_secret - a line typed without echo on the terminal, which stdin and stdout need not
 * be. The bytes go from the terminal to the secret one at a time. Errors: KD_E_CONFIG (no
 * terminal), KD_E_PIN.
 */
bool ask_secret(const char *prompt, struct secret **ret, struct kd_err *e) KD_MUST;
/* A line, with echo, of at most n - 1 bytes. */
bool ask_line(const char *prompt, char *ret, size_t n, struct kd_err *e) KD_MUST;
#endif
