/* SPDX-License-Identifier: Apache-2.0 */
/* client/cmd_cab.c - kdsign-client cab: the cabinet of an attestation submission, made,
 * listed, checked. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "client/cab_make.h"
#include "client/cab_read.h"
#include "client/client.h"
#include "client/inf_say.h"
#include "driver/submission.h"
#include "wire/json.h"

struct cab_args {
	const char *output, *os;
	bool list, check, local_time, verbose;
};

static const struct option_row cab_rows[] = {
    {"output", OPTION_TEXT, offsetof(struct cab_args, output), "FILE",
	"pack the driver packages in the folders named into this cabinet"},
    {"check", OPTION_FLAG, offsetof(struct cab_args, check), NULL,
	"would Hardware Dev Center take these cabinets?"},
    {"list", OPTION_FLAG, offsetof(struct cab_args, list), NULL,
	"what is in these cabinets; so without --output and --check, too"},
    {"os", OPTION_TEXT, offsetof(struct cab_args, os), "LIST",
	"versions of Windows to test the INFs for: 10_X64,10_RS3_ARM64"},
    {"local-time", OPTION_FLAG, offsetof(struct cab_args, local_time), NULL,
	"DriverVer may be today by the machine's zone, not UTC"},
    {"verbose", OPTION_FLAG, offsetof(struct cab_args, verbose), NULL,
	"list each file that is packed", .letter = 'v'},
    {0},
};

static const char *
plural(size_t n)
{
	return n == 1 ? "" : "s";
}

/* ---- made ---- */

/* One folder tested, and into the plan. */
static bool
add_package(struct cab_plan *plan, const char *dir, const struct inf_run_options *o,
    struct submission_folder *ret, struct inf_findings *found, struct kd_err *e)
{
	AUTO(inf_run_clear) struct inf_run run = {0};

	ret->path = dir;
	return inf_run_test(&run, dir, true, o, e) &&
	       inf_findings_add(found, &run.found, e) &&
	       (run.found.errors != 0 ||
		   (submission_archs(&run.package, &ret->archs, e) &&
		       cab_plan_add(plan, &run, found, e)));
}

/* Everything is tested before anything is written. */
static bool
make(const struct cab_args *a, const struct inf_run_options *o, char **dirs, size_t n,
    struct cab_plan *plan, uint64_t *ret_size, struct inf_findings *found,
    struct kd_err *e)
{
	AUTO(free) struct submission_folder *folders =
	    kd_alloc_array(n, sizeof(*folders));

	if (folders == NULL)
		return kd_fail_nomem(e, "folders");
	for (size_t i = 0; i < n; i++)
		if (!add_package(plan, dirs[i], o, &folders[i], found, e))
			return false;
	if (!submission_check_archs(folders, n, found, e))
		return false;
	if (found->errors == 0 && !cab_plan_check(plan, a->output, found, e))
		return false;
	return found->errors != 0 || cab_plan_write(plan, a->output, ret_size, e);
}

static void
put_made_json(struct buf *b, const struct cab_plan *p, uint64_t size)
{
	jw_uint(b, "size", size);
	jw_uint(b, "packages", p->packages);
	jw_uint(b, "left_out", p->left_out);
	jw_arr_open(b, "files");
	for (size_t i = 0; i < p->n; i++) {
		jw_open(b);
		jw_str(b, "name", p->v[i].name);
		jw_str(b, "path", p->v[i].path);
		jw_close(b);
	}
	jw_arr_close(b);
}

static void
put_made(struct buf *b, const struct cab_args *a, const struct cab_plan *p, uint64_t size)
{
	for (size_t i = 0; a->verbose && i < p->n; i++)
		buf_printf(b, "%s  from %s\n", SHOW(p->v[i].name), SHOW(p->v[i].path));
	buf_printf(b,
	    "%s: %zu driver package%s, %zu file%s, %" PRIu64 " bytes, not signed yet\n",
	    SHOW(a->output), p->packages, plural(p->packages), p->n, plural(p->n), size);
	if (p->left_out != 0)
		buf_printf(b, "left out: %zu file%s that no INF names\n", p->left_out,
		    plural(p->left_out));
}

