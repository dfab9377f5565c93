/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/verify_member.c - is a file listed in a catalog, and as what. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "authenticode/cat_file.h"
#include "authenticode/verify_inner.h"
#include "base/text.h"

#define SHA1_LEN 20
#define SHA256_LEN 32

static const char *
subject_name(enum cat_subject s)
{
	switch (s) {
	case CAT_PE:
		return "PE image";
	case CAT_CAB:
		return "cabinet";
	case CAT_FLAT:
	case CAT_OTHER:
		break;
	}
	return "whole file";
}

/* What the member says of its content, where it says so: ret->digest is NULL otherwise.
 */
static bool
get_indirect(const struct cat_member *m, struct cat_indirect *ret, struct kd_err *e)
{
	struct rd attrs = cat_attrs(m);
	struct cat_attr a;

	*ret = (struct cat_indirect){0};
	while (rd_left(&attrs) > 0) {
		if (!cat_next_attr(&attrs, &a, e))
			return false;
		if (a.kind == CAT_ATTR_INDIRECT)
			*ret = a.indirect;
	}
	return true;
}

static const uint8_t *
digest_of(const struct verify_member *m, enum md md)
{
	return md == MD_SHA1 ? m->sha1 : md == MD_SHA256 ? m->sha256 : NULL;
}

/* The member's own digest is this file's. */
static bool
says_digest(const struct cat_indirect *i, const struct verify_member *m)
{
	const uint8_t *own = digest_of(m, i->md);

	return i->digest != NULL && own != NULL &&
	       memcmp(own, i->digest, md_len(i->md)) == 0;
}

static void
found(struct verify_member *m, unsigned by, const struct cat_member *member)
{
	if (member == NULL)
		return;
	m->by |= by;
	if (m->member == NULL)
		m->member = member;
}

/* Members with names must be asked one by one. */
static bool
find_tag(const struct cat *cat, struct verify_member *m, struct kd_err *e)
{
	for (size_t i = 0; i < cat->members_n; i++) {
		struct cat_indirect said;

		if (cat_id_kind(&cat->members[i]) != CAT_ID_NAME)
			continue;
		if (!get_indirect(&cat->members[i], &said, e))
			return false;
		if (says_digest(&said, m)) {
			found(m, VERIFY_BY_TAG, &cat->members[i]);
			return true;
		}
	}
	return true;
}

/* By a hash as identifier, else by what a named member says of its content. */
static bool
find(const struct cat *cat, struct verify_member *m, struct kd_err *e)
{
	AUTO(buf_clear) struct buf text = {0};
	struct cat_hash hash = {0};
	struct cat_file file = {.hash = &hash};

	memcpy(hash.sha1, m->sha1, sizeof(hash.sha1));
	if (!cat_file_id(CAT_V1, &file, &text, e))
		return false;
	found(m, VERIFY_BY_SHA256, cat_find(cat, m->sha256, SHA256_LEN));
	found(m, VERIFY_BY_SHA1, cat_find(cat, m->sha1, SHA1_LEN));
	found(m, VERIFY_BY_SHA1_TEXT, cat_find(cat, text.p, text.len));
	return m->by != 0 || find_tag(cat, m, e);
}

/* UTF-16 of either order, with or without a NUL, against UTF-8; letters of any case. */
static bool
same_name(const uint8_t *p, size_t n, bool big_endian, const char *name)
{
	size_t i = 0;

	while (n >= 2 && p[n - 1] == 0 && p[n - 2] == 0)
		n -= 2;
	if (n != 2 * strlen(name))
		return false; /* a name beyond ASCII is not found again: no harm */
	for (; 2 * i < n; i++) {
		char c = (char)p[2 * i + big_endian], one[2] = {c, '\0'};
		char other[2] = {name[i], '\0'};

		if (p[2 * i + !big_endian] != 0 || strcasecmp(one, other) != 0)
			return false;
	}
	return true;
}

