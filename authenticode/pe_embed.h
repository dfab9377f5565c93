/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/pe_embed.h - certificate tables: read, written, taken out. */
#ifndef KD_PE_EMBED_H
#define KD_PE_EMBED_H
#include <stddef.h>
#include <stdint.h>

#include "authenticode/pe.h"
#include "authenticode/pe_digest.h"
#include "base/builder.h"

#define PE_CERT_ENTRIES_MAX 16 /* the most seen in a real file is 2 */
/* Read into memory whole; real ones stay under 64 KiB. */
#define PE_CERT_TABLE_MAX ((size_t)16 << 20)

struct pe_cert {                 /* one WIN_CERTIFICATE */
	uint16_t revision, type; /* 0x0200, 2 = PKCS#7 SignedData */
	const uint8_t *p;        /* borrowed from the table; of DER the value alone */
	size_t len;
	size_t hidden; /* bytes up to the next entry that should be zero and are not */
};
struct pe_certs {
	struct buf table; /* owned: the raw table */
	struct pe_cert v[PE_CERT_ENTRIES_MAX];
	size_t n;
};
void pe_certs_clear(struct pe_certs *c);
AUTO_DEFINE_CLEAR(struct pe_certs, pe_certs_clear);

/*
 * pe_certs_read - the entries of the certificate table.
 *
 * ret  written on success only, at least one entry; the caller clears it
 *
 * Errors: KD_E_UNSIGNED (no table), KD_E_FORMAT (an entry is malformed; named with its
 * offset in the file), KD_E_LIMIT (over PE_CERT_TABLE_MAX bytes or PE_CERT_ENTRIES_MAX
 * entries), KD_E_FILE, KD_E_NOMEM.
 *
 * Spec: Microsoft PE format, "The Attribute Certificate Table"; facts 4.
 */
bool pe_certs_read(
    int fd, const struct pe *pe, struct pe_certs *ret, struct kd_err *e) KD_MUST;

/*
 * pe_embed - write to out_fd the image of in_fd with cms as its only signature.
 *
 * An old table is left out, the image padded to 8, the table written (entry length
 * includes the padding), directory entry and CheckSum set; nothing is read twice,
 * CheckSum comes from d.
 *
 * in_fd, pe, d  borrowed, not changed; what pe_open() and pe_digest() said of in_fd
 *
 * out_fd        an empty regular file, open for writing; after a failure its content is
 *               worthless
 *
 * Errors: KD_E_FORMAT (data after the old table: Windows may refuse such a file,
 * MS12-024; or a section's data in the table), KD_E_TOO_LARGE (cms), KD_E_LIMIT (the
 * result would exceed PE_SIZE_MAX), KD_E_FILE (reading), KD_E_IO (writing), KD_E_NOMEM.
 *
 * Spec: facts 2 (padding), 3, 4.
 */
bool pe_embed(int in_fd, const struct pe *pe, const struct pe_digest *d,
    const uint8_t *cms, size_t cms_len, int out_fd, struct kd_err *e) KD_MUST;
/* The image without any signature, padding kept, CheckSum right. As pe_embed;
 * KD_E_UNSIGNED when it has none. */
bool pe_strip(int in_fd, const struct pe *pe, const struct pe_digest *d, int out_fd,
    struct kd_err *e) KD_MUST;
#endif
