/* SPDX-License-Identifier: Apache-2.0 */
/* client/cab_read.c - cabinets made elsewhere. */
#include "config.h" /* _GNU_SOURCE: O_TMPFILE */

#include "client/cab_read.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "client/temp_dir.h"
#include "driver/cab_data.h"
#include "driver/cab_pack.h"
#include "driver/submission.h"

void
cab_read_clear(struct cab_read *r)
{
	if (r->cab.size != 0)
		(void)close(r->fd);
	cab_clear(&r->cab);
	cab_dir_clear(&r->dir);
	*r = (struct cab_read){0};
}

bool
cab_read_open(const char *path, struct cab_read *ret, struct kd_err *e)
{
	AUTO(close) int fd = -1;
	AUTO(cab_clear) struct cab cab = {0};
	AUTO(cab_dir_clear) struct cab_dir dir = {0};

	if (!file_open_read(path, &fd, NULL, e))
		return false;
	if (!cab_open(fd, &cab, e) || !cab_dir_read(fd, &cab, &dir, e))
		return kd_in(e, "'%s'", SHOW(path));
	*ret = (struct cab_read){STEAL_FD(fd), cab, dir};
	cab = (struct cab){0}; /* moved out, both */
	dir = (struct cab_dir){0};
	return true;
}

#define FIND(found, severity, where, hint, e, ...)                                       \
	inf_find(found, severity, "", &(const struct inf){.path = (char *)(where)}, 0,    \
	    hint, e, __VA_ARGS__)

/* What the names say of themselves, and how files are packed. */
static bool
check_tables(const struct cab_read *r, const char *path, struct inf_findings *found,
    struct kd_err *e)
{
	for (size_t i = 0; i < r->dir.folders_n; i++)
		if ((r->dir.folders[i].compression & CAB_COMPRESS_MASK) !=
			CAB_COMPRESS_MSZIP &&
		    r->dir.folders[i].blocks != 0 &&
		    !FIND(found, INF_WARNING, path, "MakeCab: CompressionType=MSZIP", e,
			"data folder %zu is not compressed by MSZIP", i + 1))
			return false;
	for (size_t i = 0; i < r->dir.files_n; i++) {
		const struct cab_file *f = &r->dir.files[i];
		bool ascii = true;

		for (const char *c = f->name; *c != '\0'; c++)
			ascii &= (unsigned char)*c < 0x80;
		if (!ascii && (f->attribs & CAB_ATTR_UTF8) == 0 &&
		    !FIND(found, INF_ERROR, path, NULL, e,
			"'%s' is in some code page's characters, expected UTF-8 with the "
			"attribute that says so",
			SHOW(f->name)))
			return false;
	}
	if (r->cab.trailing == 0)
		return true;
	return FIND(found, INF_ERROR, path, NULL, e,
	    "%llu bytes follow the cabinet, expected none but a signature",
	    (unsigned long long)r->cab.trailing);
}

static bool
check_layout(const struct cab_read *r, const char *path, struct inf_findings *found,
    struct kd_err *e)
{
	AUTO(free) const char **names = kd_alloc_array(r->dir.files_n, sizeof(*names));

	if (names == NULL)
		return kd_fail_nomem(e, "names");
	for (size_t i = 0; i < r->dir.files_n; i++)
		names[i] = r->dir.files[i].name;
	return submission_check_names(path, names, r->dir.files_n, found, e);
}

/* ---- packages ---- */

struct packages {
	struct submission_folder *v; /* owned, with their paths */
	size_t n;
};

static void
packages_clear(struct packages *p)
{
	for (size_t i = 0; i < p->n; i++)
		free((char *)p->v[i].path);
	free(p->v);
}
AUTO_DEFINE_CLEAR(struct packages, packages_clear);

static int
by_path(const void *a, const void *b)
{
	return strcmp(((const struct submission_folder *)a)->path,
	    ((const struct submission_folder *)b)->path);
}

/* The folders at the top, each once; the layout was found right. */
static bool
list_packages(const struct cab_dir *d, struct packages *p, struct kd_err *e)
{
	size_t to = 0;

	p->v = kd_alloc_array(d->files_n, sizeof(*p->v));
	if (p->v == NULL)
		return kd_fail_nomem(e, "folders");
	for (; p->n < d->files_n; p->n++) {
		char *name = kd_strdup(d->files[p->n].name);

		if (name == NULL)
			return kd_fail_nomem(e, "folders");
		name[strcspn(name, "\\")] = '\0';
		p->v[p->n].path = name;
	}
	qsort(p->v, p->n, sizeof(*p->v), by_path);
	for (size_t i = 0; i < p->n; i++) {
		if (to > 0 && strcmp(p->v[to - 1].path, p->v[i].path) == 0)
			free((char *)p->v[i].path);
		else
			p->v[to++] = p->v[i];
	}
	p->n = to;
	return true;
}

static bool
check_package(struct submission_folder *f, const struct inf_run_options *o,
    struct inf_findings *found, struct kd_err *e)
{
	AUTO(inf_run_clear) struct inf_run run = {0};

	if (temp_dir_interrupted())
		return kd_fail(e, KD_E_IO, "interrupted");
	return inf_run_test(&run, f->path, true, o, e) &&
	       inf_findings_add(found, &run.found, e) &&
	       submission_archs(&run.package, &f->archs, e);
}

/* Into the current folder, which is a temporary one. */
static bool
unpack(const struct cab_read *r, bool sums, struct kd_err *e)
{
	AUTO(close) int fd = -1;

	if (sums)
		return cab_unpack(r->fd, &r->dir, ".", temp_dir_interrupted, e);
	fd = open(".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0)
		return kd_fail_errno(e, KD_E_FILE, errno, "temporary file");
	return cab_data_add_sums(r->fd, &r->cab, &r->dir, fd, e) &&
	       cab_unpack(fd, &r->dir, ".", temp_dir_interrupted, e);
}

static bool
check_packages(const struct cab_read *r, bool sums, const struct inf_run_options *o,
    struct inf_findings *found, size_t *ret_n, struct kd_err *e)
{
	AUTO(packages_clear) struct packages p = {0};
	AUTO(temp_dir_clear) struct temp_dir dir = {0};

	if (!list_packages(&r->dir, &p, e) || !temp_dir_enter(&dir, e) ||
	    !unpack(r, sums, e))
		return false;
	for (size_t i = 0; i < p.n; i++)
		if (!check_package(&p.v[i], o, found, e))
			return false;
	*ret_n = p.n;
	return submission_check_archs(p.v, p.n, found, e);
}

bool
cab_read_check(const struct cab_read *r, const char *path,
    const struct inf_run_options *o, struct inf_findings *found, size_t *ret_packages,
    struct kd_err *e)
{
	bool sums;

	*ret_packages = 0;
	if (r->dir.files_n > CAB_UNPACK_FILES_MAX)
		return kd_fail(e, KD_E_LIMIT,
		    "'%s': %zu files, at most %zu are unpacked", SHOW(path),
		    r->dir.files_n, CAB_UNPACK_FILES_MAX);
	if (!cab_data_check(r->fd, &r->cab, &r->dir, &sums, e))
		return kd_in(e, "'%s'", SHOW(path));
	if (!check_tables(r, path, found, e) || !check_layout(r, path, found, e))
		return false;
	if (found->errors != 0)
		return true; /* names are not fit to be unpacked */
	return check_packages(r, sums, o, found, ret_packages, e) ||
	       kd_in(e, "'%s'", SHOW(path));
}
