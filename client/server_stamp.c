/* SPDX-License-Identifier: Apache-2.0 */
/* client/server_stamp.c - a timestamp through the signing service's relay. */
#include "client/server_stamp.h"

#define PATH "/v1/timestamps"

bool
server_stamp(struct server *s, const struct api_stamp_request *q, uint64_t deadline_ms,
    struct buf *ret_der, struct kd_err *e)
{
	AUTO(buf_clear) struct buf body = {0};
	AUTO(net_answer_clear) struct net_answer a = {0};
	AUTO(api_stamp_answer_clear) struct api_stamp_answer got = {0};

	api_stamp_request_encode(q, &body);
	if (!buf_ok(&body, "request", e) ||
	    !server_ask(
		s, PATH, (const char *)body.p, body.len, NULL, deadline_ms, &a, e))
		return false;
	if (!api_stamp_answer_decode(
		(const char *)a.body.p, a.body.len, q->kind, &got, e)) {
		e->code = e->code == KD_E_NOMEM ? KD_E_NOMEM : KD_E_PROTOCOL;
		return kd_in(e, "answer of the server to " PATH);
	}
	buf_add(ret_der, got.der, got.len);
	return buf_ok(ret_der, "timestamp", e);
}
