/* SPDX-License-Identifier: Apache-2.0 */
/* peer_link.h - the one connection to a process behind the front (the keeper, the relay),
 * shared by all requests. */
#ifndef KD_FRONT_PEER_LINK_H
#define KD_FRONT_PEER_LINK_H
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/own.h"
#include "wire/frame.h"
#include "wire/front_msg.h"

struct peer_link; /* opaque: socket, thread, table of open asks */

struct peer_link_options { /* texts are borrowed while the link lives */
	const char *name;  /* "keeper", "relay": in messages and the log */
	const char *path;
	uid_t uid;         /* whom the socket must belong to, or root */
	size_t asks_max;   /* open at one time; more are answered KD_E_BUSY */
	size_t bytes_max;  /* waiting for a peer that does not read; the same for more */
	size_t answer_max; /* bytes of one answer; beyond, the peer is broken */
	enum kd_code late; /* what an ask gets that is not answered by its backstop ... */
	const char *late_hint;
	const char *lost_hint; /* ... and what to do when the connection is lost */
	bool hasty; /* who is silent is taken for lost: what it was asked ends at once */
};

/*
 * Called exactly once per ask, without any lock held, from the link's thread or from
 * within peer_link_ask: with the answer (borrowed for the call), or with a == NULL and
 * the error: KD_E_UNREACHABLE (no peer, connection lost), options' late (backstop
 * passed), KD_E_BUSY (table full), KD_E_NOMEM, KD_E_TOO_LARGE. It must not wait; it may
 * ask another link.
 */
typedef void peer_done(void *cls, const struct answer *a, const struct kd_err *e);

struct peer_question { /* borrowed for the call */
	enum frame_type type;
	void (*encode)(const void *msg, struct buf *ret); /* appends the payload */
	const void *msg;
	size_t size; /* of what in it a client chose the length of: its body */
};

/*
 * peer_link_start - start the thread that connects, and connects again with back-off.
 *
 * A peer that is not there is no error: asks are then answered KD_E_UNREACHABLE at once.
 * Errors: KD_E_NOMEM, KD_E_BUG (no thread, no eventfd).
 */
bool peer_link_start(const struct peer_link_options *o, struct peer_link **ret,
    struct kd_err *e) KD_MUST;

/*
 * peer_link_ask - hand one question to the peer. Never blocks.
 *
 * backstop_ms  from now; then done gets options' late and a later answer is dropped
 */
void peer_link_ask(struct peer_link *l, const struct peer_question *q,
    uint64_t backstop_ms, peer_done *done, void *cls);

bool peer_link_up(struct peer_link *l);
/* Whatever is open gets KD_E_UNREACHABLE before this returns; later asks get it at once.
 */
void peer_link_close(struct peer_link *l);
/* Closes, and ends the thread. */
void peer_link_free(struct peer_link *l);
AUTO_DEFINE(struct peer_link, peer_link_free);
#endif
