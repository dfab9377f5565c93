/* SPDX-License-Identifier: Apache-2.0 */
/* route.h - which method and path is which question, and who may ask it where. */
#ifndef KD_FRONT_ROUTE_H
#define KD_FRONT_ROUTE_H
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "wire/front_msg.h"

/* The longest target we have is "/v1/signatures/" + 64 + "?wait=60". */
#define ROUTE_URI_MAX 255

#define ROUTE_ON_API 1u    /* the TLS listener */
#define ROUTE_ON_STATUS 2u /* status-listen */

struct route {
	const char *method;
	const char *path;   /* "{}" stands for one [A-Za-z0-9._-]{1,64} */
	enum ask_route ask; /* what the keeper is asked; 0: the front answers by itself */
	unsigned where;     /* ROUTE_ON_... */
	bool body;          /* a body is required (else: refused) */
	bool wait;          /* "?wait=S" is understood */
	size_t body_max;    /* where the configured limit is too much; 0: that one */
};

struct route_match {
	const struct route *route; /* borrowed from the table */
	char target[ASK_TARGET_MAX + 1];
	uint32_t wait_s;
};

/*
 * route_find - the route of one request line.
 *
 * uri        as received, query included: nothing is decoded, so nothing can hide
 * where      ROUTE_ON_API or ROUTE_ON_STATUS
 * ret        written on success
 * ret_allow  with KD_E_METHOD: the one method this path has (borrowed); else NULL
 * Errors: KD_E_REQUEST (characters outside [A-Za-z0-9._/-], "." or ".." as a name, a
 * query that is not understood), KD_E_NOT_FOUND, KD_E_METHOD.
 */
bool route_find(const char *method, const char *uri, unsigned where,
    struct route_match *ret, const char **ret_allow, struct kd_err *e) KD_MUST;
#endif
