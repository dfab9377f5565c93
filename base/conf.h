/* SPDX-License-Identifier: Apache-2.0 */
/* base/conf.h - table-driven "key = value" settings. */
#ifndef KD_CONF_H
#define KD_CONF_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/builder.h"
#include "base/error.h"

/*
 * The file: lines "key = value"; '#' starts a comment only at the start of a line (PKCS#11 URIs
 * hold ';' and may hold '#'); a section starts with "[kind]" or "[kind name]"; blanks around key
 * and value are dropped; no quoting, no continuation; UTF-8; a line of at most CONF_LINE_MAX.
 * Unknown, repeated (unless CONF_LIST) or out-of-range keys are KD_E_CONFIG errors with file,
 * line and the nearest known key. A file that group or others can write is refused.
 */
#define CONF_LINE_MAX 8192
#define CONF_FILE_MAX ((size_t)1 << 20)

enum conf_type {
	CONF_STRING,   /* char * */
	CONF_PATH,     /* char *, absolute, or relative to the folder of the file */
	CONF_LIST,     /* struct conf_list: the key may be repeated, one value a line */
	CONF_PATHS,    /* struct conf_list of CONF_PATH */
	CONF_WORDS,    /* struct conf_list: blank-separated words on one line */
	CONF_BOOL,     /* bool: yes | no */
	CONF_UINT,     /* uint64_t, min..max */
	CONF_SIZE,     /* uint64_t bytes, min..max: 32M */
	CONF_DURATION, /* uint64_t milliseconds, min..max (ms): 30s */
	CONF_NAME      /* char *: [A-Za-z0-9._-]{1,64} */
};

struct conf_list {
	char **v;
	size_t n;
};

struct conf_key { /* one row: parser, default, documentation */
	const char *name;
	enum conf_type type;
	size_t offset;       /* of the field in the section's struct */
	const char *dflt;    /* as it would stand in the file; NULL: required unless CONF_OPTIONAL */
	const char *help;    /* one line for man page and --print */
	uint64_t min, max;   /* for UINT, SIZE, DURATION */
	bool optional;       /* with dflt NULL: may be absent (field stays zero) */
};

struct conf_section {
	const char *kind;            /* NULL: the keys before any section header */
	bool named;                  /* "[kind name]", any number of; else at most one */
	const struct conf_key *keys; /* ends with a row whose name is NULL */
	size_t size;                 /* of the section's struct; its first field is char *name when named */
	size_t offset;               /* where it lies in the whole: the struct itself, or for named ones
	                              * a struct conf_array */
};

struct conf_array { /* of section structs */
	void *v;
	size_t n;
};

/*
 * conf_load - read path into ret (all-zero before), by the table.
 *
 * sections  ends with a row whose keys is NULL
 * ret       owned by the caller: conf_clear with the same table, also after a failure
 * Errors: KD_E_CONFIG "'<path>' line 12: unknown key 'sotre'; did you mean 'store'?"
 */
bool conf_load(const char *path, const struct conf_section *sections, void *ret, struct kd_err *e) KD_MUST;
/* The same over bytes already read (fuzzing, tests); path is for messages and relative paths. */
bool conf_parse(const char *path, const char *text, size_t n, const struct conf_section *sections,
	void *ret, struct kd_err *e) KD_MUST;
/* Only the defaults. Required keys stay unset. */
bool conf_defaults(const struct conf_section *sections, void *ret, struct kd_err *e) KD_MUST;
/* Effective values, in the file's own syntax. */
void conf_print(const struct conf_section *sections, const void *conf, struct buf *ret);
/* The same to standard output, for --print. KD_E_IO, KD_E_NOMEM. */
bool conf_show(const struct conf_section *sections, const void *conf, struct kd_err *e) KD_MUST;
void conf_clear(const struct conf_section *sections, void *conf);
void conf_list_clear(struct conf_list *l);
#endif
