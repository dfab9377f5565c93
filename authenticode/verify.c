/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/verify.c - a file's signatures, opened and judged in the order that every
 * type of file shares. */
#include "authenticode/verify.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "authenticode/verify_inner.h"
#include "base/file.h"
#include "base/mem.h"

#define CONTENT_INFO_TAG 0x30 /* what a catalog begins with; a PE image, with 'M' */

void
verify_report_clear(struct verify_report *r)
{
	for (size_t i = 0; i < r->sigs_n; i++)
		cms_clear(&r->sigs[i].cms);
	free(r->sigs);
	pe_certs_clear(&r->table);
	cat_clear(&r->cat);
	format_file_clear(&r->file);
	buf_clear(&r->catalog);
	*r = (struct verify_report){0};
}

/* Past VERIFY_STEPS_MAX nothing is added: the list in verify.h is shorter. */
static void
add_step(struct verify_step *steps, size_t *n, const char *name,
    enum verify_result result, const char *fmt, va_list ap)
{
	if (*n == VERIFY_STEPS_MAX)
		return;
	steps[*n].name = name;
	steps[*n].result = result;
	(void)vsnprintf(steps[*n].detail, sizeof(steps[*n].detail), fmt, ap);
	++*n;
}

void
verify_step(struct verify_signature *s, const char *name, enum verify_result result,
    const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_step(s->steps, &s->steps_n, name, result, fmt, ap);
	va_end(ap);
	s->ok = s->ok && result != VERIFY_FAILED;
}

void
verify_member_step(struct verify_member *m, const char *name, enum verify_result result,
    const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_step(m->steps, &m->steps_n, name, result, fmt, ap);
	va_end(ap);
	m->ok = m->ok && result != VERIFY_FAILED;
}

bool
verify_step_err(struct verify_signature *s, const char *name, bool ok,
    const struct kd_err *why, const char *detail, struct kd_err *e)
{
	if (!ok && why->code != KD_E_NOT_VERIFIED)
		return kd_fail(e, why->code, "%s: %s", name, why->msg);
	verify_step(
	    s, name, ok ? VERIFY_OK : VERIFY_FAILED, "%s", ok ? detail : why->msg);
	return true;
}

/* Room for one more, all-zero; NULL with e filled. */
static struct verify_signature *
add_signature(struct verify_report *r, size_t entry, bool nested, struct kd_err *e)
{
	struct verify_signature *v;

	if (r->sigs_n == VERIFY_SIGNATURES_MAX) {
		(void)kd_fail(e, KD_E_LIMIT, "more than %d signatures",
		    VERIFY_SIGNATURES_MAX);
		return NULL;
	}
	v = kd_realloc_array(r->sigs, r->sigs_n + 1, sizeof(*v));
	if (v == NULL) {
		(void)kd_fail_nomem(e, "signatures");
		return NULL;
	}
	r->sigs = v;
	v = &r->sigs[r->sigs_n];
	*v = (struct verify_signature){
	    .index = r->sigs_n, .entry = entry, .nested = nested, .ok = true};
	r->sigs_n++;
	return v;
}

bool
verify_count_certs(struct verify_run *run, const struct certs *c, struct kd_err *e)
{
	for (size_t i = 0; i < certs_n(c); i++) {
		size_t len;

		(void)certs_der(c, i, &len);
		run->certs_n++;
		run->certs_len += len;
	}
	return (run->certs_n <= VERIFY_CERTS_MAX &&
		   run->certs_len <= VERIFY_CERTS_LEN_MAX) ||
	       kd_fail(e, KD_E_LIMIT,
		   "signatures and timestamps up to here embed %zu certificates of %zu "
		   "bytes, at most %d of %zu allowed",
		   run->certs_n, run->certs_len, VERIFY_CERTS_MAX, VERIFY_CERTS_LEN_MAX);
}

/* The "format" step; what failed stays in ret_why. False only when the run cannot go on.
 */
