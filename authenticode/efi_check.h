/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/efi_check.h - would firmware and shim take this PE image for an EFI binary? */
#ifndef KD_EFI_CHECK_H
#define KD_EFI_CHECK_H
#include "authenticode/pe.h"
#include "base/error.h"

#define EFI_FINDINGS_MAX 8

/* WARNED: it loads today, or where no policy asks for more. */
enum efi_result { EFI_FINE, EFI_REFUSED, EFI_WARNED };

struct efi_finding {
	const char *name;
	enum efi_result result;
	char detail[200];
};

struct efi_report {
	struct efi_finding v[EFI_FINDINGS_MAX];
	size_t n;
	bool ok; /* nothing is REFUSED */
};

/*
 * efi_check - all that does not depend on who signed it.
 *
 *	machine            x64, x86, arm64, thumb, riscv or loongarch; PE32+ where it must be
 *	subsystem          EFI application, boot service driver, runtime driver, ROM
 *	headers            sizes that agree, and relocations, which a loader needs
 *	sections           in memory: inside the image, behind the headers; in the file: one
 *	                   after the other without a gap from the headers on. Firmware hashes
 *	                   section by section, and would come to another digest
 *	entry point        in one section
 *	certificate table  the end of the file; a multiple of 8 long
 *	sbat               WARNED without: shim since 15.3 loads nothing without it
 *	nx                 WARNED where memory would be writable and executable at once
 *
 * pe   as pe_open left it
 * ret  filled on true
 * Errors: KD_E_FILE; KD_E_FORMAT where pe_open would have failed.
 * Spec:   UEFI 2.10, 32.5 "Code definitions" (WIN_CERTIFICATE); EDK II
 *         DxeImageVerificationLib; shim, read_header, generate_hash, handle_image.
 */
bool efi_check(int fd, const struct pe *pe, struct efi_report *ret, struct kd_err *e) KD_MUST;
/* KD_E_FORMAT with the first finding that is REFUSED; true when there is none. */
bool efi_refuse(const struct efi_report *r, struct kd_err *e) KD_MUST;
#endif
