/* SPDX-License-Identifier: Apache-2.0 */
/* client/cmd_package.c - kdsign-client package: whole driver packages, from their INFs to
 * signed catalogs and Windows' verdict. */
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "client/catalog_write.h"
#include "client/client.h"
#include "client/each.h"
#include "client/inf_say.h"
#include "client/key_pick.h"
#include "client/package.h"
#include "client/package_cab.h"
#include "client/progress.h"
#include "client/sign_pool.h"
#include "client/verdict.h"
#include "wire/json.h"

struct package_args {
	struct sign_run_options run;
	struct option_list root, kernel_root, publisher;
	const char *os, *cab;
	uint64_t version;
	bool no_timestamp, local_time, dry_run, if_needed, require_kernel, require_installer;
};
#define ARG(member) offsetof(struct package_args, member)

static const struct option_row package_rows[] = {
    SIGN_OPTION_ROWS(struct package_args, run),
    {"page-hashes", OPTION_FLAG, ARG(run.page_hashes), NULL,
	"sign, and list in the catalogs, a digest of each page of PE files"},
    STAMP_OPTION_ROWS(struct package_args, run.stamp),
    {"timestamp-optional", OPTION_FLAG, ARG(run.stamp.optional), NULL,
	"sign without a timestamp when none is to be had"},
    {"no-timestamp", OPTION_FLAG, ARG(no_timestamp), NULL,
	"none, whatever the configuration says"},
    {"os", OPTION_TEXT, ARG(os), "LIST",
	"versions of Windows for the catalogs, as with inf2cat; default: by the INFs"},
    {"catalog-version", OPTION_UINT, ARG(version), "N",
	"1 or 2, whatever the versions of Windows", 1, 2},
    {"local-time", OPTION_FLAG, ARG(local_time), NULL,
	"DriverVer may be today by the machine's zone, not UTC"},
    {"if-needed", OPTION_FLAG, ARG(if_needed), NULL,
	"leave alone what is signed as asked"},
    {"dry-run", OPTION_FLAG, ARG(dry_run), NULL,
	"say what would be done, sign and write nothing"},
    {"cab", OPTION_TEXT, ARG(cab), "FILE",
	"pack the packages, once signed, into this cabinet for a submission"},
    {"root", OPTION_LIST, ARG(root), "FILE",
	"trust these certificates (PEM or DER); may be repeated"},
    {"kernel-root", OPTION_LIST, ARG(kernel_root), "FILE",
	"one more root of the kernel's; may be repeated"},
    {"trusted-publisher", OPTION_LIST, ARG(publisher), "FILE",
	"certificate that the installer need not ask about; may be repeated"},
    {"require-kernel", OPTION_FLAG, ARG(require_kernel), NULL,
	"fail when a driver does not satisfy the kernel's signing policy"},
    {"require-installer", OPTION_FLAG, ARG(require_installer), NULL,
	"fail when the newest Windows would not install it"},
    {"jobs", OPTION_UINT, ARG(run.jobs), "N",
	"threads that read and write, default four a core", .min = 1,
	.max = SIGN_JOBS_MAX},
    {0},
};

struct packing { /* one run of the command; cleared by packing_clear */
	struct client *c;
	const struct package_args *a;
	struct package_options o;
	struct oslist os;
	struct trust trust;
	struct verdict_trust windows;
	struct package_wanted wanted;
	struct verdict_table *table;
	struct package *v; /* n of them */
	size_t n;
	struct sign_file *files;
	size_t files_n;
	size_t failed, again;
};

static void
packing_clear(struct packing *p)
{
	for (size_t i = 0; i < p->n; i++)
		package_clear(&p->v[i]);
	free(p->v);
	free(p->files);
	verdict_table_free(p->table);
	package_wanted_clear(&p->wanted);
	verdict_trust_clear(&p->windows);
	trust_clear(&p->trust);
}
AUTO_DEFINE_CLEAR(struct packing, packing_clear);

