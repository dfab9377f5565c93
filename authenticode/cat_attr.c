/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/cat_attr.c - attributes of catalogs and their members, written and read.
 */
#include "authenticode/cat_attr.h"

#include <string.h>

#include "authenticode/oid.h"
#include "base/num.h"

#define BMP_STRING 0x1e
#define GUID_CHARS 38

/* What the value of version 1 says of a file's type: the GUID of the module ("SIP") that
 * computes such a file's digest, with a 512 that is the same everywhere. */
static const char guids[][GUID_CHARS + 1] = {
    [CAT_FLAT] = "{DE351A42-8E59-11D0-8C47-00C04FC295EE}",
    [CAT_PE] = "{C689AAB8-8E78-11D0-8C47-00C04FC295EE}",
    [CAT_CAB] = "{C689AABA-8E78-11D0-8C47-00C04FC295EE}",
};
static const uint8_t member_info_number[] = {0x02, 0x00};
/* Version 2's: an empty element with one of these tags. */
static const uint8_t info2_tags[] = {
    [CAT_FLAT] = 0x82, [CAT_PE] = 0x80, [CAT_CAB] = 0x81};

static void
put_guid(struct buf *b, const char *guid)
{
	size_t m = der_begin(b, BMP_STRING);

	for (; *guid != '\0'; guid++) {
		buf_u8(b, 0);
		buf_u8(b, (uint8_t)*guid);
	}
	der_end(b, m);
}

