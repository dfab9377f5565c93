/* SPDX-License-Identifier: Apache-2.0 */
/* client/catalog_write.c - where the catalog of a CDF goes. */
#include "client/catalog_write.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"

#define JOBS_MAX 16 /* beyond, the disk is what counts */

size_t
catalog_jobs(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n < 1 ? 1 : n > JOBS_MAX ? JOBS_MAX : (size_t)n;
}

static bool
has_drive(const char *path)
{
	return path[0] != '\0' && path[1] == ':';
}

bool
catalog_output(const struct cdf *cdf, const char *output, struct buf *ret,
    struct kd_err *e)
{
	const char *dir = cdf->result_dir;

	if (output != NULL) {
		buf_str(ret, output);
	} else if (has_drive(cdf->name) || has_drive(dir)) {
		return kd_fail(e, KD_E_FORMAT,
		    "the catalog's place is on a drive of Windows, '%s': --output names "
		    "another",
		    SHOW(has_drive(cdf->name) ? cdf->name : dir));
	} else {
		if (dir[0] != '\0' && cdf->name[0] != '/') {
			buf_str(ret, dir);
			if (dir[strlen(dir) - 1] != '/')
				buf_u8(ret, '/');
		}
		buf_str(ret, cdf->name);
	}
	return buf_cstr(ret) != NULL || buf_ok(ret, "path", e);
}

/* ResultDir is made when missing, all of it. */
static bool
make_folders(const char *path, struct kd_err *e)
{
	AUTO(buf_clear) struct buf b = {0};

	for (const char *slash = strchr(path, '/'); slash != NULL;
	     slash = strchr(slash + 1, '/')) {
		if (slash == path)
			continue;
		buf_reset(&b);
		buf_add(&b, path, (size_t)(slash - path));
		if (buf_cstr(&b) == NULL)
			return buf_ok(&b, "path", e);
		if (mkdir(buf_cstr(&b), 0777) != 0 && errno != EEXIST)
			return kd_fail_errno(e, KD_E_FILE, errno,
			    "'%s': cannot create the folder", SHOW(buf_cstr(&b)));
	}
	return true;
}

bool
catalog_check_output(const struct catalog *c, const char *output, struct kd_err *e)
{
	if (file_is_same(output, c->cdf_path))
		return kd_fail(e, KD_E_FILE,
		    "'%s' is the CDF, which the catalog would replace", SHOW(output));
	for (size_t i = 0; i < c->cdf->members_n; i++)
		if (file_is_same(output, c->files[i].path))
			return kd_fail(e, KD_E_FILE,
			    "'%s' line %u: lists '%s', which the catalog would replace",
			    SHOW(c->cdf_path), c->cdf->members[i].line, SHOW(output));
	return true;
}

bool
catalog_write(
    const char *output, bool folders, const struct buf *made, struct kd_err *e)
{
	AUTO(file_replace_clear) struct file_replace out = {.fd = -1};

	if ((folders && !make_folders(output, e)) ||
	    !file_replace_begin(output, NULL, &out, e))
		return false;
	return (file_write_full(out.fd, made->p, made->len, e) ||
		   kd_in(e, "'%s'", SHOW(output))) &&
	       file_replace_commit(&out, true, e);
}
