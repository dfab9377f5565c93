/* SPDX-License-Identifier: Apache-2.0 */
/* client/inf_say.c - what is wrong with a driver package, told. */
#include "client/inf_say.h"

#include "base/log.h"
#include "client/inf_run.h"
#include "wire/json.h"

bool
inf_say(struct client *c, const struct inf_findings *found)
{
	for (size_t i = 0; i < found->n; i++) {
		struct kd_err e = {0};

		inf_run_error(&found->v[i], &e);
		if (found->v[i].severity == INF_ERROR)
			outcome_fail_said(&c->outcome, &e);
		else if (!c->quiet)
			log_line(LOG_L_WARN, "%s", e.msg);
	}
	if (found->errors + found->warnings > found->n)
		log_line(LOG_L_ERROR, "%zu errors and %zu warnings, not all of them shown",
		    found->errors, found->warnings);
	return found->errors == 0;
}

void
inf_say_json(struct buf *b, const struct inf_findings *found)
{
	jw_arr_open(b, "findings");
	for (size_t i = 0; i < found->n; i++) {
		const struct inf_finding *f = &found->v[i];

		jw_open(b);
		jw_str(b, "severity", f->severity == INF_ERROR ? "error" : "warning");
		jw_str(b, "number", f->number);
		jw_str(b, "file", f->path);
		if (f->line != 0)
			jw_uint(b, "line", f->line);
		jw_str(b, "detail", f->text);
		if (f->hint != NULL)
			jw_str(b, "hint", f->hint);
		jw_close(b);
	}
	jw_arr_close(b);
}
