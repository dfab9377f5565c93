/* SPDX-License-Identifier: Apache-2.0 */
/* client/remove.c - signatures taken out of files, in whole or in part. */
#include "client/remove.h"

#include "authenticode/cms_edit.h"
#include "base/file.h"
#include "base/text.h"
#include "client/sign_file.h"

/* The signature that there is, less what is to go. */
static bool
lessen(int fd, const struct sign_subject *s, struct remove_parts parts, struct buf *ret,
    struct kd_err *e)
{
	AUTO(buf_clear) struct buf whole = {0};
	AUTO(buf_clear) struct buf bare = {0};

	if (!s->kind->signature(fd, s, &whole, e))
		return false;
	if (!parts.certificates)
		return cms_remove_unsigned(whole.p, whole.len, ret, e);
	if (!parts.unsigned_attributes)
		return cms_keep_signer(whole.p, whole.len, ret, e);
	return cms_remove_unsigned(whole.p, whole.len, &bare, e) &&
	       cms_keep_signer(bare.p, bare.len, ret, e);
}

bool
remove_from(const struct plan_file *f, struct remove_parts parts, struct kd_err *e)
{
	AUTO(sign_subject_clear) struct sign_subject s = {0};
	AUTO(buf_clear) struct buf cms = {0};
	AUTO(close) int fd = -1;
	struct stat st;

	if (f->err.code != KD_OK) {
		*e = f->err;
		return false;
	}
	if (!file_open_read(f->arg, &fd, &st, e))
		return false;
	if (!sign_subject_open(fd, f->path, &s, e))
		return kd_in(e, "'%s'", SHOW(f->arg));
	if (!s.is_signed)
		return kd_fail(
		    e, KD_E_UNSIGNED, "'%s': has no signature to remove", SHOW(f->arg));
	if ((parts.certificates || parts.unsigned_attributes) &&
	    (!lessen(fd, &s, parts, &cms, e) ||
		!s.kind->hash(fd, &s, MD_SHA256, false, e)))
		return kd_in(e, "'%s'", SHOW(f->arg));
	return sign_file_replace(f, &st, &s, cms.p, cms.len, e);
}