static void
put_flags(struct buf *b, uint32_t v)
{
	const uint8_t bytes[5] = {
	    0, (uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v};
	size_t skip = 1;

	while (skip < 4 && bytes[skip] == 0)
		skip++;
	if (bytes[skip] >= 0x80) /* would be a negative number */
		skip--;
	der_put(b, DER_INTEGER, &bytes[skip], sizeof(bytes) - skip);
}

static void
put_name_value(struct buf *b, const struct cat_name_value *v)
{
	size_t m = der_begin(b, DER_SEQUENCE);

	der_put(b, BMP_STRING, v->name, v->name_len);
	put_flags(b, v->flags);
	der_put(b, DER_OCTET_STRING, v->value, v->value_len);
	der_end(b, m);
}

static void
put_value(struct buf *b, const struct cat_attr *a)
{
	size_t m;

	switch (a->kind) {
	case CAT_ATTR_NAME_VALUE:
		put_name_value(b, &a->name_value);
		break;
	case CAT_ATTR_MEMBER_INFO:
		m = der_begin(b, DER_SEQUENCE);
		put_guid(b, guids[a->subject]);
		der_put(b, DER_INTEGER, member_info_number, sizeof(member_info_number));
		der_end(b, m);
		break;
	case CAT_ATTR_MEMBER_INFO2:
		der_put(b, info2_tags[a->subject], "", 0);
		break;
	case CAT_ATTR_INDIRECT:
		cat_indirect_put(b, &a->indirect);
		break;
	case CAT_ATTR_OTHER:
		break;
	}
}

static const struct oid *
type_of(enum cat_attr_kind kind)
{
	switch (kind) {
	case CAT_ATTR_MEMBER_INFO:
		return &oid_cat_member_info;
	case CAT_ATTR_MEMBER_INFO2:
		return &oid_cat_member_info2;
	case CAT_ATTR_INDIRECT:
		return &oid_spc_indirect_data;
	case CAT_ATTR_NAME_VALUE:
	case CAT_ATTR_OTHER:
		break;
	}
	return &oid_cat_name_value;
}

/* SEQUENCE { OID, container { value } } */
static void
put(struct buf *b, uint8_t container, const struct cat_attr *a)
{
	size_t all, values;

	if (a->kind == CAT_ATTR_OTHER) {
		buf_add(b, a->der, a->der_len);
		return;
	}
	all = der_begin(b, DER_SEQUENCE);
	oid_put(b, type_of(a->kind));
	values = der_begin(b, container);
	put_value(b, a);
	der_end(b, values);
	der_end(b, all);
}

void
cat_attr_put(struct buf *b, const struct cat_attr *a)
{
	put(b, DER_SET, a);
}

void
cat_header_put(struct buf *b, const struct cat_attr *a)
{
	put(b, DER_OCTET_STRING, a);
}

static bool
get_flags(struct rd *r, uint32_t *ret, struct kd_err *e)
{
	struct tlv t;
	uint64_t v = 0;
	size_t n;
	uint8_t first, second;

	if (!der_want(r, DER_INTEGER, "attribute flags", &t, e))
		return false;
	n = t.body.len;
	for (size_t i = 0; i < n && i < 5; i++)
		v = v << 8 | rd_u8(&t.body, "attribute flags");
	first = n > 0 ? t.body.p[0] : 0;
	second = n > 1 ? t.body.p[1] : 0x80;
	if (n == 0 || n > 5 || v > UINT32_MAX || first >= 0x80 ||
	    (first == 0 && second < 0x80))
		return kd_fail(e, KD_E_FORMAT,
		    "attribute flags: %zu bytes, expected a number of 32 bits in DER", n);
	*ret = (uint32_t)v;
	return true;
}

static bool
get_name_value(struct rd *r, struct cat_attr *ret, struct kd_err *e)
{
	struct tlv seq, name, value;
	struct cat_name_value *v = &ret->name_value;

	if (!der_want(r, DER_SEQUENCE, "CAT_NAMEVALUE", &seq, e) ||
	    !der_want(&seq.body, BMP_STRING, "attribute name", &name, e) ||
	    !get_flags(&seq.body, &v->flags, e) ||
	    !der_want(&seq.body, DER_OCTET_STRING, "attribute value", &value, e) ||
	    !der_done(&seq.body, "CAT_NAMEVALUE", e))
		return false;
	if (name.body.len % 2 != 0)
		return kd_fail(e, KD_E_FORMAT,
		    "attribute name: UTF-16 text of %zu bytes, an odd number",
		    name.body.len);
	v->name = name.body.p;
	v->name_len = name.body.len;
	v->value = value.body.p;
	v->value_len = value.body.len;
	return true;
}

static bool
is_guid(const struct tlv *t, const char *guid)
{
	struct rd r = t->body;
	bool same = t->body.len == 2 * (size_t)GUID_CHARS;

	for (size_t i = 0; same && i < GUID_CHARS; i++)
		same = rd_u8(&r, "GUID") == 0 && rd_u8(&r, "GUID") == (uint8_t)guid[i];
	return same;
}

/* A type that MakeCat does not write leaves the attribute as it stands. */
static bool
get_member_info(struct rd *r, struct cat_attr *ret, struct kd_err *e)
{
	struct tlv seq, guid, number;

	if (!der_want(r, DER_SEQUENCE, "CAT_MEMBERINFO", &seq, e) ||
	    !der_want(&seq.body, BMP_STRING, "CAT_MEMBERINFO type", &guid, e) ||
	    !der_want(&seq.body, DER_INTEGER, "CAT_MEMBERINFO number", &number, e) ||
	    !der_done(&seq.body, "CAT_MEMBERINFO", e))
		return false;
	ret->kind = CAT_ATTR_OTHER;
	ret->subject = CAT_OTHER;
	for (size_t i = 0; i < KD_ARRAY_LEN(guids); i++) {
		if (is_guid(&guid, guids[i]) && der_body_is(&number, member_info_number,
						    sizeof(member_info_number))) {
			ret->kind = CAT_ATTR_MEMBER_INFO;
			ret->subject = (enum cat_subject)i;
		}
	}
	return true;
}

static bool
get_member_info2(struct rd *r, struct cat_attr *ret, struct kd_err *e)
{
	struct tlv t;

	if (!der_next(r, "CAT_MEMBERINFO2", &t, e))
		return false;
	ret->kind = CAT_ATTR_OTHER;
	ret->subject = CAT_OTHER;
	for (size_t i = 0; i < KD_ARRAY_LEN(info2_tags); i++) {
		if (t.tag == info2_tags[i] && t.body.len == 0) {
			ret->kind = CAT_ATTR_MEMBER_INFO2;
			ret->subject = (enum cat_subject)i;
		}
	}
	return true;
}

static bool
get_value(
    const struct tlv *type, struct rd *values, struct cat_attr *ret, struct kd_err *e)
{
	struct tlv any;

	if (oid_is(type, &oid_cat_name_value)) {
		ret->kind = CAT_ATTR_NAME_VALUE;
		return get_name_value(values, ret, e);
	}
	if (oid_is(type, &oid_cat_member_info))
		return get_member_info(values, ret, e);
	if (oid_is(type, &oid_cat_member_info2))
		return get_member_info2(values, ret, e);
	if (oid_is(type, &oid_spc_indirect_data)) {
		ret->kind = CAT_ATTR_INDIRECT;
		return cat_indirect_get(values, &ret->indirect, e);
	}
	ret->kind = CAT_ATTR_OTHER;
	return der_next(values, "attribute value", &any, e);
}

bool
cat_attr_get(struct rd *r, struct cat_attr *ret, struct kd_err *e)
{
	struct tlv all, type, values;
	struct cat_attr a = {0};

	if (!der_want(r, DER_SEQUENCE, "attribute", &all, e) ||
	    !der_want(&all.body, DER_OID, "attribute type", &type, e) ||
	    !der_want(&all.body, DER_SET, "attribute values", &values, e) ||
	    !der_done(&all.body, "attribute", e) ||
	    !get_value(&type, &values.body, &a, e) ||
	    !der_done(&values.body, "attribute values", e))
		return false;
	a.der = all.p;
	a.der_len = all.len;
	*ret = a;
	return true;
}

bool
cat_header_get(struct rd *r, struct cat_attr *ret, struct kd_err *e)
{
	struct tlv all, type, value;
	struct cat_attr a = {0};

	if (!der_want(r, DER_SEQUENCE, "catalog attribute", &all, e) ||
	    !der_want(&all.body, DER_OID, "catalog attribute type", &type, e))
		return false;
	if (oid_is(&type, &oid_cat_name_value)) {
		a.kind = CAT_ATTR_NAME_VALUE;
		if (!der_want(&all.body, DER_OCTET_STRING, "catalog attribute value",
			&value, e) ||
		    !der_done(&all.body, "catalog attribute", e) ||
		    !get_name_value(&value.body, &a, e) ||
		    !der_done(&value.body, "catalog attribute value", e))
			return false;
	}
	a.der = all.p;
	a.der_len = all.len;
	*ret = a;
	return true;
}