/* Its tag, or its attribute "File" as inf2cat writes it. */
static bool
has_name(const struct cat_member *m, const char *name, struct kd_err *e)
{
	struct rd attrs = cat_attrs(m);
	struct cat_attr a;
	bool found = cat_id_kind(m) == CAT_ID_NAME &&
		     same_name(m->id, m->id_len, false, name);

	while (!found && rd_left(&attrs) > 0) {
		if (!cat_next_attr(&attrs, &a, e))
			return false;
		found = a.kind == CAT_ATTR_NAME_VALUE &&
			same_name(a.name_value.name, a.name_value.name_len, true,
			    "File") &&
			same_name(
			    a.name_value.value, a.name_value.value_len, false, name);
	}
	return found;
}

/* The member of that name which says a digest; NULL when there is none. Best effort: it
 * is for a sentence alone. */
static const struct cat_member *
find_by_name(const struct cat *cat, const char *name, struct cat_indirect *ret)
{
	struct kd_err none = {0}; /* cat_parse has decoded every attribute */

	for (size_t i = 0; name != NULL && i < cat->members_n; i++)
		if (has_name(&cat->members[i], name, &none) &&
		    get_indirect(&cat->members[i], ret, &none) && ret->digest != NULL)
			return &cat->members[i];
	return NULL;
}

static void
explain_missing(const struct cat *cat, const char *name, struct verify_member *m)
{
	char said[2 * MD_LEN_MAX + 1], own[2 * MD_LEN_MAX + 1];
	struct cat_indirect i;
	const uint8_t *digest;

	if (find_by_name(cat, name, &i) != NULL && digest_of(m, i.md) != NULL) {
		digest = digest_of(m, i.md);
		m->changed = true;
		text_hex_to(said, i.digest, md_len(i.md));
		text_hex_to(own, digest, md_len(i.md));
		verify_member_step(m, "listed", VERIFY_FAILED,
		    "the catalog lists '%.60s' with %s %s, the file has %s: it has "
		    "changed since the catalog was made",
		    SHOW(name), md_name(i.md), said, own);
		return;
	}
	text_hex_to(own, cat->version == CAT_V2 ? m->sha256 : m->sha1,
	    cat->version == CAT_V2 ? SHA256_LEN : SHA1_LEN);
	verify_member_step(m, "listed", VERIFY_FAILED,
	    "none of the catalog's %zu members has the file's %s %s (of the %s)",
	    cat->members_n, cat->version == CAT_V2 ? "sha256" : "sha1", own,
	    subject_name(m->subject));
}

static void
say_listed(struct verify_member *m)
{
	bool sha256 = (m->by & VERIFY_BY_SHA256) != 0;
	bool sha1 = (m->by & (VERIFY_BY_SHA1 | VERIFY_BY_SHA1_TEXT)) != 0;
	char hex256[2 * SHA256_LEN + 1], hex1[2 * SHA1_LEN + 1];

	text_hex_to(hex256, m->sha256, SHA256_LEN);
	text_hex_to(hex1, m->sha1, SHA1_LEN);
	if (m->by == VERIFY_BY_TAG)
		verify_member_step(m, "listed", VERIFY_OK,
		    "under a name, by the digest beside it (of the %s)",
		    subject_name(m->subject));
	else
		verify_member_step(m, "listed", VERIFY_OK, "%s%s%s%s%s (of the %s)",
		    sha256 ? "sha256 " : "", sha256 ? hex256 : "",
		    sha256 && sha1 ? ", " : "", sha1 ? "sha1 " : "", sha1 ? hex1 : "",
		    subject_name(m->subject));
}

