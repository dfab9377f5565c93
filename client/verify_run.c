/* SPDX-License-Identifier: Apache-2.0 */
/* client/verify_run.c - many files verified at once, each told of in its turn. */
#include "client/verify_run.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "client/msi.h"

/* How far each thread may be ahead of what is told: a report takes 100 KiB. */
#define AHEAD 4

struct slot {
	struct verified v;
	bool done; /* lock: mu */
};

struct pool {
	const struct verify_run_options *o; /* read-only, like the next three */
	char *const *files;
	size_t n;
	const struct verified *catalog;
	pthread_mutex_t mu;
	pthread_cond_t moved;
	struct slot *slots; /* file i's is the one at i % slots_n: free once i is told */
	size_t slots_n;
	size_t next; /* lock: mu; first file that nobody has begun */
	size_t told; /* lock: mu */
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

/* One file; false when there is none left to begin. */
static bool
judge_next(struct pool *p)
{
	struct slot *slot;
	size_t i;
	bool left;

	(void)pthread_mutex_lock(&p->mu);
	while (p->next < p->n && p->next >= p->told + p->slots_n)
		(void)pthread_cond_wait(&p->moved, &p->mu);
	i = p->next;
	left = i < p->n;
	p->next += left;
	(void)pthread_mutex_unlock(&p->mu);
	if (!left)
		return false;
	slot = &p->slots[i % p->slots_n];
	slot->v.file = p->files[i];
	judge_path(p->o, p->catalog, &slot->v);
	(void)pthread_mutex_lock(&p->mu);
	slot->done = true;
	(void)pthread_cond_broadcast(&p->moved);
	(void)pthread_mutex_unlock(&p->mu);
	return true;
}

static void *
judge_files(void *arg)
{
	while (judge_next(arg))
		;
	return NULL;
}

/* By the calling thread: each in its turn. */
static void
tell_all(struct pool *p)
{
	for (size_t i = 0; i < p->n; i++) {
		struct slot *slot = &p->slots[i % p->slots_n];

		(void)pthread_mutex_lock(&p->mu);
		while (!slot->done)
			(void)pthread_cond_wait(&p->moved, &p->mu);
		(void)pthread_mutex_unlock(&p->mu);
		p->o->done(p->o->self, &slot->v);
		verified_clear(&slot->v);
		(void)pthread_mutex_lock(&p->mu);
		slot->done = false;
		p->told++;
		(void)pthread_cond_broadcast(&p->moved);
		(void)pthread_mutex_unlock(&p->mu);
	}
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

/* One thread that cannot be made is one less; none at all is an error. */
static bool
run_threads(struct pool *p, size_t jobs, struct kd_err *e)
{
	pthread_t threads[VERIFY_JOBS_MAX];
	size_t started = 0;

	while (started < jobs &&
	       pthread_create(&threads[started], NULL, judge_files, p) == 0)
		started++;
	if (started == 0)
		return kd_fail(e, KD_E_BUG, "no thread can be started");
	tell_all(p);
	for (size_t i = 0; i < started; i++)
		(void)pthread_join(threads[i], NULL);
	return true;
}

static bool
run_pool(char *const *files, size_t n, const struct verify_run_options *o,
    const struct verified *catalog, struct kd_err *e)
{
	size_t jobs = jobs_for(o, n), slots_n = AHEAD * jobs;
	AUTO(free) struct slot *slots = kd_alloc_array(slots_n, sizeof(*slots));
	struct pool p = {.o = o,
	    .files = files,
	    .n = n,
	    .catalog = catalog,
	    .mu = PTHREAD_MUTEX_INITIALIZER,
	    .moved = PTHREAD_COND_INITIALIZER,
	    .slots = slots,
	    .slots_n = slots_n};

	if (slots == NULL)
		return kd_fail_nomem(e, "files");
	return run_threads(&p, jobs, e);
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
		return run_pool(files, n, o, NULL, e);
	if (!open_catalog(o, &catalog, e))
		return false;
	o->done(o->self, &catalog);
	return run_pool(files, n, o, &catalog, e);
}
