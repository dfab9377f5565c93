/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/installer_facts.c - from a catalog's report to what installer.h judges. */
#include <stdio.h>
#include <string.h>

#include "authenticode/cert_x509.h"
#include "authenticode/chain.h"
#include "authenticode/kernel_facts.h"
#include "base/text.h"

#define OSATTR "OSAttr"
#define OSATTR_LEN_MAX 256

/* UTF-16BE, as a CAT_NAMEVALUE's name is. */
static bool
is_osattr(const struct cat_attr *a)
{
	const struct cat_name_value *v = &a->name_value;

	if (a->kind != CAT_ATTR_NAME_VALUE || (v->flags & CAT_VALUE_TEXT) == 0 ||
	    v->name_len != 2 * strlen(OSATTR))
		return false;
	for (size_t i = 0; i < v->name_len; i++)
		if (v->name[i] != (i % 2 == 0 ? 0 : OSATTR[i / 2]))
			return false;
	return true;
}

/* Adds to what others say. One that is no list of versions limits to none of them. */
static void
take_osattr(const struct cat_attr *a, struct installer_facts *ret)
{
	const struct cat_name_value *v = &a->name_value;
	char text[OSATTR_LEN_MAX];
	unsigned versions = 0;
	size_t n = 0;

	for (size_t i = 0; i + 1 < v->value_len && n < sizeof(text); i += 2) {
		if (v->value[i] == 0 && v->value[i + 1] == 0)
			break;
		text[n++] = v->value[i + 1] == 0 ? (char)v->value[i] : '?';
	}
	(void)installer_versions(text, n, &versions);
	ret->has_versions = true;
	ret->versions |= versions;
}

static bool
member_osattr(
    const struct cat_member *m, struct installer_facts *ret, struct kd_err *e)
{
	struct rd attrs = cat_attrs(m);
	struct cat_attr a;

	while (rd_left(&attrs) > 0) {
		if (!cat_next_attr(&attrs, &a, e))
			return false;
		if (is_osattr(&a))
			take_osattr(&a, ret);
	}
	return true;
}

static bool
header_osattr(const struct cat *cat, struct installer_facts *ret, struct kd_err *e)
{
	struct rd header = cat->header;
	struct cat_attr a;

	while (rd_left(&header) > 0) {
		if (!cat_next_header(&header, &a, e))
			return false;
		if (is_osattr(&a))
			take_osattr(&a, ret);
	}
	return true;
}

/* The member's own; of a catalog alone, what any of its members names (inf2cat gives a
 * file that one architecture needs fewer than the INF). Else the whole catalog's. */
static bool
find_osattr(const struct installer_question *q, struct installer_facts *ret,
    struct kd_err *e)
{
	const struct cat *cat = &q->catalog->cat;

	if (q->member != NULL && q->member->member != NULL &&
	    !member_osattr(q->member->member, ret, e))
		return false;
	for (size_t i = 0; q->member == NULL && i < cat->members_n; i++)
		if (!member_osattr(&cat->members[i], ret, e))
			return false;
	return ret->has_versions || header_osattr(cat, ret, e);
}

static bool
is_among(const struct certs *list, const struct certs *of, size_t i)
{
	size_t len, own_len;
	const uint8_t *own = certs_der(of, i, &own_len), *other;

	for (size_t k = 0; k < certs_n(list); k++) {
		other = certs_der(list, k, &len);
		if (len == own_len && memcmp(other, own, len) == 0)
			return true;
	}
	return false;
}

/* The user-mode chain: to any root of the machine, through what is embedded. */
static bool
find_user_chain(const struct installer_question *q, const struct verify_signature *s,
    struct installer_facts *ret, struct kd_err *e)
{
	AUTO(chain_clear) struct chain chain = {0};
	const struct chain_check *checks[] = {
	    &chain.trust, &chain.validity, &chain.eku, &chain.key_usage};

	if (s->cms.signer >= certs_n(s->cms.certs)) {
		(void)snprintf(ret->root_fault, sizeof(ret->root_fault),
		    "the signer's certificate is not inside the catalog");
		return true;
	}
	if (!chain_find(s->cms.certs, s->cms.signer, q->roots, s->at, &chain, e))
		return false;
	ret->root_trusted = chain_ok(&chain);
	for (size_t i = 0; !ret->root_trusted && i < 4; i++) {
		if (checks[i]->ok)
			continue;
		memcpy(ret->root_fault, checks[i]->detail, sizeof(ret->root_fault));
		break;
	}
	ret->publisher_trusted =
	    is_among(q->publishers, s->cms.certs, s->cms.signer);
	return true;
}

static bool
is_inf(const char *file)
{
	size_t n = strlen(file);

	return n > 4 && text_eq_nocase(file + n - 4, ".inf");
}

static void
take_member(const struct verify_member *m, struct installer_facts *ret)
{
	ret->listed = m->ok;
	for (size_t i = 0; i < m->steps_n && !m->ok; i++) {
		if (m->steps[i].result != VERIFY_FAILED)
			continue;
		memcpy(ret->listed_fault, m->steps[i].detail, sizeof(ret->listed_fault));
		break;
	}
	ret->altered = !m->ok && m->changed;
}

bool
installer_facts_make(
    const struct installer_question *q, struct installer_facts *ret, struct kd_err *e)
{
	struct installer_facts f = {.now = q->now, .inf = is_inf(q->file)};
	struct kernel_facts k = {.now = q->now};

	f.catalog = q->catalog != NULL;
	f.catalog_itself = q->member == NULL;
	if (q->member != NULL)
		take_member(q->member, &f);
	if (f.catalog && q->catalog->sigs_n > 0) {
		if (!kernel_facts_add(q->catalog, NULL, NULL, &k, e) ||
		    !find_user_chain(q, &q->catalog->sigs[0], &f, e))
			return false;
		f.catalog_signed = true;
		f.sig = k.sigs[0];
	}
	if (f.catalog && !find_osattr(q, &f, e))
		return false;
	*ret = f;
	return true;
}