static bool
open_one(struct verify_run *run, const struct verify_report *r,
    struct verify_signature *s, const uint8_t *p, size_t len, verify_read_fn *read,
    struct kd_err *ret_why, struct kd_err *e)
{
	if (cms_parse(p, len, &s->cms, ret_why) && read(r, s, ret_why) &&
	    verify_count_certs(run, s->cms.certs, ret_why)) {
		verify_step(s, "format", VERIFY_OK,
		    "PKCS#7 SignedData, %zu bytes, %zu certificates", len,
		    certs_n(s->cms.certs));
		return true;
	}
	if (ret_why->code != KD_E_FORMAT && ret_why->code != KD_E_LIMIT)
		return kd_fail(e, ret_why->code, "%s", ret_why->msg);
	cms_clear(&s->cms);
	s->spc = (struct spc){0};
	verify_step(s, "format", VERIFY_FAILED, "%s", ret_why->msg);
	return true;
}

/* By the number that their maker gave them, where all of them have one; else they stay as
 * they are stored, which is sorted by their bytes. */
static void
order_nested(struct verify_report *r, size_t from)
{
	for (size_t i = from; i < r->sigs_n; i++)
		if (r->sigs[i].cms.sequence == 0)
			return;
	for (size_t i = from + 1; i < r->sigs_n; i++) {
		for (size_t k = i; k > from && r->sigs[k].cms.sequence <
						   r->sigs[k - 1].cms.sequence;
		     k--) {
			struct verify_signature swap = r->sigs[k];

			r->sigs[k] = r->sigs[k - 1];
			r->sigs[k - 1] = swap;
		}
	}
	for (size_t i = from; i < r->sigs_n; i++)
		r->sigs[i].index = i;
}

bool
verify_read_spc(struct verify_signature *s, struct kd_err *e)
{
	if (strcmp(s->cms.content_type, CMS_TYPE_SPC) != 0)
		return kd_fail(e, KD_E_FORMAT,
		    "content type is %s, %s (SpcIndirectData) expected",
		    s->cms.content_type, CMS_TYPE_SPC);
	return spc_parse(s->cms.content, s->cms.content_len, &s->spc, e);
}

bool
verify_open_signature(struct verify_run *run, struct verify_report *r, const uint8_t *p,
    size_t len, size_t entry, verify_read_fn *read, struct kd_err *e)
{
	struct verify_signature *s = add_signature(r, entry, false, e);
	size_t from = r->sigs_n;
	struct kd_err why = {0};
	struct rd nested;

	if (s == NULL || !open_one(run, r, s, p, len, read, &why, e))
		return false;
	if (from == 1)
		run->first = why;
	nested = s->cms.nested; /* s moves when the list grows */
	for (size_t i = 0; rd_left(&nested) > 0; i++) {
		const uint8_t *value;
		size_t n;
		struct kd_err format = {0};

		if (!cms_next_nested(&nested, &value, &n, e))
			return false;
		s = add_signature(r, entry, true, e);
		if (s == NULL || !open_one(run, r, s, value, n, read, &format, e))
			return false;
		s->position = i;
	}
	order_nested(r, from);
	return true;
}

void
verify_nested(struct verify_report *r, size_t i)
{
	struct verify_signature *s = &r->sigs[i];
	size_t n = 0;

	for (size_t k = i + 1; k < r->sigs_n && r->sigs[k].nested; k++) {
		struct verify_signature *in = &r->sigs[k];
		size_t bad = 0;

		n++;
		if (in->cms.nested_n > 0)
			verify_step(in, "nested signatures", VERIFY_SKIPPED,
			    "%zu inside a nested one, where nobody looks",
			    in->cms.nested_n);
		if (in->intact)
			continue;
		while (in->steps[bad].result != VERIFY_FAILED)
			bad++;
		verify_step(s, "nested signatures", VERIFY_FAILED,
		    "signature %zu: %s: %.200s", in->index, in->steps[bad].name,
		    in->steps[bad].detail);
		return;
	}
	if (n > 0)
		verify_step(s, "nested signatures", VERIFY_OK, "%zu, intact", n);
}

