/* SPDX-License-Identifier: Apache-2.0 */
/* client/ms_files.c - paths as scripts for Windows write them → files of this machine.
 */
#include "client/ms_files.h"

#include <ctype.h>
#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

#include "base/builder.h"
#include "base/mem.h"
#include "base/text.h"
#include "driver/cdf_path.h"

#define FIRST_FILES 16

void
ms_files_clear(struct ms_files *f)
{
	for (size_t i = 0; i < f->n; i++) {
		free(f->v[i].shown);
		free(f->v[i].path);
	}
	free(f->v);
	*f = (struct ms_files){0};
}

static bool
add(struct ms_files *f, const char *shown, const char *path, bool found, struct kd_err *e)
{
	struct ms_file one = {kd_strdup(shown), kd_strdup(path), found};

	if (f->n == MS_FILES_MAX) {
		(void)kd_fail(e, KD_E_LIMIT, "more than %zu files", MS_FILES_MAX);
	} else if (one.shown == NULL || one.path == NULL) {
		(void)kd_fail_nomem(e, "list of files");
	} else {
		if (f->n == f->cap) {
			size_t cap = f->cap == 0 ? FIRST_FILES : 2 * f->cap;
			struct ms_file *v = kd_realloc_array(f->v, cap, sizeof(*v));

			if (v != NULL) {
				f->v = v;
				f->cap = cap;
			}
		}
		if (f->n < f->cap) {
			f->v[f->n++] = one;
			return true;
		}
		(void)kd_fail_nomem(e, "list of files");
	}
	free(one.shown);
	free(one.path);
	return false;
}

/* A file's path with '/' for '\', or as it is when that exists; NULL: no memory. */
static char *
local_path(const char *word)
{
	char *path = kd_strdup(word);
	struct stat st;

	if (path == NULL || lstat(path, &st) == 0)
		return path;
	for (char *p = path; *p != '\0'; p++)
		if (*p == '\\')
			*p = '/';
	return path;
}

/* *path becomes what there is of that name, perhaps in other case. */
static bool
find(struct cdf_finder *finder, char **path, bool *ret_found, struct kd_err *e)
{
	AUTO(buf_clear) struct buf b = {0};
	struct kd_err none = {0};
	char *found;

	*ret_found = cdf_find(finder, "", *path, &b, &none);
	if (!*ret_found)
		return none.code != KD_E_NOMEM || kd_fail_nomem(e, "path");
	found = buf_cstr(&b) == NULL ? NULL : kd_strdup(buf_cstr(&b));
	if (found == NULL)
		return kd_fail_nomem(e, "path");
	free(*path);
	*path = found;
	return true;
}

static bool
same_letter(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* The last '*' is tried at each place; those before it need no second try. */
static bool
matches(const char *pattern, const char *name)
{
	const char *star = NULL, *retry = NULL;

	while (*name != '\0') {
		if (*pattern == '*') {
			star = ++pattern;
			retry = name;
		} else if (*pattern == '?' || same_letter(*pattern, *name)) {
			pattern++;
			name++;
		} else if (star != NULL) {
			pattern = star;
			name = ++retry;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}

static int
compare_files(const void *pa, const void *pb)
{
	const struct ms_file *a = pa, *b = pb;

	return strcmp(a->path, b->path);
}

static bool
add_match(struct ms_files *f, const char *word, const char *path, size_t folder,
    const char *name, struct kd_err *e)
{
	AUTO(buf_clear) struct buf shown = {0};
	AUTO(buf_clear) struct buf whole = {0};
	struct stat st;

	buf_add(&shown, word, folder); /* '\' and '/' are one byte each */
	buf_str(&shown, name);
	buf_add(&whole, path, folder);
	buf_str(&whole, name);
	if (buf_cstr(&shown) == NULL || buf_cstr(&whole) == NULL)
		return kd_fail_nomem(e, "path");
	if (stat(buf_cstr(&whole), &st) == 0 && S_ISDIR(st.st_mode))
		return true;
	return add(f, buf_cstr(&shown), buf_cstr(&whole), true, e);
}

struct wild { /* word and path: the same length, the latter with '/' */
	const char *word, *path, *pattern;
	size_t folder; /* bytes before the last part */
};

static bool
add_matches(struct ms_files *f, const struct wild *w, DIR *dir, struct kd_err *e)
{
	const struct dirent *entry;

	while ((entry = readdir(dir)) != NULL)
		if ((entry->d_name[0] != '.' || w->pattern[0] == '.') &&
		    matches(w->pattern, entry->d_name) &&
		    !add_match(f, w->word, w->path, w->folder, entry->d_name, e))
			return false;
	return true;
}

static bool
expand(struct ms_files *f, const char *word, const char *path, struct kd_err *e)
{
	const char *slash = strrchr(path, '/');
	size_t before = f->n;
	struct wild w = {.word = word, .path = path, .pattern = path};
	AUTO(buf_clear) struct buf at = {0};
	bool ok = true;
	DIR *dir;

	if (slash != NULL) {
		w.folder = (size_t)(slash - path) + 1;
		w.pattern = slash + 1;
	}
	if (strcmp(w.pattern, "*.*") == 0)
		w.pattern = "*";
	buf_add(&at, w.folder == 0 ? "./" : path, w.folder == 0 ? 2 : w.folder);
	if (buf_cstr(&at) == NULL)
		return kd_fail_nomem(e, "path");
	dir = opendir(buf_cstr(&at));
	if (dir != NULL) {
		ok = add_matches(f, &w, dir, e);
		(void)closedir(dir);
	}
	if (f->n > before + 1)
		qsort(&f->v[before], f->n - before, sizeof(*f->v), compare_files);
	return ok && (f->n > before || add(f, word, path, false, e));
}

bool
ms_files_find(char *const *words, size_t n, struct ms_files *ret, struct kd_err *e)
{
	AUTO(cdf_finder_clear) struct cdf_finder finder = {0};

	for (size_t i = 0; i < n; i++) {
		AUTO(free) char *path = local_path(words[i]);
		bool found;

		if (path == NULL)
			return kd_fail_nomem(e, "path");
		if (!find(&finder, &path, &found, e))
			return false;
		if (!found && strpbrk(path, "*?") != NULL
			? !expand(ret, words[i], path, e)
			: !add(ret, words[i], path, found, e))
			return false;
	}
	return true;
}

bool
ms_file_path(const char *word, char **ret, struct kd_err *e)
{
	AUTO(cdf_finder_clear) struct cdf_finder finder = {0};
	AUTO(free) char *path = local_path(word);
	bool found;

	if (path == NULL)
		return kd_fail_nomem(e, "path");
	if (!find(&finder, &path, &found, e))
		return false;
	if (!found)
		return kd_fail(e, KD_E_FILE, "File not found: %s", SHOW(word));
	*ret = STEAL(path);
	return true;
}