static bool
is_done(const struct package *p)
{
	return p->e.code == KD_OK && p->run.found.errors == 0;
}

/* What is done, or would be, with a file, as words and in JSON. */
static const char *
action_word(const struct package_file *f)
{
	switch (f->action) {
	case PACKAGE_LIST:
		return "list";
	case PACKAGE_LEAVE:
		return "leave";
	case PACKAGE_SIGN:
		break;
	}
	return f->kind == PACKAGE_CATALOG ? "make" : "sign";
}

static void
put_file_json(struct buf *b, const struct packing *k, const struct package *p,
    const struct package_file *f)
{
	static const char *const kinds[] = {[PACKAGE_INF] = "inf",
	    [PACKAGE_BINARY] = "pe",
	    [PACKAGE_OTHER] = "other",
	    [PACKAGE_CATALOG] = "catalog"};
	const struct sign_file *s = f->sign;
	char when[CLOCK_UTC_LEN];

	jw_open(b);
	jw_str(b, "path", package_name(p, f));
	jw_str(b, "kind", kinds[f->kind]);
	jw_str(b, "action", action_word(f));
	if (f->why != NULL)
		jw_str(b, "why", f->why);
	if (s != NULL && s->state == SIGN_DONE) {
		jw_str(b, "key", s->key);
		jw_str(b, "digest_algorithm", md_name(s->subject.md));
		jw_hex(b, "digest", s->subject.digest, md_len(s->subject.md));
		if (s->stamp.kind != TSP_NONE) {
			clock_utc(when, s->stamp.time * 1000);
			jw_str(b, "timestamp", when);
		}
	}
	verdict_table_json(k->table, &f->row, b);
	jw_close(b);
}

static void
put_json(const struct packing *k, const struct package *p)
{
	AUTO(buf_clear) struct buf b = {0};

	outcome_json_open(&b, p->dir, is_done(p));
	if (p->e.code != KD_OK)
		outcome_json_error(&b, &p->e);
	inf_say_json(&b, &p->run.found);
	if (is_done(p)) {
		jw_bool(&b, "dry_run", k->a->dry_run);
		jw_arr_open(&b, "files");
		for (size_t i = 0; i < p->n; i++)
			put_file_json(&b, k, p, &p->v[i]);
		jw_arr_close(&b);
	}
	outcome_json_close(&b);
	outcome_print(&k->c->outcome, &b);
}

static void
put_plan(struct buf *b, const struct package *p)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct package_file *f = &p->v[i];

		if (f->action == PACKAGE_LIST)
			continue;
		buf_printf(b, "%s: would %s %s", SHOW(p->dir), action_word(f),
		    SHOW(package_name(p, f)));
		if (f->action == PACKAGE_LEAVE)
			buf_printf(b, ": %s", f->why);
		else if (f->kind == PACKAGE_CATALOG)
			buf_printf(b, " and sign it: lists %zu files, version %d",
			    p->run.catalogs.v[f->catalog].cdf.members_n,
			    (int)p->run.catalogs.v[f->catalog].cdf.version);
		buf_u8(b, '\n');
	}
}

static void
put_count(struct buf *b, const char *before, size_t n, const char *what)
{
	if (n != 0)
		buf_printf(b, "%s%zu %s%s", before, n, what, n == 1 ? "" : "s");
}

static void
put_line(struct buf *b, const struct package *p)
{
	const struct sign_file *one = NULL;
	size_t binaries = 0, catalogs = 0;

	for (size_t i = 0; i < p->n; i++) {
		if (p->v[i].sign == NULL)
			continue;
		one = p->v[i].sign;
		catalogs += p->v[i].kind == PACKAGE_CATALOG;
		binaries += p->v[i].kind != PACKAGE_CATALOG;
	}
	if (one == NULL) {
		buf_printf(b, "%s: nothing to do, all is signed as asked\n", SHOW(p->dir));
		return;
	}
	buf_printf(b, "%s: signed ", SHOW(p->dir));
	put_count(b, "", binaries, "file");
	put_count(b, binaries != 0 && catalogs != 0 ? " and " : "", catalogs, "catalog");
	buf_printf(b, " with %s (%s)%s", one->key, md_name(one->subject.md),
	    one->stamp.kind != TSP_NONE ? ", timestamped" : "");
	put_count(b, ", left ", package_count(p, PACKAGE_LEAVE), "file");
	buf_u8(b, '\n');
}

