/* SPDX-License-Identifier: Apache-2.0 */
/* client/sign_efi.h - what is asked of a file that is to be signed as EFI binary. */
#ifndef CLIENT_SIGN_EFI_H
#define CLIENT_SIGN_EFI_H
#include "client/sign_kind.h"

#define SIGN_EFI_NOTE_LEN 240
#define SIGN_EFI_NOTES_MAX 4 /* efi_check warns of two things: .sbat and NX */

struct sign_efi_notes {
	char v[SIGN_EFI_NOTES_MAX][SIGN_EFI_NOTE_LEN];
	size_t n;
};

/* Do these go with it? KD_E_USAGE. */
bool sign_efi_options(
    enum md md, bool page_hashes, bool append, struct kd_err *e) KD_MUST;
/*
 * sign_efi_check - would firmware load this, once it is signed?
 *
 * ret_notes  what not every firmware minds, one sentence each
 * Errors: KD_E_FORMAT with the finding, KD_E_LIMIT, KD_E_FILE, KD_E_NOMEM.
 */
bool sign_efi_check(int fd, const struct sign_subject *s,
    struct sign_efi_notes *ret_notes, struct kd_err *e) KD_MUST;
#endif
