/* SPDX-License-Identifier: Apache-2.0 */
/* client/ms_verify.c - signtool verify. */
#include "client/ms_verify.h"

#define TABLE                                                                            \
	"Index  Algorithm  Timestamp    \n"                                              \
	"========================================\n"

/* Secure Boot since Windows 10 1607, the driver policy of 2026: kernel policy facts 2, 4.
 */
#define NOTE_KERNEL                                                                      \
	"newer Windows asks for more than /kp does: kdsign-client verify --kernel says " \
	"which load it"

static void
clear(struct ms_verifying *v)
{
	free(v->catalog);
	verdict_trust_clear(&v->trust);
	certs_free(v->made);
	certs_free(v->kernel);
}
AUTO_DEFINE_CLEAR(struct ms_verifying, clear);

static void
put_line(struct ms *m, const char *head, const char *file)
{
	AUTO(buf_clear) struct buf b = {0};

	buf_str(&b, head);
	ms_put_text(&b, file);
	buf_u8(&b, '\n');
	ms_print(m, &b);
}

/* The file's first lines. */
static void
begin(const struct ms_verifying *v, const char *file)
{
	AUTO(buf_clear) struct buf b = {0};

	if (v->m->say.quiet)
		return;
	put_line(v->m, v->m->say.verbose ? "\nVerifying: " : "File: ", file);
	if (!v->m->say.verbose)
		buf_str(&b, TABLE);
	ms_print(v->m, &b);
}

static const char *
stamp_name(const struct verify_stamp *s)
{
	return s->kind == TSP_NONE || !s->ok ? "None"
	       : s->kind == TSP_LEGACY       ? "Authenticode"
					     : "RFC3161";
}

static void
put_row(const struct ms_verifying *v, const struct verify_signature *sig)
{
	AUTO(buf_clear) struct buf b = {0};

	if (v->m->say.quiet || v->m->say.verbose)
		return;
	buf_printf(&b, "%-7zu%-11s%-13s\n", sig->index, md_name(sig->cms.md),
	    stamp_name(&sig->stamp));
	ms_print(v->m, &b);
}

static void
fail_file(const struct ms_verifying *v, const char *file, const char *text,
    const struct kd_err *why)
{
	ms_fail(v->m, text, NULL, why);
	if (v->catalog != NULL)
		ms_complain(v->m, "File not valid: ", file, NULL);
}

static void
print_details(const struct ms_verifying *v, const struct verified *f, size_t i)
{
	AUTO(buf_clear) struct buf b = {0};

	if (!v->m->say.quiet)
		ms_verify_put(v, f, i, &b);
	ms_print(v->m, &b);
}

/* One signature; false when it is not right. */
static bool
judge_one(
    const struct ms_verifying *v, const struct verified *f, const char *file, size_t i)
{
	const struct verify_signature *sig = &ms_judge_report(f)->sigs[i];
	struct kd_err why = {0}, e = {0};
	const char *text = NULL;

	if (!ms_judge_signature(&v->judge, f, i, &text, &why, &e)) {
		ms_fail_err(v->m, &e);
		return false;
	}
	print_details(v, f, i);
	if (text != NULL) {
		fail_file(v, file, text, &why);
		return false;
	}
	put_row(v, sig);
	if (v->a->warn_unstamped && (sig->stamp.kind == TSP_NONE || !sig->stamp.ok))
		ms_warn(v->m, "The signature is not timestamped: ", file, NULL);
	return true;
}

/* /ms: as Windows 8 and later do, the first signature that is right speaks for the file;
 * without any, the primary one says what is wrong. */
static bool
judge_any(const struct ms_verifying *v, const struct verified *f, const char *file)
{
	size_t n = f->catalog != NULL ? 1 : f->report.sigs_n;

	for (size_t i = 0; i < n; i++) {
		struct kd_err why = {0}, e = {0};
		const char *text = "";

		if (ms_judge_signature(&v->judge, f, i, &text, &why, &e) && text == NULL)
			return judge_one(v, f, file, i);
	}
	return judge_one(v, f, file, 0);
}

