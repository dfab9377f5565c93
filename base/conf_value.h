/* SPDX-License-Identifier: Apache-2.0 */
/* base/conf_value.h - one value of the configuration: set, cleared, printed by its type.
 * For conf*.c. */
#ifndef KD_CONF_VALUE_H
#define KD_CONF_VALUE_H
#include "base/conf.h"

/*
 * conf_value_set - text into the field, by the key's type.
 *
 * field  holds nothing yet, or for CONF_LIST and CONF_PATHS what the value is appended to
 * text   not empty
 * path   of the file: what a relative CONF_PATH starts from; "" keeps it as it is
 * Errors: KD_E_USAGE for a number, else KD_E_CONFIG, with the value; KD_E_NOMEM.
 */
bool conf_value_set(const struct conf_key *k, void *field, const char *text,
    const char *path, struct kd_err *e) KD_MUST;
void conf_value_clear(const struct conf_key *k, void *field); /* zero afterwards */
/* "key = value" lines, or "# key =" when nothing is set. */
void conf_value_print(const struct conf_key *k, const void *field, struct buf *ret);
bool conf_name_ok(const char *s); /* [A-Za-z0-9._-]{1,64} */
/* s without blanks around it, cut in place. */
char *conf_trim(char *s);
#endif
