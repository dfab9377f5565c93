/* SPDX-License-Identifier: Apache-2.0 */
/* client/cmd_sign.c - kdsign-client sign: digests go to the service, signatures into the
 * files. */
#include "base/log.h"
#include "base/text.h"
#include "client/client.h"
#include "client/sign_pool.h"
#include "client/sign_run.h"
#include "wire/json.h"

static const struct option_row sign_rows[] = {
    {"key", OPTION_TEXT, offsetof(struct sign_run_options, key), "NAME",
	"the key to sign with, by its name at the service"},
    {"sha1", OPTION_TEXT, offsetof(struct sign_run_options, sha1), "THUMBPRINT",
	"the key to sign with, by its certificate's SHA-1"},
    {"ac", OPTION_LIST, offsetof(struct sign_run_options, ac), "FILE",
	"add these certificates too (PEM or DER); may be repeated"},
    {"digest", OPTION_MD, offsetof(struct sign_run_options, md), "ALG",
	"sha1, sha256 (default), sha384 or sha512"},
    {"description", OPTION_TEXT, offsetof(struct sign_run_options, description), "TEXT",
	"what the signed content is, shown by Windows"},
    {"url", OPTION_TEXT, offsetof(struct sign_run_options, url), "URL",
	"where to read more about it, shown by Windows"},
    {"output", OPTION_TEXT, offsetof(struct sign_run_options, output), "FILE|DIR",
	"write there and leave the input as it is"},
    {"jobs", OPTION_UINT, offsetof(struct sign_run_options, jobs), "N",
	"threads that read and write, default four a core", .min = 1,
	.max = SIGN_JOBS_MAX},
    {"append", OPTION_FLAG, offsetof(struct sign_run_options, append), NULL,
	"not supported yet: add a second signature"},
    {0},
};

struct signing { /* one run of the command */
	struct client *c;
	size_t again; /* files that failed for a reason that was said for another */
};

static void
print_signed(struct client *c, const struct sign_result *r)
{
	AUTO(buf_clear) struct buf b = {0};

	if (c->json) {
		outcome_json_open(&b, r->file, true);
		jw_str(&b, "output", r->output);
		jw_str(&b, "key", r->key);
		jw_uint(&b, "size", r->size);
		jw_str(&b, "digest_algorithm", md_name(r->md));
		jw_hex(&b, "digest", r->digest, md_len(r->md));
		jw_bool(&b, "replaced_signature", r->was_signed);
		outcome_json_close(&b);
	} else if (!c->quiet) {
		buf_printf(&b, "%s: signed with %s (%s)%s\n", SHOW(r->file), r->key,
		    md_name(r->md), r->was_signed ? ", old signature replaced" : "");
	}
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

	if (!s->c->quiet)
		log_line(LOG_L_WARN, "%s", text);
}

static void
run(struct client *c, const void *options, char **files, size_t n)
{
	struct signing s = {.c = c};
	const struct sign_sink sink = {
	    .file = file_done, .warn = warn, .self = &s, .progress = !c->quiet};
	struct kd_err e = {0};

	if (!sign_run(&c->settings, options, files, n, &sink, &e))
		outcome_fail(&c->outcome, NULL, &e);
	if (s.again != 0)
		log_line(LOG_L_ERROR,
		    "%zu more files are not signed, for the same reason", s.again);
}

const struct command cmd_sign = {
    .name = "sign",
    .args = "[OPTION...] FILE...",
    .summary = "have drivers and other PE files signed, in place",
    .options = sign_rows,
    .options_size = sizeof(struct sign_run_options),
    .files_min = 1,
    .files_max = SIZE_MAX,
    .run = run,
};
