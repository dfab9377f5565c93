/* SPDX-License-Identifier: Apache-2.0 */
/* driver/inf_package.c - a folder's INFs. */
#include "driver/inf_package.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "driver/cdf_path.h"

#define FIRST_ROOM 8
#define SUFFIX ".inf"

void
inf_package_clear(struct inf_package *p)
{
	for (size_t i = 0; i < p->n; i++) {
		inf_clear(&p->v[i].inf);
		free(p->v[i].name);
	}
	free(p->v);
	free(p->dir);
	*p = (struct inf_package){0};
}

static bool
is_inf(const char *name)
{
	size_t n = strlen(name), suffix = strlen(SUFFIX);

	return n > suffix && strcasecmp(&name[n - suffix], SUFFIX) == 0;
}

static char *
lower_name(const char *path)
{
	char *name = kd_strdup(inf_base_name(path));

	for (char *p = name; p != NULL && *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	return name;
}

/* What an INF takes, with its indices and the marks of those who walk its sections. Short
 * lines and sections take many times the bytes that they have in the file. */
static size_t
memory_of(const struct inf *f)
{
	return f->text_len + f->fields_n * sizeof(*f->fields) +
	       f->lines_n * (sizeof(*f->lines) + sizeof(*f->by_key)) +
	       f->strings_n * sizeof(*f->strings) +
	       f->sections_n * (2 * sizeof(*f->sections) + sizeof(*f->by_name));
}

static bool
add(struct inf_package *p, const char *path, bool tested, struct kd_err *e)
{
	AUTO(free) char *name = lower_name(path);
	struct inf f = {0};

	if (name == NULL)
		return kd_fail_nomem(e, "INFs");
	if (p->n == INF_UNITS_MAX)
		return kd_fail(e, KD_E_LIMIT, "'%s': more than %zu INFs", SHOW(p->dir),
		    INF_UNITS_MAX);
	if (p->n == p->room) {
		size_t room = p->room == 0 ? FIRST_ROOM : 2 * p->room;
		struct inf_unit *v = kd_realloc_array(p->v, room, sizeof(*v));

		if (v == NULL)
			return kd_fail_nomem(e, "INFs");
		p->v = v;
		p->room = room;
	}
	if (!inf_load(path, &f, e))
		return false;
	p->v[p->n++] = (struct inf_unit){f, STEAL(name), tested};
	p->len += memory_of(&p->v[p->n - 1].inf);
	if (p->len > INF_PACKAGE_LEN_MAX)
		return kd_fail(e, KD_E_LIMIT,
		    "'%s': its INFs take more than %zu bytes of memory", SHOW(p->dir),
		    INF_PACKAGE_LEN_MAX);
	return true;
}

static int
compare_units(const void *pa, const void *pb)
{
	const struct inf_unit *a = pa, *b = pb;
	const char *x = inf_base_name(a->inf.path), *y = inf_base_name(b->inf.path);
	int d = strcasecmp(x, y);

	return d != 0 ? d : strcmp(x, y);
}

static void
sort(struct inf_package *p)
{
	if (p->n > 1)
		qsort(p->v, p->n, sizeof(*p->v), compare_units);
}

const struct inf_unit *
inf_package_unit(const struct inf_package *p, const char *name)
{
	for (size_t i = 0; i < p->n; i++)
		if (strcasecmp(inf_base_name(p->v[i].inf.path), name) == 0)
			return &p->v[i];
	return NULL;
}

static bool
set_dir(struct inf_package *p, const char *dir, size_t n, struct kd_err *e)
{
	while (n > 1 && dir[n - 1] == '/')
		n--;
	p->dir = kd_alloc(n + 2);
	if (p->dir == NULL)
		return kd_fail_nomem(e, "folder");
	if (n == 0)
		p->dir[0] = '.';
	else
		memcpy(p->dir, dir, n);
	return true;
}

static bool
add_all(struct inf_package *p, DIR *d, struct kd_err *e)
{
	AUTO(buf_clear) struct buf path = {0};
	const struct dirent *entry;

	while ((entry = readdir(d)) != NULL) {
		if (!is_inf(entry->d_name))
			continue;
		buf_reset(&path);
		buf_printf(&path, "%s/%s", p->dir, entry->d_name);
		if (buf_cstr(&path) == NULL)
			return buf_ok(&path, "path", e);
		if (!add(p, buf_cstr(&path), true, e))
			return false;
	}
	return true;
}

bool
inf_package_open(const char *dir, struct inf_package *ret, struct kd_err *e)
{
	AUTO(inf_package_clear) struct inf_package p = {0};
	AUTO(closedir) DIR *d = opendir(dir);

	if (d == NULL) {
		int err = errno;

		(void)kd_fail_errno(
		    e, KD_E_FILE, err, "'%s': cannot list the folder", SHOW(dir));
		return err == ENOTDIR && kd_hint(e, "name the folder that the INF is in");
	}
	if (!set_dir(&p, dir, strlen(dir), e) || !add_all(&p, d, e))
		return false;
	if (p.n == 0)
		return kd_fail(e, KD_E_FILE, "'%s': no INF in this folder", SHOW(dir));
	sort(&p);
	*ret = p;
	p = (struct inf_package){0};
	return true;
}

/* Names looked for in vain: Windows' own INFs, mostly, which every section includes. */
struct follower {
	struct cdf_finder finder;
	char *missing[INF_UNITS_MAX]; /* owned */
	size_t n;
};

static void
follower_clear(struct follower *w)
{
	cdf_finder_clear(&w->finder);
	while (w->n > 0)
		free(w->missing[--w->n]);
}
AUTO_DEFINE_CLEAR(struct follower, follower_clear);

static bool
is_missing(const struct follower *w, const char *name)
{
	for (size_t i = 0; i < w->n; i++)
		if (strcasecmp(w->missing[i], name) == 0)
			return true;
	return false;
}

static bool
add_missing(struct follower *w, const char *name, struct kd_err *e)
{
	if (w->n == INF_UNITS_MAX)
		return kd_fail(e, KD_E_LIMIT, "more than %zu INFs are included",
		    INF_UNITS_MAX);
	w->missing[w->n] = kd_strdup(name);
	return w->missing[w->n++] != NULL || kd_fail_nomem(e, "INFs");
}

/* Loads name when it is there and not loaded; names with a folder are not followed. */
static bool
add_included(
    struct inf_package *p, struct follower *w, const char *name, struct kd_err *e)
{
	AUTO(buf_clear) struct buf path = {0};
	AUTO(buf_clear) struct buf found = {0};
	struct kd_err none = {0};

	if (strpbrk(name, "/\\") != NULL || !is_inf(name) ||
	    inf_package_unit(p, name) != NULL || is_missing(w, name))
		return true;
	buf_printf(&path, "%s/%s", p->dir, name);
	if (buf_cstr(&path) == NULL)
		return buf_ok(&path, "path", e);
	if (!cdf_find(&w->finder, "", buf_cstr(&path), &found, &none))
		return none.code == KD_E_NOMEM ? kd_fail_nomem(e, "path")
					       : add_missing(w, name, e);
	return add(p, buf_cstr(&found), false, e);
}

/* All that unit i includes or copies. */
static bool
follow(struct inf_package *p, struct follower *w, size_t i, struct kd_err *e)
{
	AUTO(buf_clear) struct buf name = {0};

	for (size_t k = 0; k < p->v[i].inf.lines_n; k++) {
		const struct inf_line *line = &p->v[i].inf.lines[k];

		if (line->key == NULL || (strcasecmp(line->key, "Include") != 0 &&
					     strcasecmp(line->key, "CopyINF") != 0))
			continue;
		for (size_t j = 0; j < line->n; j++)
			if (!inf_value(&p->v[i].inf, line, j, &name, e) ||
			    !add_included(p, w, buf_cstr(&name), e))
				return false;
	}
	return true;
}

bool
inf_package_open_one(const char *path, struct inf_package *ret, struct kd_err *e)
{
	AUTO(inf_package_clear) struct inf_package p = {0};
	AUTO(follower_clear) struct follower w = {0};
	const char *slash = strrchr(path, '/');
	size_t n = slash == NULL ? 0 : slash == path ? 1 : (size_t)(slash - path);

	if (!set_dir(&p, path, n, e) || !add(&p, path, true, e))
		return false;
	for (size_t i = 0; i < p.n; i++)
		if (!follow(&p, &w, i, e))
			return false;
	sort(&p);
	*ret = p;
	p = (struct inf_package){0};
	return true;
}
