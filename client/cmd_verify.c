/* SPDX-License-Identifier: Apache-2.0 */
/* client/cmd_verify.c - kdsign-client verify: is each file's signature right? */
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "client/client.h"
#include "client/show.h"

struct verify_args {
	struct option_list root;
};

static const struct option_row verify_rows[] = {
    {"root", OPTION_LIST, offsetof(struct verify_args, root), "FILE",
	"trust these certificates (PEM or DER); may be repeated"},
    {0},
};

/* --root when there is any, else the configuration's. */
static bool
load_roots(const struct client *c, const struct verify_args *a, struct certs **ret,
    struct kd_err *e)
{
	AUTO(certs_free) struct certs *roots = NULL;
	const struct conf_list *configured = &c->settings.roots;

	if (!certs_new(&roots, e))
		return false;
	for (size_t i = 0; i < a->root.n; i++) {
		if (!certs_load(roots, a->root.v[i], e))
			return false;
	}
	for (size_t i = 0; a->root.n == 0 && i < configured->n; i++) {
		if (!certs_load(roots, configured->v[i], e))
			return false;
	}
	*ret = STEAL(roots);
	return true;
}

static void
report(struct client *c, const char *file, const struct verify_report *r,
    const struct kd_err *e)
{
	AUTO(buf_clear) struct buf b = {0};

	if (c->json) {
		outcome_json_open(&b, file, r->ok);
		show_json(&b, r, true);
		if (e->code != KD_OK)
			outcome_json_error(&b, e);
		outcome_json_close(&b);
	} else if (!c->quiet) {
		show_tree(&b, file, r, true, c->colour);
	}
	outcome_print(&c->outcome, &b);
	if (e->code != KD_OK)
		outcome_fail_said(&c->outcome, e);
}

static void
verify_file(struct client *c, const char *file, const struct certs *roots)
{
	AUTO(verify_report_clear) struct verify_report r = {0};
	AUTO(close) int fd = -1;
	struct kd_err e = {0};

	if (!file_open_read(file, &fd, NULL, &e)) {
		outcome_fail(&c->outcome, file, &e);
		return;
	}
	if (!verify_pe(fd, roots, clock_unix_ms() / 1000, &r, &e))
		(void)kd_in(&e, "'%s'", SHOW(file));
	if (e.code == KD_OK || e.code == KD_E_NOT_VERIFIED || e.code == KD_E_UNSIGNED)
		report(c, file, &r, &e);
	else
		outcome_fail(&c->outcome, file, &e);
}

static void
run(struct client *c, const void *options, char **files, size_t n)
{
	AUTO(certs_free) struct certs *roots = NULL;
	struct kd_err e = {0};

	if (!load_roots(c, options, &roots, &e)) {
		outcome_fail(&c->outcome, NULL, &e);
		return;
	}
	for (size_t i = 0; i < n; i++)
		verify_file(c, files[i], roots);
}

const struct command cmd_verify = {
    .name = "verify",
    .args = "[--root FILE]... FILE...",
    .summary = "check image digest, signature and chain of signed files",
    .options = verify_rows,
    .options_size = sizeof(struct verify_args),
    .files_min = 1,
    .files_max = SIZE_MAX,
    .run = run,
};
