/* SPDX-License-Identifier: Apache-2.0 */
/* client/package_cab.c - the cabinet of a submission, from packages just signed. */
#include "config.h"

#include "client/package_cab.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "authenticode/format.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "client/cab_make.h"
#include "driver/submission.h"

static bool
plan_all(const struct package *v, size_t n, const char *output, struct cab_plan *plan,
    struct inf_findings *found, struct kd_err *e)
{
	AUTO(free)
	struct submission_folder *folders = kd_alloc_array(n, sizeof(*folders));
	size_t folders_n = 0;

	if (folders == NULL)
		return kd_fail_nomem(e, "folders");
	for (size_t i = 0; i < n; i++) {
		struct submission_folder *f = &folders[folders_n];

		if (v[i].e.code != KD_OK || v[i].run.found.errors != 0)
			continue;
		f->path = v[i].dir;
		folders_n++;
		if (!submission_archs(&v[i].run.package, &f->archs, e) ||
		    !cab_plan_add(plan, &v[i].run, found, e))
			return false;
	}
	return submission_check_archs(folders, folders_n, found, e) &&
	       (found->errors != 0 || cab_plan_check(plan, output, found, e));
}

bool
package_cab_check(const struct package *v, size_t n, const char *output, bool if_needed,
    struct inf_findings *found, struct kd_err *e)
{
	AUTO(cab_plan_clear) struct cab_plan plan = {0};

	if (!plan_all(v, n, output, &plan, found, e))
		return false;
	/* One that is there may be left alone, wherever it is. */
	return found->errors != 0 || (if_needed && access(output, F_OK) == 0) ||
	       cab_plan_probe(&plan, output, e);
}

/* What a signature of the cabinet is over: the same whether it has one. */
static bool
cab_digest(int fd, uint8_t ret[MD_LEN_MAX], struct kd_err *e)
{
	static const struct format *const cabinet[] = {&format_cabinet};
	AUTO(format_file_clear) struct format_file f = {0};

	if (!format_open(fd, NULL, cabinet, 1, &f, e))
		return false;
	return f.format != NULL ? f.format->digest(fd, &f, MD_SHA256, ret, e)
				: kd_fail(e, KD_E_FORMAT, "is no cabinet");
}

/* Does the cabinet that is there hold just what a new one would? */
static bool
is_same(const struct cab_plan *plan, const char *output, bool *ret, struct kd_err *e)
{
	AUTO(close) int old = -1;
	AUTO(close) int new = -1;
	uint8_t old_digest[MD_LEN_MAX], new_digest[MD_LEN_MAX];
	struct kd_err none = {0};

	*ret = false;
	if (!file_open_read(output, &old, NULL, &none) ||
	    !cab_digest(old, old_digest, &none))
		return true;
	new = memfd_create("cabinet", MFD_CLOEXEC);
	if (new < 0)
		return true; /* then it is written anew */
	if (!cab_pack(plan->v, plan->n, new, e) || !cab_digest(new, new_digest, e))
		return false;
	*ret = memcmp(old_digest, new_digest, md_len(MD_SHA256)) == 0;
	return true;
}

bool
package_cab_write(const struct package *v, size_t n, const char *output, bool if_needed,
    struct package_cab *ret, struct kd_err *e)
{
	AUTO(cab_plan_clear) struct cab_plan plan = {0};
	AUTO(inf_findings_clear) struct inf_findings found = {0};

	*ret = (struct package_cab){0};
	if (!plan_all(v, n, output, &plan, &found, e))
		return false;
	if (found.errors != 0) { /* package_cab_check found none */
		inf_run_error(&found.v[0], e);
		return false;
	}
	ret->packages = plan.packages;
	ret->files = plan.n;
	if (if_needed && !is_same(&plan, output, &ret->left, e))
		return kd_in(e, "'%s'", SHOW(output));
	return ret->left || cab_plan_write(&plan, output, &ret->size, e);
}
