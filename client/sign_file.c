/* SPDX-License-Identifier: Apache-2.0 */
/* client/sign_file.c - one file on its way: digest taken, signature checked, file
 * replaced. */
#include "config.h"

#include "client/sign_file.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "authenticode/cms_edit.h"
#include "authenticode/verify.h"
#include "client/sign_format.h"

void
sign_file_clear(struct sign_file *f)
{
	struct sign_subject said = {
	    .kind = f->subject.kind,
	    .size = f->subject.size,
	    .is_signed = f->subject.is_signed,
	    .md = f->subject.md,
	};

	memcpy(said.digest, f->subject.digest, sizeof(said.digest));
	sign_subject_clear(&f->subject);
	f->subject = said;
	free(f->cms);
	f->cms = NULL;
	f->cms_len = 0;
}

/* The layers below say what is wrong in a file; only opening and replacing it names it.
 */
static bool
in_file(const struct plan_file *p, struct kd_err *e)
{
	return kd_in(e, "'%s'", SHOW(p->arg));
}

/*
 * Which nested signature ours will be. The one that is there must be this file's: beside a
 * broken one ours would be of no use.
 */
static bool
find_place(struct sign_file *f, int fd, enum md md, struct kd_err *e)
{
	struct sign_subject *s = &f->subject;
	AUTO(cms_clear) struct cms primary = {0};
	AUTO(buf_clear) struct buf der = {0};

	if (s->kind->lone) {
		(void)sign_format_refuse(s, "another one", e);
		return kd_hint(e, "sign without --append: that replaces it");
	}
	if (!s->kind->signature(fd, s, &der, e) ||
	    !sign_subject_check(fd, s, der.p, der.len, false, &primary, e)) {
		(void)kd_in(e, "the signature that is there");
		return kd_hint(e, "sign without --append: that replaces it");
	}
	/* A file with more, our own verify would refuse. */
	if (primary.nested_n + 1 >= VERIFY_SIGNATURES_MAX) {
		(void)kd_fail(e, KD_E_LIMIT, "has %zu signatures, at most %d are verified",
		    primary.nested_n + 1, VERIFY_SIGNATURES_MAX);
		return kd_hint(e, "sign without --append: that replaces them");
	}
	if (s->kind->nestable != NULL && !s->kind->nestable(s, &primary, md, e))
		return false;
	f->sequence = (unsigned)primary.nested_n + 1;
	return true;
}

/* A catalog that is only in memory reads like a file. */
static bool
open_input(struct sign_file *f, int *ret_fd, struct kd_err *e)
{
	AUTO(close) int fd = -1;

	if (f->catalog == NULL)
		return file_open_read(f->plan->arg, ret_fd, &f->st, e);
	fd = memfd_create("catalog", MFD_CLOEXEC);
	if (fd < 0)
		return kd_fail_errno(e, KD_E_IO, errno, "'%s': no memory for the catalog",
		    SHOW(f->plan->arg));
	if (!file_write_full(fd, f->catalog->p, f->catalog->len, e))
		return in_file(f->plan, e);
	*ret_fd = STEAL_FD(fd);
	return true;
}

bool
sign_file_hash(struct sign_file *f, const struct sign_options *o, struct kd_err *e)
{
	AUTO(close) int fd = -1;
	struct sign_subject *s = &f->subject;

	/* Before the token has signed what could not be put anywhere. */
	if (!open_input(f, &fd, e) || !file_replace_probe(f->plan->target, e))
		return false;
	if (!sign_subject_open(fd, f->plan->path, s, e) ||
	    (o->efi && !sign_efi_check(fd, s, &f->efi_notes, e)) ||
	    (s->kind->signable != NULL && !s->kind->signable(fd, s, e)) ||
	    (o->append && s->is_signed && !find_place(f, fd, o->md, e)) ||
	    !s->kind->hash(fd, s, o->md, o->page_hashes, e))
		return in_file(f->plan, e);
	if (s->payload.len > API_BLOB_MAX) {
		(void)kd_fail(e, KD_E_LIMIT, "%zu bytes to be sent, at most %zu allowed",
		    s->payload.len, API_BLOB_MAX);
		return in_file(f->plan, e);
	}
	f->weight = s->payload.len;
	s->signers = o->signers;
	return true;
}

