/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/pe_embed.c - takes certificate tables apart and writes images with a new
 * one or none. */
#include "authenticode/pe_embed.h"

#include <inttypes.h>

#include "authenticode/format_io.h"
#include "authenticode/pe_sum.h"
#include "base/file.h"
#include "base/reader.h"

#define ALIGN 8
#define ENTRY_HEADER_LEN 8
#define REVISION_2 0x0200
#define TYPE_PKCS7 2

static uint64_t
align_up(uint64_t n)
{
	return (n + ALIGN - 1) / ALIGN * ALIGN;
}

/* ---- reading ---- */

/*
 * The DER element that b begins with, without what follows it: signtool counts the zero
 * padding as part of the entry (facts 4).
 */
static bool
der_value(struct rd b, struct pe_cert *ret, struct kd_err *e)
{
	struct rd r = b;
	uint8_t tag = rd_u8(&r, "signature's tag");
	uint64_t len = rd_u8(&r, "signature's length");

	if (len > 0x80 && len <= 0x84) {
		size_t octets = (size_t)len - 0x80;

		for (len = 0; octets > 0; octets--)
			len = len << 8 | rd_u8(&r, "signature's length");
	} else if (len >= 0x80) {
		return kd_fail(e, KD_E_FORMAT,
		    "signature's length at offset 0x%" PRIx64
		    " begins with 0x%02x, expected a definite length of at most 4 octets "
		    "(DER)",
		    b.origin + 1, (unsigned)len);
	}
	if (rd_ok(&r, e) && tag != 0x30)
		return kd_fail(e, KD_E_FORMAT,
		    "signature's tag at offset 0x%" PRIx64
		    " is 0x%02x, expected 0x30 (SEQUENCE)",
		    b.origin, tag);
	rd_skip(&r, len, "signature");
	if (!rd_ok(&r, e))
		return false;
	ret->len = r.pos;
	ret->p = rd_bytes(&b, ret->len, "signature");
	return true;
}

static size_t
count_nonzero(struct rd r)
{
	size_t n = 0;

	while (rd_left(&r) > 0)
		n += rd_u8(&r, "padding") != 0;
	return n;
}

/* One WIN_CERTIFICATE; r moves to where the next one may begin. */
static bool
read_entry(struct rd *r, struct pe_cert *ret, struct kd_err *e)
{
	uint64_t at = r->origin + r->pos;
	uint32_t len = rd_u32le(r, "dwLength");
	struct rd body;

	ret->revision = rd_u16le(r, "wRevision");
	ret->type = rd_u16le(r, "wCertificateType");
	if (!rd_ok(r, e))
		return false;
	if (len < ENTRY_HEADER_LEN || len - ENTRY_HEADER_LEN > rd_left(r))
		return kd_fail(e, KD_E_FORMAT,
		    "dwLength at offset 0x%" PRIx64 " is %" PRIu32
		    ", expected %d to %zu (the end of the table)",
		    at, len, ENTRY_HEADER_LEN, ENTRY_HEADER_LEN + rd_left(r));
	body = rd_sub(r, len - ENTRY_HEADER_LEN, "bCertificate");
	if (ret->type == TYPE_PKCS7) {
		if (!der_value(body, ret, e))
			return false;
	} else {
		ret->len = rd_left(&body);
		ret->p = rd_bytes(&body, ret->len, "bCertificate");
	}
	/* the last entry's padding may be left out of the directory entry's size */
	len = (uint32_t)(align_up(len) - len);
	ret->hidden =
	    count_nonzero(rd_at(&body, ret->len, body.len - ret->len, "padding")) +
	    count_nonzero(rd_sub(r, len < rd_left(r) ? len : rd_left(r), "padding"));
	return true;
}

void
pe_certs_clear(struct pe_certs *c)
{
	buf_clear(&c->table);
	c->n = 0;
}

bool
pe_certs_read(int fd, const struct pe *pe, struct pe_certs *ret, struct kd_err *e)
{
	AUTO(pe_certs_clear) struct pe_certs c = {0};
	uint8_t *p;
	struct rd r;

	if (pe->cert_len == 0)
		return kd_fail(
		    e, KD_E_UNSIGNED, "has no signature: there is no certificate table");
	if (pe->cert_len > PE_CERT_TABLE_MAX)
		return kd_fail(e, KD_E_LIMIT,
		    "certificate table has %" PRIu32 " bytes, at most %zu are accepted",
		    pe->cert_len, PE_CERT_TABLE_MAX);
	p = buf_reserve(&c.table, pe->cert_len);
	if (!buf_ok(&c.table, "certificate table", e) ||
	    !file_pread_full(fd, p, pe->cert_len, pe->cert_off, e))
		return false;
	r = rd_init_at(p, pe->cert_len, pe->cert_off);
	while (rd_left(&r) > 0) {
		if (c.n == PE_CERT_ENTRIES_MAX)
			return kd_fail(e, KD_E_LIMIT,
			    "certificate table has more than %d entries, the most "
			    "accepted",
			    PE_CERT_ENTRIES_MAX);
		if (!read_entry(&r, &c.v[c.n], e))
			return kd_in(e, "certificate table entry %zu", c.n + 1);
		c.n++;
	}
	*ret = c;
	c = (struct pe_certs){0}; /* the table has moved out */
	return true;
}

