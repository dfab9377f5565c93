/* SPDX-License-Identifier: Apache-2.0 */
/* client/cmd_remove.c - kdsign-client remove: takes the signatures out of files. */
#include "base/text.h"
#include "client/client.h"
#include "client/remove.h"
#include "wire/json.h"

struct remove_args {
	const char *output;
};

static const struct option_row remove_rows[] = {
    {"output", OPTION_TEXT, offsetof(struct remove_args, output), "FILE|DIR",
	"write there and leave the input as it is"},
    {0},
};

static void
report(struct client *c, const struct plan_file *f)
{
	AUTO(buf_clear) struct buf b = {0};

	if (c->json) {
		outcome_json_open(&b, f->arg, true);
		jw_str(&b, "output", f->target);
		outcome_json_close(&b);
	} else if (!c->quiet) {
		buf_printf(&b, "%s: signature removed\n", SHOW(f->arg));
	}
	outcome_print(&c->outcome, &b);
}

static void
run(struct client *c, const void *options, char **files, size_t n)
{
	const struct remove_args *a = options;
	AUTO(plan_clear) struct plan plan = {0};
	struct kd_err e = {0};

	if (!plan_make(files, n, a->output, &plan, &e)) {
		outcome_fail(&c->outcome, NULL, &e);
		return;
	}
	for (size_t i = 0; i < plan.n; i++) {
		struct kd_err one = {0};

		if (remove_from(&plan.v[i], (struct remove_parts){0}, &one))
			report(c, &plan.v[i]);
		else
			outcome_fail(&c->outcome, plan.v[i].arg, &one);
	}
}

const struct command cmd_remove = {
    .name = "remove",
    .args = "[--output FILE|DIR] FILE...",
    .summary = "take the signatures out of files, in place",
    .options = remove_rows,
    .options_size = sizeof(struct remove_args),
    .files_min = 1,
    .files_max = SIZE_MAX,
    .run = run,
};
