/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/latch.h - one try of a PIN per operator action, whatever crashes in between. */
#ifndef KD_PKCS11_LATCH_H
#define KD_PKCS11_LATCH_H
#include <stddef.h>

#include "base/error.h"

/*
 * The file DIR/latch exists from before C_Login until after it succeeded. One that is
 * found at any other time is a refused PIN, or a crash while one was being tried: no
 * further login is attempted until an operator removes it (kdsign-token pin). It
 * names the token's serial and label and the time; of the PIN it holds nothing, also no
 * hash: six digits fall to a search in a second.
 *
 * While the try is under way, whoever makes it has the file locked (an open file
 * description's lock, which ends with the process): kdsign-signer and kdsign-token wait for
 * each other, where a file that nobody has locked stops both.
 */
#define LATCH_TEXT_MAX 256

struct latch {
	const char *dir; /* state-dir, borrowed */
	char serial[17]; /* of the token, as found in the file; made printable */
	char time[33];
	bool under_way; /* somebody makes that try at this moment: no latch yet */
};

/*
 * latch_read - is there a latch, and whose.
 *
 * ret          for messages
 * ret_latched  true also for a latch that cannot be read: its fields are "unknown" then
 * Errors: KD_E_CONFIG when the folder cannot be looked into.
 */
bool latch_read(
    const char *dir, struct latch *ret, bool *ret_latched, struct kd_err *e) KD_MUST;
/* Puts KD_E_PIN into e, or KD_E_BUSY where it is under way, saying what was latched and
 * what to do. Always false. */
bool latch_fail(const struct latch *l, struct kd_err *e);
/*
 * latch_attempt - record that a PIN is about to be tried, durably (file and folder
 * fsynced). When this fails, no login may follow.
 *
 * ret_fd  as long as it is open, the try is under way; latch_remove comes before its close
 * Errors: KD_E_PIN (already latched), KD_E_BUSY (another's try is under way), KD_E_IO,
 * KD_E_CONFIG.
 */
bool latch_attempt(const char *dir, const char *serial, const char *label, int *ret_fd,
    struct kd_err *e) KD_MUST;
/* The login succeeded, or the operator unlatches. Not there is fine. Errors: KD_E_IO. */
bool latch_remove(const char *dir, struct kd_err *e) KD_MUST;
#endif
