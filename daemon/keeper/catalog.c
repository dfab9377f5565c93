/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/keeper/catalog.c - a catalog that is to be signed: is it one, and which files does
 * it list. */
#include "daemon/keeper/catalog.h"

#include <string.h>

#include "authenticode/cat.h"
#include "authenticode/cert.h"
#include "base/text.h"
#include "wire/json.h"

/* One member's facts. */
struct listed {
	const uint8_t *digest; /* of its SpcIndirectDataContent; NULL: it has none */
	size_t digest_len;
	char tag[CATALOG_IDENTIFIER_MAX * 2]; /* the identifier as text; "": it is none */
	uint8_t hash[MD_LEN_MAX];             /* what the identifier is a hash of */
	size_t hash_len;                      /* 0: none */
};

static bool
find_digest(const struct cat_member *m, struct listed *ret, struct kd_err *e)
{
	struct rd attrs = cat_attrs(m);
	struct cat_attr a;

	while (rd_left(&attrs) > 0) {
		if (!cat_next_attr(&attrs, &a, e))
			return false;
		if (a.kind != CAT_ATTR_INDIRECT)
			continue;
		if (ret->digest != NULL)
			return kd_fail(
			    e, KD_E_FORMAT, "has two SpcIndirectDataContent attributes");
		ret->digest = a.indirect.digest;
		ret->digest_len = md_len(a.indirect.md);
	}
	return true;
}

static bool
is_plain(const char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return false;
	return true;
}

/* Text is UTF-16LE with a NUL behind it; what is none may be a hash. */
static bool
read_text(const struct cat_member *m, char *dst, size_t dst_len, struct kd_err *e)
{
	AUTO(buf_clear) struct buf text = {0};
	uint8_t be[CATALOG_IDENTIFIER_MAX];
	struct kd_err none = {0};
	size_t n = m->id_len;

	if (n < 4 || n % 2 != 0 || m->id[n - 2] != 0 || m->id[n - 1] != 0)
		return true;
	for (size_t i = 0; i < n; i += 2) {
		be[i] = m->id[i + 1];
		be[i + 1] = m->id[i];
	}
	if (!text_from_utf16be(be, n - 2, &text, &none))
		return none.code != KD_E_NOMEM || kd_fail_nomem(e, "identifier");
	if (buf_cstr(&text) == NULL)
		return kd_fail_nomem(e, "identifier");
	if (text.len < dst_len && strlen((char *)text.p) == text.len &&
	    is_plain((char *)text.p))
		memcpy(dst, text.p, text.len + 1);
	return true;
}

static bool
has_hash_len(size_t n)
{
	return n == md_len(MD_SHA1) || n == md_len(MD_SHA256);
}

static bool
same_as_digest(const struct listed *l, const uint8_t *p, size_t n)
{
	return l->digest_len == n && memcmp(l->digest, p, n) == 0;
}

/*
 * A hash as hexadecimal text (version 1), or as bytes (version 2) unless those are a text
 * of as many bytes and the digest says that they are no hash. By its bytes alone
 * (cat_id_kind) one hash in 50,000 would be a name, and a client may choose it.
 */
static void
find_hash(const struct cat *c, const struct cat_member *m, struct listed *l)
{
	size_t digits = strlen(l->tag);
	struct kd_err none = {0};

	if (digits % 2 == 0 && has_hash_len(digits / 2) &&
	    text_unhex(l->tag, l->hash, digits / 2, &none)) {
		l->hash_len = digits / 2;
	} else if (c->version == CAT_V2 && has_hash_len(m->id_len) &&
		   (l->tag[0] == '\0' || l->digest == NULL ||
		       same_as_digest(l, m->id, m->id_len))) {
		memcpy(l->hash, m->id, m->id_len);
		l->hash_len = m->id_len;
	}
}

static bool
check_hash(const struct listed *l, struct kd_err *e)
{
	char hash[2 * MD_LEN_MAX + 1], digest[2 * MD_LEN_MAX + 1];

	if (l->hash_len == 0 || l->digest == NULL ||
	    same_as_digest(l, l->hash, l->hash_len))
		return true;
	text_hex_to(hash, l->hash, l->hash_len);
	text_hex_to(digest, l->digest, l->digest_len);
	return kd_fail(
	    e, KD_E_REQUEST, "its identifier is %s, but its digest is %s", hash, digest);
}

static void
put_member(struct buf *ret, const struct cat_member *m, const struct listed *l)
{
	if (l->hash_len != 0) {
		jw_hex(ret, NULL, l->hash, l->hash_len);
		return;
	}
	jw_open(ret);
	if (l->digest != NULL)
		jw_hex(ret, "digest", l->digest, l->digest_len);
	if (l->tag[0] != '\0')
		jw_str(ret, "tag", l->tag);
	else
		jw_hex(ret, "id", m->id, m->id_len);
	jw_close(ret);
}

static bool
read_member(const struct cat *c, const struct cat_member *m, struct buf *ret,
    struct kd_err *e)
{
	struct listed l;

	l.digest = NULL;
	l.digest_len = l.hash_len = 0;
	l.tag[0] = '\0';
	if (m->id_len > CATALOG_IDENTIFIER_MAX)
		return kd_fail(e, KD_E_TOO_LARGE,
		    "its identifier has %zu bytes, at most %d allowed", m->id_len,
		    CATALOG_IDENTIFIER_MAX);
	if (!find_digest(m, &l, e) || !read_text(m, l.tag, sizeof(l.tag), e))
		return false;
	find_hash(c, m, &l);
	if (!check_hash(&l, e))
		return false;
	put_member(ret, m, &l);
	return true;
}

/* A client's fault, whatever the parser calls it. */
static bool
fail_ctl(struct kd_err *e)
{
	if (e->code == KD_E_FORMAT)
		e->code = KD_E_REQUEST;
	else if (e->code == KD_E_LIMIT)
		e->code = KD_E_TOO_LARGE;
	return false;
}

bool
catalog_members(
    const uint8_t *ctl, size_t len, struct buf *ret, size_t *ret_n, struct kd_err *e)
{
	AUTO(cat_clear) struct cat c = {0};
	AUTO(buf_clear) struct buf list = {0};

	if (!cat_parse_ctl(ctl, len, &c, e))
		return fail_ctl(e);
	jw_arr_open(&list, NULL);
	for (size_t i = 0; i < c.members_n; i++)
		if (!read_member(&c, &c.members[i], &list, e)) {
			(void)kd_in(e, "member %zu", i + 1);
			return fail_ctl(e);
		}
	jw_arr_close(&list);
	buf_add(ret, list.p, list.len);
	*ret_n = c.members_n;
	return buf_ok(&list, "members", e) && buf_ok(ret, "members", e);
}

bool
catalog_check_digest(const uint8_t *ctl, size_t len, enum md md, const uint8_t *digest,
    struct kd_err *e)
{
	struct rd r = rd_init(ctl, len);
	uint8_t is[MD_LEN_MAX];
	char hex[2 * MD_LEN_MAX + 1];
	struct tlv seq;

	if (!der_want(&r, DER_SEQUENCE, "CTL", &seq, e))
		return fail_ctl(e);
	if (!md_digest(md, seq.body.p, seq.body.len, is, e))
		return false;
	if (memcmp(is, digest, md_len(md)) == 0)
		return true;
	text_hex_to(hex, is, md_len(md));
	return kd_fail(e, KD_E_REQUEST,
	    "is not that of the CTL sent, whose content has %s %s", md_name(md), hex);
}
