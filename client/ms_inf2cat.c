/* SPDX-License-Identifier: Apache-2.0 */
/* client/ms_inf2cat.c - inf2cat: a driver package → its catalogs, in Inf2Cat's words. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/num.h"
#include "base/text.h"
#include "client/inf_run.h"
#include "client/ms.h"

struct inf2cat_args {
	const char *driver, *os;
	bool no_catalog, verbose, local_time, page_hashes, help;
};

enum kind {
	FLAG,
	VALUE,
	ALL_OR_NONE, /* a flag; with a value for some files, which is refused */
	IGNORED
};

/* Names in any case, behind '/' or '-'; a value follows a colon. */
static const struct row {
	const char *name;
	enum kind kind;
	size_t offset;
	const char *arg, *help;
} rows[] = {
    {"driver", VALUE, offsetof(struct inf2cat_args, driver), "DIR",
	"folder of the driver package"},
    {"drv", VALUE, offsetof(struct inf2cat_args, driver), "DIR", "the same"},
    {"os", VALUE, offsetof(struct inf2cat_args, os), "ID[,ID...]",
	"versions of Windows that the catalogs are for, without blanks"},
    {"nocat", FLAG, offsetof(struct inf2cat_args, no_catalog), NULL, "only test"},
    {"verbose", FLAG, offsetof(struct inf2cat_args, verbose), NULL, "list the files"},
    {"v", FLAG, offsetof(struct inf2cat_args, verbose), NULL, "the same"},
    {"uselocaltime", FLAG, offsetof(struct inf2cat_args, local_time), NULL,
	"DriverVer may be today by the machine's zone, not UTC"},
    {"pageHashes", ALL_OR_NONE, offsetof(struct inf2cat_args, page_hashes), NULL,
	"list page hashes, of all PE images"},
    {"drm", IGNORED, 0, NULL,
	"(ignored) [SignatureAttributes] in the INF is what Microsoft reads"},
    {"pe", IGNORED, 0, NULL, "(ignored) the same"},
    {"?", FLAG, offsetof(struct inf2cat_args, help), NULL, "this"},
};

/* The row of "/name" or "/name:value"; *ret_value NULL without a colon. */
static const struct row *
find(const char *arg, const char **ret_value)
{
	size_t n = strcspn(arg, ":");

	*ret_value = arg[n] == ':' ? &arg[n + 1] : NULL;
	if (arg[0] != '/' && arg[0] != '-')
		return NULL;
	for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++)
		if (strlen(rows[i].name) == n - 1 &&
		    strncasecmp(rows[i].name, arg + 1, n - 1) == 0)
			return &rows[i];
	return NULL;
}

bool
ms_inf2cat_wants(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		const char *value;
		const struct row *row = find(argv[i], &value);

		if (row != NULL &&
		    (argv[i][0] == '/' || (row->kind == VALUE && value != NULL)))
			return true;
	}
	return false;
}

static bool
take(const char *arg, struct inf2cat_args *a, struct kd_err *e)
{
	const char *value;
	const struct row *row = find(arg, &value);
	char *field;

	if (row == NULL)
		return kd_fail(e, KD_E_USAGE, "'%s' is no option of inf2cat", SHOW(arg));
	field = (char *)a + row->offset;
	switch (row->kind) {
	case VALUE:
		if (value == NULL || value[0] == '\0')
			return kd_fail(e, KD_E_USAGE, "/%s lacks its value: /%s:%s",
			    row->name, row->name, row->arg);
		*(const char **)field = value;
		return true;
	case ALL_OR_NONE:
		if (value != NULL)
			return kd_fail(e, KD_E_USAGE,
			    "/%s: page hashes are for all files or for none here; leave "
			    "out '%s'",
			    row->name, SHOW(value));
		*(bool *)field = true;
		return true;
	case FLAG:
		if (value != NULL)
			return kd_fail(
			    e, KD_E_USAGE, "/%s takes no value", row->name);
		*(bool *)field = true;
		return true;
	case IGNORED:
		return true;
	}
	return kd_fail(e, KD_E_BUG, "option kind %d", (int)row->kind);
}

static void
help(struct client *c)
{
	AUTO(buf_clear) struct buf b = {0};

	buf_str(&b, "Usage: inf2cat /driver:DIR /os:ID[,ID...] [options]\n\n"
		    "Test the driver package in a folder and make the catalogs that its "
		    "INFs name.\n\nOptions:\n");
	for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++) {
		const struct row *o = &rows[i];
		int pad = 20 - (int)strlen(o->name) -
			  (o->arg != NULL ? (int)strlen(o->arg) + 1 : 0);

		buf_printf(&b, "  /%s%s%s%*s%s\n", o->name, o->arg != NULL ? ":" : "",
		    o->arg != NULL ? o->arg : "", pad > 1 ? pad : 1, "", o->help);
	}
	buf_str(&b, "\nVersions of Windows:\n");
	oslist_help(&b);
	outcome_print(&c->outcome, &b);
}

