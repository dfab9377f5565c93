/* SPDX-License-Identifier: Apache-2.0 */
/* client/sign_format.c - files of the formats of authenticode/format.h as kinds of file to
 * sign. */
#include "client/sign_format.h"

#include <string.h>

#include "authenticode/spc.h"
#include "base/mem.h"
#include "base/num.h"

/* How each is spoken of, by the API's word for it. */
static const struct sign_format_words {
	const char *name, *article;
} words[] = {
    {"cabinet", "a cabinet"},
    {"script", "a script"},
    {"msi", "an MSI"},
    {"module", "a kernel module"},
};

struct opened {
	struct format_file file;
	char *name; /* format.h: some formats are told by it; owned */
};

const char *
sign_format_article(const struct format *f)
{
	for (size_t i = 0; i < KD_ARRAY_LEN(words); i++)
		if (strcmp(words[i].name, f->name) == 0)
			return words[i].article;
	return f->name;
}

bool
sign_format_recognise(const struct sign_kind *k, int fd, const char *name)
{
	return k->format->recognise(fd, name);
}

bool
sign_format_open(int fd, const char *name, struct sign_subject *s, struct kd_err *e)
{
	struct opened *o = kd_alloc(sizeof(*o));

	s->state = o;
	if (o == NULL)
		return kd_fail_nomem(e, "file");
	o->file.format = s->kind->format;
	o->name = name != NULL ? kd_strdup(name) : NULL;
	if (name != NULL && o->name == NULL)
		return kd_fail_nomem(e, "file");
	if (!s->kind->format->open(fd, name, &o->file, e))
		return false;
	s->size = o->file.size;
	s->is_signed = o->file.is_signed;
	return true;
}

void
sign_format_free_state(void *state)
{
	struct opened *o = state;

	format_file_clear(&o->file);
	free(o->name);
	free(o);
}

bool
sign_format_signable(int fd, const struct sign_subject *s, struct kd_err *e)
{
	const struct opened *o = s->state;

	return s->kind->format->signable == NULL ||
	       s->kind->format->signable(fd, &o->file, e);
}

bool
sign_format_nestable(
    const struct sign_subject *s, const struct cms *primary, enum md md, struct kd_err *e)
{
	const struct opened *o = s->state;

	return s->kind->format->nestable == NULL ||
	       s->kind->format->nestable(&o->file, primary, md, e);
}

/* None of them has pages. */
bool
sign_format_hash(int fd, struct sign_subject *s, enum md md, bool pages, struct kd_err *e)
{
	const struct opened *o = s->state;

	(void)pages;
	if (!s->kind->format->digest(fd, &o->file, md, s->digest, e))
		return false;
	s->md = md;
	return true;
}

bool
sign_format_refuse(const struct sign_subject *s, const char *what, struct kd_err *e)
{
	return kd_fail(e, KD_E_USAGE, "the signature of %s has no place for %s",
	    sign_format_article(s->kind->format), what);
}

static bool
refuse_text(const struct sign_subject *s, const char *what, struct kd_err *e)
{
	(void)sign_format_refuse(s, what, e);
	return kd_hint(e, "sign such files by a command of their own");
}

bool
sign_format_item(struct sign_subject *s, struct api_item *ret, struct kd_err *e)
{
	ret->kind = s->kind->api;
	if (!s->kind->lone)
		return true;
	if (ret->description != NULL)
		return refuse_text(s, "a description", e);
	return ret->url == NULL || refuse_text(s, "a URL", e);
}

bool
sign_format_signature(
    int fd, const struct sign_subject *s, struct buf *ret, struct kd_err *e)
{
	const struct opened *o = s->state;

	return s->kind->format->signature(fd, &o->file, ret, e);
}

/* Only the signature itself says what it is over: sign_subject_check_signature. */
static bool
check_detached(const struct sign_subject *s, const struct cms *c, struct kd_err *e)
{
	if (strcmp(c->content_type, CMS_TYPE_DATA) != 0 || c->content != NULL ||
	    c->attrs != NULL)
		return kd_fail(e, KD_E_NOT_VERIFIED,
		    "content is %s, expected a detached signature without signed "
		    "attributes",
		    c->content_type);
	return c->md == s->md ||
	       kd_fail(e, KD_E_NOT_VERIFIED, "signature is over a %s digest, expected %s",
		   md_name(c->md), md_name(s->md));
}

bool
sign_format_check(
    const struct sign_subject *s, const struct cms *c, bool nested, struct kd_err *e)
{
	struct spc spc = {0};

	(void)nested; /* the same in both places */
	if (s->kind->lone)
		return check_detached(s, c, e);
	if (strcmp(c->content_type, CMS_TYPE_SPC) != 0)
		return kd_fail(e, KD_E_NOT_VERIFIED,
		    "content is %s, expected " CMS_TYPE_SPC, c->content_type);
	if (!spc_parse(c->content, c->content_len, &spc, e))
		return false;
	if (spc.type != s->kind->format->spc)
		return kd_fail(e, KD_E_NOT_VERIFIED,
		    "signature is of data type %s, not of %s", spc.type_oid,
		    sign_format_article(s->kind->format));
	if (spc.md != s->md || c->md != s->md ||
	    memcmp(spc.digest, s->digest, md_len(s->md)) != 0)
		return kd_fail(e, KD_E_NOT_VERIFIED,
		    "signature is over another digest than this file's");
	return cms_check_message_digest(c, e);
}

bool
sign_format_embed(int fd, const struct sign_subject *s, const uint8_t *cms, size_t len,
    int out_fd, struct kd_err *e)
{
	const struct opened *o = s->state;

	return s->kind->format->embed(fd, &o->file, cms, len, out_fd, e);
}

static bool
check_written_signature(int fd, const struct format_file *f, const uint8_t *cms,
    size_t len, struct kd_err *e)
{
	AUTO(buf_clear) struct buf seen = {0};

	if (cms == NULL)
		return !f->is_signed ||
		       kd_fail(e, KD_E_BUG, "the new file still holds a signature");
	if (!f->is_signed || !f->format->signature(fd, f, &seen, e))
		return kd_fail(e, KD_E_BUG, "the new file holds no signature");
	return (seen.len == len && memcmp(seen.p, cms, len) == 0) ||
	       kd_fail(e, KD_E_BUG, "the new file does not hold the signature");
}

bool
sign_format_check_written(int fd, const struct sign_subject *s, const uint8_t *cms,
    size_t len, struct kd_err *e)
{
	AUTO(format_file_clear) struct format_file f = {.format = s->kind->format};
	const struct opened *o = s->state;
	uint8_t digest[MD_LEN_MAX];

	if (!f.format->open(fd, o->name, &f, e) ||
	    (s->md != MD_NONE && !f.format->digest(fd, &f, s->md, digest, e)))
		return kd_in(e, "the new file");
	if (s->md != MD_NONE && memcmp(digest, s->digest, md_len(s->md)) != 0)
		return kd_fail(e, KD_E_FILE, "changed while it was worked on");
	return check_written_signature(fd, &f, cms, len, e);
}
