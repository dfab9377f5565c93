/* SPDX-License-Identifier: Apache-2.0 */
/* client/verdict.c - what the Windows kernel and installer would say of a file. */
#include "client/verdict.h"

#include <string.h>

#include "authenticode/kernel_facts.h"
#include "authenticode/kernel_roots.h"
#include "base/file.h"
#include "base/text.h"

/* Is this a finding about the file's own signatures, or was it never read? */
static bool
is_finding(const struct kd_err *e)
{
	return e->code == KD_E_NOT_VERIFIED || e->code == KD_E_UNSIGNED ||
	       e->code == KD_E_FORMAT || e->code == KD_E_LIMIT;
}

/* The file's own signatures, beside its catalog's. */
static bool
read_own(const char *file, const struct verdict_options *o, struct verify_report *ret,
    struct kd_err *e)
{
	AUTO(close) int fd = -1;
	struct verify_options how = {
	    .roots = o->kernel_roots, .tsa_roots = o->tsa_roots, .at = o->at};
	struct kd_err why = {0};

	if (!file_open_read(file, &fd, NULL, e))
		return false;
	return verify_file(fd, &how, ret, &why) || is_finding(&why) ||
	       kd_fail(e, why.code, "%s", why.msg);
}

static bool
judge_kernel(const struct verdict_question *q, const struct verdict_options *o,
    struct kernel_report *ret, struct kd_err *e)
{
	struct kernel_facts facts = {.now = o->at};

	if ((q->own != NULL &&
		!kernel_facts_add(q->own, NULL, o->kernel_roots, &facts, e)) ||
	    (q->catalog != NULL &&
		!kernel_facts_add(
		    q->catalog, &q->member->member, o->kernel_roots, &facts, e)))
		return false;
	kernel_judge(&facts, ret);
	return true;
}

static bool
judge_installer(const struct verdict_question *q, const struct verdict_options *o,
    struct installer_report *ret, struct kd_err *e)
{
	struct installer_question asked = {.file = q->file,
	    .roots = o->user_roots,
	    .publishers = o->publishers,
	    .now = o->at};
	struct installer_facts facts;

	if (q->catalog != NULL) {
		asked.catalog = q->catalog;
		asked.member = &q->member->member;
	} else if (q->own != NULL && q->own->subject == VERIFY_CATALOG) {
		asked.catalog = q->own;
	}
	if (!installer_facts_make(&asked, &facts, e))
		return false;
	installer_judge(&facts, ret);
	return true;
}

bool
verdict_ask(const struct verdict_question *q, const struct verdict_options *o,
    struct verdict *ret, struct kd_err *e)
{
	bool no_driver =
	    q->catalog != NULL && q->member->member.subject != CAT_PE;

	*ret = (struct verdict){.has_kernel = o->kernel && !no_driver,
	    .has_installer = o->installer,
	    .no_driver = o->kernel && no_driver};
	/* With nobody else to look at it, one that is no driver must still be listed, under
	 * a signature that would do for a driver. */
	if (((ret->has_kernel || (no_driver && !o->installer)) &&
		!judge_kernel(q, o, &ret->kernel, e)) ||
	    (o->installer && !judge_installer(q, o, &ret->installer, e)))
		return kd_in(e, "'%s'", SHOW(q->file));
	return true;
}

bool
verdict_make(const struct verified *v, const struct verdict_options *o,
    struct verdict *ret, struct kd_err *e)
{
	AUTO(verify_report_clear) struct verify_report own = {0};
	struct verdict_question q = {.file = v->file};

	if (v->catalog == NULL) {
		q.own = &v->report;
		return verdict_ask(&q, o, ret, e);
	}
	q.catalog = &v->catalog->report;
	q.member = &v->report;
	if (o->kernel && v->report.member.subject == CAT_PE) {
		if (!read_own(v->file, o, &own, e))
			return kd_in(e, "'%s'", SHOW(v->file));
		q.own = &own;
	}
	return verdict_ask(&q, o, ret, e);
}

static bool
loads_somewhere(const struct kernel_report *r)
{
	for (size_t i = 0; i < r->releases_n; i++)
		if (r->releases[i].loads)
			return true;
	return false;
}

/* The missing /ac is the mistake most often made (kernel policy facts 5). */
static bool
fail_kernel(const struct kernel_report *r, const char *file, struct kd_err *e)
{
	(void)kd_fail(
	    e, KD_E_NOT_VERIFIED, "'%s': kernel: %s", SHOW(file), r->policy.why);
	if (strstr(r->policy.why, "cross-certificate from it") != NULL)
		return kd_hint(e,
		    "sign with --ac and the CA's cross-certificate, or have Microsoft "
		    "sign it");
	if (loads_somewhere(r))
		return kd_hint(
		    e, "the table names the Windows that takes it all the same");
	return false;
}

bool
verdict_ok(const struct verdict *v, const char *file, struct kd_err *e)
{
	const struct installer_verdict *newest;

	if ((v->has_kernel || (v->no_driver && !v->has_installer)) &&
	    !v->kernel.policy.loads)
		return fail_kernel(&v->kernel, file, e);
	if (!v->has_installer || v->installer.installs)
		return true;
	newest = &v->installer.rows[v->installer.rows_n - 1];
	return kd_fail(e, KD_E_NOT_VERIFIED, "'%s': installer: %s: %s", SHOW(file),
	    installer_category_text(newest->category), newest->why);
}

void
verdict_trust_clear(struct verdict_trust *t)
{
	certs_free(t->chain);
	certs_free(t->tsa);
	certs_free(t->kernel);
	certs_free(t->user);
	certs_free(t->publishers);
	*t = (struct verdict_trust){0};
}

static bool
load_files(const struct option_list *files, struct certs **ret, struct kd_err *e)
{
	if (!certs_new(ret, e))
		return false;
	for (size_t i = 0; i < files->n; i++)
		if (!certs_load(*ret, files->v[i], e))
			return false;
	return true;
}

static bool
fill(const struct trust *t, bool kernel, struct verdict_trust *ret, struct kd_err *e)
{
	if (!certs_new(&ret->user, e) || !certs_add_all(ret->user, t->roots, e) ||
	    (certs_n(t->roots) == 0 && !trust_add_system(ret->user, e)) ||
	    !kernel_roots_add_microsoft(ret->user, e))
		return false;
	if (!certs_new(&ret->tsa, e) || !certs_add_all(ret->tsa, t->tsa_roots, e) ||
	    !kernel_roots_add_timestamp(ret->tsa, e) || !certs_new(&ret->chain, e))
		return false;
	if (!kernel)
		return certs_add_all(ret->chain, ret->user, e);
	return kernel_roots_add(ret->chain, e) &&
	       certs_add_all(ret->chain, ret->kernel, e) &&
	       certs_add_all(ret->chain, t->roots, e);
}

bool
verdict_trust_load(const struct trust *t, const struct option_list *kernel_roots,
    const struct option_list *publishers, bool kernel, struct verdict_trust *ret,
    struct kd_err *e)
{
	AUTO(verdict_trust_clear) struct verdict_trust all = {0};

	if (!load_files(kernel_roots, &all.kernel, e) ||
	    !load_files(publishers, &all.publishers, e) || !fill(t, kernel, &all, e))
		return false;
	*ret = all;
	all = (struct verdict_trust){0};
	return true;
}
