/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/verify_format.c - the signatures of files of the formats of format.h. */
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>

#include "authenticode/verify_inner.h"
#include "base/file.h"
#include "base/num.h"
#include "base/text.h"

/* Those that need nothing but this library. */
static const struct format *const built_in[] = {
    &format_cabinet,
    &format_script,
    &format_module,
};

/* What is computed of the file once, for all signatures. */
struct digests {
	int fd;
	const struct format_file *file;
	enum md md[4];
	uint8_t v[4][MD_LEN_MAX];
	size_t n;
};

static bool
digest_of(struct digests *d, enum md md, const uint8_t **ret, struct kd_err *e)
{
	size_t i = 0;

	while (i < d->n && d->md[i] != md)
		i++;
	if (i == d->n) {
		if (!d->file->format->digest(d->fd, d->file, md, d->v[i], e))
			return false;
		d->md[d->n++] = md;
	}
	*ret = d->v[i];
	return true;
}

bool
verify_format_open(
    int fd, const struct verify_options *o, struct verify_report *r, struct kd_err *e)
{
	return format_open(fd, o->name, built_in, KD_ARRAY_LEN(built_in), &r->file, e) &&
	       (r->file.format != NULL ||
		   format_open(fd, o->name, o->formats, o->formats_n, &r->file, e));
}

/* ---- what it is about ---- */

static bool
read_detached(struct verify_signature *s, struct kd_err *e)
{
	if (strcmp(s->cms.content_type, CMS_TYPE_DATA) == 0 && s->cms.content == NULL &&
	    s->cms.attrs == NULL)
		return true;
	return kd_fail(e, KD_E_FORMAT,
	    "content type is %s, %s, %s signed attributes; %s without content and signed "
	    "attributes expected",
	    s->cms.content_type, s->cms.content != NULL ? "there" : "left out",
	    s->cms.attrs != NULL ? "with" : "without", CMS_TYPE_DATA);
}

static bool
read_content(const struct verify_report *r, struct verify_signature *s, struct kd_err *e)
{
	const struct format *f = r->file.format;

	if (f->spc == SPC_TYPE_NONE)
		return read_detached(s, e);
	if (!verify_read_spc(s, e))
		return false;
	if (s->spc.type != f->spc)
		return kd_fail(e, KD_E_FORMAT,
		    "signature is of data type %s, not that of a file of format %s",
		    s->spc.type_oid, f->name);
	return true;
}

/* A detached signature rarely brings its signer's certificate: it is sought among those
 * that were named, and the rest of these may lead on from it. */
static bool
supply_signer(struct verify_run *run, struct verify_signature *s, struct kd_err *e)
{
	const struct certs *from[] = {run->o->signers, run->o->roots};

	for (size_t i = 0; i < KD_ARRAY_LEN(from) && s->cms.signer == SIZE_MAX; i++) {
		if (from[i] == NULL || cms_find_signer(&s->cms, from[i]) == SIZE_MAX)
			continue;
		if (!certs_add_all(s->cms.certs, from[i], e))
			return false;
		/* Not where it was in from: what is embedded, too, is not added again. */
		s->cms.signer = cms_find_signer(&s->cms, s->cms.certs);
	}
	return true;
}

/* ---- the steps ---- */

static void
check_algorithms(const struct format *f, struct verify_signature *s)
{
	const struct cms *c = &s->cms;

	if (c->md == c->outer_md && (f->spc == SPC_TYPE_NONE || s->spc.md == c->md)) {
		verify_step(s, "digest algorithms", VERIFY_OK, "%s throughout",
		    md_name(c->md));
		return;
	}
	verify_step(s, "digest algorithms", VERIFY_FAILED,
	    "%s%s%sSignerInfo says %s, digestAlgorithms %s; one expected",
	    f->spc == SPC_TYPE_NONE ? "" : "DigestInfo says ",
	    f->spc == SPC_TYPE_NONE ? "" : md_name(s->spc.md),
	    f->spc == SPC_TYPE_NONE ? "" : ", ", md_name(c->md), md_name(c->outer_md));
}

static bool
check_digest(struct digests *d, struct verify_signature *s, struct kd_err *e)
{
	char seen[2 * MD_LEN_MAX + 1], right[2 * MD_LEN_MAX + 1];
	size_t n = md_len(s->spc.md);
	const uint8_t *is;

	if (!digest_of(d, s->spc.md, &is, e))
		return false;
	text_hex_to(right, is, n);
	if (CRYPTO_memcmp(is, s->spc.digest, n) == 0) {
		verify_step(
		    s, "file digest", VERIFY_OK, "%s %s", md_name(s->spc.md), right);
		return true;
	}
	text_hex_to(seen, s->spc.digest, n);
	verify_step(s, "file digest", VERIFY_FAILED,
	    "signature says %s %s, the file has %s", md_name(s->spc.md), seen, right);
	return true;
}