static void
run_make(struct client *c, const struct cab_args *a, const struct inf_run_options *o,
    char **dirs, size_t n)
{
	AUTO(cab_plan_clear) struct cab_plan plan = {0};
	AUTO(inf_findings_clear) struct inf_findings found = {0};
	AUTO(buf_clear) struct buf b = {0};
	struct kd_err e = {0};
	uint64_t size = 0;
	bool ok = make(a, o, dirs, n, &plan, &size, &found, &e);

	ok = inf_say(c, &found) && ok;
	if (e.code != KD_OK)
		outcome_fail_said(&c->outcome, &e);
	if (c->json) {
		outcome_json_open(&b, a->output, ok);
		if (e.code != KD_OK)
			outcome_json_error(&b, &e);
		inf_say_json(&b, &found);
		if (ok)
			put_made_json(&b, &plan, size);
		outcome_json_close(&b);
	} else if (ok && !c->quiet) {
		put_made(&b, a, &plan, size);
	}
	outcome_print(&c->outcome, &b);
}

/* ---- listed ---- */

static uint64_t
unpacked_size(const struct cab_dir *d)
{
	uint64_t n = 0;

	for (size_t i = 0; i < d->files_n; i++)
		n += d->files[i].size;
	return n;
}

#define DOS_TIME_LEN 20
/* As a cabinet's two numbers say it; of no zone. */
static const char *
dos_time(const struct cab_file *f, char dst[DOS_TIME_LEN])
{
	(void)snprintf(dst, DOS_TIME_LEN, "%04u-%02u-%02u %02u:%02u:%02u",
	    (f->date >> 9) + 1980u, (f->date >> 5) & 15u, f->date & 31u, f->time >> 11,
	    (f->time >> 5) & 63u, (f->time & 31u) * 2u);
	return dst;
}

static const char *
compression_name(const struct cab_folder *f)
{
	static const char *const names[] = {"none", "MSZIP", "Quantum", "LZX"};
	unsigned i = f->compression & CAB_COMPRESS_MASK;

	return i < sizeof(names) / sizeof(names[0]) ? names[i] : "unknown";
}

static void
put_list_json(struct buf *b, const struct cab_read *r)
{
	char when[DOS_TIME_LEN], name[CAB_NAME_MAX * 4];

	jw_uint(b, "size", r->cab.size);
	jw_bool(b, "signed", r->cab.sig_len != 0);
	jw_arr_open(b, "data_folders");
	for (size_t i = 0; i < r->dir.folders_n; i++) {
		jw_open(b);
		jw_str(b, "compression", compression_name(&r->dir.folders[i]));
		jw_uint(b, "blocks", r->dir.folders[i].blocks);
		jw_close(b);
	}
	jw_arr_close(b);
	jw_arr_open(b, "files");
	for (size_t i = 0; i < r->dir.files_n; i++) {
		const struct cab_file *f = &r->dir.files[i];

		jw_open(b);
		jw_str(b, "name",
		    text_is_utf8(f->name, strlen(f->name))
			? f->name
			: text_show_str(name, sizeof(name), f->name));
		jw_uint(b, "size", f->size);
		jw_str(b, "modified", dos_time(f, when));
		jw_uint(b, "data_folder", f->folder);
		jw_uint(b, "attributes", f->attribs);
		jw_close(b);
	}
	jw_arr_close(b);
}

