/* SPDX-License-Identifier: Apache-2.0 */
/* client/sign_kind.c - which kind of file is this. */
#include "client/sign_kind.h"

#include "authenticode/der.h"
#include "base/num.h"
#include "client/msi.h"
#include "client/sign_format.h"

static const struct sign_kind cabinet =
    SIGN_KIND_OF("cabinet", &format_cabinet, API_KIND_CABINET, false);
static const struct sign_kind msi =
    SIGN_KIND_OF("msi", &format_msi, API_KIND_MSI, false);
static const struct sign_kind script =
    SIGN_KIND_OF("script", &format_script, API_KIND_SCRIPT, false);
static const struct sign_kind module =
    SIGN_KIND_OF("module", &format_module, API_KIND_MODULE, true);

/* The first that recognises a file has it; the last one takes what nothing else is, so
 * that a file of no kind gets the PE reader's words. */
static const struct sign_kind *const kinds[] = {
    &sign_kind_catalog,
    &cabinet,
    &msi,
    &script,
    &module,
    &sign_kind_pe,
};

static const struct sign_kind *
kind_of(int fd, const char *name)
{
	size_t i = 0;

	while (i + 1 < KD_ARRAY_LEN(kinds) && !kinds[i]->recognise(kinds[i], fd, name))
		i++;
	return kinds[i];
}

void
sign_subject_clear(struct sign_subject *s)
{
	if (s->kind != NULL && s->state != NULL)
		s->kind->free_state(s->state);
	buf_clear(&s->payload);
	*s = (struct sign_subject){0};
}

bool
sign_subject_open(int fd, const char *name, struct sign_subject *ret, struct kd_err *e)
{
	ret->kind = kind_of(fd, name);
	return ret->kind->open(fd, name, ret, e);
}

bool
sign_kind_is_lone(int fd, const char *name)
{
	return kind_of(fd, name)->lone;
}

bool
sign_subject_check_signature(
    const struct sign_subject *s, const struct cms *c, struct kd_err *e)
{
	return s->kind->lone
		   ? cms_check_signature_digest(c, s->digest, s->signers, e)
		   : cms_check_signature(c, e);
}

bool
sign_subject_check(int fd, struct sign_subject *s, const uint8_t *der, size_t len,
    bool nested, struct cms *ret_cms, struct kd_err *e)
{
	AUTO(cms_clear) struct cms c = {0};
	bool pages;

	if (!cms_parse(der, len, &c, e))
		return false;
	pages = s->kind->has_pages != NULL && s->kind->has_pages(&c);
	if (!s->kind->hash(fd, s, c.md, pages, e) || !s->kind->check(s, &c, nested, e) ||
	    !sign_subject_check_signature(s, &c, e))
		return false;
	*ret_cms = c;
	c = (struct cms){0};
	return true;
}

bool
sign_der(const uint8_t *der, size_t len, struct buf *ret, struct kd_err *e)
{
	struct rd r = rd_init(der, len);
	struct tlv t;

	if (!der_want(&r, DER_SEQUENCE, "ContentInfo", &t, e))
		return false;
	buf_add(ret, t.p, t.len);
	return buf_ok(ret, "signature", e);
}
