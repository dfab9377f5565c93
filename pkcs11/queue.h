/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/queue.h - what the keeper asked for and no session has yet taken: bounded, in
 * turn. */
#ifndef KD_PKCS11_QUEUE_H
#define KD_PKCS11_QUEUE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/md.h"
#include "wire/signer_msg.h"

/* More than a keeper's window allows; what comes beyond it is KD_E_BUSY. */
#define QUEUE_MAX 4096

struct ask {                /* one job and whom to answer */
	uint32_t conn, gen; /* connection, and which use of that place */
	uint64_t frame_id;
	uint64_t deadline_ms; /* not begun by then: refused, unheard */
	uint16_t key;         /* index in the configuration */
	uint8_t mechanism, md, tries;
	uint8_t digest[MD_LEN_MAX];
};

struct queue { /* a ring; all-zero is valid and full */
	struct ask *ring;
	size_t cap, head, n;
};

/* max asks, and reserve more that only queue_unshift may use. Errors: KD_E_NOMEM. */
bool queue_init(struct queue *q, size_t max, size_t reserve, struct kd_err *e) KD_MUST;
void queue_clear(struct queue *q);
void queue_push(struct queue *q, const struct ask *a);    /* at the end; not when full */
void queue_unshift(struct queue *q, const struct ask *a); /* back to the front */
bool queue_shift(struct queue *q, struct ask *ret);       /* false when empty */
/* Takes out each ask for which pick says so, keeping the order of the rest; pick may
 * answer it. */
void queue_take_if(
    struct queue *q, bool (*pick)(void *self, const struct ask *a), void *self);
/* The earliest deadline in the queue; UINT64_MAX when empty. */
uint64_t queue_deadline(const struct queue *q);
#endif
