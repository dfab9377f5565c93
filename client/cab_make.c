/* SPDX-License-Identifier: Apache-2.0 */
/* client/cab_make.c - driver packages into the cabinet of a submission. */
#include "client/cab_make.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "driver/cdf_path.h"
#include "driver/inf_inside.h"
#include "driver/submission.h"

#define FIRST_ROOM 32
#define LEFT_OUT_DEPTH 8 /* of folders that are looked into */

void
cab_plan_clear(struct cab_plan *p)
{
	for (size_t i = 0; i < p->n; i++) {
		free((char *)p->v[i].name);
		free((char *)p->v[i].path);
	}
	for (size_t i = 0; i < p->packages; i++)
		free(p->folders[i]);
	free(p->folders);
	free(p->v);
	*p = (struct cab_plan){0};
}

/* One package on its way into the plan. */
struct adding {
	struct cab_plan *plan;
	const struct inf_run *r;
	struct cdf_finder finder;
	struct inf_inside inside;
	struct inf_findings *found;
	const char *folder; /* in the cabinet */
	size_t first;       /* of its files in the plan */
};

static int
by_path(const void *a, const void *b)
{
	return strcmp(
	    ((const struct cab_item *)a)->path, ((const struct cab_item *)b)->path);
}

/* The package's files in the order of their paths, each once. */
static void
settle(struct adding *a)
{
	struct cab_plan *p = a->plan;
	size_t to = a->first;

	if (p->n - a->first > 1)
		qsort(&p->v[a->first], p->n - a->first, sizeof(*p->v), by_path);
	for (size_t i = a->first; i < p->n; i++) {
		if (to > a->first && by_path(&p->v[to - 1], &p->v[i]) == 0) {
			free((char *)p->v[i].name);
			free((char *)p->v[i].path);
		} else {
			p->v[to++] = p->v[i];
		}
	}
	p->n = to;
}

/* Once settled: is this file of the package there? */
static bool
has(const struct adding *a, const char *path)
{
	const struct cab_item key = {.path = path};
	size_t n = a->plan->n - a->first;

	return n > 0 && bsearch(&key, &a->plan->v[a->first], n, sizeof(key), by_path) !=
			    NULL;
}

/* "DIR/sub/x.sys" → "Folder\sub\x.sys" */
static char *
cab_name(const struct adding *a, const char *path)
{
	AUTO(buf_clear) struct buf b = {0};
	size_t skip = strlen(a->r->package.dir) + 1;

	buf_printf(&b, "%s\\%s", a->folder, strlen(path) > skip ? &path[skip] : path);
	for (size_t i = 0; i < b.len; i++)
		if (b.p[i] == '/')
			b.p[i] = '\\';
	return buf_cstr(&b) == NULL ? NULL : kd_strdup(buf_cstr(&b));
}

static bool
add_item(struct adding *a, const char *path, struct kd_err *e)
{
	struct cab_plan *p = a->plan;
	AUTO(free) char *name = NULL, *own_path = NULL;

	if (p->n == p->room) {
		size_t room = p->room == 0 ? FIRST_ROOM : 2 * p->room;
		struct cab_item *v = kd_realloc_array(p->v, room, sizeof(*v));

		if (v == NULL)
			return kd_fail_nomem(e, "cabinet's files");
		p->v = v;
		p->room = room;
	}
	name = cab_name(a, path);
	own_path = kd_strdup(path);
	if (name == NULL || own_path == NULL)
		return kd_fail_nomem(e, "cabinet's files");
	p->v[p->n++] = (struct cab_item){STEAL(name), STEAL(own_path)};
	return true;
}

