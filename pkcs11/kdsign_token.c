/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/kdsign_token.c - kdsign-token: the ceremonies of a token, for its custodians. */
#include "config.h"

#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "base/harden.h"
#include "base/log.h"
#include "base/num.h"
#include "pkcs11/ceremony.h"
#include "pkcs11/ceremony_options.h"

static const struct ceremony_command list[] = {
    {.name = "list",
	.args = "",
	.summary = "what the token is, can do, and holds",
	.run = ceremony_list},
    {.name = "generate",
	.args = "--label NAME [--type TYPE]",
	.summary = "a new key, born on the token, for signing and nothing else",
	.run = ceremony_generate,
	.recorded = true},
    {.name = "csr",
	.args = "--key NAME --subject NAME [--out FILE]",
	.summary = "a certificate request, signed by the key on the token",
	.run = ceremony_csr,
	.keyed = true,
	.recorded = true},
    {.name = "install",
	.args = "--key NAME --certificate FILE... [--cross FILE] [--out FILE]",
	.summary = "a certificate that came back: checked against the key, put in place",
	.run = ceremony_install,
	.keyed = true,
	.recorded = true},
    {.name = "attest",
	.args = "--key NAME --out FILE",
	.summary = "a signed statement of what the token says of a key",
	.run = ceremony_attest,
	.keyed = true,
	.recorded = true},
    {.name = "test",
	.args = "[--type TYPE]",
	.summary = "does the token sign as the service needs it: with throw-away keys",
	.run = ceremony_test,
	.recorded = true},
    {.name = "rotate",
	.args = "--key OLD --label NEW --retire DATE",
	.summary = "a new key beside an old one, and the steps from the one to the other",
	.run = ceremony_rotate,
	.keyed = true,
	.recorded = true},
    {.name = "destroy",
	.args = "--key NAME",
	.summary = "a key with its certificates, for ever; asks twice",
	.run = ceremony_destroy,
	.keyed = true,
	.recorded = true},
    {.name = "pin",
	.args = "",
	.summary = "after a refused PIN: try the right one once, and unlatch",
	.run = ceremony_pin,
	.recorded = true},
    {.name = "transcript",
	.args = "[--check] [--head HASH]",
	.summary = "the record of all ceremonies as a page; or check its chain",
	.run = ceremony_transcript,
	.offline = true},
};

static void
help_all(struct buf *b)
{
	buf_str(b, "usage: " CEREMONY_TOOL " COMMAND [OPTION...]\n\n");
	for (size_t i = 0; i < KD_ARRAY_LEN(list); i++)
		buf_printf(b, "  %-11s %s\n", list[i].name, list[i].summary);
	buf_str(b, "\nOptions of every command:\n");
	ceremony_options_help(NULL, b);
	buf_str(b, "\n'" CEREMONY_TOOL
		   " COMMAND --help' lists a command's own options; " CEREMONY_TOOL
		   "(8) says the rest.\n");
}

static void
help_command(const struct ceremony_command *command, struct buf *b)
{
	buf_printf(b, "usage: " CEREMONY_TOOL " %s%s%s [OPTION...]\n\n%s\n\nOptions:\n",
	    command->name, command->args[0] != '\0' ? " " : "", command->args,
	    command->summary);
	ceremony_options_help(command->name, b);
}

/* Of what was printed line by line. */
static bool
all_said(struct kd_err *e)
{
	return (fflush(stdout) == 0 && ferror(stdout) == 0) ||
	       kd_fail(e, KD_E_IO, "standard output cannot be written: disk full?");
}

static bool
run(int argc, char **argv, struct kd_err *e)
{
	const struct ceremony_command *commands[KD_ARRAY_LEN(list) + 1] = {0};
	AUTO(ceremony_clear) struct ceremony c = {.transcript.fd = -1};
	AUTO(buf_clear) struct buf b = {0};
	struct ceremony_options o;

	for (size_t i = 0; i < KD_ARRAY_LEN(list); i++)
		commands[i] = &list[i];
	if (!ceremony_options_parse(argc, argv, commands, &o, &c.command, e))
		return false;
	if (o.version)
		buf_str(&b, CEREMONY_TOOL " " PACKAGE_VERSION "\n");
	else if (o.help && c.command != NULL)
		help_command(c.command, &b);
	else if (o.help)
		help_all(&b);
	if (b.len > 0)
		return ceremony_put(&b, e);
	c.o = &o;
	if (ceremony_open(&c, e) && c.command->run(&c, e) && all_said(e))
		return true;
	if (c.done)
		(void)kd_hint(e, "'%s' itself was done and is on record: do not do it again "
				 "for what it could not say",
		    c.command->name);
	return false;
}

int
main(int argc, char **argv)
{
	struct kd_err e = {0};

	log_init(CEREMONY_TOOL, LOG_L_INFO);
	file_replace_on_signals();
	if (harden_std_fds(&e) && run(argc, argv, &e))
		return 0;
	(void)fflush(stdout);
	log_err(LOG_L_ERROR, &e);
	return kd_code_info(e.code)->exit_daemon;
}
