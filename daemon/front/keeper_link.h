/* SPDX-License-Identifier: Apache-2.0 */
/* keeper_link.h - the one connection to the keeper, shared by all requests. */
#ifndef KD_FRONT_KEEPER_LINK_H
#define KD_FRONT_KEEPER_LINK_H
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/own.h"
#include "wire/api.h"
#include "wire/front_msg.h"

/* An answer of 1000 items is some 9 MB of base64, of a large catalog 22 MiB; beyond this,
 * a little more than the largest body, the keeper is broken. */
#define KEEPER_ANSWER_MAX (API_ANSWER_MAX + 1024)

struct keeper_link; /* opaque: socket, thread, table of open asks */

struct keeper_link_options {
	const char *path; /* borrowed while the link lives */
	uid_t uid;        /* whom the socket must belong to, or root */
	size_t asks_max;  /* open at one time; more are answered KD_E_BUSY */
	size_t bytes_max; /* waiting for a keeper that does not read; the same for more */
};

/*
 * Called exactly once per ask, without any lock held, from the link's thread or from
 * within keeper_link_ask: with the answer (borrowed for the call), or with a == NULL and
 * the error: KD_E_UNREACHABLE (no keeper, connection lost), KD_E_TOKEN_TIMEOUT (backstop
 * passed), KD_E_BUSY (table full), KD_E_NOMEM, KD_E_TOO_LARGE.
 */
typedef void keeper_done(void *cls, const struct answer *a, const struct kd_err *e);

/*
 * keeper_link_start - start the thread that connects, and connects again with back-off.
 *
 * A keeper that is not there is no error: asks are then answered KD_E_UNREACHABLE at
 * once. Errors: KD_E_NOMEM, KD_E_BUG (no thread, no eventfd).
 */
bool keeper_link_start(const struct keeper_link_options *o, struct keeper_link **ret,
    struct kd_err *e) KD_MUST;

/*
 * keeper_link_ask - hand one request to the keeper. Never blocks.
 *
 * a            borrowed for the call
 * backstop_ms  from now; then done gets KD_E_TOKEN_TIMEOUT and a later answer is dropped
 */
void keeper_link_ask(struct keeper_link *l, const struct ask *a, uint64_t backstop_ms,
    keeper_done *done, void *cls);

bool keeper_link_up(struct keeper_link *l);
/* Whatever is open gets KD_E_UNREACHABLE before this returns; later asks get it at once.
 */
void keeper_link_close(struct keeper_link *l);
/* Closes, and ends the thread. */
void keeper_link_free(struct keeper_link *l);
AUTO_DEFINE(struct keeper_link, keeper_link_free);
#endif
