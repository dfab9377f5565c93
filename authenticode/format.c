/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/format.c - which format is this file of. */
#include "authenticode/format.h"

void
format_file_clear(struct format_file *f)
{
	if (f->format != NULL && f->format->free_state != NULL && f->state != NULL)
		f->format->free_state(f->state);
	*f = (struct format_file){0};
}

bool
format_open(int fd, const char *name, const struct format *const *formats, size_t n,
    struct format_file *ret, struct kd_err *e)
{
	for (size_t i = 0; i < n; i++) {
		if (!formats[i]->recognise(fd, name))
			continue;
		ret->format = formats[i];
		return formats[i]->open(fd, name, ret, e);
	}
	return true;
}