static void
check_indirect(struct verify_member *m, const struct cat_indirect *i)
{
	char said[2 * MD_LEN_MAX + 1], own[2 * MD_LEN_MAX + 1];
	const uint8_t *digest = digest_of(m, i->md);

	if (i->digest == NULL)
		return; /* the SHA-1 member of version 2 has none */
	if (i->subject != CAT_OTHER && i->subject != m->subject) {
		verify_member_step(m, "indirect data", VERIFY_FAILED,
		    "the catalog says it is a %s, it is a %s", subject_name(i->subject),
		    subject_name(m->subject));
		return;
	}
	if (says_digest(i, m)) {
		verify_member_step(m, "indirect data", VERIFY_OK, "%s of the %s",
		    md_name(i->md), subject_name(m->subject));
		return;
	}
	text_hex_to(said, i->digest, md_len(i->md));
	if (digest == NULL) {
		verify_member_step(m, "indirect data", VERIFY_FAILED,
		    "its digest is %s, sha1 or sha256 expected", md_name(i->md));
		return;
	}
	text_hex_to(own, digest, md_len(i->md));
	verify_member_step(m, "indirect data", VERIFY_FAILED,
	    "the member says %s %s beside its identifier, the file has %s",
	    md_name(i->md), said, own);
}

static void
check_pages(
    struct verify_member *m, const struct cat_indirect *i, const struct buf *pages)
{
	struct verify_pages p = {
	    .md = i->link == CAT_LINK_PAGES_SHA1 ? MD_SHA1 : MD_SHA256,
	    .said = i->table,
	    .said_len = i->table_len,
	    .right = pages->p,
	    .right_len = pages->len};
	char detail[320];
	bool equal = verify_pages_equal(&p, detail);

	verify_member_step(
	    m, "page hashes", equal ? VERIFY_OK : VERIFY_FAILED, "%s", detail);
}

static bool
has_pages(const struct cat_indirect *i)
{
	return i->subject == CAT_PE &&
	       (i->link == CAT_LINK_PAGES_SHA1 || i->link == CAT_LINK_PAGES_SHA256);
}

/* A second pass, only where the member has a table. */
static bool
compare_pages(int fd, struct verify_member *m, const struct cat_indirect *i,
    struct kd_err *e)
{
	AUTO(cat_hash_clear) struct cat_hash h = {0};
	struct cat_hash_options o = {
	    .version = i->link == CAT_LINK_PAGES_SHA1 ? CAT_V1 : CAT_V2,
	    .page_hashes = true};
	struct kd_err why = {0};

	if (!has_pages(i) || m->subject != CAT_PE)
		return true;
	if (cat_hash(fd, &o, &h, &why)) {
		check_pages(m, i, &h.pages);
		return true;
	}
	if (why.code != KD_E_LIMIT && why.code != KD_E_FORMAT)
		return kd_fail(e, why.code, "%s", why.msg);
	verify_member_step(m, "page hashes",
	    why.code == KD_E_LIMIT ? VERIFY_SKIPPED : VERIFY_FAILED, "%.200s", why.msg);
	return true;
}

static bool
hash_file(int fd, struct verify_member *m, struct kd_err *e)
{
	AUTO(cat_hash_clear) struct cat_hash h = {0};
	struct cat_hash_options o = {.version = CAT_V2};

	if (!cat_hash(fd, &o, &h, e))
		return false;
	m->subject = h.subject;
	m->size = h.size;
	memcpy(m->sha1, h.sha1, sizeof(m->sha1));
	memcpy(m->sha256, h.sha256, sizeof(m->sha256));
	return true;
}

/* What the catalog says of the file besides that it is there. */
static bool
check_said(int fd, struct verify_member *m, struct kd_err *e)
{
	struct cat_indirect said;

	if (!get_indirect(m->member, &said, e))
		return false;
	check_indirect(m, &said);
	return compare_pages(fd, m, &said, e);
}

bool
verify_member(int fd, const struct cat *cat, const char *name, struct verify_member *ret,
    struct kd_err *e)
{
	*ret = (struct verify_member){0};
	if (!hash_file(fd, ret, e) || !find(cat, ret, e))
		return false;
	ret->ok = true;
	if (ret->member == NULL) {
		explain_missing(cat, name, ret);
	} else {
		say_listed(ret);
		if (!check_said(fd, ret, e)) {
			ret->ok = false; /* nobody knows */
			return false;
		}
	}
	return ret->ok || verify_fail_step(ret->steps, ret->steps_n, e);
}
