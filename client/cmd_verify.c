/* SPDX-License-Identifier: Apache-2.0 */
/* client/cmd_verify.c - kdsign-client verify: is each file's signature right? */
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "base/when.h"
#include "client/client.h"
#include "client/show.h"
#include "client/show_verdict.h"
#include "client/sign_format.h"
#include "client/trust.h"
#include "client/verdict.h"
#include "client/verify_run.h"

struct verify_args {
	struct option_list root, tsa_root, kernel_root, publisher, certificate;
	const char *catalog, *at;
	uint64_t jobs;
	bool kernel, installer, efi;
};

static const struct option_row verify_rows[] = {
    {"root", OPTION_LIST, offsetof(struct verify_args, root), "FILE",
	"trust these certificates (PEM or DER); may be repeated"},
    {"tsa-root", OPTION_LIST, offsetof(struct verify_args, tsa_root), "FILE",
	"trust timestamps that lead to these; may be repeated"},
    {"certificate", OPTION_LIST, offsetof(struct verify_args, certificate), "FILE",
	"a signer's, where signatures bring none: kernel modules; may be repeated"},
    {"catalog", OPTION_TEXT, offsetof(struct verify_args, catalog), "FILE",
	"each file must be listed in this signed catalog"},
    {"at", OPTION_TEXT, offsetof(struct verify_args, at), "TIME",
	"as of 2015-07-29 or 2015-07-29T12:00:00Z, not now"},
    {"kernel", OPTION_FLAG, offsetof(struct verify_args, kernel), NULL,
	"say which Windows kernels load the driver, and why others do not"},
    {"installer", OPTION_FLAG, offsetof(struct verify_args, installer), NULL,
	"say what the device installer makes of it, by --catalog"},
    {"efi", OPTION_FLAG, offsetof(struct verify_args, efi), NULL,
	"as UEFI firmware and shim judge an EFI binary, not as Windows does"},
    {"kernel-root", OPTION_LIST, offsetof(struct verify_args, kernel_root), "FILE",
	"one more root for --kernel, beside the kernel's own; may be repeated"},
    {"trusted-publisher", OPTION_LIST, offsetof(struct verify_args, publisher), "FILE",
	"certificate that the installer need not ask about; may be repeated"},
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

/* --kernel, --installer: what Windows would say, in place of the tree. */
struct windows {
	struct client *c;
	struct verdict_options o;
	const char *catalog; /* as given: a file that is told of, and not asked about */
};

static void
tell_verdict(const struct windows *w, const struct verified *v,
    const struct verdict *verdict, bool ok, const struct kd_err *e)
{
	struct client *c = w->c;
	AUTO(buf_clear) struct buf b = {0};

	if (c->json) {
		outcome_json_open(&b, v->file, ok);
		show_verdict_json(&b, verdict);
		show_json(&b, v, true);
		if (!ok)
			outcome_json_error(&b, e);
		outcome_json_close(&b);
	} else if (!c->quiet) {
		show_verdict_text(&b, v->file, verdict, c->colour);
	}
	outcome_print(&c->outcome, &b);
	if (!ok)
		outcome_fail_said(&c->outcome, e);
}

/* Whatever the file's own signature is good for: this catalog was asked about, too. Whom
 * it must lead to is the kernel's or the installer's to say. */
static bool
is_covered(const struct verified *v)
{
	const struct verify_report *catalog = &v->catalog->report;

	return v->report.member.ok && catalog->sigs_n > 0 && catalog->sigs[0].intact;
}

static void
done_windows(void *self, const struct verified *v)
{
	const struct windows *w = self;
	struct verdict verdict;
	struct kd_err e = {0};
	bool ok;

	if (v->catalog == NULL && w->catalog == v->file)
		return;
	if (v->report.subject == VERIFY_FORMAT) {
		(void)kd_fail(&e, KD_E_NOT_VERIFIED,
		    "'%s': %s is no driver: neither kernel nor device installer asks for "
		    "its signature",
		    SHOW(v->file), sign_format_article(v->report.file.format));
		outcome_fail(&w->c->outcome, v->file, &e);
		return;
	}
	if (v->e.code != KD_OK && v->e.code != KD_E_NOT_VERIFIED &&
	    v->e.code != KD_E_UNSIGNED) {
		outcome_fail(&w->c->outcome, v->file, &v->e);
		return;
	}
	if (!verdict_make(v, &w->o, &verdict, &e)) {
		outcome_fail(&w->c->outcome, v->file, &e);
		return;
	}
	ok = verdict_ok(&verdict, v->file, &e);
	if (ok && v->catalog != NULL && !is_covered(v)) {
		e = v->e;
		ok = false;
	}
	tell_verdict(w, v, &verdict, ok, &e);
}

/* A package without its INF is not asked about whole: the INF must be listed, too. */
static void
note_missing_inf(struct client *c, char **files, size_t n)
{
	AUTO(buf_clear) struct buf b = {0};

	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(files[i]);

		if (len > 4 && text_eq_nocase(files[i] + len - 4, ".inf"))
			return;
	}
	buf_str(&b, "note: no INF was named; the catalog must list it, too\n");
	if (!c->json && !c->quiet)
		outcome_print(&c->outcome, &b);
}

