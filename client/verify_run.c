/* SPDX-License-Identifier: Apache-2.0 */
/* client/verify_run.c - many files verified at once, each told of in its turn. */
#include "client/verify_run.h"

#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "client/each.h"
#include "client/msi.h"

/* How far each thread may be ahead of what is told: a report takes 100 KiB. */
#define AHEAD 4

struct run {
	const struct verify_run_options *o; /* read-only, like the next two */
	char *const *files;
	const struct verified *catalog;
	struct verified *slots; /* file i's is the one at i % slots_n: free once i is told */
	size_t slots_n;
};

static void
verified_clear(struct verified *v)
{
	verify_report_clear(&v->report);
	*v = (struct verified){0};
}
AUTO_DEFINE_CLEAR(struct verified, verified_clear);

/* Those that the library knows only by way of the client. */
static const struct format *const own_formats[] = {&format_msi};

static const char *
base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

static bool
judge(const struct verify_run_options *o, const struct verified *catalog, int fd,
    struct verified *v)
{
	const struct verify_options own = {.roots = o->roots,
	    .tsa_roots = o->tsa_roots,
	    .at = o->at,
	    .name = v->file,
	    .formats = own_formats,
	    .formats_n = KD_ARRAY_LEN(own_formats),
	    .efi = o->efi,
	    .signers = o->signers};
	struct verify_report *r = &v->report;

	if (o->inspect)
		return verify_inspect(fd, &own, r, &v->e);
	if (catalog == NULL)
		return verify_file(fd, &own, r, &v->e);
	if (verify_by_catalog(fd, &catalog->report, &catalog->e, base_name(v->file), r,
		&v->e))
		return true;
	if (r->member.ok) { /* what is wrong with the catalog was told with it */
		v->e = (struct kd_err){0};
		return kd_fail(&v->e, catalog->e.code,
		    "listed, but the signature of '%s' does not verify",
		    SHOW(catalog->file));
	}
	if (v->e.code == KD_E_NOT_VERIFIED)
		(void)kd_hint(&v->e, "make the catalog again from the files as they are "
				     "now, then sign it");
	return kd_in(&v->e, "by '%s'", SHOW(catalog->file));
}

static void
judge_path(const struct verify_run_options *o, const struct verified *catalog,
    struct verified *v)
{
	AUTO(close) int fd = -1;

	v->catalog = catalog;
	if (file_open_read(v->file, &fd, NULL, &v->e) && !judge(o, catalog, fd, v))
		(void)kd_in(&v->e, "'%s'", SHOW(v->file));
}

static void
judge_one(void *self, size_t i, void **mine)
{
	const struct run *r = self;
	struct verified *v = &r->slots[i % r->slots_n];

	(void)mine;
	v->file = r->files[i];
	judge_path(r->o, r->catalog, v);
}

/* By the calling thread, in turn. */
static void
tell(void *self, size_t i)
{
	const struct run *r = self;
	struct verified *v = &r->slots[i % r->slots_n];

	r->o->done(r->o->self, v);
	verified_clear(v);
}

static size_t
jobs_for(const struct verify_run_options *o, size_t n)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	size_t jobs = o->jobs != 0 ? o->jobs : cpus > 0 ? (size_t)cpus : 1;

	if (jobs > VERIFY_JOBS_MAX)
		jobs = VERIFY_JOBS_MAX;
	return jobs < n ? jobs : n;
}

static bool
run_all(char *const *files, size_t n, const struct verify_run_options *o,
    const struct verified *catalog, struct kd_err *e)
{
	size_t jobs = jobs_for(o, n), slots_n = AHEAD * jobs;
	AUTO(free) struct verified *slots = kd_alloc_array(slots_n, sizeof(*slots));
	struct run r = {.o = o,
	    .files = files,
	    .catalog = catalog,
	    .slots = slots,
	    .slots_n = slots_n};
	const struct each_options each = {.n = n,
	    .jobs = jobs,
	    .ahead = slots_n,
	    .work = judge_one,
	    .done = tell,
	    .self = &r};

	return slots == NULL ? kd_fail_nomem(e, "files") : each_run(&each, e);
}

/* Its own signature, once for all files. One that has a list but no signature that
 * verifies still says what it lists. */
static bool
open_catalog(
    const struct verify_run_options *o, struct verified *ret, struct kd_err *e)
{
	ret->file = o->catalog;
	judge_path(o, NULL, ret);
	if (ret->report.subject == VERIFY_CATALOG && ret->report.cat.ctl != NULL)
		return true;
	*e = ret->e;
	return e->code != KD_OK
		   ? false
		   : kd_fail(e, KD_E_FORMAT, "'%s': not a catalog", SHOW(o->catalog));
}

bool
verify_run(
    char *const *files, size_t n, const struct verify_run_options *o, struct kd_err *e)
{
	AUTO(verified_clear) struct verified catalog = {0};

	if (n == 0)
		return true;
	if (o->catalog == NULL)
		return run_all(files, n, o, NULL, e);
	if (!open_catalog(o, &catalog, e))
		return false;
	o->done(o->self, &catalog);
	return run_all(files, n, o, &catalog, e);
}