/* The base name as the record shall show it: UTF-8, at most API_NAME_MAX bytes. */
static char *
record_name(const char *arg)
{
	const char *slash = strrchr(arg, '/');
	const char *name = slash != NULL ? slash + 1 : arg;
	char shown[API_NAME_MAX + 1];

	return kd_strdup(text_show(shown, sizeof(shown), name, strlen(name)));
}

bool
sign_file_item(struct sign_file *f, const struct sign_options *o, struct api_item *ret,
    struct kd_err *e)
{
	struct api_item item = {
	    .size = f->subject.size,
	    .md = f->subject.md,
	    .sequence = f->sequence,
	};

	memcpy(item.digest, f->subject.digest, sizeof(item.digest));
	item.name = record_name(f->plan->path);
	if (o->description != NULL)
		item.description = kd_strdup(o->description);
	if (o->url != NULL)
		item.url = kd_strdup(o->url);
	*ret = item;
	if (item.name == NULL || (o->description != NULL && item.description == NULL) ||
	    (o->url != NULL && item.url == NULL))
		return kd_fail_nomem(e, "request");
	return f->subject.kind->item(&f->subject, ret, e);
}

static bool
check_signer(const struct sign_file *f, const struct cms *c, const uint8_t *sha1,
    struct kd_err *e)
{
	bool lone = f->subject.kind->lone;
	const struct certs *from = lone ? f->subject.signers : c->certs;
	size_t signer = lone ? cms_find_signer(c, from) : c->signer;
	struct cert_info info;
	char want[41], seen[41];

	if (from == NULL || signer >= certs_n(from))
		return kd_fail(e, KD_E_PROTOCOL, "the signer's certificate is not %s",
		    lone ? "the key's" : "in the signature");
	if (sha1 == NULL)
		return true;
	if (!cert_info(from, signer, &info, e))
		return false;
	if (memcmp(info.sha1, sha1, sizeof(info.sha1)) == 0)
		return true;
	text_hex_to(seen, info.sha1, sizeof(info.sha1));
	text_hex_to(want, sha1, sizeof(info.sha1));
	return kd_fail(
	    e, KD_E_PROTOCOL, "signed by the certificate %s, expected %s", seen, want);
}

static bool
check_sequence(const struct cms *c, unsigned want, struct kd_err *e)
{
	return c->sequence == want ||
	       kd_fail(e, KD_E_PROTOCOL, "it has sequence number %u, expected %u",
		   c->sequence, want);
}

/* Is this a signature over just the digest that we computed, by the key we asked for?
 * Whatever is wrong with it, the server sent it. */
static bool
check_answer(const struct sign_file *f, const struct sign_options *o, struct kd_err *e)
{
	AUTO(cms_clear) struct cms c = {0};
	bool right = cms_parse(f->cms, f->cms_len, &c, e) &&
		     f->subject.kind->check(&f->subject, &c, f->sequence != 0, e) &&
		     check_sequence(&c, f->sequence, e) && check_signer(f, &c, o->sha1, e);

	if (!right && e->code != KD_E_NOMEM)
		e->code = KD_E_PROTOCOL;
	if (right && !sign_subject_check_signature(&f->subject, &c, e)) {
		right = false;
		e->code = e->code == KD_E_NOT_VERIFIED ? KD_E_BAD_SIGNATURE : e->code;
	}
	if (right)
		return true;
	(void)kd_in(e, "signature from the server");
	return in_file(f->plan, e);
}

static bool
open_unchanged(
    const struct plan_file *plan, const struct stat *st, int *ret_fd, struct kd_err *e)
{
	struct stat now;

	if (!file_open_read(plan->arg, ret_fd, &now, e))
		return false;
	return file_is_unchanged(st, &now) || file_fail_changed(plan->arg, e);
}

