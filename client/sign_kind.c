/* SPDX-License-Identifier: Apache-2.0 */
/* client/sign_kind.c - which kind of file is this. */
#include "client/sign_kind.h"

#include "base/num.h"

/* The first that recognises a file has it; the last one takes what nothing else is, so
 * that a file of no kind gets the PE reader's words. */
static const struct sign_kind *const kinds[] = {
    &sign_kind_catalog,
    &sign_kind_pe,
};

void
sign_subject_clear(struct sign_subject *s)
{
	if (s->kind != NULL && s->state != NULL)
		s->kind->free_state(s->state);
	buf_clear(&s->payload);
	*s = (struct sign_subject){0};
}

bool
sign_subject_open(int fd, struct sign_subject *ret, struct kd_err *e)
{
	size_t i = 0;

	while (i + 1 < KD_ARRAY_LEN(kinds) && !kinds[i]->recognise(fd))
		i++;
	ret->kind = kinds[i];
	return ret->kind->open(fd, ret, e);
}
