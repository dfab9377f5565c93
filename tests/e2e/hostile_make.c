/* SPDX-License-Identifier: Apache-2.0 */
/* hostile_make KIND CERTIFICATE.der OUT IMAGE - a catalog, or that image
 * signed, as somebody would write it who wants its reader to spend memory or time. Without
 * arguments the kinds are listed. No signature in it is right. */
#include <stdio.h>
#include <string.h>

#include "authenticode/cat_spc.h"
#include "authenticode/cert.h"
#include "authenticode/cms.h"
#include "authenticode/oid.h"
#include "authenticode/pe_embed.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"

#define EXIT_USAGE 64
#define MIB ((size_t)1 << 20)
#define IDENTIFIER_LEN 20

/* The parts of a SignedData that a kind may change; content octets each. */
struct parts {
	struct buf cert; /* one certificate, whole */
	struct tlv issuer, serial; /* of it */
	struct buf content, certs, attrs, unsigned_attrs;
	const struct oid *type;
	int image; /* what a signature is put into */
	struct pe pe;
	struct pe_digest digest; /* its SHA-256 */
};

static void
parts_clear(struct parts *p)
{
	buf_clear(&p->cert);
	buf_clear(&p->content);
	buf_clear(&p->certs);
	buf_clear(&p->attrs);
	buf_clear(&p->unsigned_attrs);
	if (p->image >= 0)
		(void)close(p->image);
}
AUTO_DEFINE_CLEAR(struct parts, parts_clear);

/* values: what stands in the attribute's SET. */
static void
put_attr(struct buf *b, const struct oid *type, const void *values, size_t n)
{
	size_t whole = der_begin(b, DER_SEQUENCE);

	oid_put(b, type);
	der_put(b, DER_SET, values, n);
	der_end(b, whole);
}

