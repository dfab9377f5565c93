/* SPDX-License-Identifier: Apache-2.0 */
/* client/ms_timestamp.c - signtool timestamp. */
#include "client/ms.h"
#include "client/ms_stamp.h"
#include "client/stamp_run.h"

struct ms_timestamp_args {
	struct ms_common common;
	struct ms_stamp_args stamp;
	struct ms_uint index;
};

static const struct ms_row timestamp_rows[] = {
    MS_COMMON_ROWS(struct ms_timestamp_args, common),
    MS_STAMP_ROWS(struct ms_timestamp_args, stamp),
    {"tp", MS_UINT, offsetof(struct ms_timestamp_args, index), "INDEX",
	"the signature to timestamp: 0, the primary one, or a nested one"},
    {"p7", MS_REFUSED, 0, NULL, "Only PE files and catalogs can be timestamped."},
    {"force", MS_IGNORED, 0, NULL, "replace a seal"},
    {"nosealwarn", MS_IGNORED, 0, NULL, "no warning about sealing"},
    {"tseal", MS_REFUSED, 0, "URL", "Sealing signatures cannot be made; use /tr."},
    {0},
};

struct stamping { /* one run of the command */
	struct ms *m;
	const struct ms_files *files;
	size_t next;
};

static void
file_done(void *self, const struct stamp_result *r)
{
	struct stamping *s = self;
	const char *file = ms_shown(s->files, &s->next, r->file);

	if (r->err == NULL) {
		ms_succeed(s->m, "Successfully timestamped: ", file);
		return;
	}
	if (r->err->code == KD_E_TIMESTAMP)
		ms_complain(s->m, MS_STAMP_FAILED, NULL, NULL);
	ms_fail(s->m, "An error occurred while attempting to timestamp: ", file, r->err);
}

static void
note(void *self, const char *text)
{
	struct stamping *s = self;

	ms_note(s->m, text);
}

static void
run(struct ms *m, const void *options, const struct ms_files *files)
{
	const struct ms_timestamp_args *a = options;
	struct stamping s = {.m = m, .files = files};
	const struct stamp_sink sink = {
	    .file = file_done, .warn = note, .self = &s, .progress = !m->say.quiet};
	struct stamp_run_options o = {.index = a->index.v};
	AUTO(free) char **paths = NULL;
	struct kd_err e = {0};
	size_t n;
	bool ok = ms_found(m, files, &paths, &n, &e);

	if (ok && !stamp_wanted(&(struct stamp_options){.legacy = a->stamp.t,
		      .rfc3161 = a->stamp.tr}))
		ok = kd_fail(&e, KD_E_USAGE,
		    "A required parameter is missing: /t or /tr with a URL.");
	ok = ok && ms_stamp_read(&a->stamp, &o.stamp, &e);
	if (ok && n > 0)
		ok = stamp_run(&m->c->settings, &o, paths, n, &sink, &e);
	if (!ok)
		ms_fail_err(m, &e);
}

const struct ms_command ms_timestamp = {
    .name = "timestamp",
    .args = "[options] <file_name>...",
    .summary = "Timestamp signatures that are there, in place.",
    .done = "Timestamped",
    .rows = timestamp_rows,
    .options_size = sizeof(struct ms_timestamp_args),
    .common = offsetof(struct ms_timestamp_args, common),
    .files = true,
    .run = run,
};
