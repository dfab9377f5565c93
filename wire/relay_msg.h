/* SPDX-License-Identifier: Apache-2.0 */
/* wire/relay_msg.h - front → relay: a timestamp wanted, or the relay's counts. What comes
 * back is an answer of wire/front_msg.h. */
#ifndef KD_RELAY_MSG_H
#define KD_RELAY_MSG_H
#include <stdint.h>

#include "base/builder.h"
#include "base/error.h"
#include "base/reader.h"
#include "wire/front_msg.h"

enum relay_route {
	RELAY_TIMESTAMP = 1, /* POST /v1/timestamps, granted by the keeper */
	RELAY_METRICS        /* the relay's share of GET /metrics */
};

struct relay_ask {
	enum relay_route route;
	uint32_t deadline_ms; /* from receipt, 1 to ASK_DEADLINE_MAX_MS */
	char request_id[ASK_REQUEST_ID_LEN + 1];
	uint8_t client[ANSWER_GRANT_LEN]; /* as the keeper granted it; zero for metrics */
	struct der body; /* RELAY_TIMESTAMP: the JSON, at most API_STAMP_REQUEST_MAX */
};

/* Appends the payload. */
void relay_ask_encode(const struct relay_ask *a, struct buf *ret);
/* Pointers in ret borrow from r's bytes. KD_E_PROTOCOL on anything out of its range. */
bool relay_ask_decode(struct rd r, struct relay_ask *ret, struct kd_err *e) KD_MUST;
#endif
