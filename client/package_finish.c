/* SPDX-License-Identifier: Apache-2.0 */
/* client/package_finish.c - a package verified as Windows would, then put into its place. */
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "client/package.h"

struct judged { /* one file's or catalog's own signatures */
	struct verify_report report;
	struct kd_err e; /* verify_file's */
};

struct finish {
	struct package *p;
	const struct package_options *o;
	struct verdict_table *table;
	struct judged *catalogs; /* by number; owned */
};

static void
judged_clear(struct judged *j)
{
	verify_report_clear(&j->report);
	*j = (struct judged){0};
}
AUTO_DEFINE_CLEAR(struct judged, judged_clear);

static void
finish_clear(struct finish *f)
{
	for (size_t i = 0; f->catalogs != NULL && i < f->p->run.made_n; i++)
		judged_clear(&f->catalogs[i]);
	free(f->catalogs);
}
AUTO_DEFINE_CLEAR(struct finish, finish_clear);

/* The new file where there is one. */
static const char *
path_now(const struct package_file *f)
{
	return f->sign != NULL ? f->sign->staged.tmp_path : f->path;
}

static bool
open_now(const struct package_file *f, int *ret, struct kd_err *e)
{
	struct kd_err why = {0};

	return file_open_read(path_now(f), ret, NULL, &why) ||
	       kd_fail(e, why.code, "'%s': cannot be read again: %s", SHOW(f->path),
		   why.msg);
}

/*
 * What was signed is here, unchanged, and where roots were given it is trusted, too. A
 * signature of Microsoft's needs no root of ours.
 */
static bool
is_sound(const struct finish *n, const struct package_file *f, const struct judged *j,
    struct kd_err *e)
{
	bool trusted = certs_n(n->o->trust->roots) > 0 && !f->foreign;

	if (j->report.sigs_n > 0 && j->report.sigs[0].intact &&
	    (!trusted || j->e.code == KD_OK))
		return true;
	*e = j->e;
	return kd_in(e, "'%s'", SHOW(f->path));
}

static bool
judge(const struct finish *n, const struct package_file *f, int fd, struct judged *ret,
    struct kd_err *e)
{
	const struct verify_options how = {.roots = n->o->windows->chain,
	    .tsa_roots = n->o->windows->tsa,
	    .at = n->o->now};

	return verify_file(fd, &how, &ret->report, &ret->e) || is_sound(n, f, ret, e);
}

static bool
judge_catalogs(struct finish *n, struct kd_err *e)
{
	n->catalogs = kd_alloc_array(n->p->run.made_n, sizeof(*n->catalogs));
	if (n->catalogs == NULL)
		return kd_fail_nomem(e, "catalogs");
	for (size_t i = 0; i < n->p->n; i++) {
		const struct package_file *f = &n->p->v[i];
		AUTO(close) int fd = -1;

		if (f->kind == PACKAGE_CATALOG &&
		    (!open_now(f, &fd, e) ||
			!judge(n, f, fd, &n->catalogs[f->catalog], e)))
			return false;
	}
	return true;
}

static bool
ask_windows(const struct finish *n, struct package_file *f,
    const struct verdict_question *q, struct kd_err *e)
{
	const struct package_options *o = n->o;
	const struct verdict_options how = {.kernel = f->driver,
	    .installer = true,
	    .kernel_roots = o->windows->kernel,
	    .user_roots = o->windows->user,
	    .publishers = o->windows->publishers,
	    .tsa_roots = o->windows->tsa,
	    .at = o->now};
	struct verdict *v = kd_alloc(sizeof(*v));
	bool done;

	if (v == NULL)
		return kd_fail_nomem(e, "verdict");
	done = verdict_ask(q, &how, v, e) && verdict_table_take(n->table, v, &f->row, e);
	if (done) {
		v->has_kernel = v->has_kernel && o->require_kernel;
		v->has_installer = o->require_installer;
		v->no_driver = false;
		done = verdict_ok(v, f->path, e);
	}
	free(v);
	return done;
}

/* How its catalog lists it; it must, as it is now. */
static bool
look_up(const struct finish *n, const struct package_file *f, int fd,
    struct verify_report *ret, struct kd_err *e)
{
	const struct judged *c = &n->catalogs[f->catalog];
	struct kd_err why = {0};

	if (verify_by_catalog(
		fd, &c->report, &c->e, inf_base_name(f->path), ret, &why) ||
	    ret->member.ok)
		return true;
	*e = why;
	if (e->code == KD_E_NOT_VERIFIED)
		(void)kd_hint(e, "was it changed while the package was worked on?");
	return kd_in(e, "'%s'", SHOW(f->path));
}

static bool
judge_member(struct finish *n, struct package_file *f, struct kd_err *e)
{
	AUTO(judged_clear) struct judged own = {0};
	AUTO(verify_report_clear) struct verify_report member = {0};
	AUTO(close) int fd = -1;
	struct verdict_question q = {.file = f->path,
	    .catalog = &n->catalogs[f->catalog].report,
	    .member = &member};

	if (!open_now(f, &fd, e))
		return false;
	if (f->kind == PACKAGE_BINARY) {
		if (!judge(n, f, fd, &own, e))
			return false;
		q.own = &own.report;
	}
	return look_up(n, f, fd, &member, e) && ask_windows(n, f, &q, e);
}

static bool
judge_catalog(struct finish *n, struct package_file *f, struct kd_err *e)
{
	const struct verdict_question q = {
	    .file = f->path, .own = &n->catalogs[f->catalog].report};

	return ask_windows(n, f, &q, e);
}

static bool
verify(struct finish *n, struct kd_err *e)
{
	if (!judge_catalogs(n, e))
		return false;
	for (size_t i = 0; i < n->p->n; i++) {
		struct package_file *f = &n->p->v[i];

		if (f->kind == PACKAGE_CATALOG ? !judge_catalog(n, f, e)
					       : !judge_member(n, f, e))
			return false;
	}
	return true;
}

static bool
place(struct package *p, struct kd_err *e)
{
	AUTO(free) struct file_replace **v = kd_alloc_array(p->n, sizeof(struct file_replace *));
	size_t n = 0;

	if (v == NULL)
		return kd_fail_nomem(e, "list of files");
	for (size_t i = 0; i < p->n; i++)
		if (p->v[i].sign != NULL)
			v[n++] = &p->v[i].sign->staged;
	return file_replace_commit_all(v, n, true, e);
}

void
package_finish(
    struct package *p, const struct package_options *o, struct verdict_table *table)
{
	AUTO(finish_clear) struct finish n = {.p = p, .o = o, .table = table};

	if (p->e.code != KD_OK || p->run.found.errors != 0)
		return;
	(void)(verify(&n, &p->e) && place(p, &p->e));
	for (size_t i = 0; i < p->n; i++)
		if (p->v[i].sign != NULL)
			file_replace_clear(&p->v[i].sign->staged);
}
