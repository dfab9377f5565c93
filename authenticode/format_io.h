/* SPDX-License-Identifier: Apache-2.0 */
/* authenticode/format_io.h - parts of a file into a digest or into another file, in
 * bounded memory: what every format (format.h) does. */
#ifndef KD_FORMAT_IO_H
#define KD_FORMAT_IO_H
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/md.h"
#include "base/own.h"

struct format_hash; /* a digest under way */
bool format_hash_new(enum md md, struct format_hash **ret, struct kd_err *e) KD_MUST;
void format_hash_free(struct format_hash *h);
AUTO_DEFINE(struct format_hash, format_hash_free);
bool format_hash_add(
    struct format_hash *h, const void *p, size_t n, struct kd_err *e) KD_MUST;
/* Bytes [from, to) of fd. KD_E_FILE when the file ends before. */
bool format_hash_file(struct format_hash *h, int fd, uint64_t from, uint64_t to,
    struct kd_err *e) KD_MUST;
/* Once. */
bool format_hash_done(
    struct format_hash *h, uint8_t ret[MD_LEN_MAX], struct kd_err *e) KD_MUST;

/* Exactly n bytes at off of fd. KD_E_IO. */
bool format_pwrite(
    int fd, const void *p, size_t n, uint64_t off, struct kd_err *e) KD_MUST;
/* Bytes [from, to) of in_fd to off of out_fd, within the kernel where that works.
 * KD_E_FILE, KD_E_IO, KD_E_NOMEM. */
bool format_copy(int in_fd, uint64_t from, uint64_t to, int out_fd, uint64_t off,
    struct kd_err *e) KD_MUST;
#endif
