/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11/share.h - memory that parent and child share: what each job in the child has
 * come to. */
#ifndef KD_PKCS11_SHARE_H
#define KD_PKCS11_SHARE_H
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/*
 * One cell for each job that was handed to the child and not yet answered. A thread moves
 * it from queued to begun before C_SignInit and from begun to signing before C_Sign; the
 * parent takes a job back by moving it to cancelled, from queued or, when the child is
 * done for, from begun. Only one of the two can succeed, so the parent knows for every
 * job of a dead or hung child whether the token may have signed it. All in one word, with
 * the job's serial (a stale message for a reused cell fails) and the time of beginning
 * (for the deadline).
 */
#define SHARE_SESSIONS_MAX 64
#define SHARE_CELLS_MAX (2 * SHARE_SESSIONS_MAX)
#define SHARE_PROBE SHARE_CELLS_MAX /* the cell of the child's own look at the token */

struct share_cell {
	_Alignas(64) _Atomic uint64_t word; /* one cache line each */
};

struct share {
	struct share_cell cells[SHARE_CELLS_MAX + 1];
};

/* Parent: a new job in the cell. */
void share_offer(struct share *s, uint32_t cell, uint32_t serial);
/* Child: true when the job is now ours to sign. */
bool share_begin(struct share *s, uint32_t cell, uint32_t serial, uint64_t now_ms);
/* Child: true when the token may now be asked for the signature. */
bool share_sign(struct share *s, uint32_t cell, uint32_t serial);
/* Child: nothing is going on in the cell any more (the probe's; a job's cell is the
 * parent's). */
void share_end(struct share *s, uint32_t cell);
/* Parent: true when the token has never heard of it and never will. */
bool share_cancel(struct share *s, uint32_t cell, uint32_t serial);
/* Parent, of a child that is dead or about to be killed: true when the token has not been
 * asked to sign it and never will be. */
bool share_stop(struct share *s, uint32_t cell, uint32_t serial);
/* Parent: true when begun; *ret_ms: since how long. */
bool share_begun(const struct share *s, uint32_t cell, uint64_t now_ms, uint64_t *ret_ms);

/* A memfd of that size, mapped; both are the caller's. Errors: KD_E_NOMEM, KD_E_BUG. */
bool share_new(struct share **ret, int *ret_fd, struct kd_err *e) KD_MUST;
bool share_map(int fd, struct share **ret, struct kd_err *e) KD_MUST;
void share_unmap(struct share *s);
#endif
