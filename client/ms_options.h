/* SPDX-License-Identifier: Apache-2.0 */
/* client/ms_options.h - command lines as Microsoft's tools have them, read by tables. */
#ifndef CLIENT_MS_OPTIONS_H
#define CLIENT_MS_OPTIONS_H
#include <stddef.h>

#include "base/builder.h"
#include "base/error.h"
#include "client/options.h"

enum ms_type {
	MS_FLAG,    /* bool */
	MS_TEXT,    /* const char *, borrowed from argv; the last one given counts */
	MS_LIST,    /* struct option_list, one value each time it is given */
	MS_UINT,    /* struct ms_uint */
	MS_IGNORED, /* means nothing here, and does no harm */
	MS_REFUSED  /* cannot be done here; help says what to do instead */
};

struct ms_uint {
	bool given;
	uint64_t v; /* 0..MS_UINT_MAX */
};
#define MS_UINT_MAX 1000u

struct ms_row {
	const char *name; /* without '/'; NULL ends a table */
	enum ms_type type;
	size_t offset;   /* of the field in the table's struct */
	const char *arg; /* what stands for the value in the help; NULL: takes none */
	const char *help;
};

struct ms_words {
	char **v;                   /* as many as argc; filled by ms_parse */
	size_t n;                   /* words that are no options */
	struct option_list ignored; /* options given that are MS_IGNORED; owned */
	bool help;                  /* was asked for */
};

/*
 * ms_parse - read argv[1]... into the table's struct.
 *
 * An option begins with '/' or '-'; its name is told apart without regard to case, and
 * its value is the next argument, whatever that looks like. An argument that begins with
 * '/' and is no option's name, but has a second '/' or names what exists, is a file.
 * After "--" everything is. "/?" and "-?" (and "--help") ask for help.
 *
 * Errors: KD_E_USAGE, in the tools' words where those are known ("Invalid option: /xx");
 *         for MS_REFUSED the row's help as hint. KD_E_NOMEM.
 * Spec:   signtool facts, opening paragraph.
 */
bool ms_parse(int argc, char **argv, const struct ms_row *rows, void *into,
    struct ms_words *ret, struct kd_err *e) KD_MUST;
bool ms_asks_help(const char *arg);
/* Frees the lists that a table filled. */
void ms_rows_clear(const struct ms_row *rows, void *into);
/* One line an option, those that do nothing here last and marked so. */
void ms_help(const struct ms_row *rows, struct buf *ret);
#endif