/* Signed, but without the timestamp that was only wished for. */
static void
warn_unstamped(const struct package *p)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct sign_file *s = p->v[i].sign;

		if (s == NULL || s->state != SIGN_DONE || s->err.code == KD_OK)
			continue;
		progress_hide();
		log_err(LOG_L_WARN, &s->err);
	}
}

static void
tell_failure(struct packing *k, struct package *p)
{
	struct client *c = k->c;

	k->failed++;
	if (p->e.code != KD_OK && p->again) {
		k->again++;
		c->outcome.status = outcome_worse(
		    kd_code_info(p->e.code)->exit_client, c->outcome.status);
	} else if (p->e.code != KD_OK) {
		outcome_fail_said(&c->outcome, &p->e);
	}
}

/* In order, by the calling thread. Findings were said with the plan. */
static void
tell(void *self, size_t i)
{
	struct packing *k = self;
	struct package *p = &k->v[i];
	AUTO(buf_clear) struct buf b = {0};

	if (!is_done(p))
		tell_failure(k, p);
	else
		warn_unstamped(p);
	if (k->c->json) {
		put_json(k, p);
		return;
	}
	if (!is_done(p) || k->c->quiet)
		return;
	if (k->a->dry_run)
		put_plan(&b, p);
	else
		put_line(&b, p);
	outcome_print(&k->c->outcome, &b);
}

static void
tell_findings(void *self, size_t i)
{
	const struct packing *k = self;

	progress_hide();
	(void)!inf_say(k->c, &k->v[i].run.found);
}

static void
plan_one(void *self, size_t i, void **mine)
{
	const struct packing *k = self;

	(void)mine;
	package_plan(&k->v[i], &k->o);
}

static void
finish_one(void *self, size_t i, void **mine)
{
	const struct packing *k = self;

	(void)mine;
	package_finish(&k->v[i], &k->o, k->table);
}

static void
tick(void *self, size_t finished_n)
{
	(void)self;
	progress_show(finished_n);
}

static bool
for_each(struct packing *k, const char *what, void (*work)(void *, size_t, void **),
    void (*done)(void *, size_t), struct kd_err *e)
{
	const struct each_options o = {.n = k->n,
	    .jobs = k->a->run.jobs != 0 ? (size_t)k->a->run.jobs : catalog_jobs(),
	    .work = work,
	    .done = done,
	    .tick = tick,
	    .self = k};
	bool ran;

	progress_start(what, k->n, !k->c->quiet && !k->c->json);
	ran = each_run(&o, e);
	progress_end();
	return ran;
}

/* One line a file, whatever package it is of. */
static bool
put_table(const struct packing *k, struct kd_err *e)
{
	AUTO(free) struct verdict_line *lines = NULL;
	AUTO(buf_clear) struct buf b = {0};
	AUTO(buf_clear) struct buf names = {0};
	size_t n = 0, at = 0;

	for (size_t i = 0; i < k->n; i++)
		n += k->v[i].n;
	lines = kd_alloc_array(n, sizeof(*lines));
	if (lines == NULL)
		return kd_fail_nomem(e, "table");
	for (size_t i = 0; i < k->n; i++)
		for (size_t j = 0; is_done(&k->v[i]) && j < k->v[i].n; j++)
			lines[at++] = (struct verdict_line){
			    k->v[i].v[j].path, &k->v[i].v[j].row};
	if (!verdict_table_text(k->table, lines, at, &b, e))
		return false;
	outcome_print(&k->c->outcome, &b);
	return true;
}

