/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/token_lock.h - one signer for one token on this host, whatever their folders. */
#ifndef KD_PKCS11_TOKEN_LOCK_H
#define KD_PKCS11_TOKEN_LOCK_H
#include "base/error.h"
#include "pkcs11/signer_conf.h"

#define TOKEN_LOCK_DIR "/run/kdsign/tokens" /* the signers' own, by tmpfiles.d */
#define TOKEN_LOCK_DIR_SHARED "/dev/shm"    /* where that is not set up */
#define TOKEN_LOCK_PATH_MAX 160             /* folder, serial, label, module in hex */

struct token_lock { /* all-zero: none */
	char path[TOKEN_LOCK_PATH_MAX];
	int fd;
};

/*
 * token_lock_take - before the first login: two signers would each try a PIN, and each
 * latch only its own state-dir. Does nothing when ret is that token's lock already; the
 * lock of another token is let go of. Ends with the process.
 *
 * A token is its serial and label as seen by one module in one environment. Serial and
 * label alone are not enough: all TPMs have the serial 0000000000000000, clones that serve
 * as a pool share theirs, and for these it is module-environment that says which store or
 * device is meant. Paths in it count as the files that they lead to, and their order does
 * not. So what goes unseen is two signers for one token whose environments differ in
 * something that does not matter; each then tries its PIN once.
 *
 * In the shared folder, which is for tests and trials, any user of the host can hold a lock
 * and so keep a signer from starting. Who locks in one folder looks into the
 * other one, where it may.
 * Errors: KD_E_CONFIG: another signer holds it, or the file cannot be opened.
 */
bool token_lock_take(struct token_lock *ret, const struct signer_conf *conf,
    const char *serial, const char *label, struct kd_err *e) KD_MUST;
void token_lock_release(struct token_lock *l);
#endif
