/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/keeper/call.h - one question of the front's: told, refused, looked up. */
#ifndef KD_KEEPER_CALL_H
#define KD_KEEPER_CALL_H
#include "daemon/keeper/keeper.h"

/* A question while it is being decided; everything borrowed. */
struct call {
	struct keeper *k;
	struct front_conn *conn;
	uint64_t frame_id;
	const struct ask *ask;
	const struct identity *who; /* NULL over the status socket */
};

/* ---- prepare.c and ask.c: a request to sign ---- */

/*
 * Parses it, decides, and builds what is to be signed: a small one at once, a large one in
 * a thread of its own, so that nobody waits for it. Answered in any case.
 */
void prepare_sign(const struct call *c);
/* Those that no thread will finish; at the end. */
void prepare_forget(struct keeper *k);
/* What was prepared under the settings of now goes its way. take_r moves in, whatever
 * happens. KD_E_BUSY, KD_E_NOMEM. */
bool sign_begin(const struct call *c, struct request *take_r, struct kd_err *e) KD_MUST;

/* ---- waiter.c ---- */

void tell_problem(struct front_conn *c, uint64_t frame_id, const char *request_id,
    const struct kd_err *e);
/* What is known of r now; not while it is being encoded. */
void tell(struct request *r, const struct waiter *w);
/*
 * Done before everything is told of a request whose items are all decided: then comes
 * encoded, at once, or later when the answer is so large that it is made in the pool.
 */
void encode_answer(
    struct keeper *k, struct request *r, void (*encoded)(void *self), void *self);
/* All waiters get the answer, or the problem where there is one. */
void tell_all(struct request *r, const struct kd_err *problem);
bool waiter_add(
    struct request *r, const struct call *c, uint64_t wait_ms, struct kd_err *e) KD_MUST;
/* The same for a copy of like, whose conn is held once more. Both: KD_E_BUSY when too
 * many wait for a large answer, KD_E_NOMEM. */
bool waiter_put(struct request *r, struct keeper *k, const struct waiter *like,
    struct kd_err *e) KD_MUST;
/* Waiters whose time is up get what there is; returns the next one's time. */
uint64_t waiters_release(struct request *r, uint64_t now_ms);
void waiters_forget(struct request *r);

/* ---- refuse.c ---- */

/* An operation for the record, handed over at the end of the turn. */
void op_submit(struct keeper *k, struct record_op *op);
/* First thing in each op's done: keeps count and remembers whether the record can be
 * written. */
void op_came_back(struct keeper *k, const struct record_op *op);
/* The client hears that nothing can be recorded; the log says why. */
void fail_record(struct kd_err *e);
/* The whole request is refused. A decision against a client is recorded before it is
 * told. r may be NULL. */
void refuse(
    const struct call *c, const struct api_sign_request *r, const struct kd_err *e);
/* The same for one that was looked up in the record first. */
void refuse_late(struct keeper *k, struct front_conn *conn, uint64_t frame_id,
    const struct request *r, const struct kd_err *e);
/* Tries whether the record can be written again. */
void record_probe(struct keeper *k);

/* ---- lookup.c ---- */

void fail_unknown_id(struct kd_err *e, const char *id);
/* An id belongs to one client, and to one content (NULL: not compared). KD_E_NOT_FOUND,
 * KD_E_CONFLICT. */
bool check_owner(const struct request *r, const uint8_t client[32],
    const uint8_t content[32], struct kd_err *e) KD_MUST;
/*
 * look_up - answer from the record; take_req moves in, whatever happens.
 *
 * compare    the content must be the same (POST)
 * otherwise  told when the record does not know the id
 */
bool look_up(const struct call *c, struct request *take_req, bool compare,
    const struct kd_err *otherwise, struct kd_err *e) KD_MUST;

/* ---- pipeline.c ---- */

/* take_r moves in: from here on it is under way. KD_E_BUSY, KD_E_NOMEM. */
bool pipeline_begin(
    const struct call *c, struct request *take_r, struct kd_err *e) KD_MUST;
#endif
