/* SPDX-License-Identifier: Apache-2.0 */
/* reply.h - what goes back: status, headers, body. */
#ifndef KD_FRONT_REPLY_H
#define KD_FRONT_REPLY_H
#include <microhttpd.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "daemon/front/status.h"
#include "wire/front_msg.h"

struct reply { /* all-zero: none yet */
	unsigned status;
	enum answer_type type;
	uint32_t retry_after_s;
	const char *allow; /* KD_E_METHOD: the one method; borrowed, constant */
	bool close;        /* the connection ends with it */
	char *body;        /* owned */
	size_t len;
	char why[200]; /* for the log: what a problem said, safe to show; "" */
};
void reply_clear(struct reply *r);

/* Each fills r, and cannot fail: without memory r becomes a 503 without a body. */
void reply_text(struct reply *r, const char *text);
void reply_problem(struct reply *r, const struct kd_err *e, const char *request_id);
void reply_answer(struct reply *r, const struct answer *a, const char *request_id);
/* The front's lines, and the keeper's when it answered (a may be NULL). relay_up NULL:
 * there is no relay. */
void reply_metrics(struct reply *r, const struct answer *a, const struct metrics *m,
    uint64_t body_bytes, const bool *relay_up);
/* The relay's behind them, when it answered (a may be NULL). */
void reply_metrics_more(struct reply *r, const struct answer *a);

/* Queues r on the connection; the body moves to the library. False: close the connection.
 */
bool reply_send(struct reply *r, struct MHD_Connection *mhd, const char *request_id,
    bool close) KD_MUST;
#endif
