/* SPDX-License-Identifier: Apache-2.0 */
/* client/cmd_inf.c - kdsign-client inf check, and inf2cat: what INFs say, and the catalogs
 * that they name. */
#include <string.h>

#include "base/text.h"
#include "client/client.h"
#include "client/inf_run.h"
#include "client/inf_say.h"
#include "client/ms.h"
#include "wire/json.h"

struct inf_args {
	const char *os;
	uint64_t version; /* 0: not given; inf2cat alone, as what follows */
	bool no_catalog, page_hashes, local_time, verbose;
};

#define OS_ROW(arg_help)                                                                 \
	{"os", OPTION_TEXT, offsetof(struct inf_args, os), "LIST", arg_help}
#define LOCAL_TIME_ROW                                                                   \
	{"local-time", OPTION_FLAG, offsetof(struct inf_args, local_time), NULL,         \
	    "DriverVer may be today by the machine's zone, not UTC"}

static const struct option_row inf_rows[] = {
    OS_ROW("versions of Windows to test for: 10_X64,7_X86"),
    LOCAL_TIME_ROW,
    {0},
};

static const struct option_row inf2cat_rows[] = {
    OS_ROW("versions of Windows to make the catalogs for: 10_X64,7_X86"),
    {"catalog-version", OPTION_UINT, offsetof(struct inf_args, version), "N",
	"1 or 2, whatever the versions of Windows", 1, 2},
    {"no-catalog", OPTION_FLAG, offsetof(struct inf_args, no_catalog), NULL,
	"only test"},
    {"page-hashes", OPTION_FLAG, offsetof(struct inf_args, page_hashes), NULL,
	"list the page hashes of PE images too"},
    LOCAL_TIME_ROW,
    {"verbose", OPTION_FLAG, offsetof(struct inf_args, verbose), NULL,
	"list each file with its digest", .letter = 'v'},
    {0},
};

static void
put_catalogs_json(struct buf *b, const struct inf_run *r)
{
	jw_arr_open(b, "catalogs");
	for (size_t i = 0; i < r->made_n; i++) {
		const struct cdf *cdf = &r->catalogs.v[i].cdf;

		jw_open(b);
		jw_str(b, "output", r->paths[i]);
		jw_uint(b, "version", (uint64_t)cdf->version);
		jw_uint(b, "hardware_ids", r->contents.ids.n);
		jw_arr_open(b, "members");
		for (size_t k = 0; k < cdf->members_n; k++) {
			jw_open(b);
			jw_str(b, "path", r->made[i].files[k].path);
			jw_str(b, "name", cdf->members[k].values[0].value);
			jw_close(b);
		}
		jw_arr_close(b);
		jw_close(b);
	}
	jw_arr_close(b);
}

static void
put_members(struct buf *b, const struct inf_run *r, size_t catalog)
{
	const struct catalog *made = &r->made[catalog];

	for (size_t i = 0; i < made->cdf->members_n; i++) {
		const struct cat_hash *h = &made->files[i].hash;

		if (made->cdf->version == CAT_V2)
			text_hex(b, h->sha256, sizeof(h->sha256));
		else
			text_hex(b, h->sha1, sizeof(h->sha1));
		buf_printf(b, "  %s\n", SHOW(made->files[i].path));
	}
}

static void
put_lines(struct buf *b, const struct inf_run *r, const struct inf_args *a)
{
	for (size_t i = 0; i < r->made_n; i++) {
		const struct cdf *cdf = &r->catalogs.v[i].cdf;

		if (a->verbose)
			put_members(b, r, i);
		buf_printf(b,
		    "%s: lists %zu file%s and %zu hardware id%s, version %d, not signed "
		    "yet\n",
		    SHOW(r->paths[i]), cdf->members_n, cdf->members_n == 1 ? "" : "s",
		    r->contents.ids.n, r->contents.ids.n == 1 ? "" : "s",
		    (int)cdf->version);
	}
}

