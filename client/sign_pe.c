/* SPDX-License-Identifier: Apache-2.0 */
/* client/sign_pe.c - PE images as a kind of file to sign. */
#include <string.h>

#include "base/mem.h"
#include "authenticode/pe_digest.h"
#include "authenticode/pe_embed.h"
#include "authenticode/pe_pages.h"
#include "authenticode/spc.h"
#include "client/sign_kind.h"

#define CERT_TYPE_PKCS7 2

struct image {
	struct pe pe;
	struct pe_digest digest; /* its sums, also when no digest was asked for */
	bool digested;
	bool has_pages;              /* page hashes are to be signed, too */
	uint8_t pages_md[MD_LEN_MAX]; /* SHA-256 of their table, which moves away */
};

static bool
recognise(const struct sign_kind *k, int fd, const char *name)
{
	(void)k, (void)fd, (void)name;
	return true; /* the last in the table: what is none gets the PE reader's words */
}

static bool
open_image(int fd, const char *name, struct sign_subject *s, struct kd_err *e)
{
	struct image *i = kd_alloc(sizeof(*i));

	(void)name;
	s->state = i;
	if (i == NULL)
		return kd_fail_nomem(e, "file");
	if (!pe_open(fd, &i->pe, e))
		return false;
	s->size = i->pe.size;
	s->is_signed = i->pe.cert_len != 0;
	return true;
}

static void
free_image(void *state)
{
	free(state);
}

static bool
hash_pages(int fd, struct sign_subject *s, struct kd_err *e)
{
	struct image *i = s->state;

	if (!pe_pages(fd, &i->pe, spc_pages_md(s->md), &s->payload, e))
		return kd_in(e, "page hashes");
	i->has_pages = true;
	return md_digest(MD_SHA256, s->payload.p, s->payload.len, i->pages_md, e);
}

static bool
hash(int fd, struct sign_subject *s, enum md md, bool pages, struct kd_err *e)
{
	struct image *i = s->state;

	buf_reset(&s->payload);
	i->digest = (struct pe_digest){.md = {md}};
	if (!pe_digest(fd, &i->pe, &i->digest, e))
		return false;
	i->digested = true;
	i->has_pages = false;
	s->md = md;
	memcpy(s->digest, i->digest.digest[0], sizeof(s->digest));
	/* pe_embed would refuse it too, but then the token would have signed for nothing.
	 */
	if (i->digest.trailing == 0)
		return !pages || hash_pages(fd, s, e);
	return kd_fail(e, KD_E_FORMAT,
	    "%llu bytes follow the certificate table, expected none: Windows may refuse "
	    "such a file (MS12-024)",
	    (unsigned long long)i->digest.trailing);
}

static bool
item(struct sign_subject *s, struct api_item *ret, struct kd_err *e)
{
	const struct image *i = s->state;

	ret->kind = API_KIND_PE;
	if (!i->has_pages)
		return true;
	ret->page_hashes = buf_take(&s->payload, &ret->page_hashes_len);
	return ret->page_hashes != NULL || kd_fail_nomem(e, "request");
}

static bool
signature(int fd, const struct sign_subject *s, struct buf *ret, struct kd_err *e)
{
	const struct image *i = s->state;
	AUTO(pe_certs_clear) struct pe_certs certs = {0};

	if (!pe_certs_read(fd, &i->pe, &certs, e))
		return false;
	if (certs.n != 1 || certs.v[0].type != CERT_TYPE_PKCS7)
		return kd_fail(e, KD_E_FORMAT,
		    "certificate table has %zu entries, the first of type %u; expected "
		    "one of type 2 (PKCS#7)",
		    certs.n, certs.v[0].type);
	buf_add(ret, certs.v[0].p, certs.v[0].len);
	return buf_ok(ret, "signature", e);
}

static bool
has_pages(const struct cms *c)
{
	struct kd_err ignored = {0};
	struct spc spc = {0};

	return spc_parse(c->content, c->content_len, &spc, &ignored) && spc.page_hashes;
}

/* All page hashes that were sent, or none at all. */
static bool
check_pages(const struct image *i, const struct spc *spc, struct kd_err *e)
{
	uint8_t seen[MD_LEN_MAX];

	if (!i->has_pages || !spc->page_hashes)
		return i->has_pages == spc->page_hashes ||
		       kd_fail(e, KD_E_NOT_VERIFIED, "signature is %s page hashes",
			   i->has_pages ? "without" : "with unasked");
	if (!md_digest(MD_SHA256, spc->pages, spc->pages_len, seen, e))
		return false;
	return memcmp(seen, i->pages_md, md_len(MD_SHA256)) == 0 ||
	       kd_fail(e, KD_E_NOT_VERIFIED,
		   "signature is over other page hashes than this file's");
}

static bool
check(const struct sign_subject *s, const struct cms *c, bool nested, struct kd_err *e)
{
	struct spc spc = {0};

	(void)nested; /* the same in both places */
	if (strcmp(c->content_type, CMS_TYPE_SPC) != 0)
		return kd_fail(e, KD_E_NOT_VERIFIED,
		    "content is %s, expected " CMS_TYPE_SPC, c->content_type);
	if (!spc_parse(c->content, c->content_len, &spc, e))
		return false;
	if (spc.type != SPC_TYPE_PE || spc.md != s->md || c->md != s->md ||
	    memcmp(spc.digest, s->digest, md_len(s->md)) != 0)
		return kd_fail(e, KD_E_NOT_VERIFIED,
		    "signature is over another digest than this file's");
	return check_pages(s->state, &spc, e) && cms_check_message_digest(c, e);
}

static bool
embed(int fd, const struct sign_subject *s, const uint8_t *cms, size_t len, int out_fd,
    struct kd_err *e)
{
	struct image *i = s->state;

	if (!i->digested) { /* only the sums that CheckSum needs */
		if (!pe_digest(fd, &i->pe, &i->digest, e))
			return false;
		i->digested = true;
	}
	return cms == NULL ? pe_strip(fd, &i->pe, &i->digest, out_fd, e)
			   : pe_embed(fd, &i->pe, &i->digest, cms, len, out_fd, e);
}

static bool
check_written(int fd, const struct sign_subject *s, const uint8_t *cms, size_t len,
    struct kd_err *e)
{
	struct pe_digest d = {.md = {s->md}};
	AUTO(pe_certs_clear) struct pe_certs certs = {0};
	struct pe pe = {0};

	if (!pe_open(fd, &pe, e) || !pe_digest(fd, &pe, &d, e) ||
	    (cms != NULL && !pe_certs_read(fd, &pe, &certs, e)))
		return false;
	if (s->md != MD_NONE && memcmp(d.digest[0], s->digest, md_len(s->md)) != 0)
		return kd_fail(e, KD_E_FILE, "changed while it was worked on");
	if (cms == NULL)
		return pe.cert_len == 0 ||
		       kd_fail(e, KD_E_BUG, "the new file still holds a signature");
	if (certs.n != 1 || certs.v[0].len != len || memcmp(certs.v[0].p, cms, len) != 0)
		return kd_fail(e, KD_E_BUG, "the new file does not hold the signature");
	return true;
}

const struct sign_kind sign_kind_pe = {
    .name = "pe",
    .recognise = recognise,
    .open = open_image,
    .free_state = free_image,
    .hash = hash,
    .item = item,
    .signature = signature,
    .has_pages = has_pages,
    .check = check,
    .embed = embed,
    .check_written = check_written,
};
