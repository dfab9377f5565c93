/* SPDX-License-Identifier: Apache-2.0 */
/* client/ms_files.h - paths as scripts for Windows write them → files of this machine.
 */
#ifndef CLIENT_MS_FILES_H
#define CLIENT_MS_FILES_H
#include <stddef.h>

#include "base/error.h"
#include "base/own.h"

struct ms_file {
	char *shown; /* as given, a wildcard replaced by what it matched; owned */
	char *path;  /* owned; where it is, or where it would have been */
	bool found;
};

struct ms_files {
	struct ms_file *v;
	size_t n, cap;
};
void ms_files_clear(struct ms_files *f);
AUTO_DEFINE_CLEAR(struct ms_files, ms_files_clear);

#define MS_FILES_MAX ((size_t)100000)

/*
 * ms_files_find - the files that the words name, in their order.
 *
 * A backslash stands for a slash unless there is a file with a backslash in its name;
 * what is not there as written is looked for without regard to case, as Windows would. In
 * the last part '*' and '?' stand for any characters and any one: the matching files, sorted
 * by name, folders left out, hidden ones only where the pattern begins with a dot. "*.*"
 * is "*". What matches nothing is kept as it was given, not found.
 *
 * Errors: KD_E_NOMEM, KD_E_LIMIT (MS_FILES_MAX).
 */
bool ms_files_find(
    char *const *words, size_t n, struct ms_files *ret, struct kd_err *e) KD_MUST;
/* The same for one path without wildcards; *ret owned. KD_E_FILE "File not found: X". */
bool ms_file_path(const char *word, char **ret, struct kd_err *e) KD_MUST;
#endif
