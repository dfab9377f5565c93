/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/spc.c - SpcIndirectDataContent: what an Authenticode signature says of a
 * file. */
#include "authenticode/spc.h"

#include <string.h>

#include "authenticode/cat_spc.h"
#include "authenticode/der.h"
#include "authenticode/oid.h"

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

/* SpcSerializedObject's class of page hashes, in the order the bytes stand in real files.
 */
static const uint8_t page_hash_class[16] = {0xa6, 0xb5, 0x86, 0xd5, 0xb4, 0xa1, 0x24,
    0x66, 0xae, 0x05, 0xa2, 0x17, 0xda, 0x8e, 0x60, 0xd6};

/* serializedData ::= SET { SEQUENCE { OID, SET { OCTET STRING table } } } */
static bool
parse_pages(struct rd *moniker, struct spc *ret, struct kd_err *e)
{
	struct tlv data, set, pair, type, values, table;
	char text[OID_TEXT_LEN];

	if (!der_want(moniker, DER_OCTET_STRING, "page hashes", &data, e) ||
	    !der_want(&data.body, DER_SET, "page hashes", &set, e) ||
	    !der_want(&set.body, DER_SEQUENCE, "page hashes", &pair, e) ||
	    !der_want(&pair.body, DER_OID, "page hashes' type", &type, e) ||
	    !der_want(&pair.body, DER_SET, "page hashes", &values, e) ||
	    !der_want(&values.body, DER_OCTET_STRING, "page hashes' table", &table, e) ||
	    !der_done(&values.body, "page hashes", e) ||
	    !der_done(&pair.body, "page hashes", e) ||
	    !der_done(&set.body, "page hashes", e) ||
	    !der_done(&data.body, "page hashes", e))
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
	return !der_body_is(&class, page_hash_class, sizeof(page_hash_class)) ||
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
	if (oid_is(&type, &oid_spc_pe_image_data)) {
		s.type = SPC_TYPE_PE;
		if (!parse_pe_image_data(&data.body, &s, e))
			return false;
	}
	if (!parse_digest_info(&all.body, &s, e) ||
	    !der_done(&all.body, "SpcIndirectDataContent", e))
		return false;
	*ret = s;
	return true;
}
