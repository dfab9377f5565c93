/* SPDX-License-Identifier: Apache-2.0 */
/* client/sign_plan.c - which files a command works on, and where each result goes. */
#include "client/sign_plan.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/builder.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"

void
plan_clear(struct plan *p)
{
	for (size_t i = 0; i < p->n; i++) {
		free(p->v[i].path);
		free(p->v[i].target);
	}
	free(p->v);
	*p = (struct plan){0};
}

static const char *
base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

static bool
is_folder(const char *path)
{
	struct stat st;
	size_t len = strlen(path);

	return (len != 0 && path[len - 1] == '/') ||
	       (stat(path, &st) == 0 && S_ISDIR(st.st_mode));
}

static bool
join(const char *folder, const char *name, char **ret, struct kd_err *e)
{
	AUTO(buf_clear) struct buf b = {0};
	size_t len = strlen(folder);

	buf_printf(
	    &b, "%s%s%s", folder, len != 0 && folder[len - 1] == '/' ? "" : "/", name);
	buf_u8(&b, 0);
	if (!buf_ok(&b, "path of the result", e))
		return false;
	*ret = (char *)buf_take(&b, &(size_t){0});
	return true;
}

/* The place in the tree that path names, with its folder's links resolved, whether it
 * exists or not. */
static bool
resolve_target(const char *path, char **ret, struct kd_err *e)
{
	AUTO(free) char *whole = NULL;
	AUTO(free) char *folder = NULL;
	AUTO(free) char *copy = NULL;
	char *slash;

	if (!file_real_path(path, &whole, e))
		return false;
	if (whole != NULL) {
		*ret = STEAL(whole);
		return true;
	}
	copy = kd_strdup(path);
	if (copy == NULL)
		return kd_fail_nomem(e, "path of the result");
	slash = strrchr(copy, '/');
	if (slash != NULL)
		slash[slash == copy ? 1 : 0] = '\0';
	folder = realpath(slash != NULL ? copy : ".", NULL);
	if (folder == NULL)
		return kd_fail_errno(e, KD_E_FILE, errno, "'%s'", SHOW(path));
	return join(folder, base_name(path), ret, e);
}

/* path and target of one file; what is wrong with the file itself goes to f->err. */
static bool
place(struct plan_file *f, const char *output, bool into_folder, struct kd_err *e)
{
	AUTO(free) char *wanted = NULL;

	f->path = realpath(f->arg, NULL);
	if (f->path == NULL) {
		if (errno == ENOMEM)
			return kd_fail_nomem(e, "path");
		(void)kd_fail_errno(&f->err, KD_E_FILE, errno, "'%s'", SHOW(f->arg));
		return true;
	}
	if (output == NULL) {
		f->target = kd_strdup(f->path);
		return f->target != NULL || kd_fail_nomem(e, "path");
	}
	if (into_folder && !join(output, base_name(f->arg), &wanted, e))
		return false;
	(void)resolve_target(into_folder ? wanted : output, &f->target, &f->err);
	return f->err.code != KD_E_NOMEM || kd_fail_nomem(e, "path");
}

/* The earlier entry of the same file, or NULL. Quadratic: 10,000 files are 0.2 s, beside
 * minutes of signing. */
static struct plan_file *
find_path(const struct plan *p, const char *path)
{
	for (size_t i = 0; i < p->n; i++) {
		if (p->v[i].path != NULL && strcmp(p->v[i].path, path) == 0)
			return &p->v[i];
	}
	return NULL;
}

static bool
check_target(const struct plan *p, const struct plan_file *f, struct kd_err *e)
{
	for (size_t i = 0; i < p->n; i++) {
		if (p->v[i].target != NULL && strcmp(p->v[i].target, f->target) == 0)
			return kd_fail(e, KD_E_USAGE,
			    "'%s' and '%s': both results would be '%s'",
			    SHOW(p->v[i].arg), SHOW(f->arg), SHOW(f->target));
	}
	return true;
}

bool
plan_make(char **args, size_t n, const char *output, struct plan *ret, struct kd_err *e)
{
	AUTO(plan_clear) struct plan p = {0};
	bool into_folder = output != NULL && is_folder(output);

	if (output != NULL && !into_folder && n > 1) {
		(void)kd_fail(e, KD_E_USAGE,
		    "'--output': '%s' is one file for the results of %zu", SHOW(output),
		    n);
		return kd_hint(e, "name an existing folder, or a path that ends in '/'");
	}
	p.v = kd_alloc_array(n, sizeof(*p.v));
	if (p.v == NULL)
		return kd_fail_nomem(e, "list of files");
	for (size_t i = 0; i < n; i++) {
		struct plan_file f = {.arg = args[i]};
		bool placed = place(&f, output, into_folder, e);

		if (placed && f.path != NULL && find_path(&p, f.path) != NULL) {
			p.repeated++;
			free(f.path);
			free(f.target);
			continue;
		}
		placed = placed && (f.target == NULL || check_target(&p, &f, e));
		p.v[p.n++] = f; /* the plan owns its strings from here on */
		if (!placed)
			return false;
	}
	*ret = p;
	p = (struct plan){0};
	return true;
}
