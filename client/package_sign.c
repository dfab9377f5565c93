/* SPDX-License-Identifier: Apache-2.0 */
/* client/package_sign.c - all files of all packages signed by one request, and staged. */
#include <string.h>

#include "base/mem.h"
#include "client/package.h"

static bool
is_sound(const struct package *p)
{
	return p->e.code == KD_OK && p->run.found.errors == 0;
}

static void
give_all(struct package *v, size_t n, struct sign_file *files)
{
	size_t at = 0;

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; is_sound(&v[i]) && k < v[i].n; k++) {
			struct package_file *f = &v[i].v[k];

			if (f->action != PACKAGE_SIGN)
				continue;
			f->sign = &files[at++];
			f->sign->plan = &f->plan;
			f->sign->catalog =
			    f->kind == PACKAGE_CATALOG ? &f->built : NULL;
			f->sign->staged.fd = -1;
		}
}

static void
unstage(struct package *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->v[i].sign != NULL)
			file_replace_clear(&p->v[i].sign->staged);
}

/* The first of its files that failed, and better one whose reason was not said before. */
static void
take_failure(struct package *p)
{
	const struct sign_file *worst = NULL;

	for (size_t i = 0; i < p->n; i++) {
		const struct sign_file *s = p->v[i].sign;

		if (s != NULL && s->state != SIGN_DONE &&
		    (worst == NULL || (worst->again && !s->again)))
			worst = s;
	}
	if (worst == NULL)
		return;
	p->e = worst->err;
	p->again = worst->again;
	unstage(p);
}

static void
fail_all(struct package *v, size_t n, const struct kd_err *e)
{
	bool said = false;

	for (size_t i = 0; i < n; i++) {
		if (!is_sound(&v[i]) || package_count(&v[i], PACKAGE_SIGN) == 0)
			continue;
		v[i].e = *e;
		v[i].again = said;
		said = true;
	}
}

bool
package_sign(const struct settings *settings, const struct package_options *o,
    struct package *v, size_t n, const struct sign_sink *sink,
    struct sign_file **ret_files, size_t *ret_n, struct kd_err *e)
{
	struct sign_file *files;
	struct kd_err failed = {0};
	size_t files_n = 0;

	for (size_t i = 0; i < n; i++)
		if (is_sound(&v[i]))
			files_n += package_count(&v[i], PACKAGE_SIGN);
	files = kd_alloc_array(files_n, sizeof(*files));
	if (files == NULL)
		return kd_fail_nomem(e, "list of files");
	*ret_files = files;
	*ret_n = files_n;
	give_all(v, n, files);
	if (files_n == 0)
		return true;
	if (!sign_run_stage(settings, &o->sign, files, files_n, sink, &failed)) {
		fail_all(v, n, &failed);
		for (size_t i = 0; i < n; i++)
			unstage(&v[i]);
		return true;
	}
	for (size_t i = 0; i < n; i++)
		take_failure(&v[i]);
	return true;
}
