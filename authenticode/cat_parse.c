/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/cat_parse.c - a catalog's bytes → its members. */
#include "authenticode/cat.h"

#include <string.h>

#include "authenticode/cat_attr.h"
#include "authenticode/cms_outer.h"
#include "authenticode/oid.h"
#include "base/mem.h"
#include "base/when.h"

#define UTC_TIME_LEN 13 /* YYMMDDHHMMSSZ */
#define FIRST_MEMBERS 64
#define SHA1_LEN 20
#define SHA256_LEN 32
#define SHA1_TEXT_LEN (4 * SHA1_LEN + 2) /* UTF-16LE digits and a NUL */

void
cat_clear(struct cat *c)
{
	free(c->members);
	*c = (struct cat){0};
}

/* SEQUENCE { OID } or SEQUENCE { OID, NULL }. */
static bool
get_version(struct rd *r, enum cat_version *ret, struct kd_err *e)
{
	struct tlv seq, oid, null;
	char text[OID_TEXT_LEN];

	if (!der_want(r, DER_SEQUENCE, "CTL subjectAlgorithm", &seq, e) ||
	    !der_want(&seq.body, DER_OID, "CTL subjectAlgorithm", &oid, e) ||
	    !der_want(&seq.body, DER_NULL, "CTL subjectAlgorithm", &null, e) ||
	    !der_done(&null.body, "CTL subjectAlgorithm NULL", e) ||
	    !der_done(&seq.body, "CTL subjectAlgorithm", e))
		return false;
	oid_text(&oid, text);
	if (oid_is(&oid, &oid_catalog_v1))
		*ret = CAT_V1;
	else if (oid_is(&oid, &oid_catalog_v2))
		*ret = CAT_V2;
	else
		return kd_fail(e, KD_E_FORMAT,
		    "CTL subjectAlgorithm is %s, expected 1.3.6.1.4.1.311.12.1.2 "
		    "(catalog, version 1) or .3 (version 2)",
		    text);
	return true;
}

static bool
get_usage(struct rd *r, struct kd_err *e)
{
	struct tlv seq, oid;
	char text[OID_TEXT_LEN];

	if (!der_want(r, DER_SEQUENCE, "CTL subjectUsage", &seq, e) ||
	    !der_want(&seq.body, DER_OID, "CTL subjectUsage", &oid, e) ||
	    !der_done(&seq.body, "CTL subjectUsage", e))
		return false;
	if (oid_is(&oid, &oid_catalog_list))
		return true;
	oid_text(&oid, text);
	return kd_fail(e, KD_E_FORMAT,
	    "CTL subjectUsage is %s: a certificate trust list, but no catalog "
	    "(1.3.6.1.4.1.311.12.1.1)",
	    text);
}

/* UTCTime, of which DER has one form; no other form is in any real catalog. */
static bool
get_time(struct rd *r, int64_t *ret, struct kd_err *e)
{
	static const int most[6] = {99, 12, 31, 23, 59, 59};
	struct tlv t;
	int v[6] = {0};
	bool good;

	if (!der_want(r, DER_UTC_TIME, "CTL thisUpdate", &t, e))
		return false;
	good = t.body.len == UTC_TIME_LEN && t.body.p[UTC_TIME_LEN - 1] == 'Z';
	for (size_t i = 0; good && i < UTC_TIME_LEN - 1; i++) {
		uint8_t c = rd_u8(&t.body, "CTL thisUpdate");

		good = c >= '0' && c <= '9';
		v[i / 2] = 10 * v[i / 2] + c - '0';
		good = good && v[i / 2] <= most[i / 2];
	}
	v[0] += v[0] < 50 ? 2000 : 1900;
	if (!good || !when_utc(v, ret))
		return kd_fail(e, KD_E_FORMAT,
		    "CTL thisUpdate at offset %#llx is no time, expected YYMMDDHHMMSSZ",
		    (unsigned long long)t.body.origin);
	return true;
}

/* As the members are sorted: a shorter identifier before a longer one that begins with
 * it. */
static int
compare_ids(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	int c = memcmp(a, b, a_len < b_len ? a_len : b_len);

	return c != 0 ? c : (a_len > b_len) - (a_len < b_len);
}

