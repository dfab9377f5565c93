/* SPDX-License-Identifier: Apache-2.0 */
/* client/ms_makecat.c - makecat: a CDF → a catalog, in MakeCat's words. */
#include <stdio.h>

#include "base/mem.h"
#include "base/text.h"
#include "client/catalog_make.h"
#include "client/catalog_write.h"
#include "client/ms.h"

struct makecat_args {
	bool verbose, stop;
};

static const struct ms_row makecat_rows[] = {
    {"v", MS_FLAG, offsetof(struct makecat_args, verbose), NULL,
	"list attributes and files"},
    {"r", MS_FLAG, offsetof(struct makecat_args, stop), NULL,
	"stop at the first file that fails"},
    {"n", MS_IGNORED, 0, NULL,
	"every file that fails is named anyway, and a catalog without it not written"},
    {0},
};

static void
complain(uint32_t code, const struct kd_err *e)
{
	(void)fflush(stdout);
	(void)fprintf(stderr, "MakeCat Error: 0x%08x: %s\n", code, e->msg);
	if (e->hint[0] != '\0')
		(void)fprintf(stderr, "\t%s\n", e->hint);
}

/* What of it could be hashed is no catalog: a file that is not listed would be refused by
 * Windows long after the build that forgot it. */
static bool
say_failures(const struct catalog *made, bool first_only)
{
	size_t failed = 0, said = 0;

	for (size_t i = 0; i < made->cdf->members_n; i++) {
		const struct catalog_file *f = &made->files[i];

		if (f->failed == KD_OK)
			continue;
		failed++;
		if (f->err != NULL && (!first_only || said == 0)) {
			complain(f->path == NULL ? CDF_FAULT_MEMBER_FILE
						 : CDF_FAULT_MEMBER_HASH,
			    f->err);
			said++;
		}
	}
	if (!first_only && failed > said)
		(void)fprintf(
		    stderr, "MakeCat Error: %zu more files failed\n", failed - said);
	return failed == 0;
}

static void
put_values(struct buf *b, const struct cat_value *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		buf_str(b, "attribute: ");
		ms_put_text(b, v[i].name);
		buf_u8(b, ':');
		ms_put_text(b, v[i].value);
		buf_u8(b, '\n');
	}
}

static void
list(struct client *c, const char *path, const struct cdf *cdf)
{
	AUTO(buf_clear) struct buf b = {0};

	buf_str(&b, "opened:    ");
	ms_put_text(&b, path);
	buf_u8(&b, '\n');
	put_values(&b, cdf->values, cdf->values_n);
	for (size_t i = 0; i < cdf->members_n; i++) {
		buf_str(&b, "processing: ");
		ms_put_text(&b, cdf->members[i].tag);
		buf_u8(&b, '\n');
		put_values(&b, cdf->members[i].values, cdf->members[i].values_n);
	}
	outcome_print(&c->outcome, &b);
}

/* Else it would be Windows that finds out which digest the file was listed by. */
static void
put_doubts(struct buf *b, const struct catalog *made)
{
	for (size_t i = 0; i < made->cdf->members_n; i++) {
		const struct catalog_file *f = &made->files[i];

		if (f->hash.doubt[0] == '\0')
			continue;
		buf_str(b, "Note: listed as it is, though it begins like a PE image: ");
		ms_put_text(b, f->path);
		buf_printf(b, ": %s\n", f->hash.doubt);
	}
}

static void
no_tick(size_t done)
{
	(void)done;
}

/* false: said. */
static bool
make(struct client *c, const struct makecat_args *a, const char *word)
{
	const struct catalog_options o = {
	    .jobs = catalog_jobs(), .stop_at_first = a->stop, .tick = no_tick};
	AUTO(cdf_clear) struct cdf cdf = {0};
	AUTO(catalog_clear) struct catalog catalog = {0};
	AUTO(buf_clear) struct buf made = {0};
	AUTO(buf_clear) struct buf output = {0};
	AUTO(buf_clear) struct buf doubts = {0};
	AUTO(free) char *path = NULL;
	struct kd_err e = {0};
	bool ok;

	ok = ms_file_path(word, &path, &e) && cdf_load(path, &cdf, &e) &&
	     catalog_output(&cdf, NULL, &output, &e);
	if (ok && a->verbose)
		list(c, path, &cdf);
	ok = ok && catalog_hash(path, &cdf, &o, &catalog, &e);
	if (ok && !say_failures(&catalog, a->stop))
		return false;
	if (ok && a->verbose)
		put_doubts(&doubts, &catalog);
	outcome_print(&c->outcome, &doubts);
	ok = ok && catalog_check_output(&catalog, buf_cstr(&output), &e) &&
	     catalog_build(&catalog, &made, &e) &&
	     catalog_write(buf_cstr(&output), true, &made, &e);
	if (!ok)
		complain(cdf.fault != 0 ? cdf.fault : CDF_FAULT_UNSUPPORTED, &e);
	return ok;
}

static void
help(struct client *c)
{
	AUTO(buf_clear) struct buf b = {0};

	buf_str(&b, "Usage: makecat [options] <file.cdf>\n\nMake the catalog that the "
		    "CDF describes, not signed yet.\n\nOptions:\n");
	ms_help(makecat_rows, &b);
	outcome_print(&c->outcome, &b);
}

void
ms_makecat(struct client *c, int argc, char **argv)
{
	struct makecat_args a = {0};
	AUTO(free) char **v = kd_alloc_array((size_t)argc, sizeof(*v));
	struct ms_words words = {.v = v};
	AUTO(buf_clear) struct buf b = {0};
	struct kd_err e = {0};
	bool done = false;

	if (v == NULL) {
		(void)kd_fail_nomem(&e, "command line");
	} else if (!ms_parse(argc, argv, makecat_rows, &a, &words, &e)) {
		; /* said below */
	} else if (words.help) {
		help(c);
		done = true;
	} else if (words.n != 1) {
		(void)kd_fail(&e, KD_E_USAGE,
		    words.n == 0 ? "no CDF is named" : "more than one CDF is named");
		(void)kd_hint(&e, "makecat -? says what can stand on its command line");
	} else {
		done = make(c, &a, words.v[0]);
		if (a.verbose)
			buf_str(&b, done ? "Succeeded\n" : "Failed\n");
		outcome_print(&c->outcome, &b);
	}
	if (e.code != KD_OK)
		complain(CDF_FAULT_UNSUPPORTED, &e);
	option_list_clear(&words.ignored);
	c->outcome.status = done ? 0 : MS_STATUS_FAILED;
}
