/* SPDX-License-Identifier: Apache-2.0 */
/* client/ms_stamp.h - what signtool sign and timestamp say alike about timestamps. */
#ifndef CLIENT_MS_STAMP_H
#define CLIENT_MS_STAMP_H
#include "client/ms.h"
#include "client/stamp.h"

struct ms_stamp_args {
	struct option_list t, tr;
	const char *td;
};
#define MS_STAMP_ROWS(type, field)                                                       \
	{"t", MS_LIST, offsetof(type, field.t), "URL",                                   \
	    "timestamp server of the Authenticode protocol"},                            \
	    {"tr", MS_LIST, offsetof(type, field.tr), "URL",                             \
		"timestamp server of RFC 3161; \"server\": by the signing service"},     \
	    {"td", MS_TEXT, offsetof(type, field.td), "ALG",                             \
		"digest that the server of /tr is asked for"}

#define MS_STAMP_FAILED                                                                  \
	"The specified timestamp server either could not be reached\n"                   \
	"or returned an invalid response.\n"                                             \
	"\tThis may happen if you specify an RFC 3161 timestamp URL but used\n"          \
	"\tthe /t option or you specified a legacy Authenticode timestamp URL\n"         \
	"\tbut used the /tr option."

/*
 * ms_stamp_read - /t, /tr and /td in any order.
 *
 * ret  borrows from a; optional stays false: a file that was to have a timestamp and got
 *      none fails, as with signtool since 2021, and stays as it was
 * Errors: KD_E_USAGE, in signtool's words.
 */
bool ms_stamp_read(
    const struct ms_stamp_args *a, struct stamp_options *ret, struct kd_err *e) KD_MUST;

struct ms_paths { /* owned strings, as sign_run's option lists want them */
	struct option_list list;
};
void ms_paths_clear(struct ms_paths *p);
/* Each word's file: "File not found: x.cer". */
bool ms_paths_find(
    const struct option_list *words, struct ms_paths *ret, struct kd_err *e) KD_MUST;
#endif
