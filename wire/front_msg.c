/* SPDX-License-Identifier: Apache-2.0 */
/* wire/front_msg.c - payloads of FRAME_ASK and FRAME_ANSWER (docs/PROTOCOL.md "Front and
 * keeper"). */
#include "wire/front_msg.h"

#include <string.h>

#include "base/num.h"
#include "wire/api.h"

#define ASK_FLAG_LOCAL 1u
#define ASK_FLAG_RELAY 2u /* there is one; the other two only with it */
#define ASK_FLAG_RELAY_UP 4u
#define ASK_FLAG_RELAY_APART 8u

static uint16_t
flags_of(const struct ask *a)
{
	unsigned flags = a->local ? ASK_FLAG_LOCAL : 0;

	if (a->relay != ASK_RELAY_NONE)
		flags |= ASK_FLAG_RELAY;
	if (a->relay == ASK_RELAY_UP)
		flags |= ASK_FLAG_RELAY_UP;
	if (a->relay_apart)
		flags |= ASK_FLAG_RELAY_APART;
	return (uint16_t)flags;
}

void
ask_encode(const struct ask *a, struct buf *ret)
{
	buf_u16le(ret, (uint16_t)a->route);
	buf_u16le(ret, flags_of(a));
	buf_u32le(ret, a->deadline_ms);
	buf_u32le(ret, a->wait_ms);
	buf_add(ret, a->request_id, ASK_REQUEST_ID_LEN);
	payload_put_text(ret, a->target);
	payload_put_text(ret, a->peer);
	buf_u8(ret, (uint8_t)a->chain_n);
	for (size_t i = 0; i < a->chain_n; i++)
		payload_put_bytes(ret, a->chain[i]);
	payload_put_bytes(ret, a->body);
}

static void
read_flags(unsigned flags, struct ask *a, struct kd_err *e)
{
	bool relay = (flags & ASK_FLAG_RELAY) != 0;

	if (flags >= 2 * ASK_FLAG_RELAY_APART ||
	    (flags > ASK_FLAG_LOCAL && !relay) ||
	    (relay && a->route != ASK_READY)) {
		kd_fail(e, KD_E_PROTOCOL, "unknown flags %#x", flags);
		return;
	}
	a->local = (flags & ASK_FLAG_LOCAL) != 0;
	if (relay)
		a->relay = (flags & ASK_FLAG_RELAY_UP) != 0 ? ASK_RELAY_UP : ASK_RELAY_DOWN;
	a->relay_apart = (flags & ASK_FLAG_RELAY_APART) != 0;
}

static void
read_chain(struct rd *r, struct ask *a, struct kd_err *e)
{
	size_t n = rd_u8(r, "number of certificates");

	if (n > ASK_CHAIN_MAX) {
		kd_fail(e, KD_E_PROTOCOL, "%zu certificates, at most %d allowed", n,
		    ASK_CHAIN_MAX);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		a->chain[i] = payload_bytes(r, ASK_CERT_LEN_MAX, "certificate", e);
		if (a->chain[i].len == 0 && r->bad == NULL)
			kd_fail(e, KD_E_PROTOCOL, "certificate: is empty");
	}
	a->chain_n = n;
}

/* What a route takes beside the caller's identity, and whether the status socket may ask
 * it. */
static const struct {
	bool target, body, wait, local_only, local_too;
} route_takes[] = {
    [ASK_KEYS] = {0},
    [ASK_KEY] = {.target = true},
    [ASK_SIGN] = {.body = true},
    [ASK_SIGNATURE] = {.target = true, .wait = true},
    [ASK_READY] = {.local_too = true},
    [ASK_METRICS] = {.local_only = true},
    [ASK_TIMESTAMP] = {0},
};

static bool
check_who(const struct ask *a, struct kd_err *e)
{
	bool may_local =
	    route_takes[a->route].local_too || route_takes[a->route].local_only;

	if (a->local && !may_local)
		return kd_fail(
		    e, KD_E_PROTOCOL, "route %d asked over the status socket", a->route);
	if (!a->local && route_takes[a->route].local_only)
		return kd_fail(e, KD_E_PROTOCOL, "route %d asked by a client", a->route);
	if (a->local && a->chain_n != 0)
		return kd_fail(e, KD_E_PROTOCOL, "a status question with certificates");
	if (!a->local && a->chain_n == 0)
		return kd_fail(e, KD_E_PROTOCOL, "no client certificate");
	return true;
}