static void
put_findings(struct buf *b, const struct inf_findings *found, enum inf_severity severity)
{
	size_t n = 0;

	buf_printf(b, "\n%s:\n", severity == INF_ERROR ? "Errors" : "Warnings");
	for (size_t i = 0; i < found->n; i++) {
		const struct inf_finding *f = &found->v[i];

		if (f->severity != severity)
			continue;
		n++;
		buf_printf(b, "%s%s%s (", f->number, f->number[0] == '\0' ? "" : ": ",
		    f->text);
		ms_put_text(b, f->path);
		if (f->line != 0)
			buf_printf(b, ":%u", f->line);
		buf_str(b, ")\n");
	}
	if (n == 0)
		buf_str(b, "None\n");
}

static void
put_files(struct buf *b, const struct inf_run *r)
{
	for (size_t i = 0; i < r->package.n; i++) {
		buf_str(b, "Processing: ");
		ms_put_text(b, r->package.v[i].inf.path);
		buf_u8(b, '\n');
		for (size_t k = 0; k < r->contents.files[i].n; k++) {
			buf_str(b, "Processing: ");
			ms_put_text(b, r->contents.files[i].v[k].path);
			buf_u8(b, '\n');
		}
	}
}

/* Standard output, to its end; then what else there is to say. */
static void
complain(struct client *c, const char *text, const struct kd_err *e)
{
	if (fflush(stdout) != 0)
		c->outcome.output_failed = true;
	(void)fprintf(stderr, "%s\n", text);
	if (e->msg[0] != '\0')
		(void)fprintf(stderr, "\t%s\n", e->msg);
	if (e->hint[0] != '\0')
		(void)fprintf(stderr, "\t%s\n", e->hint);
}

/* The test is over; true when it found no errors. */
static bool
put_test(struct client *c, const struct inf2cat_args *a, const struct inf_run *r)
{
	bool ok = r->found.errors == 0;
	AUTO(buf_clear) struct buf b = {0};

	if (a->verbose)
		put_files(&b, r);
	for (size_t i = 0; i < r->package.n; i++)
		buf_u8(&b, '.');
	buf_printf(&b, "\nSignability test %s.\n", ok ? "complete" : "failed");
	put_findings(&b, &r->found, INF_ERROR);
	put_findings(&b, &r->found, INF_WARNING);
	outcome_print(&c->outcome, &b);
	return ok;
}

static void
put_catalogs(struct client *c, const struct inf_run *r)
{
	AUTO(buf_clear) struct buf b = {0};

	buf_str(&b, "\nCatalog generation complete.\n");
	for (size_t i = 0; i < r->made_n; i++) {
		ms_put_text(&b, r->paths[i]);
		buf_u8(&b, '\n');
	}
	outcome_print(&c->outcome, &b);
}

/* *ret_failed: what to say of e when this is false. */
static bool
run(struct client *c, const struct inf2cat_args *a, const struct oslist *os,
    const char **ret_failed, struct kd_err *e)
{
	const struct inf_run_options o = {
	    .os = os, .local_time = a->local_time, .page_hashes = a->page_hashes};
	AUTO(inf_run_clear) struct inf_run r = {0};
	AUTO(free) char *dir = NULL;

	*ret_failed = "Signability test failed.";
	if (!ms_file_path(a->driver, &dir, e) || !inf_run_test(&r, dir, true, &o, e))
		return false;
	if (!put_test(c, a, &r))
		return false;
	if (a->no_catalog)
		return true;
	*ret_failed = "Catalog generation failed.";
	if (!inf_run_make(&r, &o, true, e))
		return false;
	put_catalogs(c, &r);
	return true;
}

void
ms_inf2cat(struct client *c, int argc, char **argv)
{
	struct inf2cat_args a = {0};
	struct oslist os = {0};
	struct kd_err e = {0};
	const char *failed;
	bool ok = true;

	for (int i = 1; ok && i < argc; i++)
		ok = take(argv[i], &a, &e);
	if (ok && a.help) {
		help(c);
		return;
	}
	if (ok && (a.driver == NULL || a.os == NULL))
		ok = kd_fail(&e, KD_E_USAGE, "/%s is missing; inf2cat /? says the rest",
		    a.driver == NULL ? "driver:DIR" : "os:ID");
	if (!ok || !oslist_parse(a.os, &os, &e)) {
		complain(c, "Parameter format not correct.", &e);
		c->outcome.status = MS_STATUS_FAILED;
		return;
	}
	if (run(c, &a, &os, &failed, &e))
		return;
	if (e.code != KD_OK)
		complain(c, failed, &e);
	c->outcome.status = MS_STATUS_FAILED;
}
