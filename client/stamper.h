/* SPDX-License-Identifier: Apache-2.0 */
/* client/stamper.h - timestamps for signatures, from whichever authority answers. */
#ifndef CLIENT_STAMPER_H
#define CLIENT_STAMPER_H
#include "authenticode/tsp.h"
#include "client/settings.h"
#include "client/stamp.h"

#define STAMP_SOURCES_MAX 16

struct stamper; /* the authorities and what is known of them; used by several threads */
struct stamp_link; /* connections of one thread */

/*
 * stamper_new - the options checked, the roots read; nothing is asked yet.
 *
 * o         borrowed while it lives; names at least one authority
 * settings  borrowed; for "server"
 * Errors: KD_E_USAGE (both kinds, no address, too many), KD_E_FILE, KD_E_FORMAT (roots),
 *         KD_E_NOMEM.
 */
bool stamper_new(const struct stamp_options *o, const struct settings *settings,
    struct stamper **ret, struct kd_err *e) KD_MUST;
void stamper_free(struct stamper *s);
AUTO_DEFINE(struct stamper, stamper_free);

void stamp_link_free(struct stamp_link *l);
AUTO_DEFINE(struct stamp_link, stamp_link_free);

struct stamp_made { /* plain data */
	enum tsp_kind kind; /* TSP_NONE: no timestamp was wanted, or none was had */
	int64_t time;       /* Unix seconds */
};

/*
 * stamper_stamp - a copy of a ContentInfo whose signature is timestamped, instead of any
 * timestamp that it had.
 *
 * The authorities are asked in the order given. One that does not answer in its time is
 * not asked again in this run, whichever thread met it; one that fails otherwise, only
 * after a pause that grows. As long as the time for one authority is not over, the pause
 * is waited for. The service is asked once, and tries by itself as long as settings say;
 * with others to be asked, as long as each of them. What comes is checked: nonce, imprint,
 * its own signature, its certificate's purpose and dates, and with --tsa-root the chain.
 *
 * link      *link NULL: made and left to the caller, stamp_link_free
 * ret       appended to on success
 * ret_made  written on success
 * Errors: KD_E_TIMESTAMP: the sentence of the authority that comes first; the others' in
 *         the hint. KD_E_DENIED: the service, which alone was named, grants none.
 *         KD_E_FORMAT (cms), KD_E_NOMEM, KD_E_CRYPTO.
 */
bool stamper_stamp(struct stamper *s, struct stamp_link **link, const uint8_t *cms,
    size_t len, struct buf *ret, struct stamp_made *ret_made, struct kd_err *e) KD_MUST;

/* Asks for a timestamp of nothing in particular, so that it is known whether there will be
 * any before the first signature is made. Errors: stamper_stamp's. */
bool stamper_probe(struct stamper *s, struct kd_err *e) KD_MUST;

/* No authority would be asked for one more signature: true, with the reason. So that no
 * token signs what cannot be stamped. */
bool stamper_gave_up(struct stamper *s, struct kd_err *e);
#endif
