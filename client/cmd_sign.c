/* SPDX-License-Identifier: Apache-2.0 */
/* client/cmd_sign.c - kdsign-client sign: digests go to the service, signatures into the
 * files. */
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "client/client.h"
#include "client/progress.h"
#include "client/sign_pool.h"
#include "client/sign_run.h"
#include "wire/json.h"

struct sign_args {
	struct sign_run_options run;
	bool no_timestamp;
};
#define ARG(member) offsetof(struct sign_args, member)

static const struct option_row sign_rows[] = {
    SIGN_OPTION_ROWS(struct sign_args, run),
    {"page-hashes", OPTION_FLAG, ARG(run.page_hashes), NULL,
	"sign a digest of each page of PE files, too"},
    {"append", OPTION_FLAG, ARG(run.append), NULL,
	"add a second signature beside the one that is there"},
    {"efi", OPTION_FLAG, ARG(run.efi), NULL,
	"sign EFI binaries, if firmware and shim would load them"},
    STAMP_OPTION_ROWS(struct sign_args, run.stamp),
    {"timestamp-optional", OPTION_FLAG, ARG(run.stamp.optional), NULL,
	"sign without a timestamp when none is to be had"},
    {"no-timestamp", OPTION_FLAG, ARG(no_timestamp), NULL,
	"none, whatever the configuration says"},
    {"output", OPTION_TEXT, ARG(run.output), "FILE|DIR",
	"write there and leave the input as it is"},
    {"jobs", OPTION_UINT, ARG(run.jobs), "N",
	"threads that read and write, default four a core", .min = 1,
	.max = SIGN_JOBS_MAX},
    {0},
};

struct signing { /* one run of the command */
	struct client *c;
	size_t again; /* files that failed for a reason that was said for another */
};

static void
put_json(struct buf *b, const struct sign_result *r)
{
	char when[CLOCK_UTC_LEN];

	outcome_json_open(b, r->file, true);
	jw_str(b, "output", r->output);
	jw_str(b, "kind", r->kind);
	jw_str(b, "key", r->key);
	jw_uint(b, "size", r->size);
	jw_str(b, "digest_algorithm", md_name(r->md));
	jw_hex(b, "digest", r->digest, md_len(r->md));
	jw_bool(b, "replaced_signature", r->was_signed && !r->appended);
	jw_bool(b, "appended", r->appended);
	if (r->stamp.kind != TSP_NONE) {
		clock_utc(when, r->stamp.time * 1000);
		jw_str(b, "timestamp", when);
		jw_str(b, "timestamp_kind", tsp_kind_name(r->stamp.kind));
	}
	if (r->stamp_err != NULL)
		jw_str(b, "timestamp_missing", r->stamp_err->msg);
	outcome_json_close(b);
}

static void
put_line(struct buf *b, const struct sign_result *r)
{
	char when[CLOCK_UTC_LEN];

	buf_printf(b, "%s: signed with %s (%s)", SHOW(r->file), r->key, md_name(r->md));
	if (r->appended)
		buf_str(b, ", beside the signature that was there");
	else if (r->was_signed)
		buf_str(b, ", old signature replaced");
	if (r->stamp.kind != TSP_NONE) {
		clock_utc(when, r->stamp.time * 1000);
		buf_printf(b, ", timestamped %.19sZ", when);
	}
	buf_u8(b, '\n');
}

static void
print_signed(struct client *c, const struct sign_result *r)
{
	AUTO(buf_clear) struct buf b = {0};

	if (r->stamp_err != NULL) {
		progress_hide();
		log_err(LOG_L_WARN, r->stamp_err);
	}
	if (c->json)
		put_json(&b, r);
	else if (!c->quiet)
		put_line(&b, r);
	outcome_print(&c->outcome, &b);
}

static void
file_done(void *self, const struct sign_result *r)
{
	struct signing *s = self;

	if (r->err == NULL) {
		print_signed(s->c, r);
	} else if (r->again) {
		outcome_fail_again(&s->c->outcome, r->file, r->err);
		s->again++;
	} else {
		outcome_fail(&s->c->outcome, r->file, r->err);
	}
}

static void
warn(void *self, const char *text)
{
	const struct signing *s = self;

	if (s->c->quiet)
		return;
	progress_hide();
	log_line(LOG_L_WARN, "%s", text);
}

static void
run(struct client *c, const void *options, char **files, size_t n)
{
	struct signing s = {.c = c};
	const struct sign_sink sink = {
	    .file = file_done, .warn = warn, .self = &s, .progress = !c->quiet};
	const struct sign_args *a = options;
	struct sign_run_options o = a->run;
	struct kd_err e = {0};

	if (!stamp_settle(&o.stamp, &c->settings, a->no_timestamp, false, &e) ||
	    !sign_run(&c->settings, &o, files, n, &sink, &e))
		outcome_fail(&c->outcome, NULL, &e);
	if (s.again != 0)
		log_line(LOG_L_ERROR,
		    "%zu more files are not signed, for the same reason", s.again);
}

const struct command cmd_sign = {
    .name = "sign",
    .args = "[OPTION...] FILE...",
    .summary = "have drivers, catalogs, cabinets, scripts, MSI, modules signed",
    .options = sign_rows,
    .options_size = sizeof(struct sign_args),
    .files_min = 1,
    .files_max = SIZE_MAX,
    .run = run,
};
