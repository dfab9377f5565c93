/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/cat_spc.c - SpcIndirectDataContent of a catalog's members, written and
 * read. */
#include "authenticode/cat_spc.h"

#include <string.h>

#include "authenticode/oid.h"

/*
 * data ::= SEQUENCE { type OID, value ANY }, and by subject:
 *
 *   PE    2.1.15  SEQUENCE { flags BIT STRING, [0] link }
 *   flat  2.1.25  link
 *   CAB   2.1.28  link
 *
 * link ::= [2] { [0] BMPString }  or  [1] { classId, OCTET STRING
 *          { SET { SEQUENCE { OID, SET { OCTET STRING table } } } } }
 */
static const uint8_t makecat_flags[] = {0x05, 0xa0}; /* bits 0 and 2 */
static const uint8_t obsolete[] = {0, '<', 0, '<', 0, '<', 0, 'O', 0, 'b', 0, 's', 0, 'o',
    0, 'l', 0, 'e', 0, 't', 0, 'e', 0, '>', 0, '>', 0, '>'};
/* SpcSerializedObject's class, its bytes in the order they stand in real files. */
static const uint8_t moniker_class[16] = {0xa6, 0xb5, 0x86, 0xd5, 0xb4, 0xa1, 0x24, 0x66,
    0xae, 0x05, 0xa2, 0x17, 0xda, 0x8e, 0x60, 0xd6};

static const struct oid *
table_type(enum cat_link link)
{
	switch (link) {
	case CAT_LINK_PAGES_SHA1:
		return &oid_page_hashes_sha1;
	case CAT_LINK_PAGES_SHA256:
		return &oid_page_hashes_sha256;
	case CAT_LINK_CAB:
		return &oid_cab_header_hash;
	case CAT_LINK_EMPTY:
	case CAT_LINK_OBSOLETE:
		break;
	}
	return NULL;
}

static const struct oid *
subject_type(enum cat_subject subject)
{
	switch (subject) {
	case CAT_PE:
		return &oid_spc_pe_image_data;
	case CAT_CAB:
		return &oid_spc_cab_link;
	case CAT_FLAT:
	case CAT_OTHER:
		break;
	}
	return &oid_spc_link;
}

static void
put_moniker(struct buf *b, const struct oid *type, const struct cat_indirect *i)
{
	size_t moniker = der_begin(b, DER_C1), data, set, pair, values;

	der_put(b, DER_OCTET_STRING, moniker_class, sizeof(moniker_class));
	data = der_begin(b, DER_OCTET_STRING);
	set = der_begin(b, DER_SET);
	pair = der_begin(b, DER_SEQUENCE);
	oid_put(b, type);
	values = der_begin(b, DER_SET);
	der_put(b, DER_OCTET_STRING, i->table, i->table_len);
	der_end(b, values);
	der_end(b, pair);
	der_end(b, set);
	der_end(b, data);
	der_end(b, moniker);
}

static void
put_link(struct buf *b, const struct cat_indirect *i)
{
	const struct oid *type = table_type(i->link);
	size_t file;

	if (type != NULL) {
		put_moniker(b, type, i);
		return;
	}
	file = der_begin(b, DER_C2);
	der_put(b, DER_P0, obsolete, i->link == CAT_LINK_OBSOLETE ? sizeof(obsolete) : 0);
	der_end(b, file);
}

static void
put_data(struct buf *b, const struct cat_indirect *i)
{
	size_t data, image, file;

	if (i->subject == CAT_OTHER) {
		buf_add(b, i->data, i->data_len);
		return;
	}
	data = der_begin(b, DER_SEQUENCE);
	oid_put(b, subject_type(i->subject));
	if (i->subject != CAT_PE) {
		put_link(b, i);
		der_end(b, data);
		return;
	}
	image = der_begin(b, DER_SEQUENCE);
	if (i->flags != NULL)
		der_put(b, DER_BIT_STRING, i->flags, i->flags_len);
	else
		der_put(b, DER_BIT_STRING, makecat_flags, sizeof(makecat_flags));
	file = der_begin(b, DER_C0);
	put_link(b, i);
	der_end(b, file);
	der_end(b, image);
	der_end(b, data);
}

void
cat_indirect_put(struct buf *b, const struct cat_indirect *i)
{
	size_t all = der_begin(b, DER_SEQUENCE), info;

	put_data(b, i);
	info = der_begin(b, DER_SEQUENCE);
	oid_put_md(b, i->md);
	der_put(b, DER_OCTET_STRING, i->digest, md_len(i->md));
	der_end(b, info);
	der_end(b, all);
}

