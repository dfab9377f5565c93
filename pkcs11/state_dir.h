/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/state_dir.h - the folder that holds latch, owner and transcript. */
#ifndef KD_PKCS11_STATE_DIR_H
#define KD_PKCS11_STATE_DIR_H
#include "base/error.h"

/* It is ours or root's and nobody else can write it; made when missing (0700).
 * Errors: KD_E_CONFIG. */
bool state_dir_check(const char *dir, struct kd_err *e) KD_MUST;
/* state_dir_check, and DIR/lock is ours for the life of *ret_fd: one signer per folder.
 * Errors: KD_E_CONFIG. */
bool state_dir_lock(const char *dir, int *ret_fd, struct kd_err *e) KD_MUST;
/* As it is, whosesoever it is; *ret_fd is the caller's. Errors: KD_E_CONFIG. */
bool state_dir_open(const char *dir, int *ret_fd, struct kd_err *e) KD_MUST;
/* DIR/name goes, durably. Not there is fine. Errors: KD_E_IO, KD_E_CONFIG. */
bool state_dir_remove(const char *dir, const char *name, struct kd_err *e) KD_MUST;
#endif
