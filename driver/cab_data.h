/* SPDX-License-Identifier: Apache-2.0 */
/* driver/cab_data.h - a cabinet's data blocks: are they what the tables say? */
#ifndef KD_CAB_DATA_H
#define KD_CAB_DATA_H
#include "authenticode/cab.h"

/* What a small cabinet may unpack to, and how many times its size a larger one: zero bytes
 * pack a thousandfold, drivers and their symbols less than fiftyfold. */
#define CAB_UNPACK_FREE ((uint64_t)64 << 20)
#define CAB_UNPACK_TIMES 100u
#define CAB_UNPACK_MAX ((uint64_t)65535 * 32768)
#define CAB_UNPACK_FILES_MAX ((size_t)5000) /* real packages have some hundred */

/*
 * cab_data_check - walk every folder's blocks, in bounded memory: one behind the other,
 * within the cabinet, of fitting lengths and sums, packed by MSZIP or not at all; files
 * that do not overlap and have their bytes in them.
 *
 * What passes here may be unpacked: into no more than CAB_UNPACK_MAX bytes, nor many times
 * the cabinet's size.
 * ret_sums  has every block a sum? One without is right, too
 * Errors: KD_E_FORMAT names folder, block or file; KD_E_LIMIT, KD_E_FILE, KD_E_NOMEM.
 * Spec:   [MS-CAB] 2.4, 3.1.
 */
bool cab_data_check(int fd, const struct cab *c, const struct cab_dir *d, bool *ret_sums,
    struct kd_err *e) KD_MUST;
/* The same cabinet into out_fd, an empty file, with the sums that it lacks: libgcab takes
 * none without. KD_E_IO, and as cab_data_check. */
bool cab_data_add_sums(int fd, const struct cab *c, const struct cab_dir *d, int out_fd,
    struct kd_err *e) KD_MUST;
#endif
