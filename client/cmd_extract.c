/* SPDX-License-Identifier: Apache-2.0 */
/* client/cmd_extract.c - kdsign-client extract: a file's signature as a file of its own.
 */
#include "base/file.h"
#include "base/text.h"
#include "client/client.h"
#include "client/nested.h"
#include "client/sign_kind.h"
#include "wire/json.h"

#define SUFFIX ".p7"

struct extract_args {
	const char *output;
	uint64_t index;
};

static const struct option_row extract_rows[] = {
    {"output", OPTION_TEXT, offsetof(struct extract_args, output), "FILE",
	"write it there, default the file's name with .p7"},
    {"index", OPTION_UINT, offsetof(struct extract_args, index), "N",
	"which signature: 0 (default) the first, then the nested ones", .max = 1000},
    {0},
};

static bool
read_signature(const char *path, size_t index, struct buf *ret, struct kd_err *e)
{
	AUTO(sign_subject_clear) struct sign_subject s = {0};
	AUTO(buf_clear) struct buf outer = {0};
	AUTO(close) int fd = -1;
	struct nested_place place;

	if (!file_open_read(path, &fd, NULL, e))
		return false;
	if (!sign_subject_open(fd, path, &s, e) || !s.kind->signature(fd, &s, &outer, e) ||
	    !nested_find(outer.p, outer.len, index, &place, e))
		return kd_in(e, "'%s'", SHOW(path));
	return sign_der(place.p, place.len, ret, e) || kd_in(e, "'%s'", SHOW(path));
}

static bool
extract(struct client *c, const struct extract_args *a, const char *path,
    struct kd_err *e)
{
	AUTO(file_replace_clear) struct file_replace out = {.fd = -1};
	AUTO(buf_clear) struct buf output = {0};
	AUTO(buf_clear) struct buf cms = {0};
	AUTO(buf_clear) struct buf said = {0};

	buf_printf(&output, "%s%s", a->output != NULL ? a->output : path,
	    a->output != NULL ? "" : SUFFIX);
	if (buf_cstr(&output) == NULL)
		return kd_fail_nomem(e, "path");
	if (file_is_same(buf_cstr(&output), path))
		return kd_fail(e, KD_E_USAGE,
		    "'--output': '%s' is the file itself, which its signature would replace",
		    SHOW(buf_cstr(&output)));
	if (!read_signature(path, a->index, &cms, e) ||
	    !file_replace_begin(buf_cstr(&output), NULL, &out, e))
		return false;
	if (!file_write_full(out.fd, cms.p, cms.len, e))
		return kd_in(e, "'%s'", SHOW(buf_cstr(&output)));
	if (!file_replace_commit(&out, true, e))
		return false;
	if (c->json) {
		outcome_json_open(&said, path, true);
		jw_str(&said, "output", buf_cstr(&output));
		jw_uint(&said, "size", cms.len);
		outcome_json_close(&said);
	} else if (!c->quiet) {
		buf_printf(&said, "%s: signature %llu written to '%s'\n", SHOW(path),
		    (unsigned long long)a->index, SHOW(buf_cstr(&output)));
	}
	outcome_print(&c->outcome, &said);
	return true;
}

static void
run(struct client *c, const void *options, char **files, size_t n)
{
	struct kd_err e = {0};

	(void)n; /* is 1 */
	if (!extract(c, options, files[0], &e))
		outcome_fail(&c->outcome, files[0], &e);
}

const struct command cmd_extract = {
    .name = "extract",
    .args = "[--output FILE] [--index N] FILE",
    .summary = "write a file's signature to a file of its own",
    .options = extract_rows,
    .options_size = sizeof(struct extract_args),
    .files_min = 1,
    .files_max = 1,
    .run = run,
};