/* The new file beside the target, written and checked. fd -1: s is of no file. */
static bool
write_beside(const struct plan_file *plan, int fd, const struct stat *st,
    const struct sign_subject *s, const uint8_t *cms, size_t len,
    struct file_replace *out, struct kd_err *e)
{
	if (!file_replace_begin(plan->target, st, out, e))
		return false;
	if (fd >= 0 && strcmp(plan->path, plan->target) == 0)
		file_replace_expect(out, st);
	return (s->kind->embed(fd, s, cms, len, out->fd, e) &&
		   s->kind->check_written(out->fd, s, cms, len, e)) ||
	       in_file(plan, e);
}

bool
sign_file_replace(const struct plan_file *plan, const struct stat *st,
    const struct sign_subject *s, const uint8_t *cms, size_t len, struct kd_err *e)
{
	AUTO(file_replace_clear) struct file_replace out = {.fd = -1};
	AUTO(close) int fd = -1;

	return open_unchanged(plan, st, &fd, e) &&
	       write_beside(plan, fd, st, s, cms, len, &out, e) &&
	       file_replace_commit(&out, true, e);
}

static bool
stage(struct sign_file *f, const struct buf *cms, struct kd_err *e)
{
	AUTO(file_replace_clear) struct file_replace out = {.fd = -1};
	AUTO(close) int fd = -1;
	struct stat st;
	const struct stat *like = &f->st;

	if (f->catalog != NULL) /* a new file, or in the place of one */
		like = stat(f->plan->target, &st) == 0 ? &st : NULL;
	else if (!open_unchanged(f->plan, &f->st, &fd, e))
		return false;
	if (!write_beside(f->plan, fd, like, &f->subject, cms->p, cms->len, &out, e) ||
	    !file_replace_finish(&out, true, e))
		return false;
	f->staged = out;
	out = (struct file_replace){.fd = -1};
	return true;
}

/* ours, or what is there with ours nested in it */
static bool
nest(const struct sign_file *f, struct buf *ours, struct kd_err *e)
{
	AUTO(buf_clear) struct buf primary = {0};
	AUTO(buf_clear) struct buf both = {0};
	AUTO(close) int fd = -1;

	if (f->sequence == 0)
		return true;
	if (!open_unchanged(f->plan, &f->st, &fd, e))
		return false;
	if (!f->subject.kind->signature(fd, &f->subject, &primary, e) ||
	    !cms_add_nested(primary.p, primary.len, ours->p, ours->len, &both, e))
		return in_file(f->plan, e);
	buf_clear(ours);
	*ours = both;
	both = (struct buf){0};
	return true;
}

/* With a timestamp; without one when that was only wished for, or when there is no place
 * for it: nobody looks for one there. */
static bool
stamp(struct sign_file *f, const struct sign_options *o, struct stamp_link **link,
    struct buf *cms, struct kd_err *e)
{
	AUTO(buf_clear) struct buf stamped = {0};
	struct kd_err failed = {0};

	if (o->stamper == NULL || f->subject.kind->lone)
		return true;
	if (stamper_stamp(
		o->stamper, link, cms->p, cms->len, &stamped, &f->stamp, &failed)) {
		buf_clear(cms);
		*cms = stamped;
		stamped = (struct buf){0};
		return true;
	}
	(void)in_file(f->plan, &failed);
	if (o->stamp_optional &&
	    (failed.code == KD_E_TIMESTAMP || failed.code == KD_E_DENIED)) {
		f->err = failed;
		return true;
	}
	*e = failed;
	return false;
}

static bool
complete(struct sign_file *f, const struct sign_options *o, struct buf *ret,
    struct kd_err *e)
{
	if (o->more == NULL || certs_n(o->more) == 0 || f->subject.kind->lone)
		buf_add(ret, f->cms, f->cms_len);
	else if (!cms_add_certs(f->cms, f->cms_len, o->more, ret, e))
		return in_file(f->plan, e);
	return buf_ok(ret, "signature", e);
}

bool
sign_file_finish(struct sign_file *f, const struct sign_options *o,
    struct stamp_link **link, struct kd_err *e)
{
	AUTO(buf_clear) struct buf cms = {0};

	return check_answer(f, o, e) && complete(f, o, &cms, e) &&
	       stamp(f, o, link, &cms, e) && nest(f, &cms, e) &&
	       (o->stage ? stage(f, &cms, e)
			 : sign_file_replace(
			       f->plan, &f->st, &f->subject, cms.p, cms.len, e));
}
