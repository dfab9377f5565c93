/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/spc.c - SpcIndirectDataContent: what an Authenticode signature says of a
 * file. */
#include "authenticode/spc.h"

#include <string.h>

#include "authenticode/cat_spc.h"
#include "authenticode/der.h"
#include "authenticode/oid.h"
#include "base/num.h"

enum md
spc_pages_md(enum md md)
{
	return md == MD_SHA1 ? MD_SHA1 : MD_SHA256;
}

/* As in catalogs, but for the flags: MakeCat sets some, signtool none. */
bool
spc_build_pe(enum md md, const uint8_t *digest, const uint8_t *pages, size_t pages_len,
    struct buf *ret, struct kd_err *e)
{
	static const uint8_t no_flags[1]; /* zero unused bits, no octet */
	AUTO(buf_clear) struct buf b = {0};
	struct cat_indirect i = {.subject = CAT_PE,
	    .link = CAT_LINK_EMPTY,
	    .flags = no_flags,
	    .flags_len = sizeof(no_flags),
	    .md = md,
	    .digest = digest};

	if (md_len(md) == 0)
		return kd_fail(e, KD_E_BUG, "image digest has no algorithm");
	if (pages != NULL) {
		i.link = spc_pages_md(md) == MD_SHA1 ? CAT_LINK_PAGES_SHA1
						     : CAT_LINK_PAGES_SHA256;
		i.table = pages;
		i.table_len = pages_len;
	}
	cat_indirect_put(&b, &i);
	if (!buf_ok(&b, "SpcIndirectDataContent", e))
		return false;
	buf_add(ret, b.p, b.len);
	return buf_ok(ret, "SpcIndirectDataContent", e);
}

/* ---- cabinets, scripts, MSI ---- */

/*
 * SpcSipInfo ::= SEQUENCE { version INTEGER, classId OCTET STRING, five INTEGERs of 0 }.
 * The class id is that of the subject interface package which reads such files.
 */
static const struct sip {
	enum spc_type type;
	uint8_t version[3];
	size_t version_len;
	uint8_t class_id[16];
} sips[] = {
    {SPC_TYPE_SCRIPT, {1, 0, 0}, 3,
	{0x1f, 0xcc, 0x3b, 0x60, 0x59, 0x4b, 0x08, 0x4e, 0xb7, 0x24, 0xd2, 0xc6, 0x29,
	    0x7e, 0xf3, 0x51}},
    {SPC_TYPE_MSI, {1}, 1,
	{0xf1, 0x10, 0x0c, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0x46}},
};
#define SIP_ZEROS 5

static void
put_sip(struct buf *b, const struct sip *sip)
{
	size_t data = der_begin(b, DER_SEQUENCE), info;

	oid_put(b, &oid_spc_sip_info);
	info = der_begin(b, DER_SEQUENCE);
	der_put(b, DER_INTEGER, sip->version, sip->version_len);
	der_put(b, DER_OCTET_STRING, sip->class_id, sizeof(sip->class_id));
	for (size_t i = 0; i < SIP_ZEROS; i++)
		der_put(b, DER_INTEGER, "", 1);
	der_end(b, info);
	der_end(b, data);
}

bool
spc_build(enum spc_type type, enum md md, const uint8_t *digest, struct buf *ret,
    struct kd_err *e)
{
	AUTO(buf_clear) struct buf data = {0};
	AUTO(buf_clear) struct buf b = {0};
	/* A link with an empty name is what a catalog has for a flat file. */
	struct cat_indirect i = {
	    .subject = CAT_FLAT, .link = CAT_LINK_EMPTY, .md = md, .digest = digest};

	if (md_len(md) == 0)
		return kd_fail(e, KD_E_BUG, "file digest has no algorithm");
	for (size_t k = 0; k < KD_ARRAY_LEN(sips); k++)
		if (sips[k].type == type)
			put_sip(&data, &sips[k]);
	if (type != SPC_TYPE_CABINET && data.len == 0)
		return kd_fail(e, KD_E_BUG, "content of type %d", (int)type);
	if (type != SPC_TYPE_CABINET) {
		i.subject = CAT_OTHER;
		i.data = data.p;
		i.data_len = data.len;
	}
	cat_indirect_put(&b, &i);
	if (!buf_ok(&data, "SpcSipInfo", e) || !buf_ok(&b, "SpcIndirectDataContent", e))
		return false;
	buf_add(ret, b.p, b.len);
	return buf_ok(ret, "SpcIndirectDataContent", e);
}