static void
warn(void *self, const char *text)
{
	const struct packing *k = self;

	if (k->c->quiet)
		return;
	progress_hide();
	log_line(LOG_L_WARN, "%s", text);
}

/* The key that --if-needed compares with. With a thumbprint alone nobody need be asked. */
static bool
find_wanted(struct packing *k, struct kd_err *e)
{
	const struct sign_run_options *o = &k->o.sign;
	AUTO(server_close) struct server *server = NULL;
	AUTO(certs_free) struct certs *chain = NULL;
	struct key_choice key = {0};
	struct cert_info info;

	if (!certs_new(&k->wanted.more, e))
		return false;
	for (size_t i = 0; i < o->ac.n; i++)
		if (!certs_load(k->wanted.more, o->ac.v[i], e))
			return false;
	k->o.wanted = &k->wanted;
	if (o->sha1 != NULL)
		return key_thumbprint(o->sha1, k->wanted.sha1, e);
	if (!net_init(e) || !server_open(&k->c->settings, &server, e) ||
	    !key_pick(server, o->key, o->sha1, &key, e) || !certs_new(&chain, e) ||
	    !key_chain(server, &key, chain, e) || !cert_info(chain, 0, &info, e))
		return false;
	memcpy(k->wanted.sha1, info.sha1, sizeof(k->wanted.sha1));
	return true;
}

static bool
read_options(struct packing *k, struct kd_err *e)
{
	const struct package_args *a = k->a;
	const struct conf_list *set = &k->c->settings.kernel_roots;
	const struct option_list from_settings = {(const char **)set->v, set->n};

	k->o = (struct package_options){.sign = a->run,
	    .version = (enum cat_version)a->version,
	    .local_time = a->local_time,
	    .trust = &k->trust,
	    .windows = &k->windows,
	    .require_kernel = a->require_kernel,
	    .require_installer = a->require_installer,
	    .now = clock_unix_ms() / 1000,
	    .catalog_jobs = k->n == 1 ? catalog_jobs() : 1};
	if (a->os != NULL) {
		if (!oslist_parse(a->os, &k->os, e))
			return kd_in(e, "--os");
		k->o.os = &k->os;
	}
	return stamp_settle(&k->o.sign.stamp, &k->c->settings, a->no_timestamp, true, e) &&
	       sign_run_check(&k->c->settings, &k->o.sign, e) &&
	       trust_load(&k->c->settings, &a->root, &a->run.stamp.tsa_root, &k->trust,
		   e) &&
	       verdict_trust_load(&k->trust,
		   a->kernel_root.n > 0 ? &a->kernel_root : &from_settings,
		   &a->publisher, true, &k->windows, e) &&
	       (!a->if_needed || find_wanted(k, e));
}

/* Each folder once. */
static bool
take_folders(struct packing *k, char **dirs, size_t n, struct kd_err *e)
{
	k->v = kd_alloc_array(n, sizeof(*k->v));
	if (k->v == NULL)
		return kd_fail_nomem(e, "packages");
	for (size_t i = 0; i < n; i++) {
		bool seen = false;

		for (size_t j = 0; !seen && j < k->n; j++)
			seen = file_is_same(k->v[j].dir, dirs[i]);
		if (!seen)
			k->v[k->n++].dir = dirs[i];
	}
	if (k->n != n)
		log_line(LOG_L_WARN, "%zu of the folders are named twice", n - k->n);
	return true;
}

/* The layout and the place are tested before anything is signed. */
static bool
check_cab(struct packing *k, bool *ret_fit, struct kd_err *e)
{
	AUTO(inf_findings_clear) struct inf_findings found = {0};

	*ret_fit = true;
	if (k->a->cab == NULL)
		return true;
	if (!package_cab_check(
		k->v, k->n, k->a->cab, k->a->if_needed, &found, e))
		return false;
	*ret_fit = inf_say(k->c, &found);
	if (k->c->json && !*ret_fit) {
		AUTO(buf_clear) struct buf b = {0};

		outcome_json_open(&b, k->a->cab, false);
		inf_say_json(&b, &found);
		outcome_json_close(&b);
		outcome_print(&k->c->outcome, &b);
	}
	return true;
}

