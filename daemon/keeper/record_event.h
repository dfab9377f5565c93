/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/keeper/record_event.h - the record's events as canonical JSON. */
#ifndef KD_KEEPER_RECORD_EVENT_H
#define KD_KEEPER_RECORD_EVENT_H
#include "daemon/keeper/request.h"

/*
 * Members sorted by name, no blanks, integers only, UTF-8: the same facts are the same
 * bytes, so that a hash tree can be laid over them. Each function appends one whole
 * object. docs/kdsign-keeper.8 lists them.
 */
struct event_head {
	uint64_t seq;
	const char *time; /* clock_utc */
};

/* again: number of the request whose id is tried again, or 0. */
void event_request(
    struct buf *b, const struct event_head *h, const struct request *r, uint64_t again);
/* mixed: request_mixes_grants, so that it says which one is the item's */
void event_intent(struct buf *b, const struct event_head *h, uint64_t request, bool mixed,
    const struct item *it);
void event_result(struct buf *b, const struct event_head *h, uint64_t request,
    const struct item *it, const uint8_t sig_sha256[32]);
void event_unknown(
    struct buf *b, const struct event_head *h, uint64_t request, uint32_t index);
void event_note(struct buf *b, const struct event_head *h, const struct record_note *n);
#endif
