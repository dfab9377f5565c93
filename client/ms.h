/* SPDX-License-Identifier: Apache-2.0 */
/* client/ms.h - Microsoft's tools under their own names: signtool, makecat, inf2cat. */
#ifndef CLIENT_MS_H
#define CLIENT_MS_H
#include "client/client.h"
#include "client/ms_files.h"
#include "client/ms_options.h"

#define MS_STATUS_FAILED 1
#define MS_STATUS_WARNED 2

/* The options that every command of signtool has. */
struct ms_common {
	bool quiet, verbose, debug;
};
#define MS_COMMON_ROWS(type, field)                                                      \
	{"q", MS_FLAG, offsetof(type, field.quiet), NULL, "say nothing but errors"},     \
	    {"v", MS_FLAG, offsetof(type, field.verbose), NULL, "say more"},             \
	    {"debug", MS_FLAG, offsetof(type, field.debug), NULL, "say still more"}

struct ms { /* one run of a tool */
	struct client *c;
	struct ms_common say;
	const struct ms_words *words;
	const char *unit; /* what is counted; NULL: files */
	size_t done, warnings, errors;
};

struct ms_command { /* of signtool */
	const char *name, *args, *summary;
	const char *done;           /* "Signed", for the count at the end; NULL: none */
	const struct ms_row *rows;
	size_t options_size; /* of the struct they fill */
	size_t common;       /* where in it struct ms_common is */
	bool files;                 /* needs one or more */
	/* What goes wrong is said and counted with ms_fail. */
	void (*run)(struct ms *m, const void *options, const struct ms_files *files);
};
extern const struct ms_command ms_sign, ms_verify, ms_timestamp, ms_remove, ms_catdb;

/*
 * ms_run - the tool that argv[0] names, "signtool", "makecat" or "inf2cat" in any case, with a path
 * before it and ".exe" behind; its exit status, 0, 1 or 2, goes to c->outcome.
 *
 * g  what was said before the tool's name; settings are loaded when they are needed
 */
void ms_run(struct client *c, const struct global_options *g, int argc, char **argv);
/* Flushes standard output; the exit status, 0, 1 or 2. */
int ms_end(struct client *c);
/* Is this the name of one of the tools? */
bool ms_is_tool(const char *name);
void ms_makecat(struct client *c, int argc, char **argv);
void ms_inf2cat(struct client *c, int argc, char **argv);
/* Are these the words of Microsoft's inf2cat, not our own? */
bool ms_inf2cat_wants(int argc, char **argv);
void ms_signtool(
    struct client *c, const struct global_options *g, int argc, char **argv);

/* Writes b to standard output and empties it. */
void ms_print(struct ms *m, struct buf *b);
/*
 * ms_fail - "SignTool Error: ", text and path (NULL: none), to standard error, behind all
 * that was printed so far. Counts one error.
 *
 * why  NULL, or our own sentence: it and its hint follow on lines of their own
 */
void ms_fail(
    struct ms *m, const char *text, const char *path, const struct kd_err *why);
void ms_warn(
    struct ms *m, const char *text, const char *path, const struct kd_err *why);
/* The same, and counts nothing. */
void ms_complain(
    struct ms *m, const char *text, const char *path, const struct kd_err *why);
/* The whole of e as the error. */
void ms_fail_err(struct ms *m, const struct kd_err *e);

/* Counts a file that is done, and prints text and its name. */
void ms_succeed(struct ms *m, const char *text, const char *file);
/* "Note: ", on standard output: no warning, since scripts that ended with 0 for years are
 * to go on to. */
void ms_note(struct ms *m, const char *text);

/* The paths of the files that are there (*ret: the list is the caller's, the strings are
 * the files'); "File not found: " was said of the others. KD_E_NOMEM. */
bool ms_found(struct ms *m, const struct ms_files *files, char ***ret, size_t *ret_n,
    struct kd_err *e) KD_MUST;
/* What a path was called on the command line. next: 0 at first; where to look from, files
 * being asked about in their order. */
const char *ms_shown(const struct ms_files *files, size_t *next, const char *path);

/* s safe to show and not cut, unlike SHOW(). */
void ms_put_text(struct buf *b, const char *s);
#endif