/* A class id that is not known is no mistake: it is of another format. */
static bool
parse_sip(struct rd *value, struct spc *ret, struct kd_err *e)
{
	struct tlv seq, version, class_id, n;

	if (!der_want(value, DER_SEQUENCE, "SpcSipInfo", &seq, e) ||
	    !der_want(&seq.body, DER_INTEGER, "SpcSipInfo version", &version, e) ||
	    !der_want(&seq.body, DER_OCTET_STRING, "SpcSipInfo class id", &class_id, e))
		return false;
	for (size_t i = 0; i < SIP_ZEROS; i++)
		if (!der_want(&seq.body, DER_INTEGER, "SpcSipInfo", &n, e))
			return false;
	if (!der_done(&seq.body, "SpcSipInfo", e))
		return false;
	for (size_t i = 0; i < KD_ARRAY_LEN(sips); i++)
		if (der_body_is(
			&class_id, sips[i].class_id, sizeof(sips[i].class_id)))
			ret->type = sips[i].type;
	return true;
}

/* ---- reading ---- */

/* SpcSerializedObject's class of hashes, in the order the bytes stand in real files. */
static const uint8_t hash_class[16] = {0xa6, 0xb5, 0x86, 0xd5, 0xb4, 0xa1, 0x24, 0x66,
    0xae, 0x05, 0xa2, 0x17, 0xda, 0x8e, 0x60, 0xd6};

/* serializedData ::= SET { SEQUENCE { OID, SET { OCTET STRING } } } */
static bool
parse_serialized(struct rd *moniker, const char *what, struct tlv *ret_type,
    struct tlv *ret, struct kd_err *e)
{
	struct tlv data, set, pair, values;

	return der_want(moniker, DER_OCTET_STRING, what, &data, e) &&
	       der_want(&data.body, DER_SET, what, &set, e) &&
	       der_want(&set.body, DER_SEQUENCE, what, &pair, e) &&
	       der_want(&pair.body, DER_OID, what, ret_type, e) &&
	       der_want(&pair.body, DER_SET, what, &values, e) &&
	       der_want(&values.body, DER_OCTET_STRING, what, ret, e) &&
	       der_done(&values.body, what, e) && der_done(&pair.body, what, e) &&
	       der_done(&set.body, what, e) && der_done(&data.body, what, e);
}

static bool
parse_pages(struct rd *moniker, struct spc *ret, struct kd_err *e)
{
	struct tlv type, table;
	char text[OID_TEXT_LEN];

	if (!parse_serialized(moniker, "page hashes", &type, &table, e))
		return false;
	if (oid_is(&type, &oid_page_hashes_sha1)) {
		ret->pages_md = MD_SHA1;
	} else if (oid_is(&type, &oid_page_hashes_sha256)) {
		ret->pages_md = MD_SHA256;
	} else {
		oid_text(&type, text);
		return kd_fail(e, KD_E_FORMAT,
		    "page hashes' type is %s, expected 1.3.6.1.4.1.311.2.3.1 (sha1) or "
		    ".2 (sha256)",
		    text);
	}
	ret->page_hashes = true;
	ret->pages = table.body.p;
	ret->pages_len = table.body.len;
	return true;
}

/* SpcLink's file: [2] EXPLICIT SpcString; the name in it says nothing. */
static bool
parse_link(struct rd *value, struct spc *ret, struct kd_err *e)
{
	struct tlv file, name;

	if (!der_is(value, DER_C2))
		return true;
	if (!der_want(value, DER_C2, "SpcLink file", &file, e) ||
	    !der_next(&file.body, "SpcLink file", &name, e) ||
	    !der_done(&file.body, "SpcLink file", e))
		return false;
	if (name.tag == DER_P0 || name.tag == DER_P1)
		ret->type = SPC_TYPE_CABINET;
	return true;
}

