/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/spc.h - SpcIndirectDataContent: what a signature says of a file. */
#ifndef KD_SPC_H
#define KD_SPC_H
#include <stddef.h>
#include <stdint.h>

#include "base/builder.h"
#include "base/md.h"

/* The hashes of a page-hash table beside an image digest of md: SHA-1 or SHA-256. */
enum md spc_pages_md(enum md md);

/*
 * spc_build_pe - append the DER of SpcIndirectDataContent for a PE image.
 *
 * SpcPeImageData with empty flags and the empty file link (what signtool writes today) or
 * the table of page hashes in its place, then DigestInfo of the image.
 *
 * digest  md_len(md) bytes
 * pages   the table (pe_pages.h), its hashes of spc_pages_md(md); NULL: none. Not looked
 *         into: pe_pages_check does
 * Errors: KD_E_NOMEM, KD_E_BUG (no algorithm); ret is then untouched.
 * Spec:   Windows Authenticode PE Signature Format 1.0, "SpcIndirectDataContent",
 *         facts 6, 11.
 */
bool spc_build_pe(enum md md, const uint8_t *digest, const uint8_t *pages,
    size_t pages_len, struct buf *ret, struct kd_err *e) KD_MUST;

enum spc_type {
	SPC_TYPE_OTHER,
	SPC_TYPE_PE,
	SPC_TYPE_CABINET,
	SPC_TYPE_SCRIPT,
	SPC_TYPE_MSI,
	SPC_TYPE_NONE /* of a format (format.h): its signatures have no such content */
};

/*
 * spc_build - the same for a cabinet, a script or an MSI.
 *
 * Cabinet: an SpcLink to an empty file name, which every tool takes. Script and MSI: an
 * SpcSipInfo, the class id of what reads such files on Windows.
 *
 * Errors: KD_E_NOMEM, KD_E_BUG (another type, no algorithm); ret is then untouched.
 * Spec:   cab-and-others facts 2, 4, 5.
 */
bool spc_build(enum spc_type type, enum md md, const uint8_t *digest, struct buf *ret,
    struct kd_err *e) KD_MUST;

struct spc { /* borrowed */
	enum spc_type type;
	char type_oid[64]; /* dotted */
	enum md md;
	uint8_t digest[MD_LEN_MAX];
	bool page_hashes; /* the file link is a table of page hashes */
	enum md pages_md; /* sha1 or sha256 */
	const uint8_t *pages;
	size_t pages_len;
	/* Cabinet, as signtool writes it: a hash of the header's cbCabinet, by an algorithm
	 * of that length; NULL: the signature has none */
	const uint8_t *length_hash;
	size_t length_hash_len;
};
/*
 * What a type is told by, strictly: another link, another class id or another shape comes
 * out as SPC_TYPE_OTHER or as KD_E_FORMAT.
 */
/* Exactly len bytes; ret written on success only. KD_E_FORMAT names the element. */
bool spc_parse(const uint8_t *der, size_t len, struct spc *ret, struct kd_err *e) KD_MUST;
#endif
