/* SPDX-License-Identifier: Apache-2.0 */
/* client/inf_run.c - a driver package tested and its catalogs made. */
#include "client/inf_run.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "client/catalog_write.h"
#include "client/progress.h"
#include "driver/cdf_path.h"
#include "driver/inf_inside.h"

void
inf_run_clear(struct inf_run *r)
{
	for (size_t i = 0; i < r->made_n; i++) {
		catalog_clear(&r->made[i]);
		free(r->paths[i]);
	}
	free(r->made);
	free(r->paths);
	inf_catalogs_clear(&r->catalogs);
	inf_contents_clear(&r->contents);
	inf_findings_clear(&r->found);
	inf_package_clear(&r->package);
	*r = (struct inf_run){0};
}

bool
inf_run_test(struct inf_run *r, const char *path, bool folder,
    const struct inf_run_options *o, struct kd_err *e)
{
	const struct inf_check_options check = {o->os, inf_date_today(o->local_time)};

	return (folder ? inf_package_open(path, &r->package, e)
		       : inf_package_open_one(path, &r->package, e)) &&
	       inf_check(&r->package, &check, &r->contents, &r->found, e);
}

static bool
first_failure(const struct catalog *c, struct kd_err *e)
{
	for (size_t i = 0; i < c->cdf->members_n; i++) {
		const struct catalog_file *f = &c->files[i];

		if (f->failed == KD_OK)
			continue;
		if (f->err != NULL)
			*e = *f->err;
		else
			(void)kd_fail(e, f->failed, "'%s': cannot be hashed",
			    SHOW(c->cdf->members[i].path));
		return false;
	}
	return true;
}

/* Where the catalog goes: a new file, or the place of the one that Windows would take for
 * it. NULL: no memory. */
static char *
output_path(const struct inf_package *p, const char *name)
{
	AUTO(cdf_finder_clear) struct cdf_finder finder = {0};
	AUTO(buf_clear) struct buf path = {0};
	AUTO(buf_clear) struct buf found = {0};
	struct kd_err none = {0};

	buf_printf(&path, "%s/%s", p->dir, name);
	if (buf_cstr(&path) == NULL)
		return NULL;
	if (cdf_find(&finder, "", buf_cstr(&path), &found, &none))
		return kd_strdup(buf_cstr(&found));
	return none.code == KD_E_NOMEM ? NULL : kd_strdup(buf_cstr(&path));
}

/* Also where an old one is in its place: writing through a link would change another
 * folder. */
static bool
place_catalog(const struct inf_package *p, const struct inf_inside *inside,
    const char *name, char **ret, struct kd_err *e)
{
	AUTO(free) char *where = NULL;

	*ret = output_path(p, name);
	if (*ret == NULL)
		return kd_fail_nomem(e, "path");
	where = inf_inside_where(inside, *ret);
	if (where == NULL)
		return true;
	(void)kd_fail(e, KD_E_FILE, INF_INSIDE_TEXT, SHOW(*ret), SHOW(where));
	return kd_hint(e, "remove the link: the catalog belongs into the package");
}

bool
inf_run_plan(struct inf_run *r, const struct inf_run_options *o, struct kd_err *e)
{
	AUTO(inf_inside_clear) struct inf_inside inside = {0};
	enum cat_version version = o->version != 0 ? o->version : oslist_version(o->os);

	if (!inf_catalogs_plan(
		&r->package, &r->contents, o->os, version, &r->catalogs, e))
		return false;
	r->made = kd_alloc_array(r->catalogs.n, sizeof(*r->made));
	r->paths = kd_alloc_array(r->catalogs.n, sizeof(*r->paths));
	if (r->made == NULL || r->paths == NULL)
		return kd_fail_nomem(e, "catalogs");
	r->made_n = r->catalogs.n;
	if (!inf_inside_open(r->package.dir, &inside, e))
		return false;
	for (size_t i = 0; i < r->made_n; i++) {
		r->catalogs.v[i].cdf.page_hashes = o->page_hashes;
		if (!place_catalog(&r->package, &inside, r->catalogs.v[i].name,
			&r->paths[i], e))
			return false;
	}
	return true;
}

bool
inf_run_hash(struct inf_run *r, size_t i, const struct catalog_options *how,
    struct kd_err *e)
{
	const struct inf_catalog *c = &r->catalogs.v[i];

	return catalog_hash(c->inf->path, &c->cdf, how, &r->made[i], e) &&
	       first_failure(&r->made[i], e);
}

/* Catalog i: its files hashed, and built into ret. */
static bool
make_one(struct inf_run *r, size_t i, bool quiet, struct buf *ret, struct kd_err *e)
{
	const struct catalog_options options = {
	    .jobs = catalog_jobs(), .tick = progress_show};
	bool hashed;

	progress_start("hashing", r->catalogs.v[i].cdf.members_n, !quiet);
	hashed = inf_run_hash(r, i, &options, e);
	progress_end();
	return hashed && catalog_build(&r->made[i], ret, e);
}

static void
free_bufs(struct buf *v, size_t n)
{
	for (size_t i = 0; v != NULL && i < n; i++)
		buf_clear(&v[i]);
	free(v);
}

static bool
make_all(struct inf_run *r, bool quiet, struct buf *built, struct kd_err *e)
{
	for (size_t i = 0; i < r->catalogs.n; i++)
		if (!make_one(r, i, quiet, &built[i], e))
			return false;
	for (size_t i = 0; i < r->catalogs.n; i++)
		if (!catalog_write(r->paths[i], false, &built[i], e))
			return false;
	return true;
}

bool
inf_run_make(
    struct inf_run *r, const struct inf_run_options *o, bool quiet, struct kd_err *e)
{
	struct buf *built;
	bool ok;

	if (!inf_run_plan(r, o, e))
		return false;
	built = kd_alloc_array(r->catalogs.n, sizeof(*built));
	ok = built != NULL ? make_all(r, quiet, built, e)
			   : kd_fail_nomem(e, "catalogs");
	free_bufs(built, r->catalogs.n);
	return ok;
}

/* InfVerif's numbers have no dot. */
static const char *
origin(const struct inf_finding *f)
{
	return f->number[0] == '\0' || strchr(f->number, '.') != NULL ? "" : "InfVerif ";
}

void
inf_run_error(const struct inf_finding *f, struct kd_err *ret)
{
	(void)kd_fail(ret, KD_E_FORMAT, "%s%s%s%s", origin(f), f->number,
	    f->number[0] == '\0' ? "" : ": ", f->text);
	if (f->line != 0)
		(void)kd_in(ret, "'%s' line %u", SHOW(f->path), f->line);
	else
		(void)kd_in(ret, "'%s'", SHOW(f->path));
	if (f->hint != NULL)
		(void)kd_hint(ret, "%s", f->hint);
}
