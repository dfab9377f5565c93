/* SPDX-License-Identifier: Apache-2.0 */
/* client/catalog_make.c - the files of a CDF hashed, and put into a catalog. */
#include "client/catalog_make.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "client/each.h"
#include "driver/cdf_path.h"

struct hashing {
	struct catalog *c; /* each file touched by the thread that took its index */
	const struct catalog_options *o; /* read-only */
	pthread_mutex_t mu;
	size_t failed; /* lock: mu */
	bool stopped;  /* lock: mu */
};

void
catalog_clear(struct catalog *c)
{
	for (size_t i = 0; c->files != NULL && i < c->cdf->members_n; i++) {
		cat_hash_clear(&c->files[i].hash);
		free(c->files[i].path);
		free(c->files[i].err);
	}
	free(c->files);
	*c = (struct catalog){0};
}

static bool
hash_file(const struct catalog *c, const struct cdf_member *m, struct cdf_finder *finder,
    struct catalog_file *f, struct kd_err *e)
{
	const struct cat_hash_options o = {.version = c->cdf->version,
	    .page_hashes = c->cdf->page_hashes && m->by_hash,
	    .as_is = m->as_is,
	    .subject = m->subject};
	AUTO(buf_clear) struct buf path = {0};
	AUTO(close) int fd = -1;

	if (!cdf_find(finder, c->cdf_path, m->path, &path, e))
		return false;
	f->path = buf_cstr(&path) == NULL ? NULL : kd_strdup(buf_cstr(&path));
	if (f->path == NULL)
		return kd_fail_nomem(e, "path");
	if (!file_open_read(f->path, &fd, NULL, e))
		return false;
	return cat_hash(fd, &o, &f->hash, e) || kd_in(e, "'%s'", SHOW(f->path));
}

/* What went wrong with a file is kept with it, unless much else did before. */
static void
keep_error(struct hashing *h, size_t i, const struct kd_err *e)
{
	struct catalog_file *f = &h->c->files[i];

	(void)pthread_mutex_lock(&h->mu);
	f->failed = e->code;
	if (h->failed++ < CATALOG_ERRORS_MAX)
		f->err = kd_memdup(e, sizeof(*e));
	h->stopped = h->stopped || h->o->stop_at_first;
	(void)pthread_mutex_unlock(&h->mu);
}

static bool
is_stopped(struct hashing *h)
{
	bool stopped;

	(void)pthread_mutex_lock(&h->mu);
	stopped = h->stopped;
	(void)pthread_mutex_unlock(&h->mu);
	return stopped;
}

/* One file. mine: the thread's own finder. */
static void
hash_one(void *self, size_t i, void **mine)
{
	struct hashing *h = self;
	const struct cdf_member *m = &h->c->cdf->members[i];
	struct catalog_file *f = &h->c->files[i];
	struct kd_err e = {0};

	if (is_stopped(h))
		return;
	if (*mine == NULL)
		*mine = kd_alloc(sizeof(struct cdf_finder));
	f->done = *mine != NULL ? hash_file(h->c, m, *mine, f, &e)
				: kd_fail_nomem(&e, "folders");
	if (f->done)
		return;
	(void)kd_in(&e, "'%s' line %u", SHOW(h->c->cdf_path), m->line);
	keep_error(h, i, &e);
}

static void
end_thread(void *mine)
{
	cdf_finder_clear(mine);
	free(mine);
}

static void
tick(void *self, size_t finished_n)
{
	const struct hashing *h = self;

	h->o->tick(finished_n);
}

bool
catalog_hash(const char *path, const struct cdf *cdf, const struct catalog_options *o,
    struct catalog *ret, struct kd_err *e)
{
	struct hashing h = {.c = ret, .o = o};
	const struct each_options each = {.n = cdf->members_n,
	    .jobs = o->jobs,
	    .work = hash_one,
	    .end = end_thread,
	    .tick = tick,
	    .self = &h};
	bool ran;

	ret->cdf = cdf;
	ret->cdf_path = path;
	ret->files = kd_alloc_array(cdf->members_n, sizeof(*ret->files));
	if (ret->files == NULL)
		return kd_fail_nomem(e, "list of files");
	if (pthread_mutex_init(&h.mu, NULL) != 0)
		return kd_fail(e, KD_E_BUG, "mutex cannot be made");
	ran = each_run(&each, e);
	(void)pthread_mutex_destroy(&h.mu);
	return ran;
}

static struct cat_file
file_of(const struct catalog *c, size_t i)
{
	const struct cdf_member *m = &c->cdf->members[i];

	return (struct cat_file){.tag = m->by_hash ? NULL : m->tag,
	    .hash = &c->files[i].hash,
	    .values = m->values,
	    .values_n = m->values_n};
}

static bool
add_all(const struct catalog *c, struct cat_builder *b, struct kd_err *e)
{
	for (size_t i = 0; i < c->cdf->values_n; i++)
		if (!cat_add_header(b, &c->cdf->values[i], e))
			return kd_in(e, "'%s'", SHOW(c->cdf_path));
	for (size_t i = 0; i < c->cdf->members_n; i++) {
		struct cat_file f = file_of(c, i);

		if (!cat_add_file(b, c->cdf->version, &f, e))
			return kd_in(e, "'%s' line %u", SHOW(c->cdf_path),
			    c->cdf->members[i].line);
	}
	return true;
}

static bool
check(const struct catalog *c, const struct buf *made, struct kd_err *e)
{
	AUTO(cat_clear) struct cat cat = {0};
	AUTO(buf_clear) struct buf id = {0};

	if (!cat_parse(made->p, made->len, &cat, e))
		return kd_in(e, "catalog just made");
	for (size_t i = 0; i < c->cdf->members_n; i++) {
		struct cat_file f = file_of(c, i);

		buf_reset(&id);
		if (!cat_file_id(c->cdf->version, &f, &id, e))
			return false;
		if (cat_find(&cat, id.p, id.len) == NULL)
			return kd_fail(e, KD_E_BUG, "'%s': not in the catalog just made",
			    SHOW(c->files[i].path));
	}
	return true;
}

static bool
build(const struct catalog *c, const uint8_t *id, size_t id_len, int64_t time,
    struct buf *ret, struct kd_err *e)
{
	AUTO(cat_builder_free) struct cat_builder *b = NULL;
	AUTO(buf_clear) struct buf ctl = {0};

	return cat_builder_new(c->cdf->version, &b, e) && add_all(c, b, e) &&
	       cat_builder_finish(b, id, id_len, time, &ctl, e) &&
	       cat_wrap(ctl.p, ctl.len, ret, e) && check(c, ret, e);
}

bool
catalog_build(const struct catalog *c, struct buf *ret, struct kd_err *e)
{
	uint8_t id[CAT_IDENTIFIER_LEN];

	if (getrandom(id, sizeof(id), 0) != (ssize_t)sizeof(id))
		return kd_fail_errno(e, KD_E_CRYPTO, errno, "no random bytes");
	return build(c, id, sizeof(id), clock_unix_ms() / 1000, ret, e);
}

bool
catalog_build_like(
    const struct catalog *c, const struct cat *other, struct buf *ret, struct kd_err *e)
{
	return build(
	    c, other->identifier, other->identifier_len, other->time, ret, e);
}
