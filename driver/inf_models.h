/* SPDX-License-Identifier: Apache-2.0 */
/* driver/inf_models.h - [Manufacturer] and Models: for which hardware an INF is. */
#ifndef KD_INF_MODELS_H
#define KD_INF_MODELS_H
#include "driver/inf_findings.h"

#define INF_IDS_MAX ((size_t)20000)
#define INF_IDS_TEXT_MAX ((size_t)4 << 20) /* of all together */

struct inf_id {
	char *text;    /* lower case; owned */
	char name[16]; /* "HWID1": what the catalog calls it; set by inf_ids_number */
	size_t order;
};
struct inf_ids {
	struct inf_id *v; /* owned */
	size_t n, room, text;
};
void inf_ids_clear(struct inf_ids *ids);
AUTO_DEFINE_CLEAR(struct inf_ids, inf_ids_clear);

struct inf_models {
	bool any;       /* there is a [Manufacturer] with entries */
	unsigned line;  /* of that section */
	unsigned archs; /* mask of those with decorated Models sections */
	bool plain;     /* there is an undecorated one with entries, which serves x86 */
};

/*
 * inf_models_read - appends every hardware and compatible id, in Inf2Cat's order:
 * manufacturers in the file's order, of each the undecorated Models section and then the
 * decorated ones as they are listed. Models for every architecture and version count.
 *
 * Errors: KD_E_LIMIT, KD_E_NOMEM; what is wrong with the file is found.
 * Spec:   catalog facts 5, "HWID numbering"; INF facts 4.
 */
bool inf_models_read(const struct inf *f, struct inf_ids *ids, struct inf_models *ret,
    struct inf_findings *found, struct kd_err *e) KD_MUST;
/* Takes out the repeated ones, first place kept, and numbers the rest. */
void inf_ids_number(struct inf_ids *ids);
#endif
