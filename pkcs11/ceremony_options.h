/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/ceremony_options.h - the command line of kdsign-token, by one table. */
#ifndef KD_PKCS11_CEREMONY_OPTIONS_H
#define KD_PKCS11_CEREMONY_OPTIONS_H
#include "pkcs11/ceremony.h"

/*
 * ceremony_options_parse - options before and after the command's name.
 *
 * --name VALUE, --name=VALUE, --flag; names are never abbreviated. commands ends with
 * NULL. *ret_command is NULL when none is named, which --help and --version allow.
 * Errors: KD_E_USAGE, with the nearest known name as hint.
 */
bool ceremony_options_parse(int argc, char **argv,
    const struct ceremony_command *const *commands, struct ceremony_options *ret,
    const struct ceremony_command **ret_command, struct kd_err *e) KD_MUST;
/* The options of one command, of all with NULL. */
void ceremony_options_help(const char *command, struct buf *ret);
#endif