static void
report(struct client *c, const struct inf_args *a, const char *path,
    const struct inf_run *r, const struct kd_err *e)
{
	bool ok = inf_say(c, &r->found) && e->code == KD_OK;
	AUTO(buf_clear) struct buf b = {0};

	if (e->code != KD_OK)
		outcome_fail_said(&c->outcome, e);
	if (c->json) {
		outcome_json_open(&b, path, ok);
		if (e->code != KD_OK)
			outcome_json_error(&b, e);
		inf_say_json(&b, &r->found);
		if (ok)
			put_catalogs_json(&b, r);
		outcome_json_close(&b);
	} else if (ok && !c->quiet && r->made_n == 0) {
		buf_printf(&b, "%s: good, %zu hardware id%s\n", SHOW(path),
		    r->contents.ids.n, r->contents.ids.n == 1 ? "" : "s");
	} else if (ok && !c->quiet) {
		put_lines(&b, r, a);
	}
	outcome_print(&c->outcome, &b);
}

/* One INF, or the folder of a package. */
static void
one(struct client *c, const struct inf_args *a, const struct oslist *os, const char *path,
    bool folder)
{
	const struct inf_run_options o = {.os = os,
	    .version = (enum cat_version)a->version,
	    .local_time = a->local_time,
	    .page_hashes = a->page_hashes};
	AUTO(inf_run_clear) struct inf_run r = {0};
	struct kd_err e = {0};

	if (inf_run_test(&r, path, folder, &o, &e) && r.found.errors == 0 && folder &&
	    !a->no_catalog)
		(void)!inf_run_make(&r, &o, c->quiet || c->json, &e);
	report(c, a, path, &r, &e);
}

static void
run_inf(struct client *c, const void *options, char **files, size_t n)
{
	const struct inf_args *a = options;
	struct oslist os = {0};
	struct kd_err e = {0};

	if (strcmp(files[0], "check") != 0) {
		(void)kd_fail(&e, KD_E_USAGE, "'inf %s': unknown", SHOW(files[0]));
		(void)kd_hint(&e, "usage: kdsign-client inf check FILE...");
		outcome_fail(&c->outcome, NULL, &e);
		return;
	}
	if (a->os != NULL && !oslist_parse(a->os, &os, &e)) {
		(void)kd_in(&e, "--os");
		outcome_fail(&c->outcome, NULL, &e);
		return;
	}
	for (size_t i = 1; i < n; i++)
		one(c, a, a->os != NULL ? &os : NULL, files[i], false);
}

static void
run_inf2cat(struct client *c, const void *options, char **files, size_t n)
{
	const struct inf_args *a = options;
	struct oslist os = {0};
	struct kd_err e = {0};

	(void)n; /* is 1 */
	if (a->os == NULL) {
		(void)kd_fail(&e, KD_E_USAGE, "no --os: for which versions of Windows?");
		(void)kd_hint(&e, "such as --os 10_X64,10_RS3_ARM64; kdsign-client(1) has "
				  "them all");
	} else if (!oslist_parse(a->os, &os, &e)) {
		(void)kd_in(&e, "--os");
	}
	if (e.code != KD_OK)
		outcome_fail(&c->outcome, NULL, &e);
	else
		one(c, a, &os, files[0], true);
}

const struct command cmd_inf = {
    .name = "inf",
    .args = "check [OPTION...] FILE...",
    .summary = "test INF files as Inf2Cat does",
    .options = inf_rows,
    .options_size = sizeof(struct inf_args),
    .files_min = 2,
    .files_max = SIZE_MAX,
    .run = run_inf,
};

const struct command cmd_inf2cat = {
    .name = "inf2cat",
    .args = "--os LIST [OPTION...] DIR",
    .summary = "test a driver package and make the catalogs that its INFs name",
    .options = inf2cat_rows,
    .options_size = sizeof(struct inf_args),
    .files_min = 1,
    .files_max = 1,
    .run = run_inf2cat,
    .run_words = ms_run,
    .wants_words = ms_inf2cat_wants,
};
