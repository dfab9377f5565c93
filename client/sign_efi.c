/* SPDX-License-Identifier: Apache-2.0 */
/* client/sign_efi.c - what is asked of a file that is to be signed as EFI binary. */
#include "client/sign_efi.h"

#include <stdio.h>

#include "authenticode/efi_check.h"
#include "authenticode/pe.h"

bool
sign_efi_options(enum md md, bool page_hashes, bool append, struct kd_err *e)
{
	if (md != MD_NONE && md != MD_SHA256)
		return kd_fail(e, KD_E_USAGE,
		    "'--efi': firmware compares sha256 digests, not %s", md_name(md));
	if (page_hashes)
		return kd_fail(e, KD_E_USAGE,
		    "'--efi' and '--page-hashes': these are for Windows alone");
	if (!append)
		return true;
	return kd_fail(e, KD_E_USAGE,
	    "'--efi' and '--append': firmware does not look for nested signatures");
}

bool
sign_efi_check(int fd, const struct sign_subject *s, struct sign_efi_notes *ret_notes,
    struct kd_err *e)
{
	struct efi_report r;
	struct pe pe;

	ret_notes->n = 0;
	if (s->kind != &sign_kind_pe)
		return kd_fail(e, KD_E_FORMAT, "no EFI binary: its kind is %s",
		    s->kind->name);
	if (!pe_open(fd, &pe, e) || !efi_check(fd, &pe, &r, e) || !efi_refuse(&r, e))
		return false;
	for (size_t i = 0; i < r.n && ret_notes->n < SIGN_EFI_NOTES_MAX; i++)
		if (r.v[i].result == EFI_WARNED)
			(void)snprintf(ret_notes->v[ret_notes->n++], SIGN_EFI_NOTE_LEN,
			    "%s: %s", r.v[i].name, r.v[i].detail);
	return true;
}
