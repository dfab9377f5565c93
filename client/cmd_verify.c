/* SPDX-License-Identifier: Apache-2.0 */
/* client/cmd_verify.c - kdsign-client verify: is each file's signature right? */
#include <string.h>

#include "base/clock.h"
#include "client/client.h"
#include "client/show.h"
#include "client/trust.h"
#include "client/verify_run.h"
#include "client/when.h"

struct verify_args {
	struct option_list root, tsa_root;
	const char *catalog, *at;
	uint64_t jobs;
};

static const struct option_row verify_rows[] = {
    {"root", OPTION_LIST, offsetof(struct verify_args, root), "FILE",
	"trust these certificates (PEM or DER); may be repeated"},
    {"tsa-root", OPTION_LIST, offsetof(struct verify_args, tsa_root), "FILE",
	"trust timestamps that lead to these; may be repeated"},
    {"catalog", OPTION_TEXT, offsetof(struct verify_args, catalog), "FILE",
	"each file must be listed in this signed catalog"},
    {"at", OPTION_TEXT, offsetof(struct verify_args, at), "TIME",
	"as of 2015-07-29 or 2015-07-29T12:00:00Z, not now"},
    {"jobs", OPTION_UINT, offsetof(struct verify_args, jobs), "N",
	"threads, one for each processor", .min = 1, .max = VERIFY_JOBS_MAX},
    {0},
};

static void
report(void *self, const struct verified *v)
{
	struct client *c = self;
	AUTO(buf_clear) struct buf b = {0};

	if (c->json) {
		outcome_json_open(&b, v->file, v->e.code == KD_OK);
		show_json(&b, v, true);
		if (v->e.code != KD_OK)
			outcome_json_error(&b, &v->e);
		outcome_json_close(&b);
	} else if (!c->quiet) {
		show_tree(&b, v, true, c->colour);
	}
	outcome_print(&c->outcome, &b);
	if (v->e.code != KD_OK)
		outcome_fail_said(&c->outcome, &v->e);
}

/* A file that could not be judged has nothing to show. */
static void
done(void *self, const struct verified *v)
{
	struct client *c = self;

	if (v->e.code == KD_OK || v->e.code == KD_E_NOT_VERIFIED ||
	    v->e.code == KD_E_UNSIGNED)
		report(c, v);
	else
		outcome_fail(&c->outcome, v->file, &v->e);
}

static bool
verify(struct client *c, const struct verify_args *a, char **files, size_t n,
    struct kd_err *e)
{
	AUTO(trust_clear) struct trust trust = {0};
	struct verify_run_options o = {.at = clock_unix_ms() / 1000,
	    .catalog = a->catalog,
	    .jobs = (size_t)a->jobs,
	    .done = done,
	    .self = c};

	if (a->at != NULL && !when_parse(a->at, &o.at, e))
		return kd_in(e, "'--at'");
	if (!trust_load(&c->settings, &a->root, &a->tsa_root, &trust, e))
		return false;
	o.roots = trust.roots;
	o.tsa_roots = trust.tsa_roots;
	return verify_run(files, n, &o, e);
}

static void
run(struct client *c, const void *options, char **files, size_t n)
{
	struct kd_err e = {0};

	if (!verify(c, options, files, n, &e))
		outcome_fail(&c->outcome, NULL, &e);
}

const struct command cmd_verify = {
    .name = "verify",
    .args = "[--root FILE]... [--catalog FILE] FILE...",
    .summary = "check signatures, timestamps and chains of signed files and catalogs",
    .options = verify_rows,
    .options_size = sizeof(struct verify_args),
    .files_min = 1,
    .files_max = SIZE_MAX,
    .run = run,
};
