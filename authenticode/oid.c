/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/oid.c - Authenticode's object identifiers and algorithm identifiers. */
#include "authenticode/oid.h"

#include <stdio.h>
#include <string.h>

#include "base/num.h"

#define OID(s)                                                                           \
	{                                                                                \
		sizeof(s) - 1, s                                                         \
	}
#define PKCS "\x2a\x86\x48\x86\xf7\x0d\x01"          /* 1.2.840.113549.1 */
#define X962 "\x2a\x86\x48\xce\x3d"                  /* 1.2.840.10045 */
#define MICROSOFT "\x2b\x06\x01\x04\x01\x82\x37"     /* 1.3.6.1.4.1.311 */
#define NIST_HASH "\x60\x86\x48\x01\x65\x03\x04\x02" /* 2.16.840.1.101.3.4.2 */

const struct oid oid_signed_data = OID(PKCS "\x07\x02");
const struct oid oid_data = OID(PKCS "\x07\x01");
const struct oid oid_content_type = OID(PKCS "\x09\x03");
const struct oid oid_message_digest = OID(PKCS "\x09\x04");
const struct oid oid_signing_time = OID(PKCS "\x09\x05");
const struct oid oid_counter_signature = OID(PKCS "\x09\x06");
const struct oid oid_sequence_number = OID(PKCS "\x09\x19\x04");
const struct oid oid_signing_certificate = OID(PKCS "\x09\x10\x02\x0c");
const struct oid oid_signing_certificate_v2 = OID(PKCS "\x09\x10\x02\x2f");
const struct oid oid_rsa_encryption = OID(PKCS "\x01\x01");
const struct oid oid_ec_public_key = OID(X962 "\x02\x01");
const struct oid oid_spc_indirect_data = OID(MICROSOFT "\x02\x01\x04");
const struct oid oid_spc_statement_type = OID(MICROSOFT "\x02\x01\x0b");
const struct oid oid_spc_opus_info = OID(MICROSOFT "\x02\x01\x0c");
const struct oid oid_spc_pe_image_data = OID(MICROSOFT "\x02\x01\x0f");
const struct oid oid_spc_individual = OID(MICROSOFT "\x02\x01\x15");
const struct oid oid_nested_signature = OID(MICROSOFT "\x02\x04\x01");
const struct oid oid_rfc3161_token = OID(MICROSOFT "\x03\x03\x01");
const struct oid oid_timestamp_request = OID(MICROSOFT "\x03\x02\x01");
const struct oid oid_spc_link = OID(MICROSOFT "\x02\x01\x19");
const struct oid oid_spc_cab_link = OID(MICROSOFT "\x02\x01\x1c");
const struct oid oid_spc_sip_info = OID(MICROSOFT "\x02\x01\x1e");
const struct oid oid_page_hashes_sha1 = OID(MICROSOFT "\x02\x03\x01");
const struct oid oid_page_hashes_sha256 = OID(MICROSOFT "\x02\x03\x02");
const struct oid oid_cab_header_hash = OID(MICROSOFT "\x02\x05\x01");
const struct oid oid_ctl = OID(MICROSOFT "\x0a\x01");
const struct oid oid_catalog_list = OID(MICROSOFT "\x0c\x01\x01");
const struct oid oid_catalog_v1 = OID(MICROSOFT "\x0c\x01\x02");
const struct oid oid_catalog_v2 = OID(MICROSOFT "\x0c\x01\x03");
const struct oid oid_cat_name_value = OID(MICROSOFT "\x0c\x02\x01");
const struct oid oid_cat_member_info = OID(MICROSOFT "\x0c\x02\x02");
const struct oid oid_cat_member_info2 = OID(MICROSOFT "\x0c\x02\x03");

static const struct oid md_oids[] = {
    [MD_SHA1] = OID("\x2b\x0e\x03\x02\x1a"),
    [MD_SHA256] = OID(NIST_HASH "\x01"),
    [MD_SHA384] = OID(NIST_HASH "\x02"),
    [MD_SHA512] = OID(NIST_HASH "\x03"),
};

/* rsaEncryption, then shaWithRSAEncryption of SHA-1, SHA-256, SHA-384, SHA-512. */
static const struct oid rsa_signatures[] = {OID(PKCS "\x01\x01"), OID(PKCS "\x01\x05"),
    OID(PKCS "\x01\x0b"), OID(PKCS "\x01\x0c"), OID(PKCS "\x01\x0d")};
/* id-ecPublicKey, then ecdsa-with-SHA of the same: md_oids' order and places. */
static const struct oid ecdsa_signatures[] = {OID(X962 "\x02\x01"), OID(X962 "\x04\x01"),
    OID(X962 "\x04\x03\x02"), OID(X962 "\x04\x03\x03"), OID(X962 "\x04\x03\x04")};