/* ---- writing ---- */

/* What a new table must not be put into, or an old one taken from. */
static bool
check_layout(const struct pe *pe, struct kd_err *e)
{
	uint64_t end = (uint64_t)pe->cert_off + pe->cert_len;

	if (pe->mapped_table != 0)
		return kd_fail(e, KD_E_FORMAT,
		    "section %u's data overlaps the certificate table at offset "
		    "0x%" PRIx32 " to 0x%" PRIx64
		    ", expected apart: no digest covers the table",
		    pe->mapped_table, pe->cert_off, end);
	if (pe->trailing != 0)
		return kd_fail(e, KD_E_FORMAT,
		    "%" PRIu64
		    " bytes follow the certificate table, which ends at offset 0x%" PRIx64
		    ", expected none: Windows may refuse such a file (MS12-024)",
		    pe->trailing, end);
	return true;
}

/*
 * The image, tail (padding and table) behind it, and the two header fields. The sum of
 * the parts is that of the new file, so it need not be read again.
 */
static bool
write_file(int in_fd, const struct pe *pe, const struct pe_digest *d,
    const struct buf *tail, uint32_t table_len, int out_fd, struct kd_err *e)
{
	uint64_t size = pe->image_end + tail->len;
	AUTO(buf_clear) struct buf secdir = {0}, checksum = {0};
	struct pe_sum sum = {0};

	buf_u32le(&secdir, table_len > 0 ? (uint32_t)(size - table_len) : 0);
	buf_u32le(&secdir, table_len);
	if (!buf_ok(&secdir, "directory entry", e))
		return false;
	pe_sum_add(&sum, pe->secdir_off, secdir.p, secdir.len);
	if (tail->len > 0)
		pe_sum_add(&sum, pe->image_end, tail->p, tail->len);
	buf_u32le(
	    &checksum, pe_sum_fold(sum, (struct pe_sum){d->image_sum}) + (uint32_t)size);
	if (!buf_ok(&checksum, "checksum", e))
		return false;
	return format_copy(in_fd, 0, pe->image_end, out_fd, 0, e) &&
	       format_pwrite(out_fd, tail->p, tail->len, pe->image_end, e) &&
	       format_pwrite(out_fd, secdir.p, secdir.len, pe->secdir_off, e) &&
	       format_pwrite(out_fd, checksum.p, checksum.len, pe->checksum_off, e);
}

bool
pe_embed(int in_fd, const struct pe *pe, const struct pe_digest *d, const uint8_t *cms,
    size_t cms_len, int out_fd, struct kd_err *e)
{
	AUTO(buf_clear) struct buf tail = {0};
	uint64_t table_off = align_up(pe->image_end);
	uint32_t entry_len;

	if (!check_layout(pe, e))
		return false;
	if (cms_len == 0 || cms_len > PE_CERT_TABLE_MAX - ENTRY_HEADER_LEN - ALIGN)
		return kd_fail(e, KD_E_TOO_LARGE,
		    "signature has %zu bytes, expected 1 to %zu", cms_len,
		    PE_CERT_TABLE_MAX - ENTRY_HEADER_LEN - ALIGN);
	entry_len = (uint32_t)align_up(ENTRY_HEADER_LEN + cms_len);
	if (table_off + entry_len > PE_SIZE_MAX)
		return kd_fail(e, KD_E_LIMIT,
		    "would be %" PRIu64
		    " bytes long with its signature, at most %llu fit",
		    table_off + entry_len, PE_SIZE_MAX);
	buf_zero(&tail, (size_t)(table_off - pe->image_end));
	buf_u32le(&tail, entry_len);
	buf_u16le(&tail, REVISION_2);
	buf_u16le(&tail, TYPE_PKCS7);
	buf_add(&tail, cms, cms_len);
	buf_zero(&tail, entry_len - ENTRY_HEADER_LEN - cms_len);
	return buf_ok(&tail, "certificate table", e) &&
	       write_file(in_fd, pe, d, &tail, entry_len, out_fd, e);
}

bool
pe_strip(int in_fd, const struct pe *pe, const struct pe_digest *d, int out_fd,
    struct kd_err *e)
{
	const struct buf nothing = {0};

	if (pe->cert_len == 0)
		return kd_fail(
		    e, KD_E_UNSIGNED, "has no signature: there is no certificate table");
	return check_layout(pe, e) && write_file(in_fd, pe, d, &nothing, 0, out_fd, e);
}
