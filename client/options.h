/* SPDX-License-Identifier: Apache-2.0 */
/* client/options.h - the command line, read by tables of options. */
#ifndef CLIENT_OPTIONS_H
#define CLIENT_OPTIONS_H
#include <stddef.h>
#include <stdint.h>

#include "base/builder.h"
#include "base/error.h"
#include "base/own.h"

enum option_type {
	OPTION_FLAG,     /* bool */
	OPTION_TEXT,     /* const char *, borrowed from argv */
	OPTION_LIST,     /* struct option_list, one value each time it is given */
	OPTION_UINT,     /* uint64_t, min..max */
	OPTION_DURATION, /* uint64_t milliseconds, min..max: 30s, 5min */
	OPTION_MD        /* enum md */
};

struct option_list { /* strings borrowed from argv */
	const char **v;
	size_t n;
};

struct option_row {
	const char *name; /* without "--"; NULL ends a table */
	enum option_type type;
	size_t offset;   /* of the field in the table's struct */
	const char *arg; /* what stands for the value in the help; NULL for a flag */
	const char *help;
	uint64_t min, max;
	char letter; /* "-v" for a flag; 0: none */
};

struct option_table {
	const struct option_row *rows;
	void *into;
	bool last_counts; /* where one value is given twice: a wrapper's can be overridden */
};

/*
 * options_parse - read argv[1]... into the tables' structs.
 *
 * Forms: --name VALUE, --name=VALUE, --flag, and -v for a flag with that letter. "--"
 * ends the options. Names are never abbreviated: what a script says today must not become
 * ambiguous tomorrow. A flag and a list may be given more than once; else one value is an
 * error to give twice, unless the table says that the last one counts.
 *
 * tables     ends with a row whose rows is NULL; the first that knows a name gets it
 * first_word true: stop in front of the first word that is no option
 * ret_words  as many as argc; filled with the words that are no options
 * ret_next   index of the first argument not looked at
 * Errors: KD_E_USAGE, with the nearest known option as hint; KD_E_NOMEM.
 */
bool options_parse(int argc, char **argv, const struct option_table *tables,
    bool first_word, char **ret_words, size_t *ret_words_n, int *ret_next,
    struct kd_err *e) KD_MUST;
/* Frees the lists that a table filled. */
void options_clear(const struct option_table *table);
/* Appends one string, borrowed. KD_E_NOMEM. */
bool option_list_add(struct option_list *l, const char *value, struct kd_err *e) KD_MUST;
void option_list_clear(struct option_list *l);
AUTO_DEFINE_CLEAR(struct option_list, option_list_clear);
/* One line an option, for --help. */
void options_help(const struct option_row *rows, struct buf *ret);
#endif
