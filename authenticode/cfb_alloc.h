/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/cfb_alloc.h - free sectors and entries of a compound file that is being changed. */
#ifndef KD_CFB_ALLOC_H
#define KD_CFB_ALLOC_H
#include "authenticode/cfb.h"

/* A change under way, in memory; all-zero but for c is the beginning. */
struct cfb_change {
	struct cfb *c;
	uint32_t from, mini_from;     /* where the next free sector may be */
	struct cfb_chain blank, mini_blank; /* filled with zeros: taken anew, or become free */
};
void cfb_change_clear(struct cfb_change *g);
AUTO_DEFINE_CLEAR(struct cfb_change, cfb_change_clear);

/* A chain for len bytes, in sectors or, when short, mini sectors; ret: its numbers, ascending. */
bool cfb_alloc_stream(
    struct cfb_change *g, uint64_t len, struct cfb_chain *ret, struct kd_err *e) KD_MUST;
/* The sectors of an entry's stream become free. */
bool cfb_free_stream(struct cfb_change *g, uint32_t id, struct kd_err *e) KD_MUST;
/* An unused entry; the directory may grow for it. */
bool cfb_alloc_entry(struct cfb_change *g, uint32_t *ret, struct kd_err *e) KD_MUST;
/* An entry as [MS-CFB] 2.6.3 wants unused ones. */
void cfb_blank_entry(uint8_t entry[CFB_ENTRY_LEN]);
/* Where in the file a mini sector is. */
uint64_t cfb_mini_off(const struct cfb *c, uint32_t mini);
#endif
