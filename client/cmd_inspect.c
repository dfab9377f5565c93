/* SPDX-License-Identifier: Apache-2.0 */
/* client/cmd_inspect.c - kdsign-client inspect: what a file and its signatures contain,
 * no verdict. */
#include <string.h>

#include "client/client.h"
#include "client/show.h"
#include "client/verify_run.h"

static void
done(void *self, const struct verified *v)
{
	struct client *c = self;
	AUTO(buf_clear) struct buf b = {0};

	/* A file without a signature is a thing to look at like any other. */
	if (v->e.code != KD_OK && v->e.code != KD_E_UNSIGNED) {
		outcome_fail(&c->outcome, v->file, &v->e);
		return;
	}
	if (c->json) {
		outcome_json_open(&b, v->file, true);
		show_json(&b, v, false);
		outcome_json_close(&b);
	} else {
		show_tree(&b, v, false, c->colour);
	}
	outcome_print(&c->outcome, &b);
}

static void
run(struct client *c, const void *options, char **files, size_t n)
{
	struct verify_run_options o = {.inspect = true, .done = done, .self = c};
	struct kd_err e = {0};

	(void)options;
	if (!verify_run(files, n, &o, &e))
		outcome_fail(&c->outcome, NULL, &e);
}

const struct command cmd_inspect = {
    .name = "inspect",
    .args = "FILE...",
    .summary = "show headers, lists, signatures, certificates and attributes",
    .files_min = 1,
    .files_max = SIZE_MAX,
    .run = run,
};