void
oid_put(struct buf *b, const struct oid *o)
{
	der_put(b, DER_OID, o->der, o->len);
}

bool
oid_is(const struct tlv *t, const struct oid *o)
{
	return t->tag == DER_OID && der_body_is(t, o->der, o->len);
}

static bool
is_one_of(const struct tlv *t, const struct oid *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (oid_is(t, &v[i]))
			return true;
	return false;
}

bool
oid_is_rsa_signature(const struct tlv *t)
{
	return is_one_of(t, rsa_signatures, KD_ARRAY_LEN(rsa_signatures));
}

bool
oid_is_ecdsa_signature(const struct tlv *t)
{
	return is_one_of(t, ecdsa_signatures, KD_ARRAY_LEN(ecdsa_signatures));
}

/*
 * One arc in base 128 (X.690 8.19.2); false when it is cut off, over 56 bits, or begins
 * with a zero digit: then two encodings would have one text.
 */
static bool
next_arc(struct rd *r, unsigned long long *ret)
{
	unsigned long long arc = 0;
	uint8_t b = 0x80;
	bool minimal = true;

	for (int i = 0; i < 8 && (b & 0x80) != 0; i++) {
		b = rd_u8(r, "OID");
		arc = arc << 7 | (b & 0x7f);
		minimal = minimal && (i > 0 || b != 0x80);
	}
	*ret = arc;
	return r->bad == NULL && minimal && (b & 0x80) == 0;
}

/* Appends sep and arc to dst at *len; false when there is no room left. */
static bool
add_arc(char dst[OID_TEXT_LEN], size_t *len, const char *sep, unsigned long long arc)
{
	int n = snprintf(&dst[*len], OID_TEXT_LEN - *len, "%s%llu", sep, arc);

	if (n < 0 || (size_t)n >= OID_TEXT_LEN - *len)
		return false;
	*len += (size_t)n;
	return true;
}

void
oid_text(const struct tlv *t, char dst[OID_TEXT_LEN])
{
	struct rd r = t->body;
	unsigned long long arc = 0, top;
	size_t len = 0;
	bool good = t->tag == DER_OID && next_arc(&r, &arc), room;

	top = arc < 80 ? arc / 40 : 2; /* two arcs in one number: X.690 8.19.4 */
	room = add_arc(dst, &len, "", top) && add_arc(dst, &len, ".", arc - 40 * top);
	while (good && room && rd_left(&r) > 0) {
		good = next_arc(&r, &arc);
		room = add_arc(dst, &len, ".", arc);
	}
	if (!good)
		memcpy(dst, "(malformed)", sizeof("(malformed)"));
	else if (!room)
		memcpy(&dst[OID_TEXT_LEN - 4], "...", 4);
}

void
oid_put_md(struct buf *b, enum md md)
{
	size_t m = der_begin(b, DER_SEQUENCE);

	oid_put(b, &md_oids[md]);
	der_put(b, DER_NULL, "", 0);
	der_end(b, m);
}

static void
put_bare(struct buf *b, const struct oid *o)
{
	size_t m = der_begin(b, DER_SEQUENCE);

	oid_put(b, o);
	der_end(b, m);
}

void
oid_put_md_bare(struct buf *b, enum md md)
{
	put_bare(b, &md_oids[md]);
}

void
oid_put_ecdsa_bare(struct buf *b, enum md md)
{
	put_bare(b, &ecdsa_signatures[md]);
}

bool
oid_get_algorithm(struct rd *r, const char *what, struct tlv *ret_oid, struct kd_err *e)
{
	struct tlv seq, null;

	return der_want(r, DER_SEQUENCE, what, &seq, e) &&
	       der_want(&seq.body, DER_OID, what, ret_oid, e) &&
	       der_opt(&seq.body, DER_NULL, what, &null, e) &&
	       (null.p == NULL || der_body_is(&null, "", 0) ||
		   kd_fail(
		       e, KD_E_FORMAT, "%s: NULL of %zu bytes", what, null.body.len)) &&
	       der_done(&seq.body, what, e);
}

bool
oid_get_md(struct rd *r, const char *what, enum md *ret, struct kd_err *e)
{
	struct tlv oid;
	char text[OID_TEXT_LEN];

	if (!oid_get_algorithm(r, what, &oid, e))
		return false;
	for (size_t i = MD_SHA1; i < KD_ARRAY_LEN(md_oids); i++) {
		if (oid_is(&oid, &md_oids[i])) {
			*ret = (enum md)i;
			return true;
		}
	}
	oid_text(&oid, text);
	return kd_fail(e, KD_E_FORMAT,
	    "%s names %s, expected sha1, sha256, sha384 or sha512", what, text);
}
