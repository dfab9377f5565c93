/* SPDX-License-Identifier: Apache-2.0 */
/* client/ms_stamp.c - what signtool sign and timestamp say alike about timestamps. */
#include "client/ms_stamp.h"

#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/text.h"

static bool
is_url(const char *s)
{
	return strncasecmp(s, "http://", 7) == 0 || strncasecmp(s, "https://", 8) == 0;
}

static bool
check_urls(const struct option_list *l, struct kd_err *e)
{
	for (size_t i = 0; i < l->n; i++)
		if (!is_url(l->v[i]) && strcmp(l->v[i], STAMP_BY_SERVER) != 0)
			return kd_fail(e, KD_E_USAGE, "Invalid Timestamp URL: %s",
			    SHOW(l->v[i]));
	return true;
}

bool
ms_stamp_read(
    const struct ms_stamp_args *a, struct stamp_options *ret, struct kd_err *e)
{
	struct stamp_options o = {.legacy = a->t, .rfc3161 = a->tr};

	if (a->t.n > 0 && a->tr.n > 0)
		return kd_fail(e, KD_E_USAGE,
		    "The /t option is incompatible with the /tr option.");
	if (a->t.n > 0 && a->td != NULL)
		return kd_fail(e, KD_E_USAGE,
		    "The /t option is incompatible with the /td option.");
	if (a->td != NULL) {
		o.md = md_by_name(a->td);
		if (o.md == MD_NONE)
			return kd_fail(e, KD_E_USAGE,
			    "Invalid timestamp digest algorithm: %s", SHOW(a->td));
	}
	if (!check_urls(&a->t, e) || !check_urls(&a->tr, e))
		return false;
	*ret = o;
	return true;
}

void
ms_paths_clear(struct ms_paths *p)
{
	for (size_t i = 0; i < p->list.n; i++)
		free((void *)(uintptr_t)p->list.v[i]);
	option_list_clear(&p->list);
}

bool
ms_paths_find(const struct option_list *words, struct ms_paths *ret, struct kd_err *e)
{
	for (size_t i = 0; i < words->n; i++) {
		AUTO(free) char *path = NULL;

		if (!ms_file_path(words->v[i], &path, e) ||
		    !option_list_add(&ret->list, path, e))
			return false;
		path = NULL; /* the list's */
	}
	return true;
}
