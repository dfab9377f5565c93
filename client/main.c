/* SPDX-License-Identifier: Apache-2.0 */
/* client/main.c - kdsign-client: reads the command line and hands over to one command. */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "client/client.h"
#include "client/ms.h"

#define PROGRAM "kdsign-client"

static const struct command *const commands[] = {
    &cmd_sign,
    &cmd_timestamp,
    &cmd_verify,
    &cmd_digest,
    &cmd_inspect,
    &cmd_extract,
    &cmd_attach,
    &cmd_remove,
    &cmd_catalog,
    &cmd_inf,
    &cmd_inf2cat,
    &cmd_package,
    &cmd_cab,
    &cmd_keys,
    &cmd_status,
    &cmd_signtool,
    &cmd_makecat,
};

static void
help_all(struct buf *b)
{
	buf_printf(b, "usage: " PROGRAM " [OPTION...] COMMAND [OPTION...] [FILE...]\n\n");
	for (size_t i = 0; i < KD_ARRAY_LEN(commands); i++)
		buf_printf(b, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
	buf_printf(b, "\nOptions of every command:\n");
	options_help(global_option_rows, b);
	buf_printf(b,
	    "\n'" PROGRAM " COMMAND --help' lists a command's own options; " PROGRAM
	    "(1) says the rest.\n");
}

static void
help_command(const struct command *cmd, struct buf *b)
{
	buf_printf(b, "usage: " PROGRAM " [OPTION...] %s %s\n\n%s\n", cmd->name,
	    cmd->args, cmd->summary);
	if (cmd->options != NULL) {
		buf_printf(b, "\nOptions:\n");
		options_help(cmd->options, b);
	}
	buf_printf(b, "\nOptions of every command:\n");
	options_help(global_option_rows, b);
}

static const struct command *
find_command(const char *name, struct kd_err *e)
{
	const char *names[KD_ARRAY_LEN(commands) + 1] = {0};

	for (size_t i = 0; i < KD_ARRAY_LEN(commands); i++) {
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
		names[i] = commands[i]->name;
	}
	(void)kd_fail(e, KD_E_USAGE, "'%s': unknown command", SHOW(name));
	if (!text_hint_nearest(e, "", name, names))
		(void)kd_hint(e, "'" PROGRAM " --help' lists the commands");
	return NULL;
}

static bool
check_files(const struct command *cmd, size_t n, struct kd_err *e)
{
	if (n < cmd->files_min)
		(void)kd_fail(e, KD_E_USAGE, "'%s': no file is named", cmd->name);
	else if (n > cmd->files_max)
		(void)kd_fail(e, KD_E_USAGE, "'%s': %zu word%s too many", cmd->name,
		    n - cmd->files_max, n - cmd->files_max == 1 ? "" : "s");
	else
		return true;
	return kd_hint(e, "usage: " PROGRAM " %s%s%s", cmd->name,
	    cmd->args[0] == '\0' ? "" : " ", cmd->args);
}

/* Options of the command, settings, then the command itself. */
static bool
run_command(struct client *c, struct global_options *global, const struct command *cmd,
    int argc, char **argv, char **words, struct kd_err *e)
{
	AUTO(free) void *own = kd_alloc(cmd->options_size);
	const struct option_table tables[] = {
	    {global_option_rows, global, true},
	    {cmd->options, own, false},
	    {0},
	};
	AUTO(buf_clear) struct buf b = {0};
	size_t n;
	int next;
	bool done;

	if (own == NULL)
		return kd_fail_nomem(e, "command line");
	done = options_parse(argc, argv, tables, false, words, &n, &next, e);
	c->json = c->outcome.json = global->json;
	c->quiet = c->outcome.quiet = global->quiet;
	if (done && global->help) {
		help_command(cmd, &b);
		outcome_print(&c->outcome, &b);
	} else if (done) {
		done =
		    check_files(cmd, n, e) &&
		    settings_load(global, getenv, SETTINGS_SYSTEM_FILE, &c->settings, e);
		if (done)
			cmd->run(c, own, words, n);
	}
	options_clear(&tables[1]);
	return done;
}

static bool
run(struct client *c, int argc, char **argv, struct kd_err *e)
{
	struct global_options global = {0};
	const struct option_table tables[] = {{global_option_rows, &global, true}, {0}};
	AUTO(free) char **words = kd_alloc_array((size_t)argc + 1, sizeof(*words));
	AUTO(buf_clear) struct buf b = {0};
	const struct command *cmd;
	size_t n;
	int next;

	if (words == NULL)
		return kd_fail_nomem(e, "command line");
	if (!options_parse(argc, argv, tables, true, words, &n, &next, e))
		return false;
	c->json = c->outcome.json = global.json;
	if (global.version)
		buf_printf(&b, PROGRAM " " PACKAGE_VERSION "\n");
	else if (global.help)
		help_all(&b);
	if (b.len != 0) {
		outcome_print(&c->outcome, &b);
		return true;
	}
	if (next >= argc) {
		(void)kd_fail(e, KD_E_USAGE, "no command is named");
		return kd_hint(e, "'" PROGRAM " --help' lists the commands");
	}
	cmd = find_command(argv[next], e);
	if (cmd == NULL)
		return false;
	if (cmd->run_words != NULL &&
	    (cmd->run == NULL || cmd->wants_words(argc - next, argv + next))) {
		cmd->run_words(c, &global, argc - next, argv + next);
		return true;
	}
	return run_command(c, &global, cmd, argc - next, argv + next, words, e);
}

static bool
wants_colour(void)
{
	const char *no = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	return isatty(STDOUT_FILENO) != 0 && (no == NULL || no[0] == '\0') &&
	       term != NULL && strcmp(term, "dumb") != 0;
}

int
main(int argc, char **argv)
{
	struct client c = {.colour = wants_colour()};
	struct kd_err e = {0};

	log_init(PROGRAM, LOG_L_INFO);
	/* Where both go into one log, no error stands in the middle of a line. */
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	/* A closed pipe or connection is an error to report, with temporary files
	 * removed. */
	(void)signal(SIGPIPE, SIG_IGN);
	file_replace_on_signals();
	if (argc > 0 && ms_is_tool(argv[0])) /* a symbolic link of that name */
		ms_run(&c, &(struct global_options){0}, argc, argv);
	else if (argc < 1 || !run(&c, argc, argv, &e))
		outcome_fail(&c.outcome, NULL, &e);
	settings_clear(&c.settings);
	return c.ms ? ms_end(&c) : outcome_end(&c.outcome);
}
