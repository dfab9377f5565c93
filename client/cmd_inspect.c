/* SPDX-License-Identifier: Apache-2.0 */
/* client/cmd_inspect.c - kdsign-client inspect: what a file and its signatures contain,
 * no verdict. */
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "client/client.h"
#include "client/show.h"

static bool
inspect_file(struct client *c, const char *file, struct kd_err *e)
{
	AUTO(verify_report_clear) struct verify_report r = {0};
	AUTO(buf_clear) struct buf b = {0};
	AUTO(close) int fd = -1;

	if (!file_open_read(file, &fd, NULL, e))
		return false;
	/* A file without a signature is a thing to look at like any other. */
	if (!verify_inspect_pe(fd, &r, e) && e->code != KD_E_UNSIGNED)
		return kd_in(e, "'%s'", SHOW(file));
	if (c->json) {
		outcome_json_open(&b, file, true);
		show_json(&b, &r, false);
		outcome_json_close(&b);
	} else {
		show_tree(&b, file, &r, false, c->colour);
	}
	outcome_print(&c->outcome, &b);
	return true;
}

static void
run(struct client *c, const void *options, char **files, size_t n)
{
	(void)options;
	for (size_t i = 0; i < n; i++) {
		struct kd_err e = {0};

		if (!inspect_file(c, files[i], &e))
			outcome_fail(&c->outcome, files[i], &e);
	}
}

const struct command cmd_inspect = {
    .name = "inspect",
    .args = "FILE...",
    .summary = "show headers, signatures, certificates and attributes",
    .files_min = 1,
    .files_max = SIZE_MAX,
    .run = run,
};