/* The file that Windows would take for this one, if any. */
static bool
add_if_there(struct adding *a, const char *path, bool *ret_there, struct kd_err *e)
{
	AUTO(buf_clear) struct buf found = {0};
	AUTO(free) char *where = NULL;
	struct kd_err none = {0};

	*ret_there = cdf_find(&a->finder, "", path, &found, &none);
	if (!*ret_there)
		return none.code == KD_E_NOMEM ? kd_fail_nomem(e, "path") : true;
	where = inf_inside_where(&a->inside, buf_cstr(&found));
	if (where != NULL)
		return inf_find(a->found, INF_ERROR, "",
		    &(const struct inf){.path = a->r->package.dir}, 0, INF_INSIDE_HINT, e,
		    INF_INSIDE_TEXT, SHOW(buf_cstr(&found)), SHOW(where));
	return add_item(a, buf_cstr(&found), e);
}

/* x.pdb of x.sys: beside it, or at the top of the package. */
static bool
add_symbols(struct adding *a, const char *path, struct kd_err *e)
{
	const char *dot = strrchr(path, '.'), *name = inf_base_name(path);
	AUTO(buf_clear) struct buf beside = {0}, top = {0};
	bool there = false;

	if (dot == NULL || dot < name ||
	    (strcasecmp(dot, ".sys") != 0 && strcasecmp(dot, ".dll") != 0 &&
		strcasecmp(dot, ".exe") != 0))
		return true;
	buf_printf(&beside, "%.*s.pdb", (int)(dot - path), path);
	buf_printf(&top, "%s/%.*s.pdb", a->r->package.dir, (int)(dot - name), name);
	if (buf_cstr(&beside) == NULL || buf_cstr(&top) == NULL)
		return kd_fail_nomem(e, "path");
	return add_if_there(a, buf_cstr(&beside), &there, e) &&
	       (there || add_if_there(a, buf_cstr(&top), &there, e));
}

/* The catalogs that an INF names; Microsoft makes others in their place. */
static bool
add_catalogs(struct adding *a, const struct inf *f, struct kd_err *e)
{
	AUTO(buf_clear) struct buf name = {0}, path = {0};
	unsigned line;
	bool there;

	for (int arch = 0; arch < INF_ARCHS; arch++) {
		if (!inf_catalog_name(f, (enum inf_arch)arch, &name, &line, e))
			return false;
		if (name.len == 0)
			continue;
		buf_reset(&path);
		buf_printf(&path, "%s/%s", a->r->package.dir, buf_cstr(&name));
		if (buf_cstr(&path) == NULL)
			return kd_fail_nomem(e, "path");
		if (!add_if_there(a, buf_cstr(&path), &there, e))
			return false;
	}
	return true;
}

static bool
add_unit(struct adding *a, size_t unit, struct kd_err *e)
{
	const struct inf *f = &a->r->package.v[unit].inf;
	const struct inf_files *files = &a->r->contents.files[unit];
	bool there;

	if (!add_if_there(a, f->path, &there, e) || !add_catalogs(a, f, e))
		return false;
	for (size_t i = 0; i < files->n; i++)
		if (!add_if_there(a, files->v[i].path, &there, e) ||
		    !add_symbols(a, files->v[i].path, e))
			return false;
	return true;
}

/* Regular files of the package that nothing names. */
static void
count_left_out(struct adding *a, const char *dir, unsigned depth)
{
	AUTO(closedir) DIR *d = opendir(dir);
	AUTO(buf_clear) struct buf path = {0};
	const struct dirent *entry;
	struct stat st;

	while (d != NULL && (entry = readdir(d)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		buf_reset(&path);
		buf_printf(&path, "%s/%s", dir, entry->d_name);
		if (buf_cstr(&path) == NULL || stat(buf_cstr(&path), &st) != 0)
			continue;
		if (S_ISDIR(st.st_mode) && depth > 0)
			count_left_out(a, buf_cstr(&path), depth - 1);
		else if (S_ISREG(st.st_mode) && !has(a, buf_cstr(&path)))
			a->plan->left_out++;
	}
}

/* The folder is called in the cabinet as it was named, and where that is no name, as on
 * disk. */
static bool
folder_name(const char *dir, char **ret, struct kd_err *e)
{
	AUTO(free) char *real = NULL;
	const char *name = inf_base_name(dir);

	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
		real = realpath(dir, NULL);
		if (real == NULL)
			return kd_fail_errno(e, KD_E_FILE, errno, "'%s'", SHOW(dir));
		name = inf_base_name(real);
	}
	*ret = kd_strdup(name);
	return *ret != NULL || kd_fail_nomem(e, "path");
}

