/* SPDX-License-Identifier: Apache-2.0 */
/* client/ms_signtool.c - signtool: its commands, their help, the count at the end. */
#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "client/ms.h"

static const struct ms_command *const commands[] = {
    &ms_sign,
    &ms_timestamp,
    &ms_verify,
    &ms_remove,
    &ms_catdb,
};

static void
help_all(struct buf *b)
{
	buf_str(b, "Usage: signtool <command> [options] <file_name>...\n\n"
		   "Valid commands:\n");
	for (size_t i = 0; i < KD_ARRAY_LEN(commands); i++)
		buf_printf(b, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
	buf_str(b, "\nOptions begin with / or -. \"signtool <command> /?\" lists those of "
		   "a command.\nThis is kdsign-client: the key is at the signing service "
		   "that its configuration names;\nkdsign-signtool(1) says the rest.\n");
}

static void
help_command(const struct ms_command *cmd, struct buf *b)
{
	buf_printf(b, "Usage: signtool %s %s\n\n%s\n\nOptions:\n", cmd->name, cmd->args,
	    cmd->summary);
	ms_help(cmd->rows, b);
}

static const struct ms_command *
find_command(const char *name)
{
	for (size_t i = 0; i < KD_ARRAY_LEN(commands); i++)
		if (text_eq_nocase(commands[i]->name, name))
			return commands[i];
	return NULL;
}

/* Always under /v; else what is not zero, when anything went wrong. */
static void
put_counts(struct ms *m, const struct ms_command *cmd)
{
	AUTO(buf_clear) struct buf b = {0};
	bool all = m->say.verbose;

	if (m->say.quiet || cmd->done == NULL ||
	    (!all && m->errors == 0 && m->warnings == 0))
		return;
	buf_u8(&b, '\n');
	if (all || m->done > 0)
		buf_printf(&b, "Number of %s successfully %s: %zu\n",
		    m->unit != NULL ? m->unit : "files", cmd->done, m->done);
	if (all || m->warnings > 0)
		buf_printf(&b, "Number of warnings: %zu\n", m->warnings);
	if (all || m->errors > 0)
		buf_printf(&b, "Number of errors: %zu\n", m->errors);
	ms_print(m, &b);
}

static void
put_ignored(struct ms *m, const struct option_list *ignored)
{
	AUTO(buf_clear) struct buf b = {0};

	if (!m->say.verbose || ignored->n == 0)
		return;
	buf_str(&b, "Without meaning here, ignored:");
	for (size_t i = 0; i < ignored->n; i++)
		buf_printf(&b, " /%s", ignored->v[i]);
	buf_u8(&b, '\n');
	ms_print(m, &b);
}

static void
run_files(struct ms *m, const struct ms_command *cmd, const struct global_options *g,
    const void *options)
{
	AUTO(ms_files_clear) struct ms_files files = {0};
	struct kd_err e = {0};

	put_ignored(m, &m->words->ignored);
	if (cmd->files && m->words->n == 0)
		ms_fail(m, "Missing filename.", NULL, NULL);
	else if (!ms_files_find(m->words->v, m->words->n, &files, &e) ||
		 !settings_load(g, getenv, SETTINGS_SYSTEM_FILE, &m->c->settings, &e))
		ms_fail_err(m, &e);
	else
		cmd->run(m, options, &files);
	put_counts(m, cmd);
}

static void
run_command(struct ms *m, const struct ms_command *cmd, const struct global_options *g,
    int argc, char **argv)
{
	AUTO(free) void *options = kd_alloc(cmd->options_size);
	AUTO(free) char **v = kd_alloc_array((size_t)argc, sizeof(*v));
	struct ms_words words = {.v = v};
	AUTO(buf_clear) struct buf b = {0};
	struct kd_err e = {0};

	if (options == NULL || v == NULL) {
		ms_fail(m, "Out of memory.", NULL, NULL);
	} else if (!ms_parse(argc, argv, cmd->rows, options, &words, &e)) {
		ms_fail_err(m, &e);
	} else if (words.help) {
		help_command(cmd, &b);
		ms_print(m, &b);
	} else {
		m->say = *(const struct ms_common *)((char *)options + cmd->common);
		m->say.verbose = m->say.verbose || m->say.debug;
		m->words = &words;
		run_files(m, cmd, g, options);
	}
	if (options != NULL)
		ms_rows_clear(cmd->rows, options);
	option_list_clear(&words.ignored);
}

void
ms_signtool(struct client *c, const struct global_options *g, int argc, char **argv)
{
	struct ms m = {.c = c};
	AUTO(buf_clear) struct buf b = {0};
	const struct ms_command *cmd = argc > 1 ? find_command(argv[1]) : NULL;

	if (cmd != NULL) {
		run_command(&m, cmd, g, argc - 1, argv + 1);
	} else if (argc > 1 && ms_asks_help(argv[1])) {
		help_all(&b);
		ms_print(&m, &b);
	} else if (argc > 1) {
		ms_fail(&m, "Invalid command: ", argv[1], NULL);
	} else {
		ms_fail(&m, "A required parameter is missing.", NULL, NULL);
		help_all(&b);
		ms_print(&m, &b);
	}
	c->outcome.status = m.errors > 0     ? MS_STATUS_FAILED
			    : m.warnings > 0 ? MS_STATUS_WARNED
					     : 0;
}
