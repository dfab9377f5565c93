/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/cms_edit.c - unsigned attributes of a signature, changed in a copy. */
#include "authenticode/cms_edit.h"

#include "authenticode/cms_outer.h"
#include "authenticode/oid.h"
#include "base/num.h"

struct edit { /* borrowed from the ContentInfo that is changed */
	struct cms_outer outer;
	struct cms_signer_info signer;
	struct der_item attrs[CMS_UNSIGNED_MAX + 1]; /* unsigned: what stays, a new one */
	size_t attrs_n;
	struct der_item nested[CMS_NESTED_MAX + 1];
	size_t nested_n;
};

static bool
keep(struct edit *d, const uint8_t *p, size_t len, struct kd_err *e)
{
	if (d->attrs_n == CMS_UNSIGNED_MAX)
		return kd_fail(e, KD_E_LIMIT,
		    "more than %d unsigned attributes in the signature",
		    CMS_UNSIGNED_MAX);
	d->attrs[d->attrs_n++] = (struct der_item){p, len};
	return true;
}

static bool
take_nested(struct edit *d, struct rd values, struct kd_err *e)
{
	while (rd_left(&values) > 0) {
		struct der_item *to = &d->nested[d->nested_n];

		if (d->nested_n == CMS_NESTED_MAX)
			return kd_fail(e, KD_E_LIMIT, "more than %d nested signatures",
			    CMS_NESTED_MAX);
		if (!cms_next_nested(&values, &to->p, &to->len, e))
			return false;
		d->nested_n++;
	}
	return true;
}

/* The attributes as they are, but timestamps when these are to go; nested signatures one
 * by one when they are to change. */
static bool
take_attrs(struct edit *d, bool timestamps, bool nested, struct kd_err *e)
{
	struct rd r = d->signer.unsigned_attrs.body;
	struct cms_attribute a;

	while (rd_left(&r) > 0) {
		bool good = true;

		if (!cms_attribute_next(&r, "unsigned attribute", &a, e))
			return false;
		if (nested && oid_is(&a.type, &oid_nested_signature))
			good = take_nested(d, a.values.body, e);
		else if (timestamps || (!oid_is(&a.type, &oid_counter_signature) &&
					   !oid_is(&a.type, &oid_rfc3161_token)))
			good = keep(d, a.p, a.len, e);
		if (!good)
			return false;
	}
	return true;
}

static bool
edit_open(const uint8_t *cms, size_t len, struct edit *ret, struct kd_err *e)
{
	struct tlv info;

	return cms_outer_parse(cms, len, &ret->outer, e) &&
	       der_want(
		   &ret->outer.signer_infos.body, DER_SEQUENCE, "SignerInfo", &info, e) &&
	       der_done(&ret->outer.signer_infos.body, "SignedData signerInfos", e) &&
	       cms_signer_info_parse(info.body, &ret->signer, e);
}

/* The SignerInfo's own fields as they stand, then the unsigned attributes. */
static void
put_signer(struct buf *b, struct edit *d)
{
	const struct cms_signer_info *s = &d->signer;
	const struct tlv *fields[] = {&s->version, &s->sid, &s->digest_algorithm,
	    &s->attrs, &s->signature_algorithm, &s->signature};
	size_t set = der_begin(b, DER_SET), info = der_begin(b, DER_SEQUENCE);

	for (size_t i = 0; i < KD_ARRAY_LEN(fields); i++)
		buf_add(b, fields[i]->p, fields[i]->len);
	if (d->attrs_n > 0)
		der_put_set(b, DER_C1, d->attrs, d->attrs_n);
	der_end(b, info);
	der_end(b, set);
}

static bool
edit_close(struct edit *d, const struct certs *more, struct buf *ret, struct kd_err *e)
{
	AUTO(buf_clear) struct buf signer = {0};
	struct cms_outer o = d->outer;

	put_signer(&signer, d);
	if (!buf_ok(&signer, "SignerInfo", e))
		return false;
	o.signer_infos.p = signer.p;
	o.signer_infos.len = signer.len;
	return cms_outer_put(&o, more, ret, e);
}

