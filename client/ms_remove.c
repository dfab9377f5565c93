/* SPDX-License-Identifier: Apache-2.0 */
/* client/ms_remove.c - signtool remove. */
#include "client/ms.h"
#include "client/remove.h"

#define FAILED "An error occurred while attempting to remove the signature: "

struct ms_remove_args {
	struct ms_common common;
	bool signature, certificates, unsigned_attributes;
};
#define AT(field) offsetof(struct ms_remove_args, field)

static const struct ms_row remove_rows[] = {
    MS_COMMON_ROWS(struct ms_remove_args, common),
    {"s", MS_FLAG, AT(signature), NULL, "the whole signature"},
    {"c", MS_FLAG, AT(certificates), NULL, "all certificates but the signer's"},
    {"u", MS_FLAG, AT(unsigned_attributes), NULL,
	"unsigned attributes: timestamps and nested signatures"},
    {0},
};

static void
remove_one(struct ms *m, const struct ms_file *f, struct remove_parts parts)
{
	AUTO(plan_clear) struct plan plan = {0};
	char *path = f->path;
	struct kd_err e = {0};

	/* A symbolic link stays, and what it leads to is replaced. */
	if (!plan_make(&path, 1, NULL, &plan, &e) ||
	    !remove_from(&plan.v[0], parts, &e)) {
		ms_fail(m, FAILED, f->shown, &e);
		return;
	}
	ms_succeed(m, "Successfully removed: ", f->shown);
}

static void
run(struct ms *m, const void *options, const struct ms_files *files)
{
	const struct ms_remove_args *a = options;
	const struct remove_parts parts = {.certificates = a->certificates,
	    .unsigned_attributes = a->unsigned_attributes};

	if (!a->signature && !a->certificates && !a->unsigned_attributes) {
		ms_fail(m, "One of the /s, /c and /u options must be given.", NULL, NULL);
		return;
	}
	if (a->signature && (a->certificates || a->unsigned_attributes)) {
		ms_fail(m, "The /s option is incompatible with the /c and /u options.",
		    NULL, NULL);
		return;
	}
	for (size_t i = 0; i < files->n; i++) {
		if (files->v[i].found)
			remove_one(m, &files->v[i], parts);
		else
			ms_fail(m, "File not found: ", files->v[i].shown, NULL);
	}
}

const struct ms_command ms_remove = {
    .name = "remove",
    .args = "[options] <file_name>...",
    .summary = "Take signatures out of files, in whole or in part, in place.",
    .done = "Removed",
    .rows = remove_rows,
    .options_size = sizeof(struct ms_remove_args),
    .common = offsetof(struct ms_remove_args, common),
    .files = true,
    .run = run,
};
