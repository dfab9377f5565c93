/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/pe_digest.h - the Authenticode digest and the PE checksum, in one streaming pass. */
#ifndef KD_PE_DIGEST_H
#define KD_PE_DIGEST_H
#include <stddef.h>
#include <stdint.h>

#include "authenticode/pe.h"
#include "base/md.h"

#define PE_DIGESTS_MAX 4

struct pe_digest {
	enum md md[PE_DIGESTS_MAX];                /* asked for, MD_NONE ends; set by the caller */
	uint8_t digest[PE_DIGESTS_MAX][MD_LEN_MAX]; /* md_len(md[i]) bytes each */
	uint32_t image_sum;    /* checksum's sum over [0, image_end) without CheckSum and directory entry */
	uint64_t trailing;     /* bytes hashed after the certificate table */
};

/* Reads the file once, front to back, with read-ahead. All of it that the spec names is hashed, with the
 * zero bytes that pad an unsigned file to a multiple of 8. */
bool pe_digest(int fd, const struct pe *pe, struct pe_digest *d, struct kd_err *e) KD_MUST;
/* CheckSum of the file as it is, whole (for inspect and verify). */
bool pe_checksum(int fd, const struct pe *pe, uint32_t *ret, struct kd_err *e) KD_MUST;
#endif