/* cbCabinet, hashed by an algorithm of which only the length is known (facts 2). */
static bool
check_length_hash(struct digests *d, struct verify_signature *s, struct kd_err *e)
{
	static const enum md mds[] = {MD_SHA1, MD_SHA256, MD_SHA384, MD_SHA512};
	uint8_t length[4], is[MD_LEN_MAX];

	if (s->spc.length_hash == NULL)
		return true;
	if (!file_pread_full(d->fd, length, sizeof(length), 8, e))
		return false;
	for (size_t i = 0; i < KD_ARRAY_LEN(mds); i++) {
		if (md_len(mds[i]) != s->spc.length_hash_len)
			continue;
		if (!md_digest(mds[i], length, sizeof(length), is, e))
			return false;
		if (memcmp(is, s->spc.length_hash, s->spc.length_hash_len) == 0) {
			verify_step(s, "cabinet length", VERIFY_OK,
			    "%s of the header's length", md_name(mds[i]));
			return true;
		}
	}
	verify_step(s, "cabinet length", VERIFY_FAILED,
	    "signature has a hash of another length than the header's");
	return true;
}

/* Of a signature that is over the digest itself. */
static bool
check_detached(struct digests *d, struct verify_signature *s, struct kd_err *e)
{
	char hex[2 * MD_LEN_MAX + 1], detail[320];
	struct kd_err why = {0};
	const uint8_t *is;
	bool right;

	if (!digest_of(d, s->cms.md, &is, e))
		return false;
	text_hex_to(hex, is, md_len(s->cms.md));
	if (s->cms.signer == SIZE_MAX) {
		verify_step(s, "signature", VERIFY_FAILED,
		    "the signer's certificate, serial %s of '%.120s', is not embedded and "
		    "none of those named",
		    s->cms.signer_serial, s->cms.signer_issuer);
		return true;
	}
	(void)snprintf(detail, sizeof(detail),
	    "over the file's %s %s, verifies with the signer's key", md_name(s->cms.md),
	    hex);
	right = cms_check_signature_digest(&s->cms, is, NULL, &why);
	return verify_step_err(s, "signature", right, &why, detail, e);
}

static bool
check_covered(struct digests *d, struct verify_signature *s, struct kd_err *e)
{
	struct kd_err md = {0}, sig = {0};
	bool md_ok = cms_check_message_digest(&s->cms, &md);
	bool sig_ok = cms_check_signature(&s->cms, &sig);

	return check_digest(d, s, e) && check_length_hash(d, s, e) &&
	       verify_step_err(
		   s, "message digest", md_ok, &md, "attribute covers the content", e) &&
	       verify_step_err(
		   s, "signature", sig_ok, &sig, "verifies with the signer's key", e);
}

static bool
check_extra(struct digests *d, struct verify_signature *s, struct kd_err *e)
{
	const struct format *f = d->file->format;
	struct kd_err why = {0};
	bool ok;

	if (f->extra == NULL)
		return true;
	if (d->file->lacks != NULL) {
		verify_step(s, f->extra_name, VERIFY_WARNING, "%s", d->file->lacks);
		return true;
	}
	ok = f->extra(d->fd, d->file, s->cms.md, &why);
	return verify_step_err(s, f->extra_name, ok, &why, "as it should be", e);
}

/* Hardware Dev Center wants the certificates of an account registered, and one of them
 * an EV one (facts 3): worth a line, no reason to refuse. */
static void
mention_ev(struct verify_signature *s)
{
	const char *policy;

	if (s->spc.type != SPC_TYPE_CABINET || s->cms.signer == SIZE_MAX)
		return;
	policy = cert_ev_policy(s->cms.certs, s->cms.signer);
	if (policy != NULL)
		verify_step(s, "EV certificate", VERIFY_OK, "policy %s", policy);
	else
		verify_step(s, "EV certificate", VERIFY_WARNING,
		    "the signer's has no EV code-signing policy; Hardware Dev Center takes "
		    "a submission by it only where it is registered beside an EV one");
}

static bool
check_signature(struct verify_run *run, struct digests *d, struct verify_signature *s,
    struct kd_err *e)
{
	const struct format *f = d->file->format;

	check_algorithms(f, s);
	if (f->spc == SPC_TYPE_NONE
		? !supply_signer(run, s, e) || !check_detached(d, s, e)
		: !check_covered(d, s, e))
		return false;
	return check_extra(d, s, e) && verify_trust(run, s, e);
}

bool
verify_format_run(
    int fd, struct verify_run *run, struct verify_report *r, struct kd_err *e)
{
	const struct format *f = r->file.format;
	struct digests d = {.fd = fd, .file = &r->file};

	r->subject = VERIFY_FORMAT;
	run->reader = f->spc == SPC_TYPE_NONE ? "kernel" : NULL;
	if (!f->signature(fd, &r->file, &r->catalog, e) ||
	    !verify_open_signature(
		run, r, r->catalog.p, r->catalog.len, 0, read_content, e))
		return false;
	for (size_t i = 0; i < r->sigs_n; i++)
		if (r->sigs[i].ok && !check_signature(run, &d, &r->sigs[i], e))
			return kd_in(e, "signature %zu", i + 1);
	verify_nested(r, 0);
	mention_ev(&r->sigs[0]);
	return true;
}
