/* SPDX-License-Identifier: Apache-2.0 */
/* client/sign_cat.c - security catalogs as a kind of file to sign: the list itself goes to
 * the service, and the signed ContentInfo that comes back is the new file. */
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "authenticode/cat.h"
#include "authenticode/cms_outer.h"
#include "authenticode/oid.h"
#include "client/sign_kind.h"

/* The list and, beside it, signatures and timestamps. */
#define FILE_LEN_MAX (CAT_LEN_MAX + ((size_t)2 << 20))
#define HEAD_LEN 32 /* ContentInfo's head, its length in up to nine bytes, and its type */

/* Digests that tell the list from any other; the bytes themselves may leave as payload. */
struct list {
	uint8_t content[MD_LEN_MAX]; /* SHA-256 of its content octets */
	uint8_t whole[MD_LEN_MAX];   /* subject->md over tag, length and content */
};

/* A ContentInfo that holds SignedData: what it is about is for cat_parse to say. */
static bool
recognise(const struct sign_kind *k, int fd, const char *name)
{
	uint8_t head[HEAD_LEN] = {0};
	struct kd_err ignored = {0};
	struct rd r = rd_init(head, sizeof(head));
	uint8_t len;

	(void)k, (void)name;
	if (!file_pread_full(fd, head, sizeof(head), 0, &ignored) ||
	    rd_u8(&r, "tag") != DER_SEQUENCE)
		return false;
	len = rd_u8(&r, "length");
	rd_skip(&r, len > 0x80 && len <= 0x88 ? len - 0x80u : 0, "length");
	rd_magic(&r, "\x06\x09", 2, "type");
	rd_magic(&r, oid_signed_data.der, oid_signed_data.len, "type");
	return rd_ok(&r, &ignored);
}

static bool
read_file(int fd, struct buf *ret, struct cat *cat, struct kd_err *e)
{
	if (lseek(fd, 0, SEEK_SET) != 0)
		return kd_fail(e, KD_E_FILE, "cannot be read from its beginning");
	return file_read_fd(fd, FILE_LEN_MAX, ret, e) &&
	       cat_parse(ret->p, ret->len, cat, e);
}

/* The CTL's content octets: what a signature of a catalog is over. */
static bool
content_of(const struct cat *cat, struct rd *ret, struct kd_err *e)
{
	struct rd r = rd_init(cat->ctl, cat->ctl_len);
	struct tlv t;

	if (!der_want(&r, DER_SEQUENCE, "CTL", &t, e))
		return false;
	*ret = t.body;
	return true;
}

static bool
digest_content(const struct cat *cat, enum md md, uint8_t ret[MD_LEN_MAX], struct kd_err *e)
{
	struct rd body;
	const uint8_t *p;
	size_t n;

	if (!content_of(cat, &body, e))
		return false;
	n = rd_left(&body);
	p = rd_bytes(&body, n, "CTL");
	return rd_ok(&body, e) && md_digest(md, p, n, ret, e);
}

static bool
open_catalog(int fd, const char *name, struct sign_subject *s, struct kd_err *e)
{
	AUTO(buf_clear) struct buf file = {.max = FILE_LEN_MAX + 1};
	AUTO(cat_clear) struct cat cat = {0};
	struct list *list = kd_alloc(sizeof(*list));
	struct cms_outer outer;

	(void)name;
	s->state = list;
	if (list == NULL)
		return kd_fail_nomem(e, "catalog");
	if (!read_file(fd, &file, &cat, e) ||
	    !cms_outer_parse(file.p, file.len, &outer, e) ||
	    !digest_content(&cat, MD_SHA256, list->content, e))
		return false;
	s->size = file.len;
	s->is_signed = rd_left(&outer.signer_infos.body) != 0;
	buf_add(&s->payload, cat.ctl, cat.ctl_len);
	return buf_ok(&s->payload, "catalog", e);
}

static void
free_list(void *state)
{
	free(state);
}

/* Page hashes stand in a catalog's members, or do not: there are none to add here. */
static bool
hash(int fd, struct sign_subject *s, enum md md, bool pages, struct kd_err *e)
{
	AUTO(cat_clear) struct cat cat = {0};
	struct list *list = s->state;

	(void)fd, (void)pages;
	if (!cat_parse_ctl(s->payload.p, s->payload.len, &cat, e) ||
	    !digest_content(&cat, md, s->digest, e) ||
	    !md_digest(md, cat.ctl, cat.ctl_len, list->whole, e))
		return false;
	s->md = md;
	return true;
}

