/* SPDX-License-Identifier: Apache-2.0 */
/* wire/api_stamp.c - POST /v1/timestamps: what is to be stamped, and the stamp. */
#include <string.h>

#include "base/text.h"
#include "wire/api.h"
#include "wire/api_schema.h"

static const char *const kind_names[] = {
    [API_STAMP_NONE] = "none",
    [API_STAMP_RFC3161] = "rfc3161",
    [API_STAMP_LEGACY] = "legacy",
};

const char *
api_stamp_kind_name(enum api_stamp_kind k)
{
	return kind_names[k];
}

static enum api_stamp_kind
kind_by_name(const char *s)
{
	enum api_stamp_kind k = API_STAMP_LEGACY;

	while (k != API_STAMP_NONE && strcmp(s, kind_names[k]) != 0)
		k--;
	return k;
}

static void
read_signature(struct jo *o, struct api_stamp_request *r)
{
	const struct api_member *m = api_member(&api_stamp_request_schema, "signature");
	const char *base64 = jo_str(o, m->name, m->min, m->max);
	AUTO(free) uint8_t *bytes = NULL;

	if (o->e->code != KD_OK || !api_get_bytes(o, m->name, base64, API_SIGNATURE_MAX,
				       &bytes, &r->signature_len))
		return;
	memcpy(r->signature, bytes, r->signature_len);
}

bool
api_stamp_request_decode(
    const char *p, size_t n, struct api_stamp_request *ret, struct kd_err *e)
{
	AUTO(json_free) struct json *j = NULL;
	struct api_stamp_request r = {0};
	const char *kind;
	struct jo o;

	if (!json_parse(p, n, &j, e))
		return false;
	o = jo_top(j, e);
	kind = api_get_str(&o, &api_stamp_request_schema, "kind");
	r.kind = kind_by_name(kind);
	if (r.kind == API_STAMP_RFC3161)
		api_get_digest(&o, &api_stamp_request_schema, &r.md, r.digest);
	else if (r.kind == API_STAMP_LEGACY)
		read_signature(&o, &r);
	else
		jo_bad(&o, "kind", "must be 'rfc3161' or 'legacy', is '%s'", SHOW(kind));
	if (!jo_end(&o))
		return false;
	*ret = r;
	return true;
}

void
api_stamp_request_encode(const struct api_stamp_request *r, struct buf *ret)
{
	jw_open(ret);
	jw_str(ret, "kind", api_stamp_kind_name(r->kind));
	if (r->kind == API_STAMP_RFC3161) {
		jw_str(ret, "digest_algorithm", md_name(r->md));
		jw_hex(ret, "digest", r->digest, md_len(r->md));
	} else {
		jw_base64(ret, "signature", r->signature, r->signature_len);
	}
	jw_close(ret);
}

void
api_stamp_answer_clear(struct api_stamp_answer *a)
{
	free(a->der);
	*a = (struct api_stamp_answer){0};
}

static const char *
member_of(enum api_stamp_kind k)
{
	return k == API_STAMP_RFC3161 ? "token" : "countersignature";
}

void
api_stamp_answer_encode(const struct api_stamp_answer *a, struct buf *ret)
{
	jw_open(ret);
	jw_base64(ret, member_of(a->kind), a->der, a->len);
	jw_close(ret);
}

static bool
read_stamp(struct jo *o, const char *name, struct api_stamp_answer *a)
{
	const struct api_member *m = api_member(&api_stamp_answer_schema, name);
	const char *base64 = jo_str(o, name, m->min, m->max);

	return o->e->code == KD_OK &&
	       api_get_bytes(o, name, base64, API_STAMP_MAX, &a->der, &a->len) &&
	       api_answer_end(o);
}

bool
api_stamp_answer_decode(const char *p, size_t n, enum api_stamp_kind kind,
    struct api_stamp_answer *ret, struct kd_err *e)
{
	static const char what[] = "the server's timestamp";
	AUTO(api_stamp_answer_clear) struct api_stamp_answer a = {.kind = kind};
	AUTO(json_free) struct json *j = NULL;
	struct jo o;

	if (!json_parse(p, n, &j, e))
		return api_answer_bad(what, e);
	o = jo_top(j, e);
	if (!read_stamp(&o, member_of(kind), &a))
		return api_answer_bad(what, e);
	*ret = a;
	a = (struct api_stamp_answer){0};
	return true;
}
