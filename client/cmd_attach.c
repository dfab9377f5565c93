/* SPDX-License-Identifier: Apache-2.0 */
/* client/cmd_attach.c - kdsign-client attach: a signature made elsewhere goes into its
 * file. */
#include "base/file.h"
#include "base/text.h"
#include "client/client.h"
#include "client/sign_file.h"
#include "wire/json.h"

/* A catalog's is as large as the catalog. */
#define SIGNATURE_MAX ((size_t)18 << 20)

struct attach_args {
	const char *signature, *output;
	struct option_list certificate;
};

static const struct option_row attach_rows[] = {
    {"signature", OPTION_TEXT, offsetof(struct attach_args, signature), "FILE",
	"the signature: PKCS#7 in DER form"},
    {"certificate", OPTION_LIST, offsetof(struct attach_args, certificate), "FILE",
	"the signer's, where the signature brings none: kernel modules"},
    {"output", OPTION_TEXT, offsetof(struct attach_args, output), "FILE|DIR",
	"write there and leave the input as it is"},
    {0},
};

/* The bytes of the signature, which must be one of this file. */
static bool
load_signature(const struct plan_file *f, int fd, struct sign_subject *s,
    const char *path, struct buf *ret, struct kd_err *e)
{
	AUTO(buf_clear) struct buf raw = {0};
	AUTO(cms_clear) struct cms c = {0};

	if (!file_read_all(path, SIGNATURE_MAX, &raw, e))
		return false;
	if (!sign_der(raw.p, raw.len, ret, e)) {
		(void)kd_in(e, "'%s'", SHOW(path));
		return kd_hint(e, "expected is PKCS#7 in DER form, as 'extract' writes it");
	}
	if (!sign_subject_open(fd, f->path, s, e))
		return kd_in(e, "'%s'", SHOW(f->arg));
	if (!sign_subject_check(fd, s, ret->p, ret->len, false, &c, e))
		return kd_in(e, "'%s' as signature of '%s'", SHOW(path), SHOW(f->arg));
	return true;
}

static bool
attach(struct client *c, const struct attach_args *a, char **files, struct kd_err *e)
{
	AUTO(plan_clear) struct plan plan = {0};
	AUTO(sign_subject_clear) struct sign_subject s = {0};
	AUTO(certs_free) struct certs *signers = NULL;
	AUTO(buf_clear) struct buf cms = {0};
	AUTO(buf_clear) struct buf said = {0};
	AUTO(close) int fd = -1;
	const struct plan_file *f;
	struct stat st;

	if (a->signature == NULL)
		return kd_fail(e, KD_E_USAGE, "no signature is named: --signature FILE");
	if (!certs_new(&signers, e))
		return false;
	for (size_t i = 0; i < a->certificate.n; i++)
		if (!certs_load(signers, a->certificate.v[i], e))
			return false;
	s.signers = signers;
	if (!plan_make(files, 1, a->output, &plan, e))
		return false;
	f = &plan.v[0];
	if (f->err.code != KD_OK) {
		*e = f->err;
		return false;
	}
	if (file_is_same(f->target, a->signature))
		return kd_fail(e, KD_E_USAGE,
		    "'%s' is the signature itself, which the signed file would replace",
		    SHOW(f->target));
	if (!file_open_read(f->arg, &fd, &st, e) ||
	    !load_signature(f, fd, &s, a->signature, &cms, e) ||
	    !sign_file_replace(f, &st, &s, cms.p, cms.len, e))
		return false;
	if (c->json) {
		outcome_json_open(&said, f->arg, true);
		jw_str(&said, "output", f->target);
		jw_bool(&said, "replaced_signature", s.is_signed);
		outcome_json_close(&said);
	} else if (!c->quiet) {
		buf_printf(&said, "%s: signature attached%s\n", SHOW(f->arg),
		    s.is_signed ? ", old signature replaced" : "");
	}
	outcome_print(&c->outcome, &said);
	return true;
}

static void
run(struct client *c, const void *options, char **files, size_t n)
{
	struct kd_err e = {0};

	(void)n; /* is 1 */
	if (!attach(c, options, files, &e))
		outcome_fail(&c->outcome, files[0], &e);
}

const struct command cmd_attach = {
    .name = "attach",
    .args = "--signature FILE [--certificate FILE] [--output FILE|DIR] FILE",
    .summary = "put a signature that was made elsewhere into its file",
    .options = attach_rows,
    .options_size = sizeof(struct attach_args),
    .files_min = 1,
    .files_max = 1,
    .run = run,
};
