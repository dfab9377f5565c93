/* SPDX-License-Identifier: Apache-2.0 */
/* driver/cdf_path.c - where a file that a CDF names is. */
#include "driver/cdf_path.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/own.h"
#include "base/text.h"

/* What cannot be looked at may be there: opening it will say why it cannot. */
static bool
exists(struct buf *path)
{
	const char *p = buf_cstr(path);

	return p != NULL &&
	       (access(p, F_OK) == 0 || (errno != ENOENT && errno != ENOTDIR));
}

static void
folder_clear(struct cdf_folder *d)
{
	free(d->path);
	free(d->names);
	buf_clear(&d->text);
	*d = (struct cdf_folder){0};
}
AUTO_DEFINE_CLEAR(struct cdf_folder, folder_clear);

void
cdf_finder_clear(struct cdf_finder *f)
{
	for (size_t i = 0; i < CDF_FOLDERS; i++)
		folder_clear(&f->folders[i]);
}

static int
compare_names(const void *pa, const void *pb)
{
	return strcasecmp(*(const char *const *)pa, *(const char *const *)pb);
}

/* All names in the folder at path; false when it cannot be listed. */
static bool
list(const char *path, struct cdf_folder *ret)
{
	AUTO(folder_clear) struct cdf_folder d = {.path = kd_strdup(path)};
	AUTO(closedir) DIR *dir = opendir(path);
	const struct dirent *entry;

	if (d.path == NULL || dir == NULL)
		return false;
	while ((entry = readdir(dir)) != NULL) {
		buf_add(&d.text, entry->d_name, strlen(entry->d_name) + 1);
		d.n++;
	}
	d.names = kd_alloc_array(d.n, sizeof(*d.names));
	if (d.text.failed || d.names == NULL)
		return false;
	for (size_t i = 0, at = 0; i < d.n; i++) { /* text no longer moves */
		d.names[i] = (const char *)&d.text.p[at];
		at += strlen(d.names[i]) + 1;
	}
	if (d.n > 1)
		qsort(d.names, d.n, sizeof(*d.names), compare_names);
	*ret = d;
	d = (struct cdf_folder){0};
	return true;
}

static const struct cdf_folder *
listed(struct cdf_finder *f, const char *path)
{
	struct cdf_folder *d = &f->folders[f->next];

	for (size_t i = 0; i < CDF_FOLDERS; i++)
		if (f->folders[i].path != NULL && strcmp(f->folders[i].path, path) == 0)
			return &f->folders[i];
	folder_clear(d);
	if (!list(path, d))
		return NULL;
	f->next = (f->next + 1) % CDF_FOLDERS;
	return d;
}

/* The name in folder that is like the n bytes at part; several are none. */
static bool
append_like(struct cdf_finder *f, struct buf *folder, const char *part, size_t n)
{
	const char *path = folder->len == 0 ? "." : buf_cstr(folder);
	const struct cdf_folder *d = path == NULL ? NULL : listed(f, path);
	char name[NAME_MAX + 1], *key = name;
	const char **found, **end;

	if (d == NULL || n > NAME_MAX)
		return false;
	memcpy(name, part, n);
	name[n] = '\0';
	found = bsearch(&key, d->names, d->n, sizeof(*d->names), compare_names);
	end = &d->names[d->n];
	if (found == NULL || (found > d->names && compare_names(&found[-1], &key) == 0) ||
	    (found + 1 < end && compare_names(&found[1], &key) == 0))
		return false;
	buf_str(folder, *found);
	return true;
}

/* path below base, part by part; a part that is there as written is taken as it is. */
static bool
find_like(struct cdf_finder *f, const char *base, size_t base_len, const char *path,
    struct buf *ret)
{
	buf_reset(ret);
	buf_add(ret, base, base_len);
	while (*path != '\0') {
		size_t n = strcspn(path, "/"), at = ret->len;

		if (n == 0) {
			buf_u8(ret, '/');
			path++;
			continue;
		}
		buf_add(ret, path, n);
		if (!exists(ret)) {
			ret->len = at;
			if (!append_like(f, ret, path, n))
				return false;
		}
		path += n;
	}
	return !ret->failed;
}

static bool
find_below(struct cdf_finder *f, const char *base, size_t base_len, const char *path,
    struct buf *ret)
{
	buf_reset(ret);
	buf_add(ret, base, base_len);
	buf_str(ret, path);
	return exists(ret) || find_like(f, base, base_len, path, ret);
}

bool
cdf_find(struct cdf_finder *f, const char *cdf, const char *path, struct buf *ret,
    struct kd_err *e)
{
	const char *slash = strrchr(cdf, '/');
	size_t folder = slash == NULL ? 0 : (size_t)(slash - cdf) + 1;

	if (find_below(f, "", 0, path, ret) ||
	    (path[0] != '/' && folder != 0 && find_below(f, cdf, folder, path, ret)))
		return true;
	if (!buf_ok(ret, "path", e))
		return false;
	(void)kd_fail(e, KD_E_FILE, "'%s': no such file", SHOW(path));
	return kd_hint(e,
	    "it was looked for from the current folder and from the CDF's own, also in "
	    "other cases");
}
