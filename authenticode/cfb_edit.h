/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/cfb_edit.h - puts streams into the root of a compound file and takes them out,
 * and leaves everything else where and as it is. */
#ifndef KD_CFB_EDIT_H
#define KD_CFB_EDIT_H
#include "authenticode/cfb.h"

struct cfb_stream { /* borrowed */
	const uint8_t *name; /* UTF-16LE */
	size_t name_len;     /* bytes, at most 62 */
	const uint8_t *data; /* NULL: the stream is taken out, or was never there */
	size_t len;          /* at least 1 */
};

/* Refuses bytes behind the last sector, which a longer file would have no place for.
 * KD_E_FORMAT. The tables may be dropped. */
bool cfb_check_end(const struct cfb *c, struct kd_err *e) KD_MUST;

/*
 * cfb_edit - a copy of a compound file with these streams in its root.
 *
 * The directory's other entries, all other streams and their places stay as they are, but for
 * the links between the root's children, which become a red-black tree anew. Free sectors are
 * used first, the rest goes behind the last one; sectors that become free are filled with zeros.
 *
 * c       as cfb_open left it, changed on the way: of no further use but cfb_clear
 * out_fd  empty, read and write
 * Errors: KD_E_FORMAT (bytes behind the last sector, a storage of that name), KD_E_LIMIT,
 *         KD_E_IO, KD_E_FILE, KD_E_NOMEM.
 * Spec:   [MS-CFB] 2.6.4 and all of 2.
 */
bool cfb_edit(int in_fd, struct cfb *c, const struct cfb_stream *v, size_t n, int out_fd,
    struct kd_err *e) KD_MUST;
#endif
