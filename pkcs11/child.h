/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/child.h - the process that holds the vendor's module: logs in once, then signs.
 */
#ifndef KD_PKCS11_CHILD_H
#define KD_PKCS11_CHILD_H

/*
 * child_main - what `kdsign-signer --child` does, with the descriptors of child_msg.h.
 *
 * Finds the token, says so (CHILD_FOUND), logs in with the PIN from the parent, finds the
 * keys, then signs in as many threads as the token gives sessions. Whatever goes wrong is
 * said (CHILD_FAULT) and ends the process; it is never repaired in here. Ends when the
 * parent does. Returns the exit status, if it returns.
 */
int child_main(void);
#endif
