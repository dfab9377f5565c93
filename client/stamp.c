/* SPDX-License-Identifier: Apache-2.0 */
/* client/stamp.c - what is said about timestamps on a command line. */
#include "client/stamp.h"

bool
stamp_wanted(const struct stamp_options *o)
{
	return o->rfc3161.n != 0 || o->legacy.n != 0;
}

static struct option_list
borrow(const struct conf_list *l)
{
	return (struct option_list){.v = (const char **)l->v, .n = l->n};
}

void
stamp_defaults(struct stamp_options *o, const struct settings *settings)
{
	if (stamp_wanted(o))
		return;
	o->rfc3161 = borrow(&settings->timestamp);
	o->legacy = borrow(&settings->timestamp_legacy);
	if (o->md == MD_NONE)
		o->md = settings->timestamp_md;
}
