/* SPDX-License-Identifier: Apache-2.0 */
/* wire/relay_msg.c - payload of FRAME_RELAY (docs/PROTOCOL.md "Front and relay"). */
#include "wire/relay_msg.h"

#include <string.h>

#include "wire/api.h"

void
relay_ask_encode(const struct relay_ask *a, struct buf *ret)
{
	buf_u16le(ret, (uint16_t)a->route);
	buf_u32le(ret, a->deadline_ms);
	buf_add(ret, a->request_id, ASK_REQUEST_ID_LEN);
	buf_add(ret, a->client, sizeof(a->client));
	payload_put_bytes(ret, a->body);
}

static bool
nobody(const uint8_t client[ANSWER_GRANT_LEN])
{
	static const uint8_t zero[ANSWER_GRANT_LEN];

	return memcmp(client, zero, sizeof(zero)) == 0;
}

static bool
check_ask(const struct relay_ask *a, struct kd_err *e)
{
	bool metrics = a->route == RELAY_METRICS;

	if (a->route != RELAY_TIMESTAMP && !metrics)
		return kd_fail(e, KD_E_PROTOCOL, "unknown route %d", (int)a->route);
	if (a->deadline_ms == 0 || a->deadline_ms > ASK_DEADLINE_MAX_MS)
		return kd_fail(e, KD_E_PROTOCOL, "deadline: %u ms, must be 1 to %u",
		    a->deadline_ms, ASK_DEADLINE_MAX_MS);
	if (metrics && (a->body.len != 0 || !nobody(a->client)))
		return kd_fail(e, KD_E_PROTOCOL, "metrics asked with a client or a body");
	if (!metrics && (a->body.len == 0 || nobody(a->client)))
		return kd_fail(
		    e, KD_E_PROTOCOL, "a timestamp asked without a client or a body");
	return true;
}

bool
relay_ask_decode(struct rd r, struct relay_ask *ret, struct kd_err *e)
{
	struct relay_ask a = {0};
	const uint8_t *client;

	a.route = (enum relay_route)rd_u16le(&r, "route");
	a.deadline_ms = rd_u32le(&r, "deadline");
	payload_request_id(&r, a.request_id, e);
	client = rd_bytes(&r, sizeof(a.client), "client");
	if (client != NULL)
		memcpy(a.client, client, sizeof(a.client));
	a.body = payload_bytes(&r, API_STAMP_REQUEST_MAX, "body", e);
	if (!payload_end(&r, "relay ask", e))
		return false;
	if (!check_ask(&a, e))
		return kd_in(e, "relay ask");
	*ret = a;
	return true;
}
