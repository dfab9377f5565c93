/* SPDX-License-Identifier: Apache-2.0 */
/* client/cmd_catalog.c - kdsign-client catalog: the unsigned .cat that a CDF describes.
 */
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "client/catalog_make.h"
#include "client/catalog_write.h"
#include "client/client.h"
#include "client/progress.h"
#include "wire/json.h"

#define FAILURES_SAID_MAX 20

struct catalog_args {
	const char *output;
	bool verbose, stop;
};

static const struct option_row catalog_rows[] = {
    {"output", OPTION_TEXT, offsetof(struct catalog_args, output), "FILE",
	"write the catalog there, not where the CDF says"},
    {"verbose", OPTION_FLAG, offsetof(struct catalog_args, verbose), NULL,
	"list each file with its digest", .letter = 'v'},
    {"stop", OPTION_FLAG, offsetof(struct catalog_args, stop), NULL,
	"stop at the first file that fails", .letter = 'r'},
    {0},
};

static const char *
subject_name(enum cat_subject s)
{
	switch (s) {
	case CAT_PE:
		return "pe";
	case CAT_CAB:
		return "cab";
	case CAT_FLAT:
	case CAT_OTHER:
		break;
	}
	return "flat";
}

/*
 * The failed files, in the CDF's order; false when there was one. With --stop the first
 * of them alone: the threads begin files in order, so it is the same one each time.
 */
static bool
report_failures(struct client *c, const struct catalog_args *a, const char *cdf,
    const struct catalog *made)
{
	size_t failed = 0, said = 0;

	for (size_t i = 0; i < made->cdf->members_n; i++) {
		const struct catalog_file *f = &made->files[i];

		if (f->failed == KD_OK)
			continue;
		failed++;
		if (f->err != NULL && said < FAILURES_SAID_MAX) {
			outcome_fail(&c->outcome, cdf, f->err);
			said++;
		} else {
			c->outcome.status = outcome_worse(
			    kd_code_info(f->failed)->exit_client, c->outcome.status);
		}
		if (a->stop)
			break;
	}
	if (failed > said)
		log_line(LOG_L_ERROR, "%zu more files failed", failed - said);
	return failed == 0;
}

static void
warn_doubts(const struct client *c, const struct catalog *made)
{
	for (size_t i = 0; !c->quiet && i < made->cdf->members_n; i++) {
		const struct catalog_file *f = &made->files[i];

		if (f->hash.doubt[0] != '\0')
			log_line(LOG_L_WARN,
			    "'%s': listed as it is, though it begins like a PE image: %s",
			    SHOW(f->path), f->hash.doubt);
	}
}

static void
put_file_json(struct buf *b, const struct cdf_member *m, const struct catalog_file *f,
    enum cat_version version)
{
	jw_open(b);
	jw_str(b, "tag", m->tag);
	jw_str(b, "path", f->path);
	jw_str(b, "subject", subject_name(f->hash.subject));
	jw_uint(b, "size", f->hash.size);
	jw_hex(b, "sha1", f->hash.sha1, sizeof(f->hash.sha1));
	if (version == CAT_V2)
		jw_hex(b, "sha256", f->hash.sha256, sizeof(f->hash.sha256));
	jw_close(b);
}

static void
put_file_line(struct buf *b, const struct catalog_file *f, enum cat_version version)
{
	if (version == CAT_V2)
		text_hex(b, f->hash.sha256, sizeof(f->hash.sha256));
	else
		text_hex(b, f->hash.sha1, sizeof(f->hash.sha1));
	buf_printf(b, "  %-4s  %s\n", subject_name(f->hash.subject), SHOW(f->path));
}

static void
report(struct client *c, const struct catalog_args *a, const char *cdf_path,
    const struct catalog *made, const char *output)
{
	const struct cdf *cdf = made->cdf;
	AUTO(buf_clear) struct buf b = {0};

	if (c->json) {
		outcome_json_open(&b, cdf_path, true);
		jw_str(&b, "output", output);
		jw_uint(&b, "version", (uint64_t)cdf->version);
		jw_arr_open(&b, "members");
		for (size_t i = 0; i < cdf->members_n; i++)
			put_file_json(
			    &b, &cdf->members[i], &made->files[i], cdf->version);
		jw_arr_close(&b);
		outcome_json_close(&b);
	} else if (!c->quiet) {
		for (size_t i = 0; a->verbose && i < cdf->members_n; i++)
			put_file_line(&b, &made->files[i], cdf->version);
		buf_printf(&b, "%s: lists %zu file%s, version %d, not signed yet\n",
		    SHOW(output), cdf->members_n, cdf->members_n == 1 ? "" : "s",
		    (int)cdf->version);
	}
	outcome_print(&c->outcome, &b);
}

static bool
make(struct client *c, const struct catalog_args *a, const char *path, struct kd_err *e)
{
	const struct catalog_options o = {
	    .jobs = catalog_jobs(), .stop_at_first = a->stop, .tick = progress_show};
	AUTO(cdf_clear) struct cdf cdf = {0};
	AUTO(catalog_clear) struct catalog catalog = {0};
	AUTO(buf_clear) struct buf made = {0};
	AUTO(buf_clear) struct buf output = {0};
	bool hashed;

	if (!cdf_load(path, &cdf, e))
		return false;
	if (!catalog_output(&cdf, a->output, &output, e))
		return kd_in(e, "'%s'", SHOW(path));
	progress_start("hashing", cdf.members_n, !c->quiet && !c->json);
	hashed = catalog_hash(path, &cdf, &o, &catalog, e);
	progress_end();
	if (!hashed)
		return false;
	if (!report_failures(c, a, path, &catalog))
		return true; /* said already */
	warn_doubts(c, &catalog);
	if (!catalog_check_output(&catalog, buf_cstr(&output), e) ||
	    !catalog_build(&catalog, &made, e) ||
	    !catalog_write(buf_cstr(&output), a->output == NULL, &made, e))
		return false;
	report(c, a, path, &catalog, buf_cstr(&output));
	return true;
}

static void
run(struct client *c, const void *options, char **files, size_t n)
{
	struct kd_err e = {0};

	(void)n; /* is 1 */
	if (!make(c, options, files[0], &e))
		outcome_fail(&c->outcome, files[0], &e);
}

const struct command cmd_catalog = {
    .name = "catalog",
    .args = "[OPTION...] FILE.cdf",
    .summary = "make the catalog that a CDF describes, not signed yet",
    .options = catalog_rows,
    .options_size = sizeof(struct catalog_args),
    .files_min = 1,
    .files_max = 1,
    .run = run,
};
