/* SPDX-License-Identifier: Apache-2.0 */
/* client/stamp_ask.h - one timestamp asked of one authority, and checked. */
#ifndef CLIENT_STAMP_ASK_H
#define CLIENT_STAMP_ASK_H
#include "authenticode/tsp.h"
#include "client/net_tsa.h"
#include "client/server.h"

struct stamp_question { /* borrowed */
	enum tsp_kind kind;
	enum md md; /* RFC 3161: of the imprint */
	const uint8_t *signature;
	size_t signature_len;
	const struct certs *roots; /* where the authority's chain must lead; NULL: anywhere */
	uint64_t deadline_ms;
};

struct stamp_answer { /* what cms_set_timestamp wants; all-zero is empty */
	struct buf value;
	struct certs *certs; /* legacy: to go beside the signer's; owned */
	int64_t time;
};
void stamp_answer_clear(struct stamp_answer *a);
AUTO_DEFINE_CLEAR(struct stamp_answer, stamp_answer_clear);

/*
 * stamp_ask_tsa, stamp_ask_server - of an authority directly, or through the service.
 *
 * The answer's nonce (directly), imprint, own signature, and its certificate's purpose
 * and dates are checked, and the chain when there are roots.
 * ret     all-zero; filled on success, cleared by the caller in any case
 * Errors: net_tsa_ask's and tsp_answer_parse's; server_ask's; KD_E_NOT_VERIFIED.
 */
bool stamp_ask_tsa(struct net_tsa *n, const char *url, const struct stamp_question *q,
    struct stamp_answer *ret, struct kd_err *e) KD_MUST;
bool stamp_ask_server(struct server *s, const struct stamp_question *q,
    struct stamp_answer *ret, struct kd_err *e) KD_MUST;
#endif
