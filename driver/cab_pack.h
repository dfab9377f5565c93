/* SPDX-License-Identifier: Apache-2.0 */
/* driver/cab_pack.h - files into a cabinet, and out of one; all that libgcab is asked for. */
#ifndef KD_CAB_PACK_H
#define KD_CAB_PACK_H
#include <stddef.h>
#include <stdint.h>

#include "authenticode/cab.h"
#include "base/error.h"

#define CAB_PACK_FILES_MAX ((size_t)65535) /* cFiles has 16 bits */
/* What one data folder takes: 65535 blocks of 32 KiB. */
#define CAB_PACK_LEN_MAX ((uint64_t)65535 * 32768)
#define CAB_PACK_NAME_MAX ((size_t)255) /* bytes; a cabinet's field has 256 with its NUL */

struct cab_item {
	const char *name; /* in the cabinet, UTF-8: "Folder\file.sys" */
	const char *path; /* on disk */
};

/*
 * cab_pack - write a cabinet of these files: MSZIP, one data folder, no set, not signed.
 *
 * The same names, contents and times give the same bytes, in whatever order they come:
 * files are sorted by name. A time is the file's own, in UTC; SOURCE_DATE_EPOCH of the
 * environment, in seconds since 1970, takes its place for all of them. The attribute that
 * says UTF-8 is set where a name is not ASCII.
 *
 * items   1 to CAB_PACK_FILES_MAX; borrowed, not changed
 * out_fd  an empty regular file, open for reading and writing; after a failure its content
 *         is worthless
 * Errors: KD_E_FORMAT (a name that is empty, too long, no UTF-8, there twice in whatever
 *         case, or leads out of the cabinet's folders);
 *         KD_E_LIMIT (CAB_PACK_*_MAX, CAB_UNPACK_TIMES), KD_E_USAGE (SOURCE_DATE_EPOCH),
 *         KD_E_FILE (also one that changed meanwhile), KD_E_IO, KD_E_NOMEM.
 * Spec:   [MS-CAB] 2; cabinet facts 3.
 */
bool cab_pack(
    const struct cab_item *items, size_t n, int out_fd, struct kd_err *e) KD_MUST;

/* A name as cab_pack takes it: UTF-8, parts that Windows allows, none of them "..". */
bool cab_name_check(const char *name, struct kd_err *e) KD_MUST;
/* As names are sorted: ASCII letters in any case are one. <0, 0, >0. */
int cab_name_compare(const char *a, const char *b);

/*
 * cab_unpack - the files of a cabinet below a folder, which is there and empty; folders of
 * names are made.
 *
 * fd    of a cabinet that cab_data_check passed: libgcab is not asked about others. One
 *       without sums has to get them first, by cab_data_add_sums
 * d     its directory; each name one that cab_name_check passes, no two compare equal
 * stop  asked before each file: whether to leave off; NULL: never
 * Errors: KD_E_FORMAT (data that does not unpack), KD_E_IO; after one, or when stopped,
 *         which is KD_E_IO too, some of the files may be there.
 */
bool cab_unpack(int fd, const struct cab_dir *d, const char *dir, bool (*stop)(void),
    struct kd_err *e) KD_MUST;
#endif
