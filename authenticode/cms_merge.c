/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/cms_merge.c - more certificates into a ContentInfo that is already signed.
 */
#include <string.h>

#include "authenticode/cert_x509.h"
#include "authenticode/cms.h"
#include "authenticode/cms_outer.h"
#include "authenticode/oid.h"

struct cert_set { /* what the merged set consists of; borrowed */
	struct der_item v[CMS_CERTS_MAX];
	size_t n, len;
};

/* An element that is there already is not counted twice. */
static bool
take(struct cert_set *set, const uint8_t *p, size_t len, struct kd_err *e)
{
	for (size_t i = 0; i < set->n; i++)
		if (set->v[i].len == len && memcmp(set->v[i].p, p, len) == 0)
			return true;
	if (set->n == CMS_CERTS_MAX)
		return kd_fail(e, KD_E_LIMIT,
		    "more than %d certificates in the signature", CMS_CERTS_MAX);
	if (len > CMS_CERTS_LEN_MAX - set->len)
		return kd_fail(e, KD_E_LIMIT,
		    "certificates of more than %zu bytes in the signature",
		    CMS_CERTS_LEN_MAX);
	set->len += len;
	set->v[set->n++] = (struct der_item){p, len};
	return true;
}

/* The elements as they stand: one that we cannot read (an attribute certificate) stays.
 */
static bool
take_embedded(struct rd r, struct cert_set *set, struct kd_err *e)
{
	struct tlv t;

	while (rd_left(&r) > 0)
		if (!der_next(&r, "embedded certificate", &t, e) ||
		    !take(set, t.p, t.len, e))
			return false;
	return true;
}

static void
put_all(struct buf *b, const struct cms_outer *o, struct cert_set *set)
{
	size_t info = der_begin(b, DER_SEQUENCE), explicit, data;

	oid_put(b, &oid_signed_data);
	explicit = der_begin(b, DER_C0);
	data = der_begin(b, DER_SEQUENCE);
	buf_add(b, o->version.p, o->version.len);
	buf_add(b, o->digest_algorithms.p, o->digest_algorithms.len);
	buf_add(b, o->content_info.p, o->content_info.len);
	if (set->n > 0)
		der_put_set(b, DER_C0, set->v, set->n);
	if (o->crls.p != NULL)
		buf_add(b, o->crls.p, o->crls.len);
	buf_add(b, o->signer_infos.p, o->signer_infos.len);
	der_end(b, data);
	der_end(b, explicit);
	der_end(b, info);
}

bool
cms_outer_put(const struct cms_outer *o, const struct certs *more, struct buf *ret,
    struct kd_err *e)
{
	struct cert_set set = {.n = 0};

	if (o->certificates.p != NULL && !take_embedded(o->certificates.body, &set, e))
		return false;
	for (size_t i = 0; i < certs_n(more); i++) {
		const struct cert *c = certs_at(more, i);

		if (!take(&set, c->der, c->len, e))
			return false;
	}
	put_all(ret, o, &set);
	return buf_ok(ret, "ContentInfo", e);
}

bool
cms_add_certs(const uint8_t *cms, size_t len, const struct certs *more, struct buf *ret,
    struct kd_err *e)
{
	struct cms_outer o;

	return cms_outer_parse(cms, len, &o, e) && cms_outer_put(&o, more, ret, e);
}

bool
cms_keep_signer(const uint8_t *cms, size_t len, struct buf *ret, struct kd_err *e)
{
	AUTO(certs_free) struct certs *signer = NULL;
	AUTO(cms_clear) struct cms c = {0};
	struct cms_outer o;
	const uint8_t *der;
	size_t der_len;

	if (!cms_outer_parse(cms, len, &o, e) || !cms_parse(cms, len, &c, e) ||
	    !certs_new(&signer, e))
		return false;
	if (c.signer == SIZE_MAX)
		return kd_fail(e, KD_E_FORMAT,
		    "the signer's certificate is not among those of the signature");
	der = certs_der(c.certs, c.signer, &der_len);
	o.certificates = (struct tlv){0};
	return certs_add_der(signer, der, der_len, e) &&
	       cms_outer_put(&o, signer, ret, e);
}
