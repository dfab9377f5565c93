/* SPDX-License-Identifier: Apache-2.0 */
/* bench/items.h - bodies of POST /v1/signatures: always the same items, always a fresh
 * id. */
#ifndef BENCH_ITEMS_H
#define BENCH_ITEMS_H
#include <stdint.h>

#include "base/builder.h"
#include "base/error.h"
#include "bench/loads.h"

/* Encoded once and only their ids written anew, so that a client costs next to nothing.
 */
struct items {
	size_t batch;
	size_t bodies_n;
	struct buf bodies[LOAD_ITEMS];
	size_t id_at[LOAD_ITEMS];
	uint64_t run, serial;
};
bool items_make(struct items *s, const char *key, size_t batch, struct kd_err *e) KD_MUST;
void items_clear(struct items *s);
AUTO_DEFINE_CLEAR(struct items, items_clear);
/* Borrowed, until the next call. */
const struct buf *items_next(struct items *s);
/* Status 200 and batch items signed: KD_E_PROTOCOL with the beginning of what came
 * instead. */
bool items_check(const struct items *s, int status, const uint8_t *body, size_t n,
    struct kd_err *e) KD_MUST;
#endif
