/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/pe.h - a PE image's headers: where the certificate table is, and what else
 * the digest leaves out. */
#ifndef KD_PE_H
#define KD_PE_H
#include <stdint.h>

#include "base/error.h"

#define PE_SIZE_MAX 0xffffffffull /* all offsets in the format are 32 bits */
/* Windows documents 96 as the most it loads; firmware knows no limit. */
#define PE_SECTION_MAX 1024u

struct pe {              /* plain data; offsets in bytes from the start of the file */
	uint64_t size;   /* of the file */
	uint32_t nt_off; /* "PE\0\0" */
	uint16_t machine, subsystem, characteristics, nsections;
	bool plus;                   /* PE32+ */
	uint32_t headers_end;        /* end of the section table */
	uint32_t checksum_off;       /* CheckSum, 4 bytes */
	uint32_t checksum;           /* as it stands */
	uint32_t secdir_off;         /* data directory entry 4, 8 bytes */
	uint32_t cert_off, cert_len; /* certificate table; 0, 0 when unsigned */
	uint64_t image_end; /* cert_off when signed, else size: what precedes the table */
	uint64_t trailing;  /* bytes after the certificate table; 0 when unsigned */
	/*
	 * Number (from 1) of the first section whose data reaches into the certificate
	 * table, 0 when none does. What is mapped from there is covered by no digest:
	 * such a file is not to be trusted, and never written.
	 */
	uint16_t mapped_table;
};

/*
 * pe_open - read and check the headers of an open regular file, in bounded memory.
 *
 * On success secdir_off + 8 <= headers_end <= image_end <= size, cert_off is a multiple
 * of 8, and no section's data lies outside the file. The messages name field, offset,
 * value seen and expected; the caller adds the path.
 *
 * Errors: KD_E_FORMAT (not a PE image; truncated; certificate table in a wrong place),
 * KD_E_LIMIT (over 4 GiB, too many sections), KD_E_FILE (cannot be read).
 *
 * Spec: Microsoft PE format, "MS-DOS Stub" to "Section Table"; authenticode-pe facts 1.
 */
bool pe_open(int fd, struct pe *ret, struct kd_err *e) KD_MUST;
/* "x64", "x86", "arm64", ... or "machine 0x1234" (in buf). */
const char *pe_machine_name(uint16_t machine, char buf[20]);
#endif