static bool
check_ask(const struct ask *a, struct kd_err *e)
{
	if (e->code != KD_OK)
		return false;
	if (a->deadline_ms == 0 || a->deadline_ms > ASK_DEADLINE_MAX_MS)
		return kd_fail(e, KD_E_PROTOCOL, "deadline: %u ms, must be 1 to %u",
		    a->deadline_ms, ASK_DEADLINE_MAX_MS);
	if (a->wait_ms > (route_takes[a->route].wait ? API_WAIT_MAX_S * 1000u : 0))
		return kd_fail(
		    e, KD_E_PROTOCOL, "wait: %u ms on route %d", a->wait_ms, a->route);
	if (route_takes[a->route].target ? !api_key_name_ok(a->target)
					 : a->target[0] != '\0')
		return kd_fail(e, KD_E_PROTOCOL, "target: wrong for route %d", a->route);
	if (a->body.len != 0 && !route_takes[a->route].body)
		return kd_fail(e, KD_E_PROTOCOL, "body: %zu bytes on route %d",
		    a->body.len, a->route);
	for (const char *s = a->peer; *s != '\0'; s++)
		if (*s <= ' ' || *s > '~')
			return kd_fail(e, KD_E_PROTOCOL, "peer: not printable ASCII");
	return check_who(a, e);
}

bool
ask_decode(struct rd r, struct ask *ret, struct kd_err *e)
{
	struct ask a = {0};
	unsigned route = rd_u16le(&r, "route"), flags = rd_u16le(&r, "flags");

	if (r.bad == NULL && (route < ASK_KEYS || route >= KD_ARRAY_LEN(route_takes)))
		kd_fail(e, KD_E_PROTOCOL, "unknown route %u", route);
	a.route = (enum ask_route)route;
	if (r.bad == NULL)
		read_flags(flags, &a, e);
	a.deadline_ms = rd_u32le(&r, "deadline");
	a.wait_ms = rd_u32le(&r, "wait");
	payload_request_id(&r, a.request_id, e);
	payload_text(&r, a.target, ASK_TARGET_MAX, "target", e);
	payload_text(&r, a.peer, ASK_PEER_MAX, "peer", e);
	read_chain(&r, &a, e);
	a.body = payload_bytes(&r, BUF_MAX, "body", e);
	if (!payload_end(&r, "ask", e))
		return false;
	if (!check_ask(&a, e))
		return kd_in(e, "ask");
	*ret = a;
	return true;
}

void
answer_encode(const struct answer *a, struct buf *ret)
{
	buf_u16le(ret, a->status);
	buf_u16le(ret, (uint16_t)a->type);
	buf_u32le(ret, a->retry_after_s);
	payload_put_bytes(ret, a->body);
}

bool
answer_decode(struct rd r, struct answer *ret, struct kd_err *e)
{
	struct answer a = {0};
	unsigned type;

	a.status = rd_u16le(&r, "status");
	type = rd_u16le(&r, "type");
	a.retry_after_s = rd_u32le(&r, "retry after");
	a.body = payload_bytes(&r, BUF_MAX, "body", e);
	if (!payload_end(&r, "answer", e))
		return false;
	if (a.status < 200 || a.status > 599)
		return kd_fail(
		    e, KD_E_PROTOCOL, "answer: status %u, must be 200 to 599", a.status);
	if (type < ANSWER_JSON || type > ANSWER_GRANT)
		return kd_fail(e, KD_E_PROTOCOL, "answer: unknown type %u", type);
	if (type == ANSWER_GRANT && (a.status != 200 || a.body.len != ANSWER_GRANT_LEN))
		return kd_fail(e, KD_E_PROTOCOL,
		    "answer: a grant of %zu bytes with status %u, must be %d with 200",
		    a.body.len, a.status, ANSWER_GRANT_LEN);
	a.type = (enum answer_type)type;
	*ret = a;
	return true;
}
