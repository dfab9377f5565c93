/* SPDX-License-Identifier: Apache-2.0 */
/* reply.c - what goes back: status, headers, body. */
#include "daemon/front/reply.h"

#include <stdio.h>
#include <string.h>

#include "base/builder.h"
#include "base/mem.h"
#include "base/own.h"
#include "base/text.h"
#include "wire/api.h"

#define RETRY_AFTER_S 1 /* for what a moment may cure: busy, keeper restarting */

void
reply_clear(struct reply *r)
{
	free(r->body);
	*r = (struct reply){0};
}

static void
body_set(struct reply *r, struct buf *take)
{
	r->body = (char *)buf_take(take, &r->len);
	if (r->body != NULL)
		return;
	r->len = 0;
	r->status = (unsigned)kd_code_info(KD_E_NOMEM)->http;
	r->type = ANSWER_TEXT;
	r->retry_after_s = RETRY_AFTER_S;
	(void)snprintf(r->why, sizeof(r->why), "out of memory for the answer");
}

void
reply_text(struct reply *r, const char *text)
{
	struct buf b = {0};

	r->status = MHD_HTTP_OK;
	r->type = ANSWER_TEXT;
	buf_str(&b, text);
	body_set(r, &b);
}

void
reply_problem(struct reply *r, const struct kd_err *e, const char *request_id)
{
	const struct kd_code_info *info = kd_code_info(e->code);
	struct buf b = {0};

	r->status = (unsigned)info->http;
	r->type = ANSWER_PROBLEM;
	if (r->status == MHD_HTTP_SERVICE_UNAVAILABLE)
		r->retry_after_s = RETRY_AFTER_S;
	(void)snprintf(r->why, sizeof(r->why), "%s: %s", info->name, SHOW(e->msg));
	api_problem_encode(e, request_id, &b);
	body_set(r, &b);
}

void
reply_answer(struct reply *r, const struct answer *a, const char *request_id)
{
	struct kd_err e = {0};
	struct buf b = {0};

	if (a->status < 200 || a->status > 599) {
		(void)kd_fail(
		    &e, KD_E_BUG, "an answer with status %u", a->status);
		reply_problem(r, &e, request_id);
		return;
	}
	r->status = a->status;
	r->type = a->type;
	r->retry_after_s = a->retry_after_s;
	buf_add(&b, a->body.p, a->body.len);
	if (a->body.len > 0)
		body_set(r, &b);
}

static void
add_metrics(const struct answer *a, struct buf *ret)
{
	if (a != NULL && a->type == ANSWER_TEXT && a->status == MHD_HTTP_OK)
		buf_add(ret, a->body.p, a->body.len);
}

void
reply_metrics(struct reply *r, const struct answer *a, const struct metrics *m,
    uint64_t body_bytes, const bool *relay_up)
{
	struct buf b = {0};

	r->status = MHD_HTTP_OK;
	r->type = ANSWER_TEXT;
	metrics_encode(m, body_bytes, a != NULL, relay_up, &b);
	add_metrics(a, &b);
	body_set(r, &b);
}

void
reply_metrics_more(struct reply *r, const struct answer *a)
{
	struct buf b = {0};

	if (r->body == NULL)
		return;
	buf_add(&b, r->body, r->len);
	add_metrics(a, &b);
	free(STEAL(r->body));
	body_set(r, &b);
}

static const char *
content_type(enum answer_type t)
{
	switch (t) {
	case ANSWER_JSON:
		return "application/json";
	case ANSWER_PROBLEM:
		return "application/problem+json";
	case ANSWER_TEXT:
	case ANSWER_GRANT: /* never sent */
		break;
	}
	return "text/plain; charset=utf-8";
}

static bool
headers_add(
    const struct reply *r, struct MHD_Response *resp, const char *request_id, bool close)
{
	char retry[16];

	(void)snprintf(retry, sizeof(retry), "%u", r->retry_after_s);
	return MHD_add_response_header(resp, "Content-Type", content_type(r->type)) ==
		   MHD_YES &&
	       MHD_add_response_header(resp, "X-Request-Id", request_id) == MHD_YES &&
	       MHD_add_response_header(resp, "Cache-Control", "no-store") == MHD_YES &&
	       (r->retry_after_s == 0 ||
		   MHD_add_response_header(resp, "Retry-After", retry) == MHD_YES) &&
	       (r->allow == NULL ||
		   MHD_add_response_header(resp, "Allow", r->allow) == MHD_YES) &&
	       (!close ||
		   MHD_add_response_header(resp, "Connection", "close") == MHD_YES);
}

bool
reply_send(
    struct reply *r, struct MHD_Connection *mhd, const char *request_id, bool close)
{
	enum MHD_ResponseMemoryMode mode =
	    r->body != NULL ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT;
	struct MHD_Response *resp =
	    MHD_create_response_from_buffer(r->len, r->body, mode);
	bool ok;

	if (resp == NULL)
		return false;
	r->body = NULL; /* the library's now */
	ok = headers_add(r, resp, request_id, close || r->close) &&
	     MHD_queue_response(mhd, r->status, resp) == MHD_YES;
	MHD_destroy_response(resp);
	return ok;
}
