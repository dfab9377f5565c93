/* SPDX-License-Identifier: Apache-2.0 */
/* client/cmd_timestamp.c - kdsign-client timestamp: of files that are signed already. */
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "client/client.h"
#include "client/progress.h"
#include "client/stamp_run.h"
#include "wire/json.h"

#define ARG(member) offsetof(struct stamp_run_options, member)

static const struct option_row timestamp_rows[] = {
    STAMP_OPTION_ROWS(struct stamp_run_options, stamp),
    {"index", OPTION_UINT, ARG(index), "N",
	"which signature: 0 (default) the first, then the nested ones", .max = 1000},
    {"output", OPTION_TEXT, ARG(output), "FILE|DIR",
	"write there and leave the input as it is"},
    {"jobs", OPTION_UINT, ARG(jobs), "N", "files at once, default 16", .min = 1,
	.max = STAMP_JOBS_MAX},
    {0},
};

static void
print_stamped(struct client *c, const struct stamp_result *r)
{
	AUTO(buf_clear) struct buf b = {0};
	char when[CLOCK_UTC_LEN];

	clock_utc(when, r->stamp.time * 1000);
	if (c->json) {
		outcome_json_open(&b, r->file, true);
		jw_str(&b, "output", r->output);
		jw_str(&b, "timestamp", when);
		jw_str(&b, "timestamp_kind", tsp_kind_name(r->stamp.kind));
		jw_bool(&b, "replaced_timestamp", r->replaced);
		outcome_json_close(&b);
	} else if (!c->quiet) {
		buf_printf(&b, "%s: timestamped %.19sZ (%s)%s\n", SHOW(r->file), when,
		    tsp_kind_name(r->stamp.kind),
		    r->replaced ? ", old timestamp replaced" : "");
	}
	outcome_print(&c->outcome, &b);
}

static void
file_done(void *self, const struct stamp_result *r)
{
	struct client *c = self;

	if (r->err == NULL)
		print_stamped(c, r);
	else
		outcome_fail(&c->outcome, r->file, r->err);
}

static void
warn(void *self, const char *text)
{
	const struct client *c = self;

	if (c->quiet)
		return;
	progress_hide();
	log_line(LOG_L_WARN, "%s", text);
}

static void
run(struct client *c, const void *options, char **files, size_t n)
{
	struct stamp_run_options o = *(const struct stamp_run_options *)options;
	const struct stamp_sink sink = {
	    .file = file_done, .warn = warn, .self = c, .progress = !c->quiet};
	struct kd_err e = {0};

	if (!stamp_settle(&o.stamp, &c->settings, false, false, &e) ||
	    !stamp_run(&c->settings, &o, files, n, &sink, &e))
		outcome_fail(&c->outcome, NULL, &e);
}

const struct command cmd_timestamp = {
    .name = "timestamp",
    .args = "[OPTION...] FILE...",
    .summary = "timestamp files that are signed already, in place",
    .options = timestamp_rows,
    .options_size = sizeof(struct stamp_run_options),
    .files_min = 1,
    .files_max = SIZE_MAX,
    .run = run,
};
