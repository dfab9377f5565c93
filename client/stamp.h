/* SPDX-License-Identifier: Apache-2.0 */
/* client/stamp.h - what is said about timestamps on a command line. */
#ifndef CLIENT_STAMP_H
#define CLIENT_STAMP_H
#include "base/md.h"
#include "client/options.h"

#define STAMP_TIMEOUT_MS 10000u
/* In place of a URL: through the signing service's own relay. */
#define STAMP_BY_SERVER "server"

struct stamp_options { /* borrowed; all-zero: no timestamp */
	/* URLs in the order to try them; of one kind only. */
	struct option_list rfc3161, legacy;
	enum md md;                  /* RFC 3161: of the imprint; MD_NONE: the signature's own */
	uint64_t timeout_ms;         /* for each URL; 0: STAMP_TIMEOUT_MS */
	struct option_list tsa_root; /* files: where the authority's chain must lead */
	bool optional;               /* sign: without one is better than not at all */
};
#endif