/* One that is there to be many of; in the order of a SET when i ascends. */
static void
put_nth_attr(struct buf *b, uint32_t i)
{
	const uint8_t value[] = {DER_OCTET_STRING, 4, (uint8_t)(i >> 24),
	    (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i};

	put_attr(b, &oid_catalog_v1, value, sizeof(value));
}

static void
put_signer_info(struct buf *b, const struct parts *p)
{
	size_t info = der_begin(b, DER_SEQUENCE), m = 0;

	der_put(b, DER_INTEGER, "\1", 1);
	m = der_begin(b, DER_SEQUENCE);
	buf_add(b, p->issuer.p, p->issuer.len);
	buf_add(b, p->serial.p, p->serial.len);
	der_end(b, m);
	oid_put_md(b, MD_SHA256);
	der_put(b, DER_C0, p->attrs.p, p->attrs.len);
	m = der_begin(b, DER_SEQUENCE);
	oid_put(b, &oid_rsa_encryption);
	der_put(b, DER_NULL, "", 0);
	der_end(b, m);
	der_put(b, DER_OCTET_STRING, "signature", 9);
	if (p->unsigned_attrs.len > 0)
		der_put(b, DER_C1, p->unsigned_attrs.p, p->unsigned_attrs.len);
	der_end(b, info);
}

static void
put_signed_data(struct buf *b, const struct parts *p)
{
	size_t outer = der_begin(b, DER_SEQUENCE), wrap, data, m;

	oid_put(b, &oid_signed_data);
	wrap = der_begin(b, DER_C0);
	data = der_begin(b, DER_SEQUENCE);
	der_put(b, DER_INTEGER, "\1", 1);
	m = der_begin(b, DER_SET);
	oid_put_md(b, MD_SHA256);
	der_end(b, m);
	m = der_begin(b, DER_SEQUENCE);
	oid_put(b, p->type);
	der_put(b, DER_C0, p->content.p, p->content.len);
	der_end(b, m);
	der_put(b, DER_C0, p->certs.p, p->certs.len);
	m = der_begin(b, DER_SET);
	put_signer_info(b, p);
	der_end(b, m);
	der_end(b, data);
	der_end(b, wrap);
	der_end(b, outer);
}

/* ---- what all have, before the kind makes it worse ---- */

static void
put_ctl_head(struct buf *b)
{
	size_t m = der_begin(b, DER_SEQUENCE);

	oid_put(b, &oid_catalog_list);
	der_end(b, m);
	der_put(b, DER_OCTET_STRING, "0123456789abcdef", 16);
	der_put(b, DER_UTC_TIME, "260101000000Z", 13);
	m = der_begin(b, DER_SEQUENCE);
	oid_put(b, &oid_catalog_v2);
	der_put(b, DER_NULL, "", 0);
	der_end(b, m);
}

/* The i-th of members in ascending order, with as many attributes. */
static void
put_member(struct buf *b, uint32_t i, uint32_t attrs_n)
{
	uint8_t id[IDENTIFIER_LEN] = {0};
	size_t m = der_begin(b, DER_SEQUENCE), set;

	for (size_t k = 0; k < 4; k++)
		id[k] = (uint8_t)(i >> (24 - 8 * k));
	der_put(b, DER_OCTET_STRING, id, sizeof(id));
	set = der_begin(b, DER_SET);
	for (uint32_t a = 0; a < attrs_n; a++)
		put_nth_attr(b, a);
	der_end(b, set);
	der_end(b, m);
}

/* A CTL with these members, each of them one after the other. */
static void
set_ctl(struct parts *p, const uint32_t *numbers, uint32_t n, uint32_t attrs_n)
{
	size_t ctl = der_begin(&p->content, DER_SEQUENCE), members;

	p->type = &oid_ctl;
	put_ctl_head(&p->content);
	members = der_begin(&p->content, DER_SEQUENCE);
	for (uint32_t i = 0; i < n; i++)
		put_member(&p->content, numbers == NULL ? i : numbers[i], attrs_n);
	der_end(&p->content, members);
	der_end(&p->content, ctl);
}

static void
set_image_data(struct parts *p)
{
	static const uint8_t data[] = {0x30, 0x17, 0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04, 0x01,
	    0x82, 0x37, 0x02, 0x01, 0x0f, 0x30, 0x09, 0x03, 0x01, 0x00, 0xa0, 0x04, 0xa2,
	    0x02, 0x80, 0x00};
	size_t all = der_begin(&p->content, DER_SEQUENCE), info;

	p->type = &oid_spc_indirect_data;
	buf_add(&p->content, data, sizeof(data));
	info = der_begin(&p->content, DER_SEQUENCE);
	oid_put_md(&p->content, MD_SHA256);
	der_put(&p->content, DER_OCTET_STRING, p->digest.digest[0], md_len(MD_SHA256));
	der_end(&p->content, info);
	der_end(&p->content, all);
}

/* ---- the kinds ---- */

static void
plain(struct parts *p)
{
	(void)p;
}

static void
ctl_100_mb(struct parts *p)
{
	buf_reset(&p->content);
	set_ctl(p, NULL, 2000000, 1);
}

static void
ctl_member_100_mb(struct parts *p)
{
	buf_reset(&p->content);
	set_ctl(p, NULL, 1, 5000000);
}

static void
ctl_full(struct parts *p) /* as many as a catalog of ours may have */
{
	buf_reset(&p->content);
	set_ctl(p, NULL, 99999, 5);
}

static void
ctl_too_many(struct parts *p)
{
	buf_reset(&p->content);
	set_ctl(p, NULL, 300000, 0);
}

static void
ctl_twice(struct parts *p)
{
	buf_reset(&p->content);
	set_ctl(p, (const uint32_t[]){1, 2, 2, 3}, 4, 1);
}

static void
ctl_order(struct parts *p)
{
	buf_reset(&p->content);
	set_ctl(p, (const uint32_t[]){1, 3, 2, 4}, 4, 1);
}

/* Differing in their serial numbers. */
static void
put_certs(struct parts *p, unsigned n)
{
	size_t at = (size_t)(p->serial.body.p - p->cert.p) + p->serial.body.len - 2;
	uint8_t first = p->cert.p[at], second = p->cert.p[at + 1];

	while (n-- > 0) {
		p->cert.p[at] = (uint8_t)(first + (n >> 8));
		p->cert.p[at + 1] = (uint8_t)(second + n);
		buf_add(&p->certs, p->cert.p, p->cert.len);
	}
}

static void
certificates(struct parts *p)
{
	put_certs(p, 10000);
}

static void
attributes(struct parts *p)
{
	for (uint32_t i = 0; i < 500000; i++)
		put_nth_attr(&p->attrs, i);
}

static void
unsigned_attributes(struct parts *p)
{
	for (uint32_t i = 0; i < 500000; i++)
		put_nth_attr(&p->unsigned_attrs, i);
}

/* Each level a whole SignedData with the one before in it. */
static void
nested_deep(struct parts *p)
{
	for (int i = 0; i < 300; i++) {
		AUTO(buf_clear) struct buf inner = {0};

		put_signed_data(&inner, p);
		buf_reset(&p->unsigned_attrs);
		put_attr(&p->unsigned_attrs, &oid_nested_signature, inner.p, inner.len);
	}
}

static void
nested_many(struct parts *p)
{
	AUTO(buf_clear) struct buf inner = {0}, values = {0};

	put_signed_data(&inner, p);
	for (int i = 0; i < 5000; i++)
		buf_add(&values, inner.p, inner.len);
	put_attr(&p->unsigned_attrs, &oid_nested_signature, values.p, values.len);
}

/* As many as are judged, each with as many certificates as are read. */
static void
nested_full(struct parts *p)
{
	AUTO(buf_clear) struct buf inner = {0}, values = {0};

	put_certs(p, CMS_CERTS_MAX - 1);
	put_signed_data(&inner, p);
	for (int i = 0; i < 31; i++) /* with the first: 32 */
		buf_add(&values, inner.p, inner.len);
	put_attr(&p->unsigned_attrs, &oid_nested_signature, values.p, values.len);
}

/* A countersignature is a SignerInfo, a token a ContentInfo. */
static void
countersignatures(struct parts *p)
{
	AUTO(buf_clear) struct buf inner = {0};

	put_signer_info(&inner, p);
	for (int i = 0; i < 20000; i++)
		put_attr(&p->unsigned_attrs, &oid_counter_signature, inner.p, inner.len);
}

static void
token_large(struct parts *p)
{
	AUTO(buf_clear) struct buf token = {0};
	size_t m = der_begin(&token, DER_SEQUENCE);

	oid_put(&token, &oid_signed_data);
	der_put_head(&token, DER_C0, 10 * MIB);
	buf_zero(&token, 10 * MIB);
	der_end(&token, m);
	put_attr(&p->unsigned_attrs, &oid_rfc3161_token, token.p, token.len);
}

static void
token_deep(struct parts *p)
{
	AUTO(buf_clear) struct buf token = {0};
	size_t marks[20000];

	for (size_t i = 0; i < KD_ARRAY_LEN(marks); i++)
		marks[i] = der_begin(&token, DER_SEQUENCE);
	for (size_t i = KD_ARRAY_LEN(marks); i-- > 0;)
		der_end(&token, marks[i]);
	put_attr(&p->unsigned_attrs, &oid_rfc3161_token, token.p, token.len);
}

/* SpcPeImageData whose page hashes are of an image that would be larger than can be. */
static void
pages_large(struct parts *p)
{
	const struct cat_indirect i = {.subject = CAT_PE,
	    .link = CAT_LINK_PAGES_SHA256,
	    .table = kd_alloc(12 * MIB),
	    .table_len = 12 * MIB,
	    .md = MD_SHA256,
	    .digest = p->digest.digest[0]};

	buf_reset(&p->content);
	cat_indirect_put(&p->content, &i);
	free((void *)(uintptr_t)i.table);
}

static const struct kind {
	const char *name;
	bool catalog; /* else it goes into an image */
	void (*make)(struct parts *p);
} kinds[] = {
    {"plain-catalog", true, plain},
    {"ctl-100-mb", true, ctl_100_mb},
    {"ctl-member-100-mb", true, ctl_member_100_mb},
    {"ctl-full", true, ctl_full},
    {"ctl-too-many", true, ctl_too_many},
    {"ctl-twice", true, ctl_twice},
    {"ctl-order", true, ctl_order},
    {"catalog-nested-deep", true, nested_deep},
    {"catalog-certificates", true, certificates},
    {"plain-image", false, plain},
    {"certificates", false, certificates},
    {"attributes", false, attributes},
    {"unsigned-attributes", false, unsigned_attributes},
    {"nested-deep", false, nested_deep},
    {"nested-many", false, nested_many},
    {"nested-full", false, nested_full},
    {"countersignatures", false, countersignatures},
    {"token-large", false, token_large},
    {"token-deep", false, token_deep},
    {"pages-large", false, pages_large},
};

/* The signed attributes that every reader wants to find, and right ones. */
static bool
put_attrs(struct buf *b, const struct parts *p, struct kd_err *e)
{
	AUTO(buf_clear) struct buf value = {0};
	/* Our reader refuses more than 64 MiB; tag and length are ours. */
	const uint8_t *tlv = p->content.p;
	size_t head = tlv[1] < 0x80 ? 2 : 2 + (tlv[1] & 0x7fu);
	uint8_t digest[MD_LEN_MAX];

	if (!md_digest(MD_SHA256, tlv + head, p->content.len - head, digest, e))
		return false;
	oid_put(&value, p->type);
	put_attr(b, &oid_content_type, value.p, value.len);
	buf_reset(&value);
	der_put(&value, DER_OCTET_STRING, digest, md_len(MD_SHA256));
	put_attr(b, &oid_message_digest, value.p, value.len);
	return buf_ok(b, "attributes", e);
}

/* Certificate ::= SEQUENCE { tbsCertificate SEQUENCE { [0] version, serialNumber,
 * signature, issuer, ... } ... } */
static bool
find_names(struct parts *p, struct kd_err *e)
{
	struct rd r = rd_init(p->cert.p, p->cert.len);
	struct tlv cert, tbs, version, algorithm;

	return der_want(&r, DER_SEQUENCE, "certificate", &cert, e) &&
	       der_want(&cert.body, DER_SEQUENCE, "tbsCertificate", &tbs, e) &&
	       der_want(&tbs.body, DER_C0, "version", &version, e) &&
	       der_want(&tbs.body, DER_INTEGER, "serialNumber", &p->serial, e) &&
	       der_want(&tbs.body, DER_SEQUENCE, "signature", &algorithm, e) &&
	       der_want(&tbs.body, DER_SEQUENCE, "issuer", &p->issuer, e);
}

static bool
make_parts(const struct kind *k, const char *cert, struct parts *p, struct kd_err *e)
{
	AUTO(buf_clear) struct buf right = {0};

	if (!file_read_all(cert, MIB, &p->cert, e) || !find_names(p, e))
		return false;
	buf_add(&p->certs, p->cert.p, p->cert.len);
	if (k->catalog)
		set_ctl(p, NULL, 2, 1);
	else
		set_image_data(p);
	k->make(p);
	if (!buf_ok(&p->content, "content", e) || !put_attrs(&right, p, e))
		return false;
	buf_add(&right, p->attrs.p, p->attrs.len);
	buf_reset(&p->attrs);
	buf_add(&p->attrs, right.p, right.len);
	return true;
}

static bool
open_image(const char *path, struct parts *p, struct kd_err *e)
{
	p->digest.md[0] = MD_SHA256;
	return file_open_read(path, &p->image, NULL, e) &&
	       pe_open(p->image, &p->pe, e) && pe_digest(p->image, &p->pe, &p->digest, e);
}

static bool
make(const struct kind *k, char **argv, struct kd_err *e)
{
	AUTO(file_replace_clear) struct file_replace out = {.fd = -1};
	AUTO(parts_clear) struct parts p = {.image = -1};
	AUTO(buf_clear) struct buf blob = {0};

	if (!open_image(argv[2], &p, e) || !make_parts(k, argv[0], &p, e) ||
	    !file_replace_begin(argv[1], NULL, &out, e))
		return false;
	put_signed_data(&blob, &p);
	if (!buf_ok(&blob, "SignedData", e))
		return false;
	return (k->catalog ? file_write_full(out.fd, blob.p, blob.len, e)
			   : pe_embed(p.image, &p.pe, &p.digest, blob.p, blob.len,
				 out.fd, e)) &&
	       file_replace_commit(&out, false, e);
}

int
main(int argc, char **argv)
{
	struct kd_err e = {0};

	log_init("hostile_make", LOG_L_INFO);
	for (size_t i = 0; i < KD_ARRAY_LEN(kinds); i++) {
		if (argc == 1)
			(void)puts(kinds[i].name);
		else if (argc == 5 && strcmp(argv[1], kinds[i].name) == 0) {
			if (make(&kinds[i], &argv[2], &e))
				return 0;
			log_err(LOG_L_ERROR, &e);
			return 1;
		}
	}
	return argc == 1 ? 0 : EXIT_USAGE;
}