struct rd
cat_attrs(const struct cat_member *m)
{
	return rd_init_at(m->attrs, m->attrs_len, m->attrs_off);
}

bool
cat_next_attr(struct rd *attrs, struct cat_attr *ret, struct kd_err *e)
{
	return cat_attr_get(attrs, ret, e);
}

bool
cat_next_header(struct rd *header, struct cat_attr *ret, struct kd_err *e)
{
	return cat_header_get(header, ret, e);
}

/* Each attribute has its form, and they stand in the order of a SET, none twice. */
static bool
check_attrs(struct rd attrs, struct kd_err *e)
{
	struct cat_attr a, before = {0};

	while (rd_left(&attrs) > 0) {
		unsigned long long at = attrs.origin + attrs.pos;

		if (!cat_attr_get(&attrs, &a, e))
			return false;
		if (before.der != NULL &&
		    compare_ids(before.der, before.der_len, a.der, a.der_len) >= 0)
			return kd_fail(e, KD_E_FORMAT,
			    "attribute at offset %#llx: not in the order of a SET in DER",
			    at);
		before = a;
	}
	return true;
}

static bool
get_member(struct rd *r, struct cat_member *ret, struct kd_err *e)
{
	unsigned long long at = r->origin + r->pos;
	struct tlv all, id, attrs;

	if (!der_want(r, DER_SEQUENCE, "member", &all, e) ||
	    !der_want(&all.body, DER_OCTET_STRING, "member's identifier", &id, e) ||
	    !der_want(&all.body, DER_SET, "member's attributes", &attrs, e) ||
	    !der_done(&all.body, "member", e) || !check_attrs(attrs.body, e))
		return false;
	if (id.body.len == 0)
		return kd_fail(
		    e, KD_E_FORMAT, "member at offset %#llx: empty identifier", at);
	*ret = (struct cat_member){.id = id.body.p,
	    .id_len = id.body.len,
	    .attrs = attrs.body.p,
	    .attrs_len = attrs.body.len,
	    .attrs_off = attrs.body.origin};
	return true;
}

static bool
check_order(const struct cat_member *before, const struct cat_member *m, size_t number,
    struct kd_err *e)
{
	int c = compare_ids(before->id, before->id_len, m->id, m->id_len);

	if (c < 0)
		return true;
	return kd_fail(e, KD_E_FORMAT, "member %zu: %s", number,
	    c == 0 ? "has the identifier of the one before"
		   : "its identifier belongs before the last one's");
}

static bool
get_members(struct rd *r, struct cat *ret, struct kd_err *e)
{
	size_t cap = 0;

	while (rd_left(r) > 0) {
		struct cat_member *m;

		if (ret->members_n == CAT_MEMBERS_MAX)
			return kd_fail(
			    e, KD_E_LIMIT, "more than %zu members", CAT_MEMBERS_MAX);
		if (ret->members_n == cap) {
			cap = cap == 0 ? FIRST_MEMBERS : 2 * cap;
			m = kd_realloc_array(ret->members, cap, sizeof(*m));
			if (m == NULL)
				return kd_fail_nomem(e, "list of members");
			ret->members = m;
		}
		m = &ret->members[ret->members_n];
		if (!get_member(r, m, e))
			return kd_in(e, "member %zu", ret->members_n + 1);
		ret->members_n++;
		if (ret->members_n > 1 && !check_order(m - 1, m, ret->members_n, e))
			return false;
	}
	return true;
}

static bool
get_header(struct rd *r, struct rd *ret, struct kd_err *e)
{
	struct tlv explicit, list;
	struct cat_attr a;
	struct rd look;

	if (!der_opt(r, DER_C0, "CTL extensions", &explicit, e))
		return false;
	if (explicit.p == NULL)
		return true;
	if (!der_want(&explicit.body, DER_SEQUENCE, "CTL extensions", &list, e) ||
	    !der_done(&explicit.body, "CTL extensions", e))
		return false;
	if (rd_left(&list.body) == 0)
		return kd_fail(e, KD_E_FORMAT, "CTL extensions: empty, expected none");
	look = list.body;
	while (rd_left(&look) > 0)
		if (!cat_header_get(&look, &a, e))
			return false;
	*ret = list.body;
	return true;
}

