/* SPDX-License-Identifier: Apache-2.0 */
/* client/server_sign.h - one signing request, followed until every item is decided. */
#ifndef CLIENT_SERVER_SIGN_H
#define CLIENT_SERVER_SIGN_H
#include "client/server.h"

/*
 * server_sign - have up to API_ITEMS_MAX digests signed.
 *
 * The request gets a fresh random id, and keeps it while the same content is sent again
 * after a lost connection or a token that was not there: the service then answers what it
 * has already done. An item whose outcome nobody knows is final under that id; those go
 * out once more under a new id that names the old one. Pending items are waited for (long
 * poll) as long as some get done within the timeout.
 *
 * q    id and retry_of are set here; the rest is the caller's
 * ret  one answer an item, in order; API_PENDING where time ran out
 * Errors: the whole request was refused or could not be made (server_ask); KD_E_PROTOCOL.
 */
bool server_sign(struct server *s, struct api_sign_request *q,
    struct api_sign_answer *ret, struct kd_err *e) KD_MUST;
#endif
