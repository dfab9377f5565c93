/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/cms_outer.c - a ContentInfo taken apart down to SignedData's own fields.
 */
#include "authenticode/cms_outer.h"

#include "authenticode/oid.h"

static bool
open_content_info(struct rd *r, struct tlv *ret_signed_data, struct kd_err *e)
{
	struct tlv info, type, explicit;
	char text[OID_TEXT_LEN];

	if (!der_want(r, DER_SEQUENCE, "ContentInfo", &info, e) ||
	    !der_want(&info.body, DER_OID, "ContentInfo contentType", &type, e))
		return false;
	if (!oid_is(&type, &oid_signed_data)) {
		oid_text(&type, text);
		return kd_fail(e, KD_E_FORMAT,
		    "ContentInfo contentType is %s, signedData expected", text);
	}
	return der_want(&info.body, DER_C0, "ContentInfo content", &explicit, e) &&
	       der_done(&info.body, "ContentInfo", e) &&
	       der_want(&explicit.body, DER_SEQUENCE, "SignedData", ret_signed_data, e) &&
	       der_done(&explicit.body, "ContentInfo content", e);
}

bool
cms_outer_open(const uint8_t *p, size_t len, struct cms_outer *ret, struct kd_err *e)
{
	struct rd r = rd_init(p, len);
	struct cms_outer o = {0};
	struct tlv data;

	if (!open_content_info(&r, &data, e) ||
	    !der_want(&data.body, DER_INTEGER, "SignedData version", &o.version, e) ||
	    !der_want(&data.body, DER_SET, "SignedData digestAlgorithms",
		&o.digest_algorithms, e) ||
	    !der_want(
		&data.body, DER_SEQUENCE, "SignedData contentInfo", &o.content_info, e) ||
	    !der_opt(&data.body, DER_C0, "SignedData certificates", &o.certificates, e) ||
	    !der_opt(&data.body, DER_C1, "SignedData crls", &o.crls, e) ||
	    !der_want(
		&data.body, DER_SET, "SignedData signerInfos", &o.signer_infos, e) ||
	    !der_done(&data.body, "SignedData", e))
		return false;
	*ret = o;
	return true;
}

bool
cms_outer_parse(const uint8_t *p, size_t len, struct cms_outer *ret, struct kd_err *e)
{
	struct cms_outer o;

	if (!cms_outer_open(p, len, &o, e))
		return false;
	if (!der_body_is(&o.version, "\1", 1))
		return kd_fail(
		    e, KD_E_FORMAT, "SignedData version is not 1 (PKCS #7 1.5)");
	*ret = o;
	return true;
}

bool
cms_signer_info_open(struct rd r, struct cms_signer_info *ret, struct kd_err *e)
{
	struct cms_signer_info s = {0};
	struct rd look;

	if (!der_want(&r, DER_INTEGER, "SignerInfo version", &s.version, e))
		return false;
	if (!der_is(&r, DER_P0)
		? !der_want(
		      &r, DER_SEQUENCE, "SignerInfo issuerAndSerialNumber", &s.sid, e)
		: !der_next(&r, "SignerInfo subjectKeyIdentifier", &s.sid, e))
		return false;
	look = r; /* its algorithm, and whole as it stands */
	if (!oid_get_md(&r, "SignerInfo digestAlgorithm", &s.md, e) ||
	    !der_next(&look, "SignerInfo digestAlgorithm", &s.digest_algorithm, e) ||
	    !der_opt(&r, DER_C0, "SignerInfo authenticatedAttributes", &s.attrs, e))
		return false;
	look = r;
	if (!oid_get_algorithm(
		&r, "SignerInfo digestEncryptionAlgorithm", &s.algorithm, e) ||
	    !der_next(&look, "SignerInfo digestEncryptionAlgorithm",
		&s.signature_algorithm, e) ||
	    !der_want(
		&r, DER_OCTET_STRING, "SignerInfo encryptedDigest", &s.signature, e) ||
	    !der_opt(&r, DER_C1, "SignerInfo unauthenticatedAttributes",
		&s.unsigned_attrs, e) ||
	    !der_done(&r, "SignerInfo", e))
		return false;
	*ret = s;
	return true;
}

bool
cms_signer_info_parse(struct rd r, struct cms_signer_info *ret, struct kd_err *e)
{
	struct cms_signer_info s;

	if (!cms_signer_info_open(r, &s, e))
		return false;
	if (s.attrs.p == NULL)
		return kd_fail(
		    e, KD_E_FORMAT, "SignerInfo has no signed attributes, and needs them");
	*ret = s;
	return true;
}

bool
cms_attribute_next(struct rd *r, const char *what, struct cms_attribute *ret,
    struct kd_err *e)
{
	struct tlv attr;

	if (!der_want(r, DER_SEQUENCE, what, &attr, e))
		return false;
	ret->p = attr.p;
	ret->len = attr.len;
	return der_want(&attr.body, DER_OID, what, &ret->type, e) &&
	       der_want(&attr.body, DER_SET, what, &ret->values, e) &&
	       der_done(&attr.body, what, e);
}