/* The link that signtool writes into cabinets: hash of the length in the header. */
static bool
parse_cab_link(struct rd *value, struct spc *ret, struct kd_err *e)
{
	struct tlv moniker, class, type, hash;

	if (!der_is(value, DER_C1))
		return parse_link(value, ret, e);
	if (!der_want(value, DER_C1, "SpcSerializedObject", &moniker, e) ||
	    !der_want(&moniker.body, DER_OCTET_STRING, "SpcSerializedObject classId",
		&class, e))
		return false;
	if (!der_body_is(&class, hash_class, sizeof(hash_class)))
		return true;
	if (!parse_serialized(&moniker.body, "cabinet's length", &type, &hash, e) ||
	    !der_done(&moniker.body, "SpcSerializedObject", e))
		return false;
	if (!oid_is(&type, &oid_cab_header_hash))
		return true;
	ret->type = SPC_TYPE_CABINET;
	ret->length_hash = hash.body.p;
	ret->length_hash_len = hash.body.len;
	return true;
}

/* SpcPeImageData: of interest is only whether its file link is a table of page hashes. */
static bool
parse_pe_image_data(struct rd *value, struct spc *ret, struct kd_err *e)
{
	struct tlv seq, flags, file, moniker, class;

	if (!der_want(value, DER_SEQUENCE, "SpcPeImageData", &seq, e) ||
	    !der_opt(&seq.body, DER_BIT_STRING, "SpcPeImageData flags", &flags, e) ||
	    !der_opt(&seq.body, DER_C0, "SpcPeImageData file", &file, e))
		return false;
	if (file.p == NULL || !der_is(&file.body, DER_C1))
		return true;
	if (!der_want(&file.body, DER_C1, "SpcSerializedObject", &moniker, e) ||
	    !der_want(&moniker.body, DER_OCTET_STRING, "SpcSerializedObject classId",
		&class, e))
		return false;
	return !der_body_is(&class, hash_class, sizeof(hash_class)) ||
	       parse_pages(&moniker.body, ret, e);
}

static bool
parse_digest_info(struct rd *r, struct spc *ret, struct kd_err *e)
{
	struct tlv info, digest;

	if (!der_want(r, DER_SEQUENCE, "DigestInfo", &info, e) ||
	    !oid_get_md(&info.body, "DigestInfo algorithm", &ret->md, e) ||
	    !der_want(&info.body, DER_OCTET_STRING, "DigestInfo digest", &digest, e) ||
	    !der_done(&info.body, "DigestInfo", e))
		return false;
	if (digest.body.len != md_len(ret->md))
		return kd_fail(e, KD_E_FORMAT,
		    "DigestInfo digest has %zu bytes, %s has %zu", digest.body.len,
		    md_name(ret->md), md_len(ret->md));
	memcpy(ret->digest, digest.body.p, digest.body.len);
	return true;
}

/* What follows the type. PE: bytes after the value were never looked at. */
static bool
parse_value(const struct tlv *type, struct rd *value, struct spc *ret, struct kd_err *e)
{
	bool read;

	if (oid_is(type, &oid_spc_pe_image_data)) {
		ret->type = SPC_TYPE_PE;
		return parse_pe_image_data(value, ret, e);
	}
	if (oid_is(type, &oid_spc_link))
		read = parse_link(value, ret, e);
	else if (oid_is(type, &oid_spc_cab_link))
		read = parse_cab_link(value, ret, e);
	else if (oid_is(type, &oid_spc_sip_info))
		read = parse_sip(value, ret, e);
	else
		return true;
	return read && (ret->type == SPC_TYPE_OTHER ||
			   der_done(value, "SpcIndirectDataContent data", e));
}

bool
spc_parse(const uint8_t *der, size_t len, struct spc *ret, struct kd_err *e)
{
	struct rd r = rd_init(der, len);
	struct tlv all, data, type;
	struct spc s = {0};

	if (!der_want(&r, DER_SEQUENCE, "SpcIndirectDataContent", &all, e) ||
	    !der_done(&r, "SpcIndirectDataContent", e) ||
	    !der_want(&all.body, DER_SEQUENCE, "SpcIndirectDataContent data", &data, e) ||
	    !der_want(&data.body, DER_OID, "SpcIndirectDataContent type", &type, e))
		return false;
	oid_text(&type, s.type_oid);
	if (!parse_value(&type, &data.body, &s, e) ||
	    !parse_digest_info(&all.body, &s, e) ||
	    !der_done(&all.body, "SpcIndirectDataContent", e))
		return false;
	*ret = s;
	return true;
}
