/* SPDX-License-Identifier: Apache-2.0 */
/* client/stamp_run.c - signatures that are there already are timestamped. */
#include "client/stamp_run.h"

#include <stdio.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "authenticode/cms_edit.h"
#include "client/each.h"
#include "client/nested.h"
#include "client/net.h"
#include "client/progress.h"
#include "client/sign_file.h"
#include "client/sign_format.h"

/* They wait for the network. */
#define JOBS 16

struct stamped { /* of one file; the thread's that took it, then the caller's */
	struct stamp_made made;
	bool replaced;
	struct kd_err err;
};

struct run {
	const struct stamp_run_options *o;
	const struct stamp_sink *sink;
	struct stamper *stamper; /* owned */
	struct plan plan;        /* owned */
	struct stamped *files;   /* owned; the plan's */
};

static void
run_clear(struct run *r)
{
	stamper_free(r->stamper);
	plan_clear(&r->plan);
	free(r->files);
}
AUTO_DEFINE_CLEAR(struct run, run_clear);

/* outer, with the signature at place exchanged for another */
static bool
put_back(const struct buf *outer, const struct nested_place *place, struct buf *stamped,
    struct kd_err *e)
{
	AUTO(buf_clear) struct buf whole = {0};

	if (!place->nested)
		return true;
	if (!cms_replace_nested(outer->p, outer->len, place->position, stamped->p,
		stamped->len, &whole, e))
		return false;
	buf_clear(stamped);
	*stamped = whole;
	whole = (struct buf){0};
	return true;
}

static bool
stamp_open(struct run *r, int fd, const char *name, struct sign_subject *s,
    struct stamp_link **link, struct stamped *f, struct buf *ret, struct kd_err *e)
{
	AUTO(buf_clear) struct buf outer = {0};
	AUTO(cms_clear) struct cms c = {0};
	struct nested_place place;

	if (!sign_subject_open(fd, name, s, e))
		return false;
	if (s->kind->lone)
		return sign_format_refuse(s, "a timestamp", e);
	if (!s->kind->signature(fd, s, &outer, e) ||
	    !nested_find(outer.p, outer.len, r->o->index, &place, e) ||
	    !sign_subject_check(fd, s, place.p, place.len, place.nested, &c, e))
		return false;
	f->replaced = c.timestamped;
	return stamper_stamp(r->stamper, link, place.p, place.len, ret, &f->made, e) &&
	       put_back(&outer, &place, ret, e);
}

static bool
stamp_file(struct run *r, const struct plan_file *plan, struct stamp_link **link,
    struct stamped *f, struct kd_err *e)
{
	AUTO(sign_subject_clear) struct sign_subject s = {0};
	AUTO(buf_clear) struct buf cms = {0};
	AUTO(close) int fd = -1;
	struct stat st;

	if (plan->err.code != KD_OK) {
		*e = plan->err;
		return false;
	}
	if (!file_open_read(plan->arg, &fd, &st, e))
		return false;
	if (!stamp_open(r, fd, plan->path, &s, link, f, &cms, e))
		return kd_in(e, "'%s'", SHOW(plan->arg));
	return sign_file_replace(plan, &st, &s, cms.p, cms.len, e);
}

static void
work(void *self, size_t i, void **mine)
{
	struct run *r = self;
	struct stamp_link *link = *mine;
	struct kd_err e = {0};

	if (!stamp_file(r, &r->plan.v[i], &link, &r->files[i], &e))
		r->files[i].err = e;
	*mine = link;
}

static void
end(void *mine)
{
	stamp_link_free(mine);
}

static void
done(void *self, size_t i)
{
	struct run *r = self;
	const struct stamped *f = &r->files[i];
	bool ok = f->err.code == KD_OK;
	const struct stamp_result result = {
	    .file = r->plan.v[i].arg,
	    .output = ok ? r->plan.v[i].target : NULL,
	    .stamp = f->made,
	    .replaced = f->replaced,
	    .err = ok ? NULL : &f->err,
	};

	r->sink->file(r->sink->self, &result);
}

static void
tick(void *self, size_t finished_n)
{
	(void)self;
	progress_show(finished_n);
}

static bool
prepare(struct run *r, const struct settings *settings, char **files, size_t n,
    struct kd_err *e)
{
	char text[128];

	if (!stamp_wanted(&r->o->stamp)) {
		(void)kd_fail(e, KD_E_USAGE, "no time-stamping authority is named");
		return kd_hint(e, STAMP_NAME_ONE);
	}
	if (!stamper_new(&r->o->stamp, settings, &r->stamper, e) ||
	    !plan_make(files, n, r->o->output, &r->plan, e) || !net_init(e))
		return false;
	r->files = kd_alloc_array(r->plan.n, sizeof(*r->files));
	if (r->files == NULL)
		return kd_fail_nomem(e, "list of files");
	if (r->plan.repeated != 0) {
		(void)snprintf(text, sizeof(text),
		    "%zu of the files are named twice; each is timestamped once",
		    r->plan.repeated);
		r->sink->warn(r->sink->self, text);
	}
	return true;
}

bool
stamp_run(const struct settings *settings, const struct stamp_run_options *o,
    char **files, size_t n, const struct stamp_sink *sink, struct kd_err *e)
{
	AUTO(run_clear) struct run r = {.o = o, .sink = sink};
	struct each_options each = {
	    .jobs = o->jobs != 0 ? o->jobs : JOBS,
	    .work = work,
	    .end = end,
	    .done = done,
	    .tick = tick,
	    .self = &r,
	};
	bool ran;

	if (!prepare(&r, settings, files, n, e))
		return false;
	each.n = r.plan.n;
	progress_start("timestamping", r.plan.n, sink->progress);
	ran = each_run(&each, e);
	progress_end();
	return ran;
}
