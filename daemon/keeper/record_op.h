/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/keeper/record_op.h - what each operation on the record reads and writes, inside
 * a transaction. */
#ifndef KD_KEEPER_RECORD_OP_H
#define KD_KEEPER_RECORD_OP_H
#include "base/clock.h"
#include "daemon/keeper/record.h"

#define RECORD_CHAINS 8 /* numbers of certificate sets remembered */

struct record_writer {      /* used by one thread at a time */
	struct store store; /* open */
	uint64_t seq;       /* newest event, of the transaction too */
	char time[CLOCK_UTC_LEN];
	struct buf json;
	struct {
		uint8_t sha256[32];
		uint64_t no;
	} chains[RECORD_CHAINS];
	size_t chains_n; /* 0 again when a transaction was rolled back */
};

/* Events and rows of one operation; its out fields. After a failure the transaction is to
 * be rolled back. */
bool record_apply(
    struct record_writer *w, struct record_op *op, struct kd_err *e) KD_MUST;
/* Intents of a request that have no result, at the start: a token may have signed. Final,
 * and said so. */
bool record_recover(
    struct record_writer *w, const struct store_request *req, struct kd_err *e) KD_MUST;
#endif
