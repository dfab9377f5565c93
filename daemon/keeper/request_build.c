/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/keeper/request_build.c - what a client asked for, checked, and made into what is
 * signed. */
#include <assert.h>
#include <string.h>

#include "authenticode/cat.h"
#include "authenticode/pe_pages.h"
#include "authenticode/spc.h"
#include "daemon/keeper/catalog.h"
#include "daemon/keeper/request.h"

#define ROOM_DER 512 /* an item's content and attributes, as a rule */
/* Marks of members that not every item has: no kind, with which the next item begins. */
#define MARK_SEQUENCE 0x80
#define MARK_BLOB 0x81

static_assert(API_BLOB_MAX == CAT_LEN_MAX, "what is sent and what is read");
static_assert(API_SEQUENCE_MAX <= CMS_SEQUENCE_MAX, "what is asked and what is written");

/* ---- what identifies it ---- */

static void
add_text(struct buf *b, const char *s)
{
	if (s == NULL) {
		buf_u32le(b, UINT32_MAX);
		return;
	}
	buf_u32le(b, (uint32_t)strlen(s));
	buf_str(b, s);
}

static bool
sha256(const uint8_t *p, size_t n, uint8_t ret[32], struct kd_err *e)
{
	uint8_t md[MD_LEN_MAX];

	if (!md_digest(MD_SHA256, p, n, md, e))
		return false;
	memcpy(ret, md, 32);
	return true;
}

/* An item without sequence, CTL and page hashes is written as it was before there were
 * any: its id may be on record from then. */
static void
add_item(struct buf *b, const struct api_item *what, const struct item *it)
{
	buf_u8(b, (uint8_t)what->kind);
	buf_u8(b, (uint8_t)what->md);
	buf_u64le(b, what->size);
	buf_add(b, what->digest, md_len(what->md));
	add_text(b, what->name);
	add_text(b, what->description);
	add_text(b, what->url);
	if (what->sequence != 0) {
		buf_u8(b, MARK_SEQUENCE);
		buf_u32le(b, what->sequence);
	}
	if (what->ctl != NULL || what->page_hashes != NULL) {
		buf_u8(b, MARK_BLOB);
		buf_add(b, it->blob_sha256, sizeof(it->blob_sha256));
	}
}

/* An item has one of the two at most. */
static bool
digest_blob(const struct api_item *what, struct item *it, struct kd_err *e)
{
	if (what->ctl != NULL)
		return sha256(what->ctl, what->ctl_len, it->blob_sha256, e);
	return what->page_hashes == NULL ||
	       sha256(what->page_hashes, what->page_hashes_len, it->blob_sha256, e);
}

bool
request_digest(struct request *r, struct kd_err *e)
{
	AUTO(buf_clear) struct buf b = {0};

	/* absent and empty texts differ */
	add_text(&b, r->ask.key);
	add_text(&b, r->ask.retry_of);
	for (size_t i = 0; i < r->items_n; i++) {
		if (!digest_blob(&r->ask.items[i], &r->items[i], e))
			return false;
		add_item(&b, &r->ask.items[i], &r->items[i]);
	}
	return buf_ok(&b, "request", e) && sha256(b.p, b.len, r->content, e);
}

/* ---- what is signed ---- */

/* ret_member: for messages, ".ctl" where that is what is wrong. */
static bool
build_pe(const struct api_item *what, struct item *it, struct buf *der,
    const char **ret_member, struct kd_err *e)
{
	if (what->page_hashes != NULL &&
	    !pe_pages_check(spc_pages_md(what->md), what->page_hashes,
		what->page_hashes_len, what->size, e)) {
		*ret_member = ".page_hashes";
		return false;
	}
	it->type = CMS_SPC;
	it->content_at = der->len;
	if (!spc_build_pe(what->md, what->digest, what->page_hashes,
		what->page_hashes_len, der, e))
		return false;
	it->content_len = der->len - it->content_at;
	return true;
}

static bool
build_spc(enum spc_type type, const struct api_item *what, struct item *it,
    struct buf *der, struct kd_err *e)
{
	it->type = CMS_SPC;
	it->content_at = der->len;
	if (!spc_build(type, what->md, what->digest, der, e))
		return false;
	it->content_len = der->len - it->content_at;
	return true;
}

static bool
build_catalog(const struct api_item *what, struct item *it, const char **ret_member,
    struct kd_err *e)
{
	*ret_member = ".ctl";
	if (!catalog_members(what->ctl, what->ctl_len, &it->members, &it->members_n, e))
		return false;
	*ret_member = ".digest";
	if (!catalog_check_digest(what->ctl, what->ctl_len, what->md, what->digest, e))
		return false;
	*ret_member = "";
	it->type = what->sequence != 0 ? CMS_CTL_AWAY : CMS_CTL;
	it->ctl = what->ctl;
	it->content_len = what->ctl_len;
	return true;
}

static bool
build_content(const struct api_item *what, struct item *it, struct buf *der,
    const char **ret_member, struct kd_err *e)
{
	switch (what->kind) {
	case API_KIND_PE:
		return build_pe(what, it, der, ret_member, e);
	case API_KIND_CATALOG:
		return build_catalog(what, it, ret_member, e);
	case API_KIND_CABINET:
		return build_spc(SPC_TYPE_CABINET, what, it, der, e);
	case API_KIND_SCRIPT:
		return build_spc(SPC_TYPE_SCRIPT, what, it, der, e);
	case API_KIND_MSI:
		return build_spc(SPC_TYPE_MSI, what, it, der, e);
	case API_KIND_MODULE: /* build_item does not ask */
	case API_KIND_NONE:
		break;
	}
	return kd_fail(e, KD_E_BUG, "an item without a kind");
}

static bool
build_item(struct request *r, const struct api_item *what, struct item *it,
    const char **ret_member, struct kd_err *e)
{
	struct cms_signed said;

	it->chain = r->key->chain;
	if (what->kind == API_KIND_MODULE) { /* raw_kind.h: this is the rule's reason */
		it->type = CMS_DETACHED;
		memcpy(it->tbs, what->digest, md_len(what->md));
		return true;
	}
	if (!build_content(what, it, &r->der, ret_member, e))
		return false;
	it->attrs_at = r->der.len;
	said = request_said(it);
	said.description = what->description;
	said.url = what->url;
	said.sequence = what->sequence;
	if (!cms_build_signed_attrs(what->md, &said, &r->der, e))
		return false;
	it->attrs_len = r->der.len - it->attrs_at;
	return md_digest(it->md, r->der.p + it->attrs_at, it->attrs_len, it->tbs, e);
}

bool
request_build(struct request *r, struct kd_err *e)
{
	const char *member = "";

	request_make_room(&r->der, r->items_n * ROOM_DER);
	for (size_t i = 0; i < r->items_n; i++)
		if (!build_item(r, &r->ask.items[i], &r->items[i], &member, e))
			return kd_in(e, "items[%zu]%s", i, member);
	return true;
}
