/* SPDX-License-Identifier: Apache-2.0 */
/* wire/front_msg.h - front → keeper: one HTTP request; keeper or relay → front: its answer. */
#ifndef KD_FRONT_MSG_H
#define KD_FRONT_MSG_H
#include <stddef.h>
#include <stdint.h>

#include "base/builder.h"
#include "base/error.h"
#include "base/reader.h"
#include "wire/payload.h"

enum ask_route { /* the front's routes[]; the keeper's handlers[] has the same order */
	ASK_KEYS = 1,     /* GET /v1/keys */
	ASK_KEY,          /* GET /v1/keys/{name} */
	ASK_SIGN,         /* POST /v1/signatures */
	ASK_SIGNATURE,    /* GET /v1/signatures/{id}?wait=S */
	ASK_READY,        /* GET /readyz, also from status-listen */
	ASK_METRICS,      /* GET /metrics, status-listen only */
	ASK_TIMESTAMP     /* POST /v1/timestamps: may this client ask the relay? The body stays with the front */
};

#define ASK_CHAIN_MAX 8              /* certificates, leaf first */
#define ASK_CERT_LEN_MAX (16u << 10) /* bytes of DER each */
#define ASK_TARGET_MAX 64            /* {name} or {id} */
#define ASK_PEER_MAX 64              /* "192.0.2.7:51234", for the record */
#define ASK_REQUEST_ID_LEN PAYLOAD_REQUEST_ID_LEN /* hex digits, made by the front, in logs and problems */
#define ASK_DEADLINE_MAX_MS 3600000u

enum ask_relay { ASK_RELAY_NONE, ASK_RELAY_DOWN, ASK_RELAY_UP };

struct ask {
	enum ask_route route;
	char request_id[ASK_REQUEST_ID_LEN + 1];
	char target[ASK_TARGET_MAX + 1];
	char peer[ASK_PEER_MAX + 1];
	uint32_t deadline_ms; /* from receipt; then the keeper answers 202 with what is still pending */
	uint32_t wait_ms;     /* ASK_SIGNATURE: long poll, 0 = at once */
	enum ask_relay relay; /* ASK_READY: what the front knows of the relay */
	bool relay_apart;     /* and that it runs as a user of its own */
	bool local;           /* came over status-listen: no chain, only READY and METRICS allowed */
	struct der chain[ASK_CHAIN_MAX];
	size_t chain_n;       /* 0 only when local */
	struct der body;      /* ASK_SIGN: the JSON, unopened */
};

enum answer_type {
	ANSWER_JSON = 1,
	ANSWER_PROBLEM,
	ANSWER_TEXT,
	/* never for a client: to ASK_TIMESTAMP, "yes". Status 200, body: the ANSWER_GRANT_LEN
	 * bytes of the SHA-256 of the client's public key, who it is for the relay */
	ANSWER_GRANT
};
#define ANSWER_GRANT_LEN 32

struct answer {
	uint16_t status;        /* HTTP */
	enum answer_type type;
	uint32_t retry_after_s; /* 0: no header */
	struct der body;
};

/* Appends the payload. */
void ask_encode(const struct ask *a, struct buf *ret);
/* Pointers in ret borrow from r's bytes. KD_E_PROTOCOL on anything out of its range. */
bool ask_decode(struct rd r, struct ask *ret, struct kd_err *e) KD_MUST;
void answer_encode(const struct answer *a, struct buf *ret);
bool answer_decode(struct rd r, struct answer *ret, struct kd_err *e) KD_MUST;
#endif