/* Its name is fit for a folder of its own. */
static bool
add_folder(struct cab_plan *p, const char *dir, const char *folder,
    struct inf_findings *found, struct kd_err *e)
{
	char **v = kd_realloc_array(p->folders, p->packages + 1, sizeof(*v));

	if (v == NULL)
		return kd_fail_nomem(e, "folders");
	p->folders = v;
	for (size_t i = 0; i < p->packages; i++)
		if (strcasecmp(v[i], folder) == 0)
			return inf_find(found, INF_ERROR, "",
			    &(const struct inf){.path = (char *)dir}, 0, "rename it", e,
			    "would be folder '%s' in the cabinet, as another package is",
			    SHOW(folder));
	v[p->packages] = kd_strdup(folder);
	if (v[p->packages] == NULL)
		return kd_fail_nomem(e, "folders");
	p->packages++;
	return submission_check_folder(dir, folder, found, e);
}

static void
adding_clear(struct adding *a)
{
	cdf_finder_clear(&a->finder);
	inf_inside_clear(&a->inside);
}
AUTO_DEFINE_CLEAR(struct adding, adding_clear);

bool
cab_plan_add(struct cab_plan *p, const struct inf_run *r, struct inf_findings *found,
    struct kd_err *e)
{
	AUTO(free) char *folder = NULL;
	AUTO(adding_clear) struct adding a = {
	    .plan = p, .r = r, .found = found, .first = p->n};

	if (!folder_name(r->package.dir, &folder, e) ||
	    !inf_inside_open(r->package.dir, &a.inside, e))
		return false;
	a.folder = folder;
	for (size_t i = 0; i < r->package.n; i++)
		if (!add_unit(&a, i, e))
			return false;
	settle(&a);
	count_left_out(&a, r->package.dir, LEFT_OUT_DEPTH);
	return add_folder(p, r->package.dir, folder, found, e);
}

bool
cab_plan_check(const struct cab_plan *p, const char *output, struct inf_findings *found,
    struct kd_err *e)
{
	AUTO(free) const char **names = kd_alloc_array(p->n, sizeof(*names));

	if (names == NULL)
		return kd_fail_nomem(e, "cabinet's files");
	for (size_t i = 0; i < p->n; i++)
		names[i] = p->v[i].name;
	return submission_check_names(output, names, p->n, found, e);
}

/* The new file beside its place, empty. */
static bool
begin(const struct cab_plan *p, const char *output, struct file_replace *ret,
    struct kd_err *e)
{
	for (size_t i = 0; i < p->n; i++)
		if (file_is_same(output, p->v[i].path))
			return kd_fail(e, KD_E_FILE,
			    "'%s' goes into the cabinet, which would replace it",
			    SHOW(p->v[i].path));
	return file_replace_begin(output, NULL, ret, e);
}

bool
cab_plan_probe(const struct cab_plan *p, const char *output, struct kd_err *e)
{
	AUTO(file_replace_clear) struct file_replace out = {.fd = -1};

	return begin(p, output, &out, e);
}

bool
cab_plan_write(const struct cab_plan *p, const char *output, uint64_t *ret_size,
    struct kd_err *e)
{
	AUTO(file_replace_clear) struct file_replace out = {.fd = -1};
	struct stat st;

	if (!begin(p, output, &out, e))
		return false;
	if (!cab_pack(p->v, p->n, out.fd, e))
		return kd_in(e, "'%s'", SHOW(output));
	if (fstat(out.fd, &st) != 0)
		return kd_fail_errno(e, KD_E_IO, errno, "'%s'", SHOW(output));
	*ret_size = (uint64_t)st.st_size;
	return file_replace_commit(&out, true, e);
}