/* The parts of a moniker that differ from one to the next. */
static bool
find_table(struct rd *r, struct cat_indirect *ret, struct kd_err *e)
{
	struct tlv moniker, class, data, set, pair, type, values, table;

	if (!der_want(r, DER_C1, "moniker", &moniker, e) ||
	    !der_want(&moniker.body, DER_OCTET_STRING, "moniker class", &class, e) ||
	    !der_want(&moniker.body, DER_OCTET_STRING, "moniker data", &data, e) ||
	    !der_want(&data.body, DER_SET, "moniker data", &set, e) ||
	    !der_want(&set.body, DER_SEQUENCE, "moniker data", &pair, e) ||
	    !der_want(&pair.body, DER_OID, "moniker type", &type, e) ||
	    !der_want(&pair.body, DER_SET, "moniker values", &values, e) ||
	    !der_want(&values.body, DER_OCTET_STRING, "moniker table", &table, e))
		return false;
	ret->link = oid_is(&type, &oid_page_hashes_sha1)     ? CAT_LINK_PAGES_SHA1
		    : oid_is(&type, &oid_page_hashes_sha256) ? CAT_LINK_PAGES_SHA256
							     : CAT_LINK_CAB;
	ret->table = table.body.p;
	ret->table_len = table.body.len;
	return true;
}

static bool
find_link(struct rd *r, struct cat_indirect *ret, struct kd_err *e)
{
	struct tlv file, text;

	if (der_is(r, DER_C1))
		return find_table(r, ret, e);
	if (!der_want(r, DER_C2, "link", &file, e) ||
	    !der_next(&file.body, "link", &text, e))
		return false;
	ret->link = text.body.len == 0 ? CAT_LINK_EMPTY : CAT_LINK_OBSOLETE;
	return true;
}

/* What data may be; whether it is that is for the caller to compare. */
static bool
find_parts(struct rd *data, struct cat_indirect *ret, struct kd_err *e)
{
	struct tlv type, image, flags, file;

	if (!der_want(data, DER_OID, "type", &type, e))
		return false;
	if (!oid_is(&type, &oid_spc_pe_image_data)) {
		ret->subject = oid_is(&type, &oid_spc_cab_link) ? CAT_CAB : CAT_FLAT;
		return find_link(data, ret, e);
	}
	ret->subject = CAT_PE;
	if (!der_want(data, DER_SEQUENCE, "SpcPeImageData", &image, e) ||
	    !der_want(&image.body, DER_BIT_STRING, "flags", &flags, e) ||
	    !der_want(&image.body, DER_C0, "file", &file, e))
		return false;
	ret->flags = flags.body.p;
	ret->flags_len = flags.body.len;
	return find_link(&file.body, ret, e);
}

static bool
get_data(const struct tlv *data, struct cat_indirect *ret, struct kd_err *e)
{
	AUTO(buf_clear) struct buf again = {0};
	struct kd_err unlike = {0}; /* another form is no error */
	struct rd body = data->body;
	struct cat_indirect i = *ret;
	bool found = find_parts(&body, &i, &unlike);

	if (found)
		put_data(&again, &i);
	if (!buf_ok(&again, "SpcIndirectDataContent", e))
		return false;
	if (!found || again.len != data->len || memcmp(again.p, data->p, data->len) != 0)
		i = (struct cat_indirect){.subject = CAT_OTHER,
		    .md = ret->md,
		    .digest = ret->digest,
		    .data = data->p,
		    .data_len = data->len};
	*ret = i;
	return true;
}

/* AlgorithmIdentifier with its NULL: without one, or with something in it, the bytes
 * would not come out again. */
static bool
get_digest(struct rd *r, struct cat_indirect *ret, struct kd_err *e)
{
	struct tlv info, algorithm, oid, digest;
	struct rd look;

	if (!der_want(r, DER_SEQUENCE, "DigestInfo", &info, e))
		return false;
	look = info.body;
	if (!der_want(&look, DER_SEQUENCE, "DigestInfo algorithm", &algorithm, e) ||
	    !der_want(&algorithm.body, DER_OID, "DigestInfo algorithm", &oid, e) ||
	    !oid_get_md(&info.body, "DigestInfo algorithm", &ret->md, e) ||
	    !der_want(&info.body, DER_OCTET_STRING, "DigestInfo digest", &digest, e) ||
	    !der_done(&info.body, "DigestInfo", e))
		return false;
	if (rd_left(&algorithm.body) != 2)
		return kd_fail(e, KD_E_FORMAT,
		    "DigestInfo algorithm has %zu bytes of parameters, expected NULL",
		    rd_left(&algorithm.body));
	if (digest.body.len != md_len(ret->md))
		return kd_fail(e, KD_E_FORMAT,
		    "DigestInfo digest has %zu bytes, %s has %zu", digest.body.len,
		    md_name(ret->md), md_len(ret->md));
	ret->digest = digest.body.p;
	return true;
}

bool
cat_indirect_get(struct rd *r, struct cat_indirect *ret, struct kd_err *e)
{
	struct tlv all, data;
	struct cat_indirect i = {0};

	if (!der_want(r, DER_SEQUENCE, "SpcIndirectDataContent", &all, e) ||
	    !der_want(&all.body, DER_SEQUENCE, "SpcIndirectDataContent data", &data, e) ||
	    !get_digest(&all.body, &i, e) ||
	    !der_done(&all.body, "SpcIndirectDataContent", e) || !get_data(&data, &i, e))
		return false;
	*ret = i;
	return true;
}
