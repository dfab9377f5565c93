/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/pe_embed.h - certificate tables: read, written, taken out. */
#ifndef KD_PE_EMBED_H
#define KD_PE_EMBED_H
#include <stddef.h>
#include <stdint.h>

#include "authenticode/pe.h"
#include "authenticode/pe_digest.h"
#include "base/builder.h"

#define PE_CERT_ENTRIES_MAX 16
#define PE_CERT_TABLE_MAX ((size_t)16 << 20)

struct pe_cert { /* one WIN_CERTIFICATE */
	uint16_t revision, type;   /* 0x0200, 2 = PKCS#7 SignedData */
	const uint8_t *p;          /* borrowed from the table; the DER value alone, padding left out */
	size_t len;
};
struct pe_certs {
	struct buf table;          /* owned: the raw table */
	struct pe_cert v[PE_CERT_ENTRIES_MAX];
	size_t n;
};
void pe_certs_clear(struct pe_certs *c);
AUTO_DEFINE_CLEAR(struct pe_certs, pe_certs_clear);
/* KD_E_UNSIGNED when there is no table; KD_E_FORMAT when an entry is malformed. */
bool pe_certs_read(int fd, const struct pe *pe, struct pe_certs *ret, struct kd_err *e) KD_MUST;

/*
 * pe_embed - write to out_fd (empty) the image of in_fd with cms as its only signature.
 *
 * An old table is left out, the image padded to 8, the table written (entry length includes the padding),
 * directory entry and CheckSum set. d is what pe_digest() said of in_fd. in_fd is not changed. A file
 * with data after its certificate table is refused (KD_E_FORMAT): Windows may refuse it (MS12-024).
 */
bool pe_embed(int in_fd, const struct pe *pe, const struct pe_digest *d, const uint8_t *cms, size_t cms_len,
	int out_fd, struct kd_err *e) KD_MUST;
/* The image without any signature, padding kept, CheckSum right. */
bool pe_strip(int in_fd, const struct pe *pe, const struct pe_digest *d, int out_fd, struct kd_err *e) KD_MUST;
#endif
