/* SPDX-License-Identifier: Apache-2.0 */
/* client/inf_say.h - what is wrong with a driver package, told. */
#ifndef CLIENT_INF_SAY_H
#define CLIENT_INF_SAY_H
#include "client/client.h"
#include "driver/inf_findings.h"

/* Errors and, unless quiet, warnings on standard error; false when there were errors. They
 * count for the exit status. */
bool inf_say(struct client *c, const struct inf_findings *found) KD_MUST;
/* The member "findings" of an object under way. */
void inf_say_json(struct buf *b, const struct inf_findings *found);
#endif