static void
put_list(struct buf *b, const char *path, const struct cab_read *r)
{
	char when[DOS_TIME_LEN], name[CAB_NAME_MAX * 4];

	for (size_t i = 0; i < r->dir.files_n; i++)
		buf_printf(b, "%10" PRIu32 "  %s  %s\n", r->dir.files[i].size,
		    dos_time(&r->dir.files[i], when),
		    text_show_str(name, sizeof(name), r->dir.files[i].name));
	buf_printf(b, "%s: %zu file%s, %" PRIu64 " bytes unpacked, %s, %s\n", SHOW(path),
	    r->dir.files_n, plural(r->dir.files_n), unpacked_size(&r->dir),
	    r->dir.folders_n == 1 ? compression_name(&r->dir.folders[0])
				  : "several data folders",
	    r->cab.sig_len != 0 ? "signed" : "not signed");
}

static void
list_one(struct client *c, const char *path)
{
	AUTO(cab_read_clear) struct cab_read r = {0};
	AUTO(buf_clear) struct buf b = {0};
	struct kd_err e = {0};

	if (!cab_read_open(path, &r, &e)) {
		outcome_fail(&c->outcome, path, &e);
		return;
	}
	if (c->json) {
		outcome_json_open(&b, path, true);
		put_list_json(&b, &r);
		outcome_json_close(&b);
	} else {
		put_list(&b, path, &r);
	}
	outcome_print(&c->outcome, &b);
}

/* ---- checked ---- */

static void
check_one(struct client *c, const struct inf_run_options *o, const char *path)
{
	AUTO(cab_read_clear) struct cab_read r = {0};
	AUTO(inf_findings_clear) struct inf_findings found = {0};
	AUTO(buf_clear) struct buf b = {0};
	struct kd_err e = {0};
	size_t packages = 0;
	bool ok = cab_read_open(path, &r, &e) &&
		  cab_read_check(&r, path, o, &found, &packages, &e);

	ok = inf_say(c, &found) && ok;
	if (e.code != KD_OK)
		outcome_fail_said(&c->outcome, &e);
	if (c->json) {
		outcome_json_open(&b, path, ok);
		if (e.code != KD_OK)
			outcome_json_error(&b, &e);
		inf_say_json(&b, &found);
		jw_uint(&b, "packages", packages);
		jw_bool(&b, "signed", r.cab.sig_len != 0);
		outcome_json_close(&b);
	} else if (ok && !c->quiet) {
		buf_printf(&b, "%s: good, %zu driver package%s, %zu file%s, %s\n",
		    SHOW(path), packages, plural(packages), r.dir.files_n,
		    plural(r.dir.files_n),
		    r.cab.sig_len != 0 ? "signed (verify tells whether well)"
				       : "not signed yet");
	}
	outcome_print(&c->outcome, &b);
}

/* ---- the command ---- */

static bool
check_args(const struct cab_args *a, struct oslist *os, struct kd_err *e)
{
	if (a->output != NULL && (a->list || a->check))
		return kd_fail(e, KD_E_USAGE, "--output makes a cabinet: %s reads some",
		    a->list ? "--list" : "--check");
	if (a->list && a->check)
		return kd_fail(e, KD_E_USAGE, "--list and --check: which of them?");
	return a->os == NULL || oslist_parse(a->os, os, e) || kd_in(e, "--os");
}

static void
run(struct client *c, const void *options, char **files, size_t n)
{
	const struct cab_args *a = options;
	struct oslist os = {0};
	const struct inf_run_options o = {
	    .os = a->os != NULL ? &os : NULL, .local_time = a->local_time};
	struct kd_err e = {0};

	if (!check_args(a, &os, &e)) {
		outcome_fail(&c->outcome, NULL, &e);
		return;
	}
	if (a->output != NULL) {
		run_make(c, a, &o, files, n);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		if (a->check)
			check_one(c, &o, files[i]);
		else
			list_one(c, files[i]);
	}
}

const struct command cmd_cab = {
    .name = "cab",
    .args = "--output FILE.cab [OPTION...] DIR... | [--list|--check] FILE.cab...",
    .summary = "pack driver packages for Hardware Dev Center; list or check cabinets",
    .options = cab_rows,
    .options_size = sizeof(struct cab_args),
    .files_min = 1,
    .files_max = SIZE_MAX,
    .run = run,
};
