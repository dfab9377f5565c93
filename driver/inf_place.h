/* SPDX-License-Identifier: Apache-2.0 */
/* driver/inf_place.h - [SourceDisksFiles] and [SourceDisksNames]: where a file lies. For
 * inf_files*.c. */
#ifndef KD_INF_PLACE_H
#define KD_INF_PLACE_H
#include "driver/inf_files.h"

struct inf_disks { /* of one INF; all may be NULL */
	/* by architecture, the last one for all of them */
	const struct inf_section *files[INF_ARCHS + 1], *names[INF_ARCHS + 1];
};
void inf_disks_init(const struct inf *f, struct inf_disks *ret);

enum inf_place {
	INF_PLACE_NONE,    /* not in [SourceDisksFiles] */
	INF_PLACE_NO_DISK, /* its disk is not in [SourceDisksNames] */
	INF_PLACE_OUTSIDE, /* "..": not in the folder */
	INF_PLACE_FOUND
};
/*
 * inf_place_of - where the source file lies for an architecture.
 *
 * ret  replaced by the path from the INF's folder, '/' between its parts
 */
bool inf_place_of(const struct inf *f, const struct inf_disks *d, enum inf_arch arch,
    const char *source, enum inf_place *ret_place, struct buf *ret,
    struct kd_err *e) KD_MUST;
#endif
