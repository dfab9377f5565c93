/* SPDX-License-Identifier: Apache-2.0 */
/* client/stamp.h - what is said about timestamps on a command line. */
#ifndef CLIENT_STAMP_H
#define CLIENT_STAMP_H
#include "base/md.h"
#include "client/options.h"
#include "client/settings.h"

#define STAMP_TIMEOUT_MS 10000u
#define STAMP_TIMEOUT_MIN_MS 100u
#define STAMP_TIMEOUT_MAX_MS (10u * 60 * 1000)
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

/* The options of a command that fills field, a struct stamp_options in a struct type. */
#define STAMP_OPTION_ROWS(type, field)                                                   \
	{"timestamp", OPTION_LIST, offsetof(type, field.rfc3161), "URL",                 \
	    "timestamp by RFC 3161; repeated: the next when one fails"},                 \
	    {"timestamp-legacy", OPTION_LIST, offsetof(type, field.legacy), "URL",       \
		"the same by the older protocol, for Windows before 8"},                 \
	    {"timestamp-digest", OPTION_MD, offsetof(type, field.md), "ALG",             \
		"of the RFC 3161 request; default the signature's own"},                 \
	    {"timestamp-timeout", OPTION_DURATION, offsetof(type, field.timeout_ms),     \
		"DURATION", "longest wait for one URL, 10s", .min = STAMP_TIMEOUT_MIN_MS, \
		.max = STAMP_TIMEOUT_MAX_MS},                                            \
	{                                                                                \
		"tsa-root", OPTION_LIST, offsetof(type, field.tsa_root), "FILE",         \
		    "take timestamps only from whom these certificates vouch for"        \
	}

bool stamp_wanted(const struct stamp_options *o);
#define STAMP_NAME_ONE                                                                   \
	"give --timestamp URL or --timestamp-legacy URL, or write 'timestamp = URL' "    \
	"into the configuration"
/*
 * stamp_settle - who is to be asked: what the configuration says, where the command line
 * names nobody.
 *
 * none                --no-timestamp
 * roots_serve_others  --tsa-root is what timestamps are verified by, too
 * Errors: KD_E_USAGE: options about timestamps that nobody is asked for, or that
 *         contradict each other.
 */
bool stamp_settle(struct stamp_options *o, const struct settings *settings, bool none,
    bool roots_serve_others, struct kd_err *e) KD_MUST;
#endif
