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

/* What was said of timestamps that nobody is asked for; NULL: nothing. */
static const char *
idle_option(const struct stamp_options *o, bool roots_serve_others)
{
	if (o->optional)
		return "--timestamp-optional";
	if (o->md != MD_NONE)
		return "--timestamp-digest";
	if (o->timeout_ms != 0)
		return "--timestamp-timeout";
	return o->tsa_root.n != 0 && !roots_serve_others ? "--tsa-root" : NULL;
}

static bool
check_none(const struct stamp_options *o, bool roots_serve_others, struct kd_err *e)
{
	const char *idle = idle_option(o, roots_serve_others);

	if (stamp_wanted(o))
		return kd_fail(e, KD_E_USAGE,
		    "'--no-timestamp' and an authority for timestamps are both given");
	return idle == NULL || kd_fail(e, KD_E_USAGE,
				   "'--no-timestamp' and '%s' are both given", idle);
}

/* A script that names a digest or says optional means to have timestamps. */
static bool
check_idle(const struct stamp_options *o, bool roots_serve_others, struct kd_err *e)
{
	const char *idle = idle_option(o, roots_serve_others);

	if (idle == NULL)
		return true;
	(void)kd_fail(
	    e, KD_E_USAGE, "'%s': no time-stamping authority is named", idle);
	return kd_hint(e, STAMP_NAME_ONE);
}

bool
stamp_settle(struct stamp_options *o, const struct settings *settings, bool none,
    bool roots_serve_others, struct kd_err *e)
{
	bool md_named = o->md != MD_NONE;

	if (none)
		return check_none(o, roots_serve_others, e);
	if (!stamp_wanted(o)) {
		o->rfc3161 = borrow(&settings->timestamp);
		o->legacy = borrow(&settings->timestamp_legacy);
		if (!stamp_wanted(o))
			return check_idle(o, roots_serve_others, e);
		if (o->md == MD_NONE)
			o->md = settings->timestamp_md;
	}
	return !md_named || o->legacy.n == 0 ||
	       kd_fail(e, KD_E_USAGE,
		   "'--timestamp-digest': the older protocol of '--timestamp-legacy' has "
		   "no choice");
}
