/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/tsp_legacy.c - Authenticode's own timestamp protocol, older than RFC 3161.
 */
#include <string.h>

#include "authenticode/cert_x509.h"
#include "authenticode/cms_attrs.h"
#include "authenticode/oid.h"
#include "authenticode/tsp.h"
#include "authenticode/tsp_signer.h"
#include "base/text.h"

/* SEQUENCE { timestampRequest OID, SEQUENCE { data OID, [0] EXPLICIT OCTET STRING } } */
bool
tsp_legacy_encode(
    const uint8_t *signature, size_t len, struct buf *ret, struct kd_err *e)
{
	AUTO(buf_clear) struct buf der = {0};
	size_t request = der_begin(&der, DER_SEQUENCE), content, explicit;

	oid_put(&der, &oid_timestamp_request);
	content = der_begin(&der, DER_SEQUENCE);
	oid_put(&der, &oid_data);
	explicit = der_begin(&der, DER_C0);
	der_put(&der, DER_OCTET_STRING, signature, len);
	der_end(&der, explicit);
	der_end(&der, content);
	der_end(&der, request);
	if (!buf_ok(&der, "timestamp request", e))
		return false;
	text_base64(ret, der.p, der.len);
	return buf_ok(ret, "timestamp request", e);
}

/* Base64 as servers send it: in lines of any end, with a NUL behind. */
static bool
decode(const uint8_t *p, size_t len, struct buf *ret, struct kd_err *e)
{
	AUTO(buf_clear) struct buf text = {0};

	for (size_t i = 0; i < len; i++)
		if (p[i] != '\0' && strchr(" \t\r\n", p[i]) == NULL)
			buf_u8(&text, p[i]);
	if (!buf_ok(&text, "answer", e))
		return false;
	if (text.len == 0)
		return kd_fail(e, KD_E_FORMAT, "the answer is empty");
	if (!text_unbase64((const char *)text.p, text.len, ret, e))
		return kd_in(e, "the answer is neither DER nor base64");
	return true;
}

bool
tsp_legacy_der(const uint8_t *p, size_t len, struct buf *ret, struct kd_err *e)
{
	if (len > TSP_ANSWER_MAX)
		return kd_fail(e, KD_E_LIMIT, "answer of %zu bytes, at most %zu allowed",
		    len, TSP_ANSWER_MAX);
	if (len == 0 || p[0] != DER_SEQUENCE)
		return decode(p, len, ret, e);
	buf_add(ret, p, len);
	return buf_ok(ret, "answer", e);
}

/* Content is what was sent, where there is any: data { OCTET STRING signature }. */
static bool
check_content(struct tlv info, const uint8_t *signature, size_t len, struct kd_err *e)
{
	AUTO(cms_clear) struct cms c = {0};

	if (!cms_content_read(info, &c, e))
		return false;
	if (strcmp(c.content_type, CMS_TYPE_DATA) != 0)
		return kd_fail(e, KD_E_FORMAT,
		    "content type is %s, " CMS_TYPE_DATA " (data) expected",
		    c.content_type);
	if (c.content != NULL &&
	    (c.content[0] != DER_OCTET_STRING || c.content_octets_len != len ||
		memcmp(c.content_octets, signature, len) != 0))
		return kd_fail(e, KD_E_NOT_VERIFIED,
		    "the answer is over %zu bytes that are not the signature sent",
		    c.content_octets_len);
	return true;
}

/* Windows finds roots by itself, and puts none into files (facts 7); an authority that
 * is its own root must stay. */
static bool
without_roots(const struct tsp_stamp *s, struct certs *ret, struct kd_err *e)
{
	for (size_t i = 0; i < certs_n(s->certs); i++) {
		const struct cert *c = certs_at(s->certs, i);

		if ((i == s->signer || !cert_self_signed(c)) &&
		    !certs_share(ret, c, e))
			return false;
	}
	return true;
}

static bool
read_answer(const uint8_t *der, size_t len, const uint8_t *signature, size_t sig_len,
    struct tlv *ret_info, struct tsp_stamp *ret, struct kd_err *e)
{
	AUTO(certs_free) struct certs *certs = NULL;
	struct cms_outer o;

	return cms_outer_open(der, len, &o, e) &&
	       check_content(o.content_info, signature, sig_len, e) &&
	       certs_new(&certs, e) &&
	       (o.certificates.p == NULL ||
		   cms_certs_read(o.certificates.body, certs, e)) &&
	       der_want(
		   &o.signer_infos.body, DER_SEQUENCE, "SignerInfo", ret_info, e) &&
	       tsp_read_countersignature(ret_info->p, ret_info->len, certs, ret, e);
}

bool
tsp_legacy_parse(const uint8_t *p, size_t len, const uint8_t *signature, size_t sig_len,
    struct buf *ret_info, struct certs *ret_certs, struct kd_err *e)
{
	AUTO(buf_clear) struct buf der = {0};
	AUTO(tsp_stamp_clear) struct tsp_stamp s = {0};
	struct tlv info;

	if (!tsp_legacy_der(p, len, &der, e) ||
	    !read_answer(der.p, der.len, signature, sig_len, &info, &s, e) ||
	    !tsp_check(&s, signature, sig_len, e) || !tsp_check_signer(&s, e) ||
	    !without_roots(&s, ret_certs, e))
		return false;
	buf_add(ret_info, info.p, info.len);
	return buf_ok(ret_info, "countersignature", e);
}