static bool
is_wanted(const struct ms_verify_args *a, const struct verify_signature *sig)
{
	if (a->all)
		return true;
	return sig->entry == 0 && sig->index == (a->index.given ? a->index.v : 0);
}

/* Those asked for; false when one is not right, or there is none. */
static bool
judge_all(struct ms_verifying *v, const struct verified *f, const char *file)
{
	const struct verify_report *r = ms_judge_report(f);
	/* A catalog's first signature speaks for what it lists, no other. */
	size_t n = f->catalog != NULL && r->sigs_n > 1 ? 1 : r->sigs_n, judged = 0;
	bool ok = true;

	if (v->a->multiple && !v->a->all && !v->a->index.given)
		return judge_any(v, f, file);
	for (size_t i = 0; i < n; i++) {
		if (!is_wanted(v->a, &r->sigs[i]))
			continue;
		judged++;
		if (!judge_one(v, f, file, i))
			ok = false;
		else if (v->a->all)
			v->m->done++;
	}
	if (judged == 0) {
		fail_file(v, file, "No signature found.", NULL);
		return false;
	}
	return ok;
}

/* NULL: there are signatures to judge. */
static const struct kd_err *
why_unjudged(const struct verified *f)
{
	const struct kd_err *of_catalog = f->catalog != NULL ? &f->catalog->e : NULL;

	if (of_catalog != NULL && (!ms_judge_is_verdict(of_catalog) ||
				      f->catalog->report.sigs_n == 0))
		return of_catalog;
	if (!ms_judge_is_verdict(&f->e) ||
	    (of_catalog == NULL && f->report.sigs_n == 0))
		return &f->e;
	return NULL;
}

static void
judge_file(struct ms_verifying *v, const struct verified *f, const char *file)
{
	const struct kd_err *e = why_unjudged(f);

	begin(v, file);
	if (e != NULL) {
		fail_file(v, file, ms_judge_error(e), e);
		return;
	}
	if (!judge_all(v, f, file))
		return;
	if (!v->a->all)
		v->m->done++;
	if (v->m->say.verbose && v->judge.policy == MS_POLICY_KERNEL)
		ms_note(v->m, NOTE_KERNEL);
	if (!v->m->say.quiet)
		put_line(v->m,
		    v->m->say.verbose ? "Successfully verified: "
				      : "\nSuccessfully verified: ",
		    file);
}

/* verify_run tells of the catalog first, as of a file of its own. */
static void
done(void *self, const struct verified *f)
{
	struct ms_verifying *v = self;

	if (v->catalog != NULL && f->catalog == NULL)
		return;
	judge_file(v, f, ms_shown(v->files, &v->next, f->file));
}

static bool
verify(struct ms_verifying *v, char *const *paths, size_t n, struct kd_err *e)
{
	struct verify_run_options o = {.done = done, .self = v};

	if (!ms_verify_read(v, e))
		return false;
	o.roots = v->trust.chain;
	o.tsa_roots = v->trust.tsa;
	o.at = v->judge.now;
	o.catalog = v->catalog;
	return verify_run(paths, n, &o, e);
}

static void
run(struct ms *m, const void *options, const struct ms_files *files)
{
	AUTO(clear) struct ms_verifying v = {.m = m, .a = options, .files = files};
	AUTO(free) char **paths = NULL;
	struct kd_err e = {0};
	size_t n;

	if (v.a->all)
		m->unit = "signatures";
	if (v.a->any && m->say.verbose)
		ms_note(m, "there is no catalog database on this system; embedded "
			   "signatures are looked at");
	if (!ms_found(m, files, &paths, &n, &e) || (n > 0 && !verify(&v, paths, n, &e)))
		ms_fail_err(m, &e);
}

const struct ms_command ms_verify = {
    .name = "verify",
    .args = "[options] <file_name>...",
    .summary = "Verify signatures, embedded ones or by a catalog.",
    .done = "Verified",
    .rows = ms_verify_rows,
    .options_size = sizeof(struct ms_verify_args),
    .common = offsetof(struct ms_verify_args, common),
    .files = true,
    .run = run,
};
