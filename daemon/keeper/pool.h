/* SPDX-License-Identifier: Apache-2.0 */
/* daemon/keeper/pool.h - worker threads for what costs CPU: verification and assembly. */
#ifndef KD_KEEPER_POOL_H
#define KD_KEEPER_POOL_H
#include "daemon/keeper/loop.h"

#define POOL_THREADS_MAX 64

struct pool; /* opaque */

/*
 * Finished work goes back to loop, which must outlive the pool.
 *
 * take_max  pieces that a worker may take at once, and hands back together: 1 where one
 *           takes long
 */
bool pool_new(unsigned threads, unsigned take_max, struct loop *loop, struct pool **ret,
    struct kd_err *e) KD_MUST;
/* Does what is queued, then ends the threads. */
void pool_free(struct pool *p);
AUTO_DEFINE(struct pool, pool_free);
/* Takes all of list; run() of each in some worker, then done() in the loop. */
void pool_submit(struct pool *p, struct work_list *list);
#endif