static bool
run_windows(struct client *c, const struct verify_args *a, const struct trust *trust,
    struct verify_run_options *o, char **files, size_t n, struct kd_err *e)
{
	AUTO(verdict_trust_clear) struct verdict_trust t = {0};
	const struct conf_list *set = &c->settings.kernel_roots;
	const struct option_list from_settings = {(const char **)set->v, set->n};
	const struct option_list *kernel_root =
	    a->kernel_root.n > 0 ? &a->kernel_root : &from_settings;
	struct windows w = {.c = c, .catalog = a->catalog};

	if (!verdict_trust_load(trust, kernel_root, &a->publisher, a->kernel, &t, e))
		return false;
	w.o = (struct verdict_options){.kernel = a->kernel,
	    .installer = a->installer,
	    .kernel_roots = t.kernel,
	    .user_roots = t.user,
	    .publishers = t.publishers,
	    .tsa_roots = t.tsa,
	    .at = o->at};
	o->roots = t.chain;
	o->tsa_roots = t.tsa;
	o->done = done_windows;
	o->self = &w;
	if (!verify_run(files, n, o, e))
		return false;
	if (a->installer && a->catalog != NULL)
		note_missing_inf(c, files, n);
	return true;
}

/* Those of --certificate: found, not trusted. */
static bool
load_signers(const struct option_list *files, struct certs *ret, struct kd_err *e)
{
	for (size_t i = 0; i < files->n; i++)
		if (!certs_load(ret, files->v[i], e))
			return false;
	return true;
}

static bool
check_options(const struct verify_args *a, struct kd_err *e)
{
	if (a->kernel_root.n > 0 && !a->kernel)
		return kd_fail(e, KD_E_USAGE, "'--kernel-root' is for '--kernel'");
	if (a->publisher.n > 0 && !a->installer)
		return kd_fail(
		    e, KD_E_USAGE, "'--trusted-publisher' is for '--installer'");
	if (a->efi && (a->kernel || a->installer || a->catalog != NULL))
		return kd_fail(e, KD_E_USAGE,
		    "'--efi' is not for '--kernel', '--installer' or '--catalog'");
	return true;
}

static bool
verify(struct client *c, const struct verify_args *a, char **files, size_t n,
    struct kd_err *e)
{
	AUTO(trust_clear) struct trust trust = {0};
	AUTO(certs_free) struct certs *signers = NULL;
	struct verify_run_options o = {.at = clock_unix_ms() / 1000,
	    .catalog = a->catalog,
	    .jobs = (size_t)a->jobs,
	    .done = done,
	    .self = c};

	if (!check_options(a, e))
		return false;
	o.efi = a->efi;
	if (a->at != NULL && !when_parse(a->at, &o.at, e))
		return kd_in(e, "'--at'");
	if (!trust_load(&c->settings, &a->root, &a->tsa_root, &trust, e) ||
	    !certs_new(&signers, e) || !load_signers(&a->certificate, signers, e))
		return false;
	o.signers = signers;
	if (a->kernel || a->installer)
		return run_windows(c, a, &trust, &o, files, n, e);
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
    .args = "[--root FILE]... [--catalog FILE] [--kernel] [--installer] [--efi] FILE...",
    .summary = "check signatures, timestamps and chains of signed files",
    .options = verify_rows,
    .options_size = sizeof(struct verify_args),
    .files_min = 1,
    .files_max = SIZE_MAX,
    .run = run,
};
