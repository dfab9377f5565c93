/* SPDX-License-Identifier: Apache-2.0 */
/* client/server_stamp.h - a timestamp through the signing service's relay. */
#ifndef CLIENT_SERVER_STAMP_H
#define CLIENT_SERVER_STAMP_H
#include "client/server.h"

/*
 * server_stamp - POST /v1/timestamps.
 *
 * Repeated until the deadline while that can help: two timestamps for one signature do no
 * harm.
 *
 * ret_der  appended to: the token, or for legacy the authority's PKCS#7
 * Errors: server_ask's; KD_E_PROTOCOL.
 */
bool server_stamp(struct server *s, const struct api_stamp_request *q,
    uint64_t deadline_ms, struct buf *ret_der, struct kd_err *e) KD_MUST;
#endif
