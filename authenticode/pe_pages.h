/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/pe_pages.h - the table of page hashes, by which Windows checks a PE image
 * page by page as it is loaded. */
#ifndef KD_PE_PAGES_H
#define KD_PE_PAGES_H
#include "authenticode/pe.h"
#include "base/builder.h"
#include "base/md.h"

/*
 * pe_pages - append the table: (offset, 32 bits little-endian; hash) for the headers, for
 * each page of each section, and with a hash of zeros for the end of the last one.
 *
 * pe  what pe_open() said of fd
 * md  MD_SHA1 or MD_SHA256
 *
 * Errors: KD_E_FORMAT (sections that overlap or stand before the headers' end),
 * KD_E_LIMIT (headers of more than a page: how Windows divides them is not known),
 * KD_E_FILE, KD_E_CRYPTO, KD_E_NOMEM. ret is then unusable. Spec:   authenticode-pe facts
 * 11, which hold for 219 tables in real files.
 */
bool pe_pages(
    int fd, const struct pe *pe, enum md md, struct buf *ret, struct kd_err *e) KD_MUST;

/*
 * pe_pages_check - can this be the table of a file of that size?
 *
 * Whole entries; the first one at 0, the others in ascending order and inside the file,
 * the last one with a hash of zeros at the end of the last section, which may be where the
 * file, filled up to a multiple of 8, ends. Whether the hashes are right only who has the
 * file can say.
 *
 * md  MD_SHA1 or MD_SHA256
 * Errors: KD_E_REQUEST names the entry.
 * Spec:   authenticode-pe facts 11.
 */
bool pe_pages_check(enum md md, const uint8_t *table, size_t len, uint64_t file_size,
    struct kd_err *e) KD_MUST;
#endif
