/* SPDX-License-Identifier: Apache-2.0 */
/* client/stamp_ask.c - one timestamp asked of one authority, and checked. */
#include "client/stamp_ask.h"

#include <string.h>

#include "base/num.h"
#include "base/text.h"
#include "client/server_stamp.h"

void
stamp_answer_clear(struct stamp_answer *a)
{
	buf_clear(&a->value);
	certs_free(a->certs);
	*a = (struct stamp_answer){0};
}

static bool
read_stamp(const struct stamp_question *q, const struct stamp_answer *a,
    struct tsp_stamp *ret, struct kd_err *e)
{
	return q->kind == TSP_RFC3161
		   ? tsp_read_token(a->value.p, a->value.len, ret, e)
		   : tsp_read_countersignature(
			 a->value.p, a->value.len, a->certs, ret, e);
}

/* Without roots the chain ends somewhere, and is still to be in order as far as it goes. */
static bool
check_chain(const struct stamp_question *q, const struct tsp_stamp *s, struct kd_err *e)
{
	AUTO(chain_clear) struct chain chain = {0};
	AUTO(certs_free) struct certs *none = NULL;
	const struct chain_check *checks[] = {
	    &chain.trust, &chain.validity, &chain.eku, &chain.key_usage};
	size_t first = q->roots != NULL ? 0 : 1;

	if (!certs_new(&none, e) ||
	    !tsp_check_chain(s, q->roots != NULL ? q->roots : none, &chain, e))
		return false;
	for (size_t i = first; i < KD_ARRAY_LEN(checks); i++)
		if (!checks[i]->ok)
			return kd_fail(e, KD_E_NOT_VERIFIED,
			    "certificate of the authority: %s", checks[i]->detail);
	return true;
}

/* What the answer says, read from the very bytes that will be embedded. */
static bool
check_answer(const struct stamp_question *q, struct stamp_answer *a, struct kd_err *e)
{
	AUTO(tsp_stamp_clear) struct tsp_stamp s = {0};

	if (!read_stamp(q, a, &s, e))
		return false;
	if (q->kind == TSP_RFC3161 && s.md != q->md)
		return kd_fail(e, KD_E_NOT_VERIFIED,
		    "imprint is by %s, expected %s", md_name(s.md), md_name(q->md));
	a->time = s.time;
	return tsp_check(&s, q->signature, q->signature_len, e) && check_chain(q, &s, e);
}

static bool
encode(const struct stamp_question *q, struct tsp_query *ret_query, struct buf *ret,
    struct kd_err *e)
{
	if (q->kind == TSP_LEGACY)
		return tsp_legacy_encode(q->signature, q->signature_len, ret, e);
	return tsp_query_new(q->md, q->signature, q->signature_len, ret_query, e) &&
	       tsp_query_encode(ret_query, ret, e);
}

static bool
parse_legacy(const struct stamp_question *q, const struct buf *got,
    struct stamp_answer *ret, struct kd_err *e)
{
	return certs_new(&ret->certs, e) &&
	       tsp_legacy_parse(got->p, got->len, q->signature, q->signature_len,
		   &ret->value, ret->certs, e);
}

bool
stamp_ask_tsa(struct net_tsa *n, const char *url, const struct stamp_question *q,
    struct stamp_answer *ret, struct kd_err *e)
{
	AUTO(buf_clear) struct buf body = {0};
	AUTO(buf_clear) struct buf got = {0};
	struct tsp_query query;
	struct net_tsa_request request = {
	    .url = url, .kind = q->kind, .deadline_ms = q->deadline_ms};

	if (!encode(q, &query, &body, e))
		return false;
	request.body = body.p;
	request.body_len = body.len;
	if (!net_tsa_ask(n, &request, &got, e))
		return false;
	if ((q->kind == TSP_LEGACY ? parse_legacy(q, &got, ret, e)
				   : tsp_answer_parse(got.p, got.len, &query, &ret->value,
					 e)) &&
	    check_answer(q, ret, e))
		return true;
	return kd_in(e, "'%s'", SHOW(url));
}

bool
stamp_ask_server(struct server *s, const struct stamp_question *q,
    struct stamp_answer *ret, struct kd_err *e)
{
	AUTO(buf_clear) struct buf got = {0};
	struct api_stamp_request request = {
	    .kind = q->kind == TSP_LEGACY ? API_STAMP_LEGACY : API_STAMP_RFC3161,
	    .md = q->md,
	};

	if (q->kind == TSP_RFC3161) {
		if (!md_digest(q->md, q->signature, q->signature_len, request.digest, e))
			return false;
	} else {
		if (q->signature_len > sizeof(request.signature))
			return kd_fail(e, KD_E_LIMIT,
			    "signature of %zu bytes, at most %zu can be stamped",
			    q->signature_len, sizeof(request.signature));
		memcpy(request.signature, q->signature, q->signature_len);
		request.signature_len = q->signature_len;
	}
	if (!server_stamp(s, &request, q->deadline_ms, &got, e))
		return false;
	if (q->kind == TSP_RFC3161)
		buf_add(&ret->value, got.p, got.len);
	else if (!parse_legacy(q, &got, ret, e))
		return kd_in(e, "the service's timestamp");
	if (buf_ok(&ret->value, "timestamp", e) && check_answer(q, ret, e))
		return true;
	return kd_in(e, "the service's timestamp");
}