/* By its first byte. */
static bool
looks_like_catalog(int fd, bool *ret, struct kd_err *e)
{
	struct kd_err empty = {0}; /* not a catalog; pe_open has the words for it */
	uint8_t first = 0;

	if (!file_pread_full(fd, &first, 1, 0, &empty) && empty.code != KD_E_FILE)
		return kd_fail(e, empty.code, "%s", empty.msg);
	*ret = first == CONTENT_INFO_TAG;
	return true;
}

/* A run that broke off has no verdict on anything. */
static bool
broke_off(struct verify_report *r)
{
	for (size_t i = 0; i < r->sigs_n; i++)
		r->sigs[i].ok = r->sigs[i].intact = false;
	return false;
}

static bool
run_kind(int fd, struct verify_run *run, struct verify_report *r, struct kd_err *e)
{
	bool catalog;

	if (run->o->efi) /* of anything else the PE reader says that it is none */
		return verify_pe_run(fd, run, r, e);
	if (!verify_format_open(fd, run->o, r, e))
		return false;
	if (r->file.format != NULL)
		return verify_format_run(fd, run, r, e);
	if (!looks_like_catalog(fd, &catalog, e))
		return false;
	return catalog ? verify_cat_run(fd, run, r, e) : verify_pe_run(fd, run, r, e);
}

/* Firmware takes any entry of the certificate table that it trusts. */
static bool
efi_ok(const struct verify_report *r)
{
	bool any = false;

	for (size_t i = 0; i < r->sigs_n; i++)
		any = any || (!r->sigs[i].nested && r->sigs[i].ok);
	return any && r->efi.ok;
}

static bool
run_file(int fd, struct verify_run *run, struct verify_report *r, struct kd_err *e)
{
	if (!run_kind(fd, run, r, e))
		return broke_off(r);
	r->ok = run->o->efi ? efi_ok(r) : r->sigs_n > 0 && r->sigs[0].ok;
	return true;
}

bool
verify_fail_step(const struct verify_step *steps, size_t n, struct kd_err *e)
{
	for (size_t i = 0; i < n; i++)
		if (steps[i].result == VERIFY_FAILED)
			return kd_fail(e, KD_E_NOT_VERIFIED, "%s: %s", steps[i].name,
			    steps[i].detail);
	return kd_fail(e, KD_E_BUG, "not verified, without a finding");
}

static bool
judge(const struct verify_run *run, const struct verify_report *r, struct kd_err *e)
{
	struct kd_err image = {0};

	if (r->ok)
		return true;
	if (run->o->efi && !efi_refuse(&r->efi, &image))
		return kd_fail(e, KD_E_NOT_VERIFIED, "%s", image.msg);
	if (run->first.code != KD_OK)
		return kd_fail(e, run->first.code, "%s", run->first.msg);
	return verify_fail_step(r->sigs[0].steps, r->sigs[0].steps_n, e);
}

bool
verify_file(int fd, const struct verify_options *o, struct verify_report *ret,
    struct kd_err *e)
{
	struct verify_run run = {.o = o, .trust = true};

	return run_file(fd, &run, ret, e) && judge(&run, ret, e);
}

bool
verify_inspect(int fd, const struct verify_options *o, struct verify_report *ret,
    struct kd_err *e)
{
	static const struct verify_options none;
	struct verify_run run = {.o = o != NULL ? o : &none, .trust = false};

	return run_file(fd, &run, ret, e);
}

bool
verify_by_catalog(int fd, const struct verify_report *catalog, const struct kd_err *why,
    const char *name, struct verify_report *ret, struct kd_err *e)
{
	ret->subject = VERIFY_MEMBER;
	if (!verify_member(fd, &catalog->cat, name, &ret->member, e))
		return false;
	if (why->code != KD_OK)
		return kd_fail(e, why->code, "%s", why->msg);
	ret->ok = catalog->ok;
	return ret->ok || kd_fail(e, KD_E_BUG, "a catalog without verdict or finding");
}
