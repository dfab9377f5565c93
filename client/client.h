/* SPDX-License-Identifier: Apache-2.0 */
/* client/client.h - what every command gets, and the list of commands. */
#ifndef CLIENT_CLIENT_H
#define CLIENT_CLIENT_H
#include <stddef.h>

#include "client/options.h"
#include "client/outcome.h"
#include "client/settings.h"

struct client {
	struct settings settings;
	struct outcome outcome;
	bool json, quiet;
	bool colour; /* standard output is a terminal that wants it */
	bool ms;     /* speaks as one of Microsoft's tools: ms.h */
};

struct command {
	const char *name, *args, *summary;
	const struct option_row *options; /* ends with a row without a name; NULL: none */
	size_t options_size;              /* of the struct they fill */
	size_t files_min, files_max;
	/* What went wrong went to client->outcome; so did the exit status. options: as
	 * parsed. */
	void (*run)(struct client *c, const void *options, char **files, size_t n);
	/* Not NULL: the command reads all that follows its name, argv[0], by itself. */
	void (*run_words)(struct client *c, const struct global_options *global, int argc,
	    char **argv);
	/* With both: is it run_words that these are for? */
	bool (*wants_words)(int argc, char **argv);
};

extern const struct command cmd_sign, cmd_verify, cmd_digest, cmd_inspect, cmd_remove,
    cmd_keys, cmd_status, cmd_catalog, cmd_timestamp, cmd_extract, cmd_attach,
    cmd_signtool, cmd_makecat, cmd_inf, cmd_inf2cat, cmd_package, cmd_cab;
#endif
