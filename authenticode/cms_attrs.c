/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/cms_attrs.c - a SignerInfo's attributes, signed and unsigned. */
#include "authenticode/cms_attrs.h"

#include <string.h>

#include <openssl/asn1.h>

#include "authenticode/cert_x509.h"
#include "authenticode/oid.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"

#define TEXT_MAX ((size_t)8 << 10) /* bytes of a name or URL that are worth showing */

AUTO_DEFINE(ASN1_TIME, ASN1_TIME_free);

static bool
get_content_type(struct tlv *value, struct cms *ret, struct kd_err *e)
{
	if (ret->attr_content_type[0] != '\0')
		return kd_fail(e, KD_E_FORMAT, "contentType attribute stands twice");
	oid_text(value, ret->attr_content_type);
	return true;
}

static bool
get_message_digest(struct tlv *value, struct cms *ret, struct kd_err *e)
{
	if (ret->message_digest_len != 0)
		return kd_fail(e, KD_E_FORMAT, "messageDigest attribute stands twice");
	if (value->body.len == 0 || value->body.len > MD_LEN_MAX)
		return kd_fail(e, KD_E_FORMAT,
		    "messageDigest has %zu bytes, 1 to %d expected", value->body.len,
		    MD_LEN_MAX);
	ret->message_digest_len = value->body.len;
	memcpy(ret->message_digest, value->body.p, value->body.len);
	return true;
}

bool
cms_time(const struct tlv *value, int64_t *ret, struct kd_err *e)
{
	const unsigned char *p = value->p;
	AUTO(ASN1_TIME_free) ASN1_TIME *t = d2i_ASN1_TIME(NULL, &p, (long)value->len);

	return cert_time(t, ret, e);
}

static bool
get_signing_time(struct tlv *value, struct cms *ret, struct kd_err *e)
{
	if (ret->signing_time != 0)
		return kd_fail(e, KD_E_FORMAT, "signingTime attribute stands twice");
	return cms_time(value, &ret->signing_time, e) || kd_in(e, "signingTime");
}

/* Any length of outside text → an owned string that is safe to show, cut where it is
 * long.
 */
static bool
show_text(const char *s, size_t n, char **ret, struct kd_err *e)
{
	size_t room = n < TEXT_MAX ? 4 * n + 4 : 4 * TEXT_MAX; /* each byte may be \xNN */
	char *shown;

	shown = kd_alloc(room);
	if (shown == NULL)
		return kd_fail_nomem(e, "text");
	(void)text_show(shown, room, s, n);
	free(*ret);
	*ret = shown;
	return true;
}

/* Windows does not look into these texts, so a malformed one is no reason to refuse the
 * file. */
static bool
show_utf16(const struct tlv *t, char **ret, struct kd_err *e)
{
	static const char malformed[] = "(not UTF-16)", too_long[] = "(too long)";
	AUTO(buf_clear) struct buf utf8 = {0};
	struct kd_err why = {0};

	if (t->body.len > TEXT_MAX)
		return show_text(too_long, sizeof(too_long) - 1, ret, e);
	if (!text_from_utf16be(t->body.p, t->body.len, &utf8, &why)) {
		if (why.code == KD_E_NOMEM)
			return kd_fail_nomem(e, "text");
		return show_text(malformed, sizeof(malformed) - 1, ret, e);
	}
	return show_text((const char *)utf8.p, utf8.len, ret, e);
}

/* SpcString ::= CHOICE { unicode [0] IMPLICIT BMPString, ascii [1] IMPLICIT IA5String }
 */
static bool
get_spc_string(struct rd *r, char **ret, struct kd_err *e)
{
	struct tlv t;

	if (!der_next(r, "SpcString", &t, e))
		return false;
	if (t.tag == DER_P0)
		return show_utf16(&t, ret, e);
	return show_text((const char *)t.body.p, t.body.len, ret, e);
}

/* SpcLink ::= CHOICE { url [0] IMPLICIT IA5String, moniker [1], file [2] EXPLICIT
 * SpcString } */
static bool
get_spc_link(struct rd *r, char **ret, struct kd_err *e)
{
	struct tlv t;

	if (!der_next(r, "SpcLink", &t, e))
		return false;
	if (t.tag == DER_P0)
		return show_text((const char *)t.body.p, t.body.len, ret, e);
	if (t.tag == DER_C2)
		return get_spc_string(&t.body, ret, e);
	return true; /* a moniker has no text */
}

static bool
get_opus(struct tlv *value, struct cms *ret, struct kd_err *e)
{
	struct tlv name, info;

	if (!der_opt(&value->body, DER_C0, "SpcSpOpusInfo programName", &name, e) ||
	    (name.p != NULL && !get_spc_string(&name.body, &ret->description, e)))
		return false;
	return der_opt(&value->body, DER_C1, "SpcSpOpusInfo moreInfo", &info, e) &&
	       (info.p == NULL || get_spc_link(&info.body, &ret->url, e));
}