/* Attribute ::= SEQUENCE { type OID, values SET OF ANY } */
static bool
put_attr(struct buf *b, const struct oid *type, struct der_item *values, size_t n,
    struct kd_err *e)
{
	size_t m = der_begin(b, DER_SEQUENCE);

	oid_put(b, type);
	der_put_set(b, DER_SET, values, n);
	der_end(b, m);
	return buf_ok(b, "unsigned attribute", e);
}

bool
cms_set_timestamp(const uint8_t *cms, size_t len, enum tsp_kind kind,
    const uint8_t *value, size_t value_len, const struct certs *certs, struct buf *ret,
    struct kd_err *e)
{
	AUTO(buf_clear) struct buf attr = {0};
	struct edit d = {.attrs_n = 0};
	struct der_item item = {value, value_len};
	struct rd r = rd_init(value, value_len);
	struct tlv whole;

	if (!edit_open(cms, len, &d, e) || !take_attrs(&d, false, false, e) ||
	    !der_want(&r, DER_SEQUENCE, "timestamp", &whole, e) ||
	    !der_done(&r, "timestamp", e) ||
	    !put_attr(&attr,
		kind == TSP_RFC3161 ? &oid_rfc3161_token : &oid_counter_signature, &item,
		1, e))
		return false;
	d.attrs[d.attrs_n++] = (struct der_item){attr.p, attr.len};
	return edit_close(&d, certs, ret, e);
}

/* A nested signature without the padding behind it. */
static bool
open_nested(
    const uint8_t *nested, size_t len, struct der_item *ret, struct kd_err *e)
{
	struct rd r = rd_init(nested, len);
	struct cms_outer o;
	struct tlv whole;

	if (!cms_outer_parse(nested, len, &o, e) ||
	    !der_next(&r, "ContentInfo", &whole, e))
		return kd_in(e, "nested signature");
	*ret = (struct der_item){whole.p, whole.len};
	return true;
}

static bool
close_nested(struct edit *d, struct buf *ret, struct kd_err *e)
{
	AUTO(buf_clear) struct buf attr = {0};

	if (!put_attr(&attr, &oid_nested_signature, d->nested, d->nested_n, e))
		return false;
	d->attrs[d->attrs_n++] = (struct der_item){attr.p, attr.len};
	return edit_close(d, NULL, ret, e);
}

bool
cms_add_nested(const uint8_t *cms, size_t len, const uint8_t *nested, size_t nested_len,
    struct buf *ret, struct kd_err *e)
{
	struct edit d = {.attrs_n = 0};

	if (!edit_open(cms, len, &d, e) || !take_attrs(&d, true, true, e) ||
	    !open_nested(nested, nested_len, &d.nested[d.nested_n], e))
		return false;
	if (++d.nested_n > CMS_NESTED_MAX)
		return kd_fail(
		    e, KD_E_LIMIT, "more than %d nested signatures", CMS_NESTED_MAX);
	return close_nested(&d, ret, e);
}

bool
cms_replace_nested(const uint8_t *cms, size_t len, size_t index, const uint8_t *nested,
    size_t nested_len, struct buf *ret, struct kd_err *e)
{
	struct edit d = {.attrs_n = 0};

	if (!edit_open(cms, len, &d, e) || !take_attrs(&d, true, true, e))
		return false;
	if (index >= d.nested_n)
		return kd_fail(e, KD_E_FORMAT, "nested signature %zu of %zu is asked for",
		    index, d.nested_n);
	return open_nested(nested, nested_len, &d.nested[index], e) &&
	       close_nested(&d, ret, e);
}

bool
cms_remove_unsigned(const uint8_t *cms, size_t len, struct buf *ret, struct kd_err *e)
{
	struct edit d = {.attrs_n = 0};

	return edit_open(cms, len, &d, e) && edit_close(&d, NULL, ret, e);
}
