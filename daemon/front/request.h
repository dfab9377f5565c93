/* SPDX-License-Identifier: Apache-2.0 */
/* request.h - one HTTP request from its first line to its access log line. */
#ifndef KD_FRONT_REQUEST_H
#define KD_FRONT_REQUEST_H
#include <microhttpd.h>

#include "daemon/front/front.h"

/*
 * The way of a request, all of it in the HTTP library's thread but for the answer:
 *
 *	request_new     the request line is there; nothing is judged yet
 *	request_handle  called again and again: first with the whole head (gate, route,
 *limits), then with parts of the body, then with none left: the connection is suspended
 *and the keeper asked (answer)        in the keeper link's thread: kept, connection
 *resumed request_handle  sends it request_end     sent, or the connection is gone: one
 *log line
 */
struct request; /* opaque */

/* uri is copied. NULL: no memory; the library then closes the connection. */
struct request *request_new(struct front *f, const char *uri);
enum MHD_Result request_handle(struct request *r, struct MHD_Connection *mhd,
    const char *method, const char *version, const char *data, size_t *size);
void request_end(struct request *r);
#endif
