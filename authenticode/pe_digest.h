/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/pe_digest.h - the Authenticode digest and the PE checksum, in one
 * streaming pass. */
#ifndef KD_PE_DIGEST_H
#define KD_PE_DIGEST_H
#include <stddef.h>
#include <stdint.h>

#include "authenticode/pe.h"
#include "base/md.h"

#define PE_DIGESTS_MAX 4

struct pe_digest {
	/* set by the caller: asked for, MD_NONE ends; none at all gives the sums alone */
	enum md md[PE_DIGESTS_MAX];
	uint8_t digest[PE_DIGESTS_MAX][MD_LEN_MAX]; /* md_len(md[i]) bytes each */
	/* checksum's sum over [0, image_end) without CheckSum and directory entry */
	uint32_t image_sum;
	uint32_t checksum; /* what CheckSum should be in the file as it is */
	uint64_t trailing; /* bytes hashed after the certificate table */
};

/*
 * pe_digest - read the file once, front to back, and compute all its signature needs.
 *
 * The stream of all bytes is hashed but for CheckSum, the certificate table's directory
 * entry and the table itself; an unsigned file as if zero bytes filled it to a multiple
 * of 8. Bytes after the table count.
 *
 * fd, pe  borrowed; pe is what pe_open() said of fd
 * d       d->md is read; the rest written on success only
 *
 * Memory: one buffer of at most 64 KiB. Safe from several threads, each with its own d.
 *
 * Errors: KD_E_FILE (read error, or the file became shorter), KD_E_CRYPTO, KD_E_NOMEM.
 *
 * Spec: Windows Authenticode PE Signature Format 1.0, "Calculating the PE Image Hash";
 * facts 2, 3.
 */
bool pe_digest(
    int fd, const struct pe *pe, struct pe_digest *d, struct kd_err *e) KD_MUST;
/* CheckSum as it should be in the file as it is, by a pass without digests. */
bool pe_checksum(int fd, const struct pe *pe, uint32_t *ret, struct kd_err *e) KD_MUST;
#endif
