/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/tsp_read.c - what a timestamp says, of either kind. */
#include <string.h>

#include "authenticode/cms_attrs.h"
#include "authenticode/oid.h"
#include "authenticode/tsp.h"

#define ID_CT_TST_INFO "1.2.840.113549.1.9.16.1.4"

const char *
tsp_kind_name(enum tsp_kind kind)
{
	return kind == TSP_RFC3161 ? "rfc3161" : kind == TSP_LEGACY ? "legacy" : "none";
}

void
tsp_stamp_clear(struct tsp_stamp *s)
{
	cms_clear(&s->cms);
	*s = (struct tsp_stamp){0};
}

/* MessageImprint ::= SEQUENCE { hashAlgorithm, hashedMessage OCTET STRING } */
static bool
read_imprint(struct rd *r, struct tsp_stamp *ret, struct kd_err *e)
{
	struct tlv imprint, hash;

	if (!der_want(r, DER_SEQUENCE, "TSTInfo messageImprint", &imprint, e) ||
	    !oid_get_md(&imprint.body, "TSTInfo hashAlgorithm", &ret->md, e) ||
	    !der_want(
		&imprint.body, DER_OCTET_STRING, "TSTInfo hashedMessage", &hash, e) ||
	    !der_done(&imprint.body, "TSTInfo messageImprint", e))
		return false;
	if (hash.body.len != md_len(ret->md))
		return kd_fail(e, KD_E_FORMAT,
		    "TSTInfo hashedMessage has %zu bytes, %s has %zu", hash.body.len,
		    md_name(ret->md), md_len(ret->md));
	memcpy(ret->imprint, hash.body.p, hash.body.len);
	return true;
}

/* accuracy, ordering, nonce, tsa [0], extensions [1]: all optional, in that order. */
static bool
read_rest(struct rd *r, struct tsp_stamp *ret, struct kd_err *e)
{
	struct tlv skipped, nonce;

	if (!der_opt(r, DER_SEQUENCE, "TSTInfo accuracy", &skipped, e) ||
	    !der_opt(r, DER_BOOLEAN, "TSTInfo ordering", &skipped, e) ||
	    !der_opt(r, DER_INTEGER, "TSTInfo nonce", &nonce, e) ||
	    !der_opt(r, DER_C0, "TSTInfo tsa", &skipped, e) ||
	    !der_opt(r, DER_C1, "TSTInfo extensions", &skipped, e) ||
	    !der_done(r, "TSTInfo", e))
		return false;
	ret->nonce = nonce.body.p;
	ret->nonce_len = nonce.body.len;
	return true;
}

static bool
read_tst_info(struct rd r, struct tsp_stamp *ret, struct kd_err *e)
{
	struct tlv info, version, policy, serial, time;

	if (!der_want(&r, DER_SEQUENCE, "TSTInfo", &info, e) ||
	    !der_done(&r, "TSTInfo", e) ||
	    !der_want(&info.body, DER_INTEGER, "TSTInfo version", &version, e))
		return false;
	if (!der_body_is(&version, "\1", 1))
		return kd_fail(e, KD_E_FORMAT, "TSTInfo version is not 1 (RFC 3161)");
	if (!der_want(&info.body, DER_OID, "TSTInfo policy", &policy, e) ||
	    !read_imprint(&info.body, ret, e) ||
	    !der_want(&info.body, DER_INTEGER, "TSTInfo serialNumber", &serial, e) ||
	    !der_want(&info.body, DER_GENERALIZED_TIME, "TSTInfo genTime", &time, e))
		return false;
	if (!cms_time(&time, &ret->time, e))
		return kd_in(e, "TSTInfo genTime");
	return read_rest(&info.body, ret, e);
}

/* The token's SignedData into ret->cms. Its version, and that of its SignerInfo, follow
 * from what is inside and bind nobody. */
static bool
read_signed_data(const uint8_t *der, size_t len, struct cms *ret, struct kd_err *e)
{
	struct rd r = rd_init(der, len);
	struct tlv whole, info;
	struct cms_signer_info s;
	struct cms_outer o;

	if (!der_next(&r, "timestamp token", &whole, e) ||
	    !der_done(&r, "timestamp token", e) || !cms_outer_open(der, len, &o, e) ||
	    !certs_new(&ret->certs, e) || !cms_content_read(o.content_info, ret, e))
		return false;
	if (strcmp(ret->content_type, ID_CT_TST_INFO) != 0)
		return kd_fail(e, KD_E_FORMAT,
		    "content type is %s, " ID_CT_TST_INFO " (TSTInfo) expected",
		    ret->content_type);
	if (ret->content == NULL || ret->content[0] != DER_OCTET_STRING)
		return kd_fail(e, KD_E_FORMAT, "timestamp token without TSTInfo in it");
	return (o.certificates.p == NULL ||
		   cms_certs_read(o.certificates.body, ret->certs, e)) &&
	       der_want(&o.signer_infos.body, DER_SEQUENCE, "SignerInfo", &info, e) &&
	       der_done(&o.signer_infos.body, "SignedData signerInfos", e) &&
	       cms_signer_info_parse(info.body, &s, e) &&
	       cms_signer_read(&s, false, ret, e);
}

static void
hand_over(struct tsp_stamp *s, enum tsp_kind kind, struct tsp_stamp *ret)
{
	s->kind = kind;
	s->certs = s->cms.certs;
	s->signer = s->cms.signer;
	*ret = *s;
	*s = (struct tsp_stamp){0};
}

bool
tsp_read_token(
    const uint8_t *der, size_t len, struct tsp_stamp *ret, struct kd_err *e)
{
	AUTO(tsp_stamp_clear) struct tsp_stamp s = {0};

	if (!read_signed_data(der, len, &s.cms, e) ||
	    !read_tst_info(
		rd_init(s.cms.content_octets, s.cms.content_octets_len), &s, e))
		return false;
	hand_over(&s, TSP_RFC3161, ret);
	return true;
}

bool
tsp_read_countersignature(const uint8_t *signer_info, size_t len,
    const struct certs *outer, struct tsp_stamp *ret, struct kd_err *e)
{
	AUTO(tsp_stamp_clear) struct tsp_stamp s = {0};
	struct rd r = rd_init(signer_info, len);
	struct cms_signer_info info;
	struct tlv whole;

	if (!der_want(&r, DER_SEQUENCE, "countersignature", &whole, e) ||
	    !der_done(&r, "countersignature", e) ||
	    !cms_signer_info_parse(whole.body, &info, e) ||
	    !certs_new(&s.cms.certs, e) || !certs_add_all(s.cms.certs, outer, e) ||
	    !cms_signer_read(&info, true, &s.cms, e))
		return false;
	if (s.cms.signing_time == 0)
		return kd_fail(e, KD_E_FORMAT,
		    "no signingTime among the countersignature's signed attributes");
	if (s.cms.message_digest_len != md_len(s.cms.md))
		return kd_fail(e, KD_E_FORMAT,
		    "countersignature's messageDigest has %zu bytes, %s has %zu",
		    s.cms.message_digest_len, md_name(s.cms.md), md_len(s.cms.md));
	s.md = s.cms.md;
	s.time = s.cms.signing_time;
	memcpy(s.imprint, s.cms.message_digest, s.cms.message_digest_len);
	hand_over(&s, TSP_LEGACY, ret);
	return true;
}