static bool
parse_ctl(struct rd *r, struct cat *ret, struct kd_err *e)
{
	struct tlv ctl, id, members;

	if (!der_want(r, DER_SEQUENCE, "CTL", &ctl, e) || !der_done(r, "CTL", e) ||
	    !get_usage(&ctl.body, e) ||
	    !der_want(&ctl.body, DER_OCTET_STRING, "CTL listIdentifier", &id, e) ||
	    !get_time(&ctl.body, &ret->time, e) ||
	    !get_version(&ctl.body, &ret->version, e) ||
	    !der_want(&ctl.body, DER_SEQUENCE, "CTL trustedSubjects", &members, e) ||
	    !get_header(&ctl.body, &ret->header, e) || !der_done(&ctl.body, "CTL", e))
		return false;
	ret->ctl = ctl.p;
	ret->ctl_len = ctl.len;
	ret->identifier = id.body.p;
	ret->identifier_len = id.body.len;
	return get_members(&members.body, ret, e);
}

static bool
check_len(size_t len, struct kd_err *e)
{
	return len <= CAT_LEN_MAX ||
	       kd_fail(e, KD_E_LIMIT, "catalog of %zu bytes, at most %zu are read", len,
		   CAT_LEN_MAX);
}

bool
cat_parse_ctl(const uint8_t *p, size_t len, struct cat *ret, struct kd_err *e)
{
	AUTO(cat_clear) struct cat c = {0};
	struct rd r = rd_init(p, len);

	if (!check_len(len, e) || !parse_ctl(&r, &c, e))
		return false;
	*ret = c;
	c.members = NULL;
	return true;
}

bool
cat_parse(const uint8_t *p, size_t len, struct cat *ret, struct kd_err *e)
{
	AUTO(cat_clear) struct cat c = {0};
	struct cms_outer outer;
	struct tlv type, content;
	char text[OID_TEXT_LEN];

	if (!check_len(len, e) || !cms_outer_parse(p, len, &outer, e) ||
	    !der_want(&outer.content_info.body, DER_OID, "content type", &type, e))
		return false;
	if (!oid_is(&type, &oid_ctl)) {
		oid_text(&type, text);
		return kd_fail(e, KD_E_FORMAT,
		    "not a catalog: the content is of type %s, expected "
		    "1.3.6.1.4.1.311.10.1 (CTL)",
		    text);
	}
	if (!der_want(&outer.content_info.body, DER_C0, "content", &content, e) ||
	    !der_done(&outer.content_info.body, "content", e) ||
	    !parse_ctl(&content.body, &c, e))
		return false;
	*ret = c;
	c.members = NULL;
	return true;
}

/* Text of UTF-16LE with a NUL at its end, and no control character in it. A hash that
 * looks so comes once in 50,000, and then no file's name is like it. */
static bool
is_text(const uint8_t *p, size_t n)
{
	if (n < 4 || n % 2 != 0 || p[n - 1] != 0 || p[n - 2] != 0)
		return false;
	for (size_t i = 0; i + 2 < n; i += 2)
		if (p[i + 1] == 0 && p[i] < ' ')
			return false;
	return true;
}

static bool
is_hex_text(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i + 2 < n; i += 2) {
		bool digit = p[i] >= '0' && p[i] <= '9';

		if (p[i + 1] != 0 || !(digit || (p[i] >= 'A' && p[i] <= 'F')))
			return false;
	}
	return n == SHA1_TEXT_LEN;
}

enum cat_id_kind
cat_id_kind(const struct cat_member *m)
{
	if (is_text(m->id, m->id_len))
		return is_hex_text(m->id, m->id_len) ? CAT_ID_SHA1_TEXT : CAT_ID_NAME;
	return m->id_len == SHA1_LEN     ? CAT_ID_SHA1
	       : m->id_len == SHA256_LEN ? CAT_ID_SHA256
					 : CAT_ID_NAME;
}

const struct cat_member *
cat_find(const struct cat *c, const uint8_t *id, size_t len)
{
	size_t from = 0, to = c->members_n;

	while (from < to) {
		size_t mid = from + (to - from) / 2;
		const struct cat_member *m = &c->members[mid];
		int order = compare_ids(m->id, m->id_len, id, len);

		if (order == 0)
			return m;
		if (order < 0)
			from = mid + 1;
		else
			to = mid;
	}
	return NULL;
}
