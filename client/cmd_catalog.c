/* SPDX-License-Identifier: Apache-2.0 */
/* client/cmd_catalog.c - kdsign-client catalog: the unsigned .cat that a CDF describes.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "client/catalog_make.h"
#include "client/client.h"
#include "client/progress.h"
#include "wire/json.h"

#define JOBS_MAX 16 /* beyond, the disk is what counts */
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

static bool
has_drive(const char *path)
{
	return path[0] != '\0' && path[1] == ':';
}

/* The path to write to: ResultDir/Name, from the current folder as MakeCat does. */
static bool
output_path(const struct cdf *cdf, const struct catalog_args *a, struct buf *ret,
    struct kd_err *e)
{
	const char *dir = cdf->result_dir;

	if (a->output != NULL) {
		buf_str(ret, a->output);
	} else if (has_drive(cdf->name) || has_drive(dir)) {
		return kd_fail(e, KD_E_FORMAT,
		    "the catalog's place is on a drive of Windows, '%s': --output names "
		    "another",
		    SHOW(has_drive(cdf->name) ? cdf->name : dir));
	} else {
		if (dir[0] != '\0' && cdf->name[0] != '/') {
			buf_str(ret, dir);
			if (dir[strlen(dir) - 1] != '/')
				buf_u8(ret, '/');
		}
		buf_str(ret, cdf->name);
	}
	return buf_cstr(ret) != NULL || buf_ok(ret, "path", e);
}

/* ResultDir is made when missing, all of it. */
static bool
make_folders(const char *path, struct kd_err *e)
{
	AUTO(buf_clear) struct buf b = {0};

	for (const char *slash = strchr(path, '/'); slash != NULL;
	     slash = strchr(slash + 1, '/')) {
		if (slash == path)
			continue;
		buf_reset(&b);
		buf_add(&b, path, (size_t)(slash - path));
		if (buf_cstr(&b) == NULL)
			return buf_ok(&b, "path", e);
		if (mkdir(buf_cstr(&b), 0777) != 0 && errno != EEXIST)
			return kd_fail_errno(e, KD_E_FILE, errno,
			    "'%s': cannot create the folder", SHOW(buf_cstr(&b)));
	}
	return true;
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
write_catalog(const char *output, const struct buf *made, struct kd_err *e)
{
	AUTO(file_replace_clear) struct file_replace out = {.fd = -1};

	if (!file_replace_begin(output, NULL, &out, e))
		return false;
	return (file_write_full(out.fd, made->p, made->len, e) ||
		   kd_in(e, "'%s'", SHOW(output))) &&
	       file_replace_commit(&out, true, e);
}

static size_t
jobs(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n < 1 ? 1 : n > JOBS_MAX ? JOBS_MAX : (size_t)n;
}

static bool
make(struct client *c, const struct catalog_args *a, const char *path, struct kd_err *e)
{
	const struct catalog_options o = {
	    .jobs = jobs(), .stop_at_first = a->stop, .tick = progress_show};
	AUTO(cdf_clear) struct cdf cdf = {0};
	AUTO(catalog_clear) struct catalog catalog = {0};
	AUTO(buf_clear) struct buf made = {0};
	AUTO(buf_clear) struct buf output = {0};
	bool hashed;

	if (!cdf_load(path, &cdf, e))
		return false;
	if (!output_path(&cdf, a, &output, e))
		return kd_in(e, "'%s'", SHOW(path));
	progress_start("hashing", cdf.members_n, !c->quiet && !c->json);
	hashed = catalog_hash(path, &cdf, &o, &catalog, e);
	progress_end();
	if (!hashed)
		return false;
	if (!report_failures(c, a, path, &catalog))
		return true; /* said already */
	warn_doubts(c, &catalog);
	if (!catalog_build(&catalog, &made, e) ||
	    (a->output == NULL && !make_folders(buf_cstr(&output), e)) ||
	    !write_catalog(buf_cstr(&output), &made, e))
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