static bool
get_sequence(struct tlv *value, struct cms *ret, struct kd_err *e)
{
	if (ret->sequence != 0)
		return kd_fail(e, KD_E_FORMAT, "sequenceNumber attribute stands twice");
	if (value->body.len == 0 || value->body.len > 4 || value->body.p[0] >= 0x80)
		return kd_fail(e, KD_E_FORMAT,
		    "sequenceNumber of %zu bytes, 1 to 2147483647 expected",
		    value->body.len);
	for (size_t i = 0; i < value->body.len; i++)
		ret->sequence = ret->sequence << 8 | value->body.p[i];
	return true;
}

static bool
get_ess(struct tlv *value, struct tlv *ret, struct kd_err *e)
{
	if (ret->p != NULL)
		return kd_fail(
		    e, KD_E_FORMAT, "signingCertificate attribute stands twice");
	*ret = *value;
	return true;
}

static bool
get_signing_certificate(struct tlv *value, struct cms *ret, struct kd_err *e)
{
	return get_ess(value, &ret->signing_certificate, e);
}

static bool
get_signing_certificate_v2(struct tlv *value, struct cms *ret, struct kd_err *e)
{
	return get_ess(value, &ret->signing_certificate_v2, e);
}

/* The signed attributes that we read; tag 0: any. */
static const struct known {
	const struct oid *type;
	const char *what;
	uint8_t tag;
	bool (*get)(struct tlv *value, struct cms *ret, struct kd_err *e);
} known[] = {
    {&oid_content_type, "contentType attribute", DER_OID, get_content_type},
    {&oid_message_digest, "messageDigest attribute", DER_OCTET_STRING,
	get_message_digest},
    {&oid_signing_time, "signingTime attribute", 0, get_signing_time},
    {&oid_spc_opus_info, "SpcSpOpusInfo attribute", DER_SEQUENCE, get_opus},
    {&oid_sequence_number, "sequenceNumber attribute", DER_INTEGER, get_sequence},
    {&oid_signing_certificate, "signingCertificate attribute", DER_SEQUENCE,
	get_signing_certificate},
    {&oid_signing_certificate_v2, "signingCertificateV2 attribute", DER_SEQUENCE,
	get_signing_certificate_v2},
};

static bool
get_known(const struct known *k, struct rd *values, struct cms *ret, struct kd_err *e)
{
	struct tlv value;

	if (k->tag == 0 ? !der_next(values, k->what, &value, e)
			: !der_want(values, k->tag, k->what, &value, e))
		return false;
	return k->get(&value, ret, e) && der_done(values, k->what, e);
}

bool
cms_attrs_signed(
    struct rd attrs, bool countersigner, struct cms *ret, struct kd_err *e)
{
	struct cms_attribute a;

	while (rd_left(&attrs) > 0) {
		if (!cms_attribute_next(&attrs, "signed attribute", &a, e))
			return false;
		for (size_t i = 0; i < KD_ARRAY_LEN(known); i++)
			if (oid_is(&a.type, known[i].type) &&
			    !get_known(&known[i], &a.values.body, ret, e))
				return false;
	}
	if (ret->attr_content_type[0] == '\0' && !countersigner)
		return kd_fail(
		    e, KD_E_FORMAT, "no contentType among the signed attributes");
	if (ret->message_digest_len == 0)
		return kd_fail(
		    e, KD_E_FORMAT, "no messageDigest among the signed attributes");
	return true;
}

/* One attribute with one value: were there two, readers would not agree on which counts.
 */
static bool
get_timestamp(struct rd values, const char *what, const uint8_t **ret_p, size_t *ret_len,
    struct kd_err *e)
{
	struct tlv value;

	if (*ret_p != NULL)
		return kd_fail(e, KD_E_FORMAT, "%s stands twice", what);
	if (!der_want(&values, DER_SEQUENCE, what, &value, e) ||
	    !der_done(&values, what, e))
		return false;
	*ret_p = value.p;
	*ret_len = value.len;
	return true;
}

static bool
count_nested(struct rd values, struct cms *ret, struct kd_err *e)
{
	const uint8_t *p;
	size_t len;

	if (ret->nested.p != NULL)
		return kd_fail(e, KD_E_FORMAT, "nested signature attribute stands twice");
	ret->nested = values;
	for (; rd_left(&values) > 0; ret->nested_n++) {
		if (!cms_next_nested(&values, &p, &len, e))
			return false;
		if (ret->nested_n == CMS_NESTED_MAX)
			return kd_fail(e, KD_E_LIMIT, "more than %d nested signatures",
			    CMS_NESTED_MAX);
	}
	return true;
}

bool
cms_attrs_unsigned(struct rd attrs, struct cms *ret, struct kd_err *e)
{
	struct cms_attribute a;
	bool good = true;

	while (good && rd_left(&attrs) > 0) {
		if (!cms_attribute_next(&attrs, "unsigned attribute", &a, e))
			return false;
		if (oid_is(&a.type, &oid_counter_signature))
			good = get_timestamp(a.values.body, "countersignature attribute",
			    &ret->countersignature, &ret->countersignature_len, e);
		else if (oid_is(&a.type, &oid_rfc3161_token))
			good = get_timestamp(a.values.body, "timestamp token attribute",
			    &ret->token, &ret->token_len, e);
		else if (oid_is(&a.type, &oid_nested_signature))
			good = count_nested(a.values.body, ret, e);
	}
	ret->timestamped = ret->token != NULL || ret->countersignature != NULL;
	return good;
}
