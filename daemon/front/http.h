/* SPDX-License-Identifier: Apache-2.0 */
/* http.h - the HTTP library's daemons: the API over TLS, and status-listen without. */
#ifndef KD_FRONT_HTTP_H
#define KD_FRONT_HTTP_H
#include <stdbool.h>

#include "base/error.h"
#include "base/own.h"
#include "daemon/front/front.h"

#define STATUS_CONNECTIONS 64u /* of status-listen; connection-limit is the API's */

struct http; /* opaque */

/*
 * http_start - serve a listening socket.
 *
 * f     borrowed while it runs
 * fd    listening; stays the caller's, who closes it after http_free
 * api   true: TLS and the API; false: plain, health and metrics only
 * Errors: KD_E_BUG.
 */
bool http_start(
    struct front *f, int fd, bool api, struct http **ret, struct kd_err *e) KD_MUST;
/* Accepts nobody any more; whoever is connected goes on. */
void http_quiesce(struct http *h);
/* Ends every connection and the threads; closes the keeper link, so that no request is
 * left waiting for it. */
void http_free(struct http *h);
AUTO_DEFINE(struct http, http_free);
#endif
