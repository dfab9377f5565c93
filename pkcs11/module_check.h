/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/module_check.h - may this PKCS#11 module be loaded: who else could have written it. */
#ifndef KD_PKCS11_MODULE_CHECK_H
#define KD_PKCS11_MODULE_CHECK_H
#include "base/error.h"

/*
 * module_check - an absolute path to a regular file that nobody but its owner can write,
 * in a folder of which the same holds, both after following links; and a shared library
 * for this machine. Whether it is a PKCS#11 module shows when it is loaded: what is loaded
 * runs, and its functions may come from a library that it needs.
 *
 * sha256  NULL, or the file's SHA-256 in hex, as the operator has pinned it
 * Errors: KD_E_CONFIG, KD_E_FILE. Nothing is loaded.
 */
bool module_check(const char *path, const char *sha256, struct kd_err *e) KD_MUST;
#endif
