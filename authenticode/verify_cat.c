/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/verify_cat.c - a catalog's signatures against its list. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "authenticode/cms_outer.h"
#include "authenticode/verify_inner.h"
#include "base/file.h"

/*
 * A nested signature has no list of its own: contentInfo is id-data without content, and
 * its digest is over the whole list, with tag and length. One that repeats the list is
 * taken, too, if it is the same (facts 9).
 */
static bool
read_ctl(const struct verify_report *r, struct verify_signature *s, struct kd_err *e)
{
	const struct cms *c = &s->cms;

	if (s->nested && c->content == NULL && strcmp(c->content_type, CMS_TYPE_DATA) == 0)
		return true;
	if (strcmp(c->content_type, CMS_TYPE_CTL) != 0)
		return kd_fail(e, KD_E_FORMAT, "content type is %s, %s (CTL) expected",
		    c->content_type, CMS_TYPE_CTL);
	if (c->content_len != r->cat.ctl_len ||
	    memcmp(c->content, r->cat.ctl, r->cat.ctl_len) != 0)
		return kd_fail(e, KD_E_FORMAT, "signs another list than the catalog's");
	return true;
}

static void
check_algorithms(struct verify_signature *s)
{
	const struct cms *c = &s->cms;

	if (c->md == c->outer_md)
		verify_step(s, "digest algorithms", VERIFY_OK, "%s throughout",
		    md_name(c->md));
	else
		verify_step(s, "digest algorithms", VERIFY_FAILED,
		    "SignerInfo says %s, digestAlgorithms %s; one expected",
		    md_name(c->md), md_name(c->outer_md));
}

static bool
check_signature(struct verify_run *run, const struct verify_report *r,
    struct verify_signature *s, struct kd_err *e)
{
	const struct cms *c = &s->cms;
	struct kd_err md = {0}, sig = {0};
	bool md_ok = c->content != NULL
			 ? cms_check_message_digest(c, &md)
			 : cms_check_message_digest_of(
			       c, r->cat.ctl, r->cat.ctl_len, &md);
	bool sig_ok = cms_check_signature(c, &sig);

	check_algorithms(s);
	return verify_step_err(
		   s, "message digest", md_ok, &md, "attribute covers the list", e) &&
	       verify_step_err(
		   s, "signature", sig_ok, &sig, "verifies with the signer's key", e) &&
	       verify_trust(run, s, e);
}

static bool
read_whole(int fd, struct buf *ret, struct kd_err *e)
{
	struct stat st;
	uint8_t *to;

	if (fstat(fd, &st) != 0)
		return kd_fail_errno(e, KD_E_FILE, errno, "cannot be examined");
	if (st.st_size > (off_t)CAT_LEN_MAX)
		return kd_fail(e, KD_E_LIMIT,
		    "catalog of %lld bytes, at most %zu are read", (long long)st.st_size,
		    CAT_LEN_MAX);
	to = buf_reserve(ret, (size_t)st.st_size);
	if (to == NULL)
		return buf_ok(ret, "catalog", e);
	return file_pread_full(fd, to, (size_t)st.st_size, 0, e);
}

bool
verify_cat_run(int fd, struct verify_run *run, struct verify_report *r, struct kd_err *e)
{
	struct cms_outer outer;

	r->subject = VERIFY_CATALOG;
	if (!read_whole(fd, &r->catalog, e) ||
	    !cat_parse(r->catalog.p, r->catalog.len, &r->cat, e) ||
	    !cms_outer_parse(r->catalog.p, r->catalog.len, &outer, e))
		return false;
	if (rd_left(&outer.signer_infos.body) == 0)
		return kd_fail(e, KD_E_UNSIGNED, "the catalog is not signed");
	if (!verify_open_signature(
		run, r, r->catalog.p, r->catalog.len, 0, read_ctl, e))
		return false;
	for (size_t i = 0; i < r->sigs_n; i++)
		if (r->sigs[i].ok && !check_signature(run, r, &r->sigs[i], e))
			return kd_in(e, "signature %zu", i + 1);
	verify_nested(r, 0);
	return true;
}