static bool
write_cab(struct packing *k, struct kd_err *e)
{
	AUTO(buf_clear) struct buf b = {0};
	struct package_cab made;
	const char *cab = k->a->cab;

	if (cab == NULL)
		return true;
	if (k->failed != 0) {
		log_line(LOG_L_ERROR, "'%s' is not written: it would lack %zu of %zu packages",
		    SHOW(cab), k->failed, k->n);
		return true;
	}
	if (!package_cab_write(k->v, k->n, cab, k->a->if_needed, &made, e))
		return false;
	if (k->c->json) {
		outcome_json_open(&b, cab, true);
		jw_bool(&b, "left", made.left);
		jw_uint(&b, "packages", made.packages);
		jw_uint(&b, "files", made.files);
		outcome_json_close(&b);
	} else if (!k->c->quiet && made.left) {
		buf_printf(&b, "%s: nothing to do, it holds just these files\n", SHOW(cab));
	} else if (!k->c->quiet) {
		buf_printf(&b, "%s: %zu package%s, %zu files, %llu bytes, not signed yet\n",
		    SHOW(cab), made.packages, made.packages == 1 ? "" : "s", made.files, (unsigned long long)made.size);
	}
	outcome_print(&k->c->outcome, &b);
	return true;
}

static void
tell_cab(struct packing *k)
{
	AUTO(buf_clear) struct buf b = {0};

	if (k->a->cab == NULL || k->failed != 0 || k->c->json || k->c->quiet)
		return;
	buf_printf(&b, "%s: would pack %zu package%s\n", SHOW(k->a->cab), k->n,
	    k->n == 1 ? "" : "s");
	outcome_print(&k->c->outcome, &b);
}

static bool
sign(struct packing *k, struct kd_err *e)
{
	const struct sign_sink sink = {.warn = warn,
	    .self = k,
	    .progress = !k->c->quiet && !k->c->json};

	return package_sign(&k->c->settings, &k->o, k->v, k->n, &sink, &k->files,
		   &k->files_n, e) &&
	       for_each(k, "verifying", finish_one, tell, e) && write_cab(k, e) &&
	       (k->c->json || k->c->quiet || put_table(k, e));
}

static bool
pack(struct packing *k, char **dirs, size_t n, struct kd_err *e)
{
	bool fit;

	if (!take_folders(k, dirs, n, e) || !read_options(k, e) ||
	    !verdict_table_new(&k->table, e) ||
	    !for_each(k, "testing", plan_one, tell_findings, e) ||
	    !check_cab(k, &fit, e))
		return false;
	if (!fit)
		return true; /* said */
	if (!k->a->dry_run)
		return sign(k, e);
	for (size_t i = 0; i < k->n; i++)
		tell(k, i);
	tell_cab(k);
	return true;
}

static void
run(struct client *c, const void *options, char **dirs, size_t n)
{
	AUTO(packing_clear) struct packing k = {.c = c, .a = options};
	struct kd_err e = {0};

	if (!pack(&k, dirs, n, &e))
		outcome_fail(&c->outcome, NULL, &e);
	if (k.again != 0)
		log_line(LOG_L_ERROR, "%zu more packages are not signed, for the same reason",
		    k.again);
	if (k.failed != 0)
		log_line(LOG_L_ERROR, "%zu of %zu packages failed; their files are as they were",
		    k.failed, k.n);
}

const struct command cmd_package = {
    .name = "package",
    .args = "[OPTION...] DIR...",
    .summary = "test, sign and verify whole driver packages, with their catalogs",
    .options = package_rows,
    .options_size = sizeof(struct package_args),
    .files_min = 1,
    .files_max = SIZE_MAX,
    .run = run,
};
