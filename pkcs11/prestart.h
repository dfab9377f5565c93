/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/prestart.h - commands that put a token into order before its module is loaded. */
#ifndef KD_PKCS11_PRESTART_H
#define KD_PKCS11_PRESTART_H
#include "base/error.h"

#define PRESTART_WORDS_MAX 16
#define PRESTART_MAX 8         /* commands */
#define PRESTART_LEN_MAX 1024  /* bytes of one */
#define PRESTART_MS 10000      /* for each; then it is killed */

/*
 * prestart_check - a command is its program's absolute path and arguments, between blanks;
 * no shell reads it. Only root or we can write the program. KD_E_CONFIG.
 */
bool prestart_check(const char *command, struct kd_err *e) KD_MUST;
/*
 * prestart_run - run it and wait until it has ended with status 0.
 *
 * With our environment, nothing to read, and its output where ours goes. It ends with us.
 * Forks: to be called before any module is loaded and any thread is made.
 * Errors: KD_E_TOKEN, with the command and how it ended; KD_E_NOMEM, KD_E_BUG.
 */
bool prestart_run(const char *command, struct kd_err *e) KD_MUST;
#endif
