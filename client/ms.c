/* SPDX-License-Identifier: Apache-2.0 */
/* client/ms.c - which of Microsoft's tools is meant, and how they speak. */
#include "client/ms.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/text.h"
#include "client/progress.h"

#define EXE ".exe"

/* The name without folder and ".exe" is this one. */
static bool
is_named(const char *path, const char *tool)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash != NULL ? slash + 1 : path;
	size_t n = strlen(tool);

	return strncasecmp(name, tool, n) == 0 &&
	       (name[n] == '\0' || strcasecmp(&name[n], EXE) == 0);
}

bool
ms_is_tool(const char *name)
{
	return is_named(name, "signtool") || is_named(name, "makecat") ||
	       is_named(name, "inf2cat");
}

void
ms_run(struct client *c, const struct global_options *g, int argc, char **argv)
{
	c->ms = true;
	if (is_named(argv[0], "makecat"))
		ms_makecat(c, argc, argv);
	else if (is_named(argv[0], "inf2cat"))
		ms_inf2cat(c, argc, argv);
	else
		ms_signtool(c, g, argc, argv);
}

int
ms_end(struct client *c)
{
	int status = outcome_end(&c->outcome);

	return status > MS_STATUS_WARNED ? MS_STATUS_FAILED : status;
}

void
ms_print(struct ms *m, struct buf *b)
{
	outcome_print(&m->c->outcome, b);
}

void
ms_put_text(struct buf *b, const char *s)
{
	size_t n = strlen(s), room = 4 * n + 1;
	AUTO(free) char *shown = kd_alloc(room);

	if (shown == NULL)
		b->failed = true;
	else
		buf_str(b, text_show(shown, room, s, n));
}

/* One piece on standard error, after all that standard output has: scripts read both. */
static void
complain(struct ms *m, const char *kind, const char *text, const char *path,
    const struct kd_err *why)
{
	AUTO(buf_clear) struct buf b = {0};

	buf_printf(&b, "SignTool %s: %s", kind, text);
	if (path != NULL)
		ms_put_text(&b, path);
	buf_u8(&b, '\n');
	if (why != NULL && why->msg[0] != '\0')
		buf_printf(&b, "\t%s\n", why->msg);
	if (why != NULL && why->hint[0] != '\0')
		buf_printf(&b, "\t%s\n", why->hint);
	progress_hide();
	if (fflush(stdout) != 0)
		m->c->outcome.output_failed = true;
	if (buf_cstr(&b) != NULL)
		(void)fputs(buf_cstr(&b), stderr);
}

void
ms_fail(struct ms *m, const char *text, const char *path, const struct kd_err *why)
{
	m->errors++;
	complain(m, "Error", text, path, why);
}

void
ms_complain(struct ms *m, const char *text, const char *path, const struct kd_err *why)
{
	complain(m, "Error", text, path, why);
}

void
ms_warn(struct ms *m, const char *text, const char *path, const struct kd_err *why)
{
	m->warnings++;
	complain(m, "Warning", text, path, why);
}

void
ms_fail_err(struct ms *m, const struct kd_err *e)
{
	struct kd_err hint = {0};

	memcpy(hint.hint, e->hint, sizeof(hint.hint));
	ms_fail(m, e->msg, NULL, &hint);
}

void
ms_succeed(struct ms *m, const char *text, const char *file)
{
	AUTO(buf_clear) struct buf b = {0};

	m->done++;
	if (!m->say.quiet) {
		buf_str(&b, text);
		ms_put_text(&b, file);
		buf_u8(&b, '\n');
	}
	ms_print(m, &b);
}

void
ms_note(struct ms *m, const char *text)
{
	AUTO(buf_clear) struct buf b = {0};

	if (!m->say.quiet)
		buf_printf(&b, "Note: %s\n", text);
	ms_print(m, &b);
}

bool
ms_found(struct ms *m, const struct ms_files *files, char ***ret, size_t *ret_n,
    struct kd_err *e)
{
	char **paths = kd_alloc_array(files->n, sizeof(*paths));
	size_t n = 0;

	if (paths == NULL)
		return kd_fail_nomem(e, "list of files");
	for (size_t i = 0; i < files->n; i++) {
		if (files->v[i].found)
			paths[n++] = files->v[i].path;
		else
			ms_fail(m, "File not found: ", files->v[i].shown, NULL);
	}
	*ret = paths;
	*ret_n = n;
	return true;
}

const char *
ms_shown(const struct ms_files *files, size_t *next, const char *path)
{
	for (size_t i = 0; i < files->n; i++) {
		const struct ms_file *f = &files->v[(*next + i) % files->n];

		if (strcmp(f->path, path) == 0) {
			*next = (*next + i + 1) % files->n;
			return f->shown;
		}
	}
	return path;
}

const struct command cmd_signtool = {
    .name = "signtool",
    .args = "COMMAND [/OPTION...] FILE...",
    .summary = "sign and verify with SignTool's own options",
    .run_words = ms_run,
};

const struct command cmd_makecat = {
    .name = "makecat",
    .args = "[-v] [-r] FILE.cdf",
    .summary = "make a catalog with MakeCat's own options",
    .run_words = ms_run,
};
