/* SPDX-License-Identifier: Apache-2.0 */
/* client/msi_read.h - reads the streams of a compound file with libgsf, and holds what libgsf
 * sees against the directory that was checked before. */
#ifndef CLIENT_MSI_READ_H
#define CLIENT_MSI_READ_H
#include "authenticode/msi_digest.h"

struct msi_read;

/*
 * msi_read_open - hands a checked file to libgsf.
 *
 * fd, tree  as given to and got from cfb_open; borrowed until msi_read_free
 * Errors: KD_E_FORMAT (libgsf does not read it, or sees another tree), KD_E_NOMEM. What GLib
 *         allocates it ends the process over; how much that is the limits of cfb.h bound.
 */
bool msi_read_open(
    int fd, const struct cfb *tree, struct msi_read **ret, struct kd_err *e) KD_MUST;
void msi_read_free(struct msi_read *r);
AUTO_DEFINE(struct msi_read, msi_read_free);

/* A stream's bytes, appended. KD_E_LIMIT when longer than max; KD_E_FORMAT, KD_E_NOMEM. */
bool msi_read_stream(struct msi_read *r, uint32_t id, size_t max, struct buf *ret,
    struct kd_err *e) KD_MUST;
/* As struct msi_streams wants it; self is a struct msi_read. */
bool msi_read_hash(void *self, uint32_t id, struct format_hash *into, struct kd_err *e) KD_MUST;
#endif