static bool
item(struct sign_subject *s, struct api_item *ret, struct kd_err *e)
{
	ret->kind = API_KIND_CATALOG;
	ret->ctl = buf_take(&s->payload, &ret->ctl_len);
	return ret->ctl != NULL || kd_fail_nomem(e, "request");
}

static bool
signature(int fd, const struct sign_subject *s, struct buf *ret, struct kd_err *e)
{
	AUTO(cat_clear) struct cat cat = {0};

	if (!s->is_signed)
		return kd_fail(e, KD_E_UNSIGNED, "has no signature");
	return read_file(fd, ret, &cat, e);
}

static bool
check_nested(const struct sign_subject *s, const struct cms *c, struct kd_err *e)
{
	const struct list *list = s->state;

	if (strcmp(c->content_type, CMS_TYPE_DATA) != 0 || c->content_len != 0 ||
	    strcmp(c->attr_content_type, CMS_TYPE_DATA) != 0)
		return kd_fail(e, KD_E_NOT_VERIFIED,
		    "content is %zu bytes of %s, expected " CMS_TYPE_DATA " without content",
		    c->content_len, c->content_type);
	if (c->md != s->md || c->message_digest_len != md_len(s->md) ||
	    memcmp(c->message_digest, list->whole, md_len(s->md)) != 0)
		return kd_fail(
		    e, KD_E_NOT_VERIFIED, "signature is over another list than this one");
	return true;
}

static bool
check(const struct sign_subject *s, const struct cms *c, bool nested, struct kd_err *e)
{
	const struct list *list = s->state;
	uint8_t seen[MD_LEN_MAX];

	if (nested)
		return check_nested(s, c, e);
	if (strcmp(c->content_type, CMS_TYPE_CTL) != 0)
		return kd_fail(e, KD_E_NOT_VERIFIED,
		    "content is %s, expected " CMS_TYPE_CTL " (a catalog's list)",
		    c->content_type);
	if (!md_digest(
		MD_SHA256, c->content_octets, c->content_octets_len, seen, e))
		return false;
	if (c->md != s->md || memcmp(seen, list->content, md_len(MD_SHA256)) != 0)
		return kd_fail(
		    e, KD_E_NOT_VERIFIED, "signature is over another list than this one");
	return cms_check_message_digest(c, e);
}

/* The ContentInfo is the file. */
static bool
embed(int fd, const struct sign_subject *s, const uint8_t *cms, size_t len, int out_fd,
    struct kd_err *e)
{
	AUTO(buf_clear) struct buf file = {.max = FILE_LEN_MAX + 1};
	AUTO(buf_clear) struct buf bare = {0};
	AUTO(cat_clear) struct cat cat = {0};

	if (cms != NULL)
		return file_write_full(out_fd, cms, len, e);
	if (!s->is_signed)
		return kd_fail(e, KD_E_UNSIGNED, "has no signature to remove");
	return read_file(fd, &file, &cat, e) &&
	       cat_wrap(cat.ctl, cat.ctl_len, &bare, e) &&
	       file_write_full(out_fd, bare.p, bare.len, e);
}

static bool
check_written(int fd, const struct sign_subject *s, const uint8_t *cms, size_t len,
    struct kd_err *e)
{
	AUTO(buf_clear) struct buf file = {.max = FILE_LEN_MAX + 1};
	AUTO(cat_clear) struct cat cat = {0};
	const struct list *list = s->state;
	uint8_t seen[MD_LEN_MAX];

	if (!read_file(fd, &file, &cat, e) || !digest_content(&cat, MD_SHA256, seen, e))
		return false;
	if (memcmp(seen, list->content, md_len(MD_SHA256)) != 0)
		return kd_fail(e, KD_E_FILE, "changed while it was worked on");
	if (cms != NULL && (file.len != len || memcmp(file.p, cms, len) != 0))
		return kd_fail(e, KD_E_BUG, "the new file does not hold the signature");
	return true;
}

const struct sign_kind sign_kind_catalog = {
    .name = "catalog",
    .recognise = recognise,
    .open = open_catalog,
    .free_state = free_list,
    .hash = hash,
    .item = item,
    .signature = signature,
    .check = check,
    .embed = embed,
    .check_written = check_written,
};
