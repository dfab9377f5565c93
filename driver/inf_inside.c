/* SPDX-License-Identifier: Apache-2.0 */
/* driver/inf_inside.c - does a file of a package lie in the package's folder? */
#include "driver/inf_inside.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

void
inf_inside_clear(struct inf_inside *i)
{
	free(i->dir);
	*i = (struct inf_inside){0};
}

bool
inf_inside_open(const char *dir, struct inf_inside *ret, struct kd_err *e)
{
	char *real = realpath(dir, NULL);

	if (real == NULL && errno != ENOENT)
		return errno == ENOMEM ? kd_fail_nomem(e, "path")
				       : kd_fail_errno(e, KD_E_FILE, errno, "'%s'",
					     SHOW(dir));
	ret->dir = real;
	return true;
}

char *
inf_inside_where(const struct inf_inside *i, const char *path)
{
	size_t n = i->dir != NULL ? strlen(i->dir) : 0;
	char *real = n > 1 ? realpath(path, NULL) : NULL;

	if (real != NULL && (strncmp(real, i->dir, n) != 0 || real[n] != '/'))
		return real;
	free(real); /* what is not there, who opens it will say */
	return NULL;
}
